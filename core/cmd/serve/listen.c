/* listen.c: see serve.h. The socket is opened here and not by the HTTP library, which could not say what is wrong. */
#define _GNU_SOURCE
#include "cmd/serve/serve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int is_loopback(const struct sockaddr *at)
{
    if (at->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)at)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)(const void *)at)->sin_addr.s_addr) >> 24 == 127;
}

static const char *remedy(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; another program has it: give another to --port, or 0 for a free one";
    case EACCES:
        return "; ports below 1024 are the administrator's: give another to --port";
    case EADDRNOTAVAIL:
        return "; --host wants an address of this machine";
    default:
        return "";
    }
}

static int open_socket(const struct addrinfo *at, int *error)
{
    const int on = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
        !bind(fd, at->ai_addr, at->ai_addrlen) && !listen(fd, BACKLOG))
        return fd;
    *error = errno;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void describe(fpc_serve_socket *s, const char *host)
{
    struct sockaddr_storage at = {0};
    socklen_t bytes = sizeof at;
    char address[64] = "", port[16] = "";

    getsockname(s->fd, (struct sockaddr *)&at, &bytes);
    s->loopback = is_loopback((struct sockaddr *)&at);
    if (getnameinfo((struct sockaddr *)&at, bytes, address, sizeof address, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        snprintf(address, sizeof address, "%.60s", host);
    const int v6 = at.ss_family == AF_INET6;
    snprintf(s->url, sizeof s->url, "http://%s%s%s:%s/", v6 ? "[" : "", address, v6 ? "]" : "", port);
}

fpc_status fpc_serve_listen(fpc_ctx *ctx, const char *host, int32_t port, fpc_serve_socket *out)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    char service[16];
    int error = 0;

    *out = (fpc_serve_socket){.fd = -1};
    snprintf(service, sizeof service, "%d", port);
    const int unknown = getaddrinfo(host, service, &hints, &all);
    if (unknown)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore serve: --host %s: %s; an address of this machine is wanted, such as 127.0.0.1, ::1, or "
                        "0.0.0.0 for all of them",
                        host, gai_strerror(unknown));
    for (const struct addrinfo *at = all; at && out->fd < 0; at = at->ai_next)
        out->fd = open_socket(at, &error);
    freeaddrinfo(all);
    if (out->fd < 0)
        return fpc_fail(ctx, FPC_EIO, "fpcore serve: port %d of %s cannot be opened: %s%s", port, host, strerror(error),
                        remedy(error));
    describe(out, host);
    return FPC_OK;
}
