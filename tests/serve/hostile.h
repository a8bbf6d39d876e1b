/* hostile.h: requests that are wrong, each a function of seed and number. None of them is one that a server may take:
 * whatever is drawn at random stands beside something that is wrong in any case. */
#ifndef TESTS_SERVE_HOSTILE_H
#define TESTS_SERVE_HOSTILE_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct blob {
    char *at;
    size_t n, room;
} blob;

static void add(blob *b, const void *data, size_t n)
{
    if (b->n + n > b->room) {
        while (b->room < b->n + n)
            b->room = b->room ? 2 * b->room : 1024;
        if (!(b->at = realloc(b->at, b->room)))
            exit(3);
    }
    if (n)
        memcpy(b->at + b->n, data, n);
    b->n += n;
}

static void add_text(blob *b, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    add(b, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

/* ---- draws ---- */

static uint64_t drawn;

static uint64_t draw(uint64_t below) /* splitmix64 */
{
    uint64_t z = drawn += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

static void add_noise(blob *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(b, &(char){(char)draw(256)}, 1);
}

static void add_letters(blob *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(b, &(char){(char)('a' + draw(26))}, 1);
}

#define ONE_OF(list) (list)[draw(sizeof(list) / sizeof *(list))]

/* ---- heads ---- */

static void broken_line(blob *b, const blob *picture)
{
    static const char *const line[] = {"GET",
                                       "GET /",
                                       "get / HTTP/1.1",
                                       "GET / HTTP/1.1 HTTP/1.1",
                                       " GET / HTTP/1.1",
                                       "GET\t/\tHTTP/1.1",
                                       "GET / HTPP/1.1",
                                       "GET / HTTP/x.y",
                                       "/ GET HTTP/1.1",
                                       "PRI * HTTP/2.0",
                                       "POST HTTP/1.1",
                                       "\x16\x03\x01\x02\x01\xfc\x03\x03",
                                       "HTTP/1.1 200 OK",
                                       "OPTIONS * HTTP/1.1",
                                       "CONNECT 127.0.0.1:22 HTTP/1.1",
                                       "TRACE / HTTP/1.1"};
    (void)picture;
    if (draw(3)) {
        add_text(b, "%s\r\nHost: x\r\n\r\n", ONE_OF(line));
    } else {
        add_noise(b, 1 + draw(500));
        add_text(b, draw(2) ? "\r\n\r\n" : "");
    }
}

static void huge_head(blob *b, const blob *picture)
{
    (void)picture;
    add_text(b, "GET /%s", draw(2) ? "" : "model?");
    if (!draw(3))
        add_letters(b, 33000 + draw(60000));
    add_text(b, " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    if (draw(2)) {
        add_letters(b, 20000 + draw(20000));
        add_text(b, ": ");
        for (uint64_t i = 0, n = 33000 + draw(60000); i < n; i++)
            add(b, &(char){(char)(14 + draw(240))}, 1); /* no line ends */
        add_text(b, "\r\n");
    }
    for (size_t i = 0; i < 4000; i++)
        add_text(b, "X-%zu: %zu\r\n", i, i);
    add_text(b, "\r\n");
}

static void nowhere(blob *b, const blob *picture)
{
    static const char *const path[] = {"/../../../../etc/passwd",
                                       "/..%2f..%2fetc%2fpasswd",
                                       "/%2e%2e/%2e%2e/etc/shadow",
                                       "/....//....//etc/passwd",
                                       "//etc/passwd",
                                       "/segment/../../etc/passwd",
                                       "/..\\..\\windows\\win.ini",
                                       "/%00",
                                       "/model%00.png",
                                       "/file:///etc/passwd",
                                       "http://169.254.169.254/latest/meta-data",
                                       "/best.safetensors",
                                       "/%ff%fe%fd",
                                       "/%",
                                       "/%%%2",
                                       "/segment/",
                                       "/Model",
                                       "/index.html",
                                       "/.git/config",
                                       "/%s%s%s%n%n",
                                       "/\x1b[2J\x07"};
    (void)picture;
    add_text(b, "%s ", draw(2) ? "GET" : "POST");
    const char *chosen = ONE_OF(path);
    add(b, chosen, strlen(chosen));
    if (!draw(4))
        add_letters(b, draw(3000));
    add_text(b, " HTTP/1.%d\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", (int)draw(2));
}

static void wrong_field(blob *b, const blob *picture)
{
    static const char *const field[] = {"Host: evil.example",
                                        "Host: 127.0.0.1.evil.example",
                                        "Host: localhost:80@evil.example",
                                        "Host: [::1",
                                        "Host: ",
                                        "Host: 127.0.0.1\r\nOrigin: null",
                                        "Host: 127.0.0.1\r\nOrigin: http://evil.example",
                                        "Host: 127.0.0.1:1\r\nOrigin: http://127.0.0.1:2",
                                        "Host: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x",
                                        "Host: 127.0.0.1\r\nContent-Type: text/html",
                                        "Host: 127.0.0.1\r\nContent-Encoding: gzip",
                                        "X: no host"};
    static const char *const method[] = {"PUT", "PATCH", "DELETE", "SEGMENT", "post"};

    if (!draw(4)) {
        add_text(b, "%s /segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", ONE_OF(method));
        return;
    }
    add_text(b, "POST /segment%s HTTP/1.1\r\n%s\r\nContent-Length: %zu\r\n\r\n", draw(4) ? "" : "?mask", ONE_OF(field),
             picture->n);
    add(b, picture->at, picture->n);
}

/* ---- bodies ---- */

static void wrong_length(blob *b, const blob *picture)
{
    static const char *const length[] = {
        "-1", "abc",        "99999999999999999999999999", "0x10", "18446744073709551615",
        "",   "4294967296", "9223372036854775807",        "1e3"};
    const char *chosen = ONE_OF(length);

    add_text(b, "POST /segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %s\r\n", chosen);
    if (!draw(3))
        add_text(b, "Content-Length: %d\r\n", (int)draw(100));
    add_text(b, "\r\n");
    add(b, picture->at, draw(picture->n));
}

static void cut_body(blob *b, const blob *picture)
{
    const size_t more = 1 + draw(100000), sent = draw(picture->n);

    add_text(b, "POST /segment%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n", draw(2) ? "" : "?mask",
             sent + more);
    add(b, picture->at, sent);
}

static void chunk_nonsense(blob *b, const blob *picture)
{
    static const char *const size[] = {"zz\r\n",
                                       "-5\r\n",
                                       "ffffffffffffffffff\r\n",
                                       "7fffffffffffffff\r\n",
                                       "\r\n",
                                       "5;\r\n",
                                       "0x5\r\n",
                                       "5 5\r\n",
                                       "5\n\n\n",
                                       "100000\r\n"};

    add_text(b, "POST /segment HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: %s\r\n",
             draw(5) ? "chunked" : "gzip, chunked, nonsense");
    if (!draw(3))
        add_text(b, "Content-Length: 5\r\n");
    add_text(b, "\r\n");
    for (uint64_t i = 0, n = draw(4); i < n; i++) {
        add_text(b, "5\r\n");
        add_noise(b, 5);
        add_text(b, "\r\n");
    }
    const char *chosen = ONE_OF(size);
    add(b, chosen, strlen(chosen));
    add_noise(b, draw(200));
    (void)picture;
}

static void post(blob *b, const blob *body)
{
    add_text(b, "POST /segment%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", draw(2) ? "" : "?mask",
             body->n);
    add(b, body->at, body->n);
}

static void no_picture(blob *b, const blob *picture)
{
    static const char *const magic[] = {
        "",         "\xff\xd8\xff\xe0", "GIF89a", "RIFF....WEBP", "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "%PDF-1.7", "PK\x03\x04"};
    blob body = {0};

    switch (draw(4)) {
    case 0:
        add_text(&body, "%s", ONE_OF(magic));
        add_noise(&body, draw(20000));
        break;
    case 1: /* cut: the last chunk, 12 bytes, is not whole */
        add(&body, picture->at, draw(picture->n - 12));
        break;
    case 2: /* bytes that are wrong, also in a chunk that a checksum covers */
        add(&body, picture->at, picture->n);
        body.at[8 + 8 + draw(13)] ^= (char)(1 + draw(255));
        for (uint64_t i = 0, n = draw(50); i < n; i++)
            body.at[29 + draw(body.n - 29)] = (char)draw(256);
        break;
    default: /* the head of a picture, and noise */
        add(&body, picture->at, 33);
        add_noise(&body, draw(20000));
        break;
    }
    post(b, &body);
    free(body.at);
}

static uint32_t crc(const char *data, size_t n)
{
    uint32_t sum = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        sum ^= (uint8_t)data[i];
        for (int k = 0; k < 8; k++)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
}

static void put32(char *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (char)(v >> (24 - 8 * i));
}

/* Heads that tell of many pixels with hardly a byte behind. Now and then one that may be so large: memory is taken for
 * it. */
static void bomb(blob *b, const blob *picture)
{
    static const uint32_t side[] = {100000, 16385, 65535, 0x7fffffff, 0xffffffffu, 0, 0x80000000u};
    char png[33 + 20] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    char jpeg[] = "\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
    blob body = {0};

    (void)picture;
    put32(png + 16, draw(50) ? ONE_OF(side) : 16000);
    put32(png + 20, draw(50) ? ONE_OF(side) : 4000);
    if (!draw(100))
        put32(png + 16, 16000), put32(png + 20, 4000);
    memcpy(png + 24, draw(2) ? "\x08\x02\0\0" : "\x10\x06\0\0", 4);
    png[28] = (char)draw(2); /* interlaced */
    put32(png + 29, crc(png + 12, 17));
    memcpy(png + 33, "\0\0\0\x08IDAT\x78\x9c\xed\xc1\x01\0\0\0", 16);
    if (draw(4))
        add(&body, png, 49);
    else
        add(&body, jpeg, sizeof jpeg - 1);
    post(b, &body);
    free(body.at);
}

/* Makes request i; what kind it is. */
static const char *hostile_make(blob *b, uint64_t seed, uint64_t i, const blob *picture)
{
    static const struct {
        const char *name;
        void (*make)(blob *, const blob *);
    } kind[] = {{"broken line", broken_line}, {"huge head", huge_head},       {"nowhere", nowhere},
                {"wrong field", wrong_field}, {"wrong length", wrong_length}, {"cut body", cut_body},
                {"chunks", chunk_nonsense},   {"no picture", no_picture},     {"bomb", bomb}};
    enum { KINDS = sizeof kind / sizeof *kind };

    drawn = (seed << 32 ^ i) * 0xd1342543de82ef95u;
    kind[i % KINDS].make(b, picture);
    return kind[i % KINDS].name;
}

#endif
