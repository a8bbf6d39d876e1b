/* rules.c: see rules.h. */
#define _GNU_SOURCE
#include "cmd/serve/rules.h"
#include "base/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *path, *methods;
    fpc_serve_target target;
} known[] = {{"/", "GET, HEAD", FPC_SERVE_PAGE},
             {"/model", "GET, HEAD", FPC_SERVE_MODEL},
             {"/segment", "POST", FPC_SERVE_SEGMENT}};
enum { KNOWN = sizeof known / sizeof *known };

int fpc_serve_refuse(fpc_serve_refusal *r, int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(r->why, sizeof r->why, fmt, args);
    va_end(args);
    fpc_defuse(r->why, "");
    r->code = code;
    return 0;
}

/* Whether a word is one of a list like "GET, HEAD". */
static int listed(const char *list, const char *word)
{
    const size_t n = strlen(word);

    for (const char *at = list; n; at += 2) {
        if (!strncmp(at, word, n) && (!at[n] || at[n] == ','))
            return 1;
        if (!(at = strchr(at, ',')))
            break;
    }
    return 0;
}

/* "localhost", "localhost:8080", an address of 127.0.0.0/8 or [::1], with any port: a tunnel may have another. A name
 * like 127.evil.example is none: of addresses there are but digits and dots. */
static int names_loopback(const char *host)
{
    const size_t bracket = *host == '[' ? strcspn(host, "]") : 0, n = bracket + strcspn(host + bracket, ":");

    if (strspn(host + n, ":0123456789") != strlen(host + n))
        return 0;
    return (n == 9 && !strncasecmp(host, "localhost", n)) || (n == 5 && !strncmp(host, "[::1]", n)) ||
           (n > 4 && !strncmp(host, "127.", 4) && strspn(host, "0123456789.") == n);
}

/* Of a page of our own: "http://127.0.0.1:8080" where the host is 127.0.0.1:8080. */
static int is_own(const char *origin, const char *host)
{
    const char *at = strstr(origin, "://");

    return at && host && !strcasecmp(at + 3, host);
}

static int allows_body(const fpc_serve_head *h, const fpc_serve_limits *limits, fpc_serve_refusal *r)
{
    /* The last one is what curl says of --data-binary. */
    static const char *const types[] = {"image/", "application/octet-stream", "application/x-www-form-urlencoded"};
    int known_type = !h->type;

    for (size_t i = 0; i < sizeof types / sizeof *types && h->type; i++)
        known_type |= !strncasecmp(h->type, types[i], strlen(types[i]));
    if (h->encoding && strcasecmp(h->encoding, "identity"))
        return fpc_serve_refuse(r, 415, "Content-Encoding: %.60s is not read; send the picture as it is", h->encoding);
    if (!known_type)
        return fpc_serve_refuse(r, 415,
                                "Content-Type: %.60s is not read; send a JPEG or PNG file itself as the body, as in "
                                "curl --data-binary @face.jpg",
                                h->type);
    return h->length < 0 || !fpc_serve_too_long(limits, (uint64_t)h->length, r);
}

int fpc_serve_too_long(const fpc_serve_limits *limits, uint64_t bytes, fpc_serve_refusal *r)
{
    if (bytes <= (uint64_t)limits->mib << 20)
        return 0;
    fpc_serve_refuse(r, 413, "a file of more than %lld MiB is not taken; send a smaller one, or give more to --max-mib",
                     (long long)limits->mib);
    return 1;
}

int fpc_serve_allows(const fpc_serve_head *h, int loopback, const fpc_serve_limits *limits, fpc_serve_target *target,
                     fpc_serve_refusal *r)
{
    int i = 0;

    *r = (fpc_serve_refusal){0};
    if (loopback && h->host && !names_loopback(h->host))
        return fpc_serve_refuse(r, 403,
                                "this server is reached as localhost, 127.0.0.1 or [::1] alone, not as %.100s; to "
                                "serve others give their address to --host",
                                h->host);
    while (i < KNOWN && strcmp(h->path, known[i].path))
        i++;
    if (i == KNOWN)
        return fpc_serve_refuse(r, 404, "there is no %.100s here; there are /, /model and /segment", h->path);
    if (!listed(known[i].methods, h->method)) {
        r->allow = known[i].methods;
        return fpc_serve_refuse(r, 405, "%s takes %s, not %.30s", known[i].path, known[i].methods, h->method);
    }
    *target = known[i].target;
    if (h->stray || (h->mask && *target != FPC_SERVE_SEGMENT))
        return fpc_serve_refuse(r, 400, "%s has no \"%.60s\"; all that can be asked is /segment?mask", known[i].path,
                                h->stray ? h->stray : "mask");
    if (*target != FPC_SERVE_SEGMENT)
        return 1;
    if (h->origin && !is_own(h->origin, h->host))
        return fpc_serve_refuse(r, 403, "a page of %.100s may not send pictures here; open this server's own page",
                                h->origin);
    return allows_body(h, limits, r);
}
