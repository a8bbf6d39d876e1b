/* http.c: see serve.h. libmicrohttpd's one thread reads and writes for all clients and calls on_request; a picture that
 * has arrived is handed to the works, and its connection rests until there is an answer. What a client is slow at is
 * watched from the caller's thread, since the library counts the time between two bytes alone. */
#define _GNU_SOURCE
#include "cmd/serve/serve.h"

#ifndef FPC_MICROHTTPD

fpc_status fpc_serve_supported(fpc_ctx *ctx)
{
    return fpc_fail(ctx, FPC_ENOSUPPORT,
                    "fpcore serve: this fpcore was built without libmicrohttpd, which speaks HTTP; install it (Debian: "
                    "apt-get install libmicrohttpd-dev), then run configure and make again");
}

fpc_status fpc_serve_run(fpc_ctx *ctx, const fpc_serve_socket *socket, const fpc_serve_model *model,
                         const fpc_serve_limits *limits, fpc_serve_works *works, int tell)
{
    (void)socket, (void)model, (void)limits, (void)works, (void)tell;
    return fpc_serve_supported(ctx);
}

#else

#include "base/clock.h"
#include "base/message.h"
#include "base/text.h"
#include "cmd/serve/answer.h"
#include "cmd/serve/rules.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* The library is loaded when serving begins: linked, it and the TLS libraries below it would be loaded by every verb,
 * and each would take longer to start. The number is that of its binary interface. */
#define LIBRARY "libmicrohttpd.so.12"
/* clang-format off */
#define FUNCTIONS(X)                                                                                                   \
    X(add_response_header) X(create_response_from_buffer) X(destroy_response) X(get_connection_info)                   \
    X(get_connection_values) X(lookup_connection_value) X(queue_response) X(quiesce_daemon)                            \
    X(resume_connection) X(start_daemon) X(stop_daemon) X(suspend_connection)
/* clang-format on */
#define POINTER(f) __typeof__(MHD_##f) *f;
static struct {
    FUNCTIONS(POINTER)
} mhd;

static fpc_status load(fpc_ctx *ctx)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

#define FIND(f) !(mhd.f = (__typeof__(mhd.f))(uintptr_t)dlsym(library, "MHD_" #f)) ||
    if (!library || FUNCTIONS(FIND) 0)
        return fpc_fail(
            ctx, FPC_ENOSUPPORT,
            "fpcore serve: it speaks HTTP by libmicrohttpd, which is not there: %s (Debian: apt-get install "
            "libmicrohttpd12)",
            library ? LIBRARY " is another library" : dlerror());
    return FPC_OK;
}

enum {
    CONNECTIONS = 256,
    HEAD_BYTES = 32 << 10,   /* of a connection: the request's head, and a piece of its body */
    THROWN_MOST = 256 << 20, /* of the body of a refused request: read, so that its client comes to read the answer */
    LOOK_SECONDS = 10        /* parts of a second between two looks at the clients */
};

/* A connection. since: when the client's turn began; 0: it is ours. */
struct client {
    int fd;
    double since;
    struct client *next, **from;
};

struct door {
    fpc_ctx *ctx;
    const fpc_serve_limits *limits;
    fpc_serve_works *works;
    int loopback, tell;
    fpc_arena *arena;
    const char *model;   /* JSON */
    atomic_int requests; /* whose heads have come and whose answers are not gone */
    atomic_int closing;
    int32_t pictures; /* of the requests, those to /segment that were let in; the library's thread */
    pthread_mutex_t lock;
    struct client *clients; /* all of them */
};

struct request {
    struct door *door;
    struct client *client;
    struct MHD_Connection *connection;
    fpc_serve_target target;
    fpc_serve_refusal refusal;
    int json;        /* how failures are told */
    int counted;     /* among the pictures */
    int code;        /* that was answered */
    char asked[80];  /* "POST /segment", for the log */
    const char *why; /* of a failure that was answered */
    double began;
    size_t room;     /* of job.data */
    uint64_t thrown; /* bytes of a refused body */
    fpc_serve_job job;
    fpc_arena *arena; /* of the answer; made when it is */
};

/* ---- clients ---- */

static void set_turn(struct door *d, struct client *c, int of_client)
{
    pthread_mutex_lock(&d->lock);
    c->since = of_client ? fpc_clock_now() : 0;
    pthread_mutex_unlock(&d->lock);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct door *d = arg;
    struct client *c = *context;

    pthread_mutex_lock(&d->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED && (c = calloc(1, sizeof *c))) {
        c->fd = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        c->since = fpc_clock_now();
        c->next = d->clients;
        c->from = &d->clients;
        if (c->next)
            c->next->from = &c->next;
        d->clients = c;
    } else if (what == MHD_CONNECTION_NOTIFY_CLOSED && c) {
        *c->from = c->next;
        if (c->next)
            c->next->from = c->from;
        free(c);
        c = NULL;
    }
    pthread_mutex_unlock(&d->lock);
    *context = c;
}

/* The library tells of a connection's end before it closes the socket, so a socket here is that of its client. */
static void watch(struct door *d)
{
    const double now = fpc_clock_now();

    pthread_mutex_lock(&d->lock);
    for (struct client *c = d->clients; c; c = c->next)
        if (c->since > 0 && now - c->since > (double)d->limits->seconds)
            shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&d->lock);
}

/* ---- answers ---- */

static void say(struct MHD_Response *response, const char *name, const char *value)
{
    if (value)
        mhd.add_response_header(response, name, value);
}

/* body: lives as long as the request. */
static enum MHD_Result answer(struct request *r, int code, const char *type, const void *body, size_t bytes,
                              const char *policy)
{
    struct MHD_Response *response =
        mhd.create_response_from_buffer(bytes, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT); /* only read */

    if (!response)
        return MHD_NO;
    say(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    say(response, "X-Content-Type-Options", "nosniff");
    say(response, "Referrer-Policy", "no-referrer");
    say(response, "Cross-Origin-Resource-Policy", "same-origin");
    say(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    say(response, "Content-Security-Policy", policy ? policy : "default-src 'none'; frame-ancestors 'none'");
    say(response, MHD_HTTP_HEADER_ALLOW, r->refusal.allow);
    say(response, MHD_HTTP_HEADER_RETRY_AFTER, code == 503 ? "1" : NULL);
    if (atomic_load(&r->door->closing))
        say(response, MHD_HTTP_HEADER_CONNECTION, "close");
    r->code = code;
    const enum MHD_Result queued = mhd.queue_response(r->connection, (unsigned)code, response);
    mhd.destroy_response(response);
    return queued;
}

static enum MHD_Result answer_text(struct request *r, int code, const char *type, const char *text, const char *policy)
{
    return text ? answer(r, code, type, text, strlen(text), policy) : MHD_NO;
}

static enum MHD_Result answer_why(struct request *r, int code, const char *why)
{
    r->why = why;
    return answer_text(r, code, r->json ? "application/json" : "text/plain; charset=utf-8",
                       fpc_serve_tell_why(r->arena, why, r->json), NULL);
}

static enum MHD_Result answer_page(struct request *r)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t drawn[16];
    char nonce[2 * sizeof drawn + 1] = "";

    if (getrandom(drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
        return answer_why(r, 500, "the system gives no random numbers, which the page needs");
    for (size_t i = 0; i < sizeof drawn; i++) {
        nonce[2 * i] = hex[drawn[i] >> 4];
        nonce[2 * i + 1] = hex[drawn[i] & 15];
    }
    const char *policy = fpc_serve_policy(r->arena, nonce);
    return policy ? answer_text(r, 200, "text/html; charset=utf-8", fpc_serve_tell_page(r->arena, nonce), policy)
                  : MHD_NO;
}

/* ---- a picture ---- */

static void on_done(fpc_serve_job *job)
{
    struct request *r = job->owner;

    set_turn(r->door, r->client, 1);
    mhd.resume_connection(r->connection); /* the request may be gone when this returns */
}

static enum MHD_Result hand_over(struct request *r)
{
    if (!r->job.bytes)
        return answer_why(r, 400,
                          "no picture came; send a JPEG or PNG file as the body: curl --data-binary @face.jpg URL");
    set_turn(r->door, r->client, 0);
    mhd.suspend_connection(r->connection);
    fpc_serve_add(r->door->works, &r->job);
    return MHD_YES;
}

/* From here on the body is thrown away as it comes. */
static void give_up(struct request *r)
{
    free(r->job.data);
    r->job.data = NULL;
    r->job.bytes = r->room = 0;
}

/* Room grows with what has arrived, not with what was announced. */
static int make_room(struct request *r, size_t bytes)
{
    size_t room = r->room ? r->room : 64 << 10;

    while (room < bytes)
        room *= 2;
    uint8_t *more = room == r->room ? r->job.data : realloc(r->job.data, room);
    if (!more)
        return fpc_serve_refuse(&r->refusal, 503, "there is no memory for this picture now; come again");
    r->job.data = more;
    r->room = room;
    return 1;
}

static enum MHD_Result take_piece(struct request *r, const char *piece, size_t *bytes)
{
    if (!r->refusal.code &&
        (r->target != FPC_SERVE_SEGMENT || fpc_serve_too_long(r->door->limits, r->job.bytes + *bytes, &r->refusal) ||
         !make_room(r, r->job.bytes + *bytes)))
        give_up(r);
    if (r->refusal.code || r->target != FPC_SERVE_SEGMENT) {
        if ((r->thrown += *bytes) > THROWN_MOST)
            return MHD_NO;
    } else {
        memcpy(r->job.data + r->job.bytes, piece, *bytes);
        r->job.bytes += *bytes;
    }
    *bytes = 0;
    return MHD_YES;
}

/* ---- requests ---- */

static enum MHD_Result see_argument(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    fpc_serve_head *head = arg;

    (void)kind, (void)value;
    if (!strcmp(key, "mask"))
        head->mask = 1;
    else if (!head->stray)
        head->stray = key;
    return MHD_YES;
}

static const char *field(struct request *r, const char *name)
{
    return mhd.lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static fpc_serve_head read_head(struct request *r, const char *method, const char *path)
{
    const char *length = field(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    fpc_serve_head head = {.method = method,
                           .path = path,
                           .host = field(r, MHD_HTTP_HEADER_HOST),
                           .origin = field(r, MHD_HTTP_HEADER_ORIGIN),
                           .type = field(r, MHD_HTTP_HEADER_CONTENT_TYPE),
                           .encoding = field(r, MHD_HTTP_HEADER_CONTENT_ENCODING),
                           .length = length ? strtoll(length, NULL, 10) : -1};

    mhd.get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, see_argument, &head);
    return head;
}

static void let_in(struct request *r)
{
    struct door *d = r->door;

    if (atomic_load(&d->closing)) {
        fpc_serve_refuse(&r->refusal, 503, "this server is ending");
    } else if (d->pictures >= d->limits->at_once) {
        fpc_serve_refuse(&r->refusal, 503, "%lld %s already at work; come again in a moment",
                         (long long)d->limits->at_once, fpc_word(d->limits->at_once, "picture is", "pictures are"));
    } else {
        r->counted = 1;
        d->pictures++;
    }
}

/* Whether the refusal need not wait for the end of the body: the client asked before it sends one, or announces one
 * that nobody wants to read. */
static int answers_at_once(struct request *r, const fpc_serve_head *head)
{
    return r->refusal.code && (field(r, MHD_HTTP_HEADER_EXPECT) || head->length > THROWN_MOST);
}

static enum MHD_Result begin(struct door *d, struct MHD_Connection *connection, const char *path, const char *method,
                             void **state)
{
    struct request *r = calloc(1, sizeof *r);
    struct client *c = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    if (!r || !c || !(r->arena = fpc_arena_new(d->ctx))) {
        free(r);
        return MHD_NO;
    }
    *r =
        (struct request){.door = d, .client = c, .connection = connection, .arena = r->arena, .began = fpc_clock_now()};
    snprintf(r->asked, sizeof r->asked, "%.12s %.60s", method, path);
    *state = r;
    atomic_fetch_add(&d->requests, 1);
    set_turn(d, c, 1);
    const fpc_serve_head head = read_head(r, method, path);
    const char *accept = field(r, MHD_HTTP_HEADER_ACCEPT);
    r->json = head.mask || (accept && strcasestr(accept, "application/json"));
    r->job = (fpc_serve_job){.json = r->json, .with_mask = head.mask, .done = on_done, .owner = r};
    if (fpc_serve_allows(&head, d->loopback, d->limits, &r->target, &r->refusal) && r->target == FPC_SERVE_SEGMENT)
        let_in(r);
    return answers_at_once(r, &head) ? answer_why(r, r->refusal.code, r->refusal.why) : MHD_YES;
}

static enum MHD_Result finish(struct request *r)
{
    if (r->refusal.code)
        return answer_why(r, r->refusal.code, r->refusal.why);
    if (r->target == FPC_SERVE_PAGE)
        return answer_page(r);
    if (r->target == FPC_SERVE_MODEL)
        return answer_text(r, 200, "application/json", r->door->model, NULL);
    if (!r->job.code)
        return hand_over(r);
    if (r->job.code != 200)
        return answer_why(r, r->job.code, r->job.why);
    return answer(r, 200, r->job.type, r->job.answer, r->job.answer_bytes, NULL);
}

/* Called when the head has come, for each piece of the body, at its end, and when the works are done with it. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *piece, size_t *bytes, void **state)
{
    struct request *r = *state;

    (void)version;
    if (!r)
        return begin(arg, connection, path, method, state);
    return *bytes ? take_piece(r, piece, bytes) : finish(r);
}

static void on_end(void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode how)
{
    struct door *d = arg;
    struct request *r = *state;

    (void)connection;
    if (!r)
        return;
    if (d->tell)
        fpc_log(d->ctx, FPC_LOG_INFO, "%s: %d, %.0f ms%s%s%s", r->asked, r->code, 1e3 * (fpc_clock_now() - r->began),
                r->why ? "; " : "", r->why ? r->why : "",
                how == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : "; the connection broke");
    d->pictures -= r->counted;
    set_turn(d, r->client, 1);
    fpc_serve_forget(&r->job);
    fpc_arena_free(r->arena);
    free(r);
    *state = NULL;
    atomic_fetch_sub(&d->requests, 1);
}

/* ---- all of it ---- */

static void serve(struct door *d)
{
    while (!fpc_ctx_cancelled(d->ctx)) {
        fpc_serve_turn(d->works, 1.0 / LOOK_SECONDS);
        watch(d);
    }
}

/* What was asked before the end is answered; clients that are slow are waited for as long as ever. */
static void end(struct door *d, struct MHD_Daemon *daemon)
{
    atomic_store(&d->closing, 1);
    const int fd = mhd.quiesce_daemon(daemon);
    if (fd >= 0)
        close(fd);
    while (atomic_load(&d->requests) > 0 || fpc_serve_on_the_way(d->works) > 0) {
        fpc_serve_turn(d->works, 1.0 / LOOK_SECONDS);
        watch(d);
    }
    mhd.stop_daemon(daemon);
}

/* Paths and words of queries here need no %xx, and so none is read: with %00 a path would end where it does not. */
static size_t keep_escapes(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg, (void)connection;
    return strlen(text);
}

/* poll, not epoll: with that the library (0.9.75) does not see the end of a client that came together with its last
 * bytes, and keeps the connection until the time is over. */
static struct MHD_Daemon *start(struct door *d, int fd)
{
    return mhd.start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, d,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES, MHD_OPTION_NOTIFY_COMPLETED, on_end,
                            d, MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_UNESCAPE_CALLBACK,
                            keep_escapes, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

fpc_status fpc_serve_supported(fpc_ctx *ctx)
{
    return mhd.suspend_connection ? FPC_OK : load(ctx); /* the last to be found */
}

fpc_status fpc_serve_run(fpc_ctx *ctx, const fpc_serve_socket *socket, const fpc_serve_model *model,
                         const fpc_serve_limits *limits, fpc_serve_works *works, int tell)
{
    struct door d = {.ctx = ctx, .limits = limits, .works = works, .loopback = socket->loopback, .tell = tell};
    fpc_status status = fpc_serve_supported(ctx);

    if (status)
        return status;
    status = FPC_ENOMEM;
    pthread_mutex_init(&d.lock, NULL);
    d.arena = fpc_arena_new(ctx);
    if (d.arena && (d.model = fpc_serve_tell_model(d.arena, model, limits))) {
        struct MHD_Daemon *daemon = start(&d, socket->fd);
        status =
            daemon ? FPC_OK : fpc_fail(ctx, FPC_EIO, "fpcore serve: libmicrohttpd does not start: %s", strerror(errno));
        if (daemon) {
            serve(&d);
            end(&d, daemon);
        }
    }
    fpc_arena_free(d.arena);
    pthread_mutex_destroy(&d.lock);
    return status;
}

#endif
