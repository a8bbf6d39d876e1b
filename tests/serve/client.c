/* client.c: a client of `fpcore serve` that does as told, well or badly; compiled by tests/cli/serve.sh.
 *   client ask PORT METHOD PATH FILE [HEADER]...    one request; its answer's head goes to the file `head`, its body to
 *                                                   `body`; prints the status. FILE "-": without a body
 *   client flood PORT FILE WANT N AT_ONCE           N pictures, so many at a time; prints how many answers were the
 *                                                   bytes of WANT, how many 503, how many others
 *   client hold PORT FILE WANT FIFO                 sends half of a picture, prints `holding`, waits for FIFO to be
 *                                                   opened and closed, sends the rest; prints the status, and whether
 *                                                   the answer is WANT
 *   client slow PORT HOW                            a byte now and then, of a head (HOW head) or a body (body), or
 *                                                   nothing behind an answer (idle); prints `closed` when the server is
 *                                                   tired of it
 *   client hostile PORT PICTURE.png N SEED          N requests none of which may be answered by 2xx (hostile.h); prints
 *                                                   how often each status came */
#define _GNU_SOURCE
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GUARD = 120 /* seconds after which an answer is missing */ };

static int port;

static blob read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    blob b = {0};

    if (!file) {
        perror(path);
        exit(2);
    }
    for (int c; (c = getc(file)) != EOF;)
        add(&b, &(char){(char)c}, 1);
    fclose(file);
    return b;
}

static int same(const blob *a, const blob *b)
{
    return a->n == b->n && (!a->n || !memcmp(a->at, b->at, a->n));
}

/* ---- a connection ---- */

static int dial(void)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval guard = {GUARD, 0};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &guard, sizeof guard);
    return fd;
}

/* A server that has answered may close before all is sent. */
static int send_all(int fd, const char *data, size_t n)
{
    while (n) {
        const ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
        data += sent;
        n -= (size_t)sent;
    }
    return 1;
}

/* Until the other side closes. 0: it did not. */
static int receive(int fd, blob *got)
{
    char piece[65536];
    ssize_t n;

    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
        add(got, piece, (size_t)n);
    return n == 0 || errno == ECONNRESET;
}

static int status_of(const blob *answer)
{
    int status = 0;

    if (answer->n > 12 && !memcmp(answer->at, "HTTP/1.", 7))
        status = atoi(answer->at + 9);
    return status;
}

/* What stands behind the head; a `100 Continue` before it is passed over. */
static blob body_of(const blob *answer)
{
    const char *end = answer->n ? memmem(answer->at, answer->n, "\r\n\r\n", 4) : NULL;
    blob body = {0};

    if (end)
        body = (blob){(char *)(uintptr_t)end + 4, answer->n - (size_t)(end + 4 - answer->at), 0};
    return status_of(answer) == 100 ? body_of(&body) : body;
}

static void head_of(blob *to, const char *method, const char *path, int n, char **header, const blob *body)
{
    int host = 0, chunked = 0;

    add_text(to, "%s %s HTTP/1.1\r\nConnection: close\r\n", method, path);
    for (int i = 0; i < n; i++) {
        host |= !strncasecmp(header[i], "Host:", 5);
        chunked |= !strncasecmp(header[i], "Transfer-Encoding:", 18);
        add_text(to, "%s\r\n", header[i]);
    }
    if (!host)
        add_text(to, "Host: 127.0.0.1:%d\r\n", port);
    if (body && !chunked)
        add_text(to, "Content-Length: %zu\r\n", body->n);
    add_text(to, "\r\n");
}

/* ---- one request ---- */

static int write_file(const char *path, const char *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    const int good = file && fwrite(data, 1, n, file) == n;

    return (!file || !fclose(file)) && good;
}

static int ask(const char *method, const char *path, const char *file, int n, char **header)
{
    blob body = {0}, request = {0}, answer = {0};
    const int has_body = strcmp(file, "-") != 0, fd = dial();

    if (fd < 0) {
        printf("no connection\n");
        return 1;
    }
    if (has_body)
        body = read_all(file);
    head_of(&request, method, path, n, header, has_body ? &body : NULL);
    add(&request, body.at, body.n);
    send_all(fd, request.at, request.n);
    const int ended = receive(fd, &answer);
    const blob rest = body_of(&answer);
    close(fd);
    printf("%d%s\n", status_of(&answer), ended ? "" : " without an end");
    return !(write_file("body", rest.at, rest.n) && write_file("head", answer.at, answer.n - rest.n));
}

/* ---- many at once ---- */

static struct flood {
    blob request, want;
    int n;
    atomic_int next, right, busy, wrong;
} flood;

static void *flood_one(void *arg)
{
    (void)arg;
    while (atomic_fetch_add(&flood.next, 1) < flood.n) {
        blob answer = {0};
        const int fd = dial();
        if (fd >= 0) {
            send_all(fd, flood.request.at, flood.request.n);
            receive(fd, &answer);
            close(fd);
        }
        const blob body = body_of(&answer);
        const int status = status_of(&answer);
        const int retry = status == 503 && memmem(answer.at, answer.n, "\r\nRetry-After: 1\r\n", 18);
        atomic_fetch_add(status == 200 && same(&body, &flood.want) ? &flood.right
                         : retry                                   ? &flood.busy
                                                                   : &flood.wrong,
                         1);
        free(answer.at);
    }
    return NULL;
}

static int run_flood(const char *file, const char *want, int n, int at_once)
{
    pthread_t thread[256];
    const blob body = read_all(file);
    int started = 0;

    flood.want = read_all(want);
    flood.n = n;
    head_of(&flood.request, "POST", "/segment", 0, NULL, &body);
    add(&flood.request, body.at, body.n);
    while (started < at_once && started < 256 && !pthread_create(&thread[started], NULL, flood_one, NULL))
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    printf("%d right, %d busy, %d wrong\n", flood.right, flood.busy, flood.wrong);
    return started < at_once;
}

/* ---- slowly ---- */

static int hold(const char *file, const char *want_file, const char *fifo)
{
    const blob body = read_all(file), want = read_all(want_file);
    blob head = {0}, answer = {0};
    const int fd = dial();

    if (fd < 0)
        return 1;
    head_of(&head, "POST", "/segment", 0, NULL, &body);
    send_all(fd, head.at, head.n);
    send_all(fd, body.at, body.n / 2);
    printf("holding\n");
    fflush(stdout);
    close(open(fifo, O_RDONLY)); /* waits for somebody who writes */
    send_all(fd, body.at + body.n / 2, body.n - body.n / 2);
    receive(fd, &answer);
    const blob got = body_of(&answer);
    printf("%d, %s\n", status_of(&answer), same(&got, &want) ? "the same" : "other bytes");
    return 0;
}

static int slow(const char *how)
{
    blob head = {0};
    char *none[] = {(char *)(uintptr_t) "X-Slow: 1"}, got[4096];
    const blob body = {NULL, 1 << 20, 0};
    const int fd = dial(), idle = !strcmp(how, "idle");

    head_of(&head, idle ? "GET" : "POST", idle ? "/model" : "/segment", 1, none, idle ? NULL : &body);
    if (idle) /* the connection stays */
        memcpy(memmem(head.at, head.n, "Connection: close", 17), "X-ConnectA: close", 17);
    if (fd < 0 || (strcmp(how, "head") && !send_all(fd, head.at, head.n)))
        return 1;
    for (size_t i = 0; i < 10 * GUARD; i++) {
        struct pollfd look = {.fd = fd, .events = POLLIN};
        if (!idle && !send_all(fd, head.at + i % (head.n / 2), 1))
            break;
        if (poll(&look, 1, 100) > 0 && recv(fd, got, sizeof got, 0) <= 0)
            break;
        if (i + 1 == 10 * GUARD) {
            printf("never closed\n");
            return 1;
        }
    }
    printf("closed\n");
    return 0;
}

/* ---- badly ---- */

static int hostile(const char *file, int n, uint64_t seed)
{
    const blob picture = read_all(file);
    int count[600] = {0}, unreachable = 0, hung = 0, accepted = 0;

    for (int i = 0; i < n; i++) {
        blob request = {0}, answer = {0};
        const char *kind = hostile_make(&request, seed, (uint64_t)i, &picture);
        const int fd = dial();
        if (fd < 0) {
            unreachable++;
            free(request.at);
            continue;
        }
        send_all(fd, request.at, request.n);
        shutdown(fd, SHUT_WR);
        hung += !receive(fd, &answer);
        close(fd);
        const int status = status_of(&answer);
        count[status > 0 && status < 600 ? status : 0]++;
        if (status >= 200 && status < 300) {
            accepted++;
            printf("request %d (%s) was answered by %d\n", i, kind, status);
        }
        free(request.at);
        free(answer.at);
    }
    for (int i = 0; i < 600; i++)
        if (count[i])
            printf("%d%s", count[i], i ? "" : " without an answer"), printf(i ? " of %d; " : "; ", i);
    printf("%d unreachable, %d hung, %d accepted\n", unreachable, hung, accepted);
    return unreachable || hung || accepted;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 4)
        return 2;
    port = atoi(argv[2]);
    if (!strcmp(argv[1], "ask") && argc > 5)
        return ask(argv[3], argv[4], argv[5], argc - 6, argv + 6);
    if (!strcmp(argv[1], "flood") && argc == 7)
        return run_flood(argv[3], argv[4], atoi(argv[5]), atoi(argv[6]));
    if (!strcmp(argv[1], "hold") && argc == 6)
        return hold(argv[3], argv[4], argv[5]);
    if (!strcmp(argv[1], "slow"))
        return slow(argv[3]);
    if (!strcmp(argv[1], "hostile") && argc == 6)
        return hostile(argv[3], atoi(argv[4]), strtoull(argv[5], NULL, 10));
    return 2;
}
