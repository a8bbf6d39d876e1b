/* serve.c: `fpcore serve`: a trained network behind HTTP, with a page to try it (cmd/serve/serve.h). */
#include "base/message.h"
#include "cmd/args.h"
#include "cmd/predict/predict.h"
#include "cmd/serve/answer.h"
#include "cmd/serve/serve.h"
#include "experiment/predictor.h"

#include <stdlib.h>
#include <string.h>

/* Of a picture of 12 megapixels one worker decodes and encodes as long as the network and the enlarging of its scores
 * take (0.07 s each), of one of 512 x 512 a seventh of that: with a second one only memory would be taken. */
enum { PORT = 8080, WORKERS = 1 };

typedef struct served {
    fpc_cmdline *cmd;
    const char *host, *port;
    int tell;
    fpc_serve_limits limits;
    fpc_predictor *predictor;
    fpc_serve_model model;
    fpc_serve_socket socket;
} served;

static fpc_status labels(void *arg, fpc_arena *arena, const fpc_image *picture, uint8_t *out)
{
    return fpc_tta_mask(fpc_predictor_tta(((served *)arg)->predictor), arena, picture, out);
}

static fpc_status answer(void *arg, fpc_serve_job *job)
{
    return fpc_serve_tell_mask(&((served *)arg)->model, job);
}

static fpc_status read_port(fpc_ctx *ctx, const char *text, int32_t *port)
{
    char *end = NULL;
    const long value = !text ? PORT : *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;

    if (value < 0 || value > 65535 || (end && *end))
        return fpc_fail(ctx, FPC_EINVAL, "fpcore serve: --port %s: not a number from 0 to 65535", text);
    *port = (int32_t)value;
    return FPC_OK;
}

static fpc_status check_limits(fpc_ctx *ctx, const fpc_serve_limits *l)
{
    static const int64_t most[] = {1024, FPC_IMAGE_PIXELS >> 20, 1000, 3600};
    static const char *const name[] = {"max-mib", "max-megapixels", "at-once", "timeout"};
    const int64_t given[] = {l->mib, l->megapixels, l->at_once, l->seconds};

    for (int i = 0; i < 4; i++)
        if (given[i] > most[i])
            return fpc_fail(ctx, FPC_EINVAL, "fpcore serve: --%s %lld: at most %lld are possible", name[i],
                            (long long)given[i], (long long)most[i]);
    return FPC_OK;
}

/* The last part of the path, which is what a stranger is told. */
static const char *name_of(fpc_arena *arena, const char *path)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t from = n;
    while (from && path[from - 1] != '/')
        from--;
    return fpc_sprintf(arena, "%.*s", (int)(n - from), path + from);
}

static fpc_status describe(served *s, const char *path)
{
    s->model.as_stored = fpc_predictor_experiment(s->predictor)->info.as_stored;
    s->model.info.size = sizeof s->model.info;
    if (!(s->model.name = name_of(s->cmd->arena, path)))
        return FPC_ENOMEM;
    return fpc_predict_describe(s->cmd->arena, s->predictor, &s->model.info);
}

/* The address on a line of its own, for scripts; for people the rest. */
static fpc_status announce(const served *s)
{
    fpc_print("%s\n", s->socket.url);
    if (fpc_print_end())
        return fpc_fail(s->cmd->ctx, FPC_EIO, "fpcore serve: its address cannot be written to standard output");
    if (!s->socket.loopback)
        fpc_log(s->cmd->ctx, FPC_LOG_WARN,
                "whoever reaches %s may send pictures; there is neither a password nor encryption", s->socket.url);
    return FPC_OK;
}

static fpc_status serve(served *s)
{
    const fpc_serve_hands hands = {.ctx = s->cmd->ctx,
                                   .network = labels,
                                   .answer = answer,
                                   .arg = s,
                                   .how = s->model.as_stored ? FPC_IMAGE_STORED : 0,
                                   .pixels = s->limits.megapixels << 20,
                                   .workers = WORKERS};
    fpc_serve_works *works = NULL;
    fpc_status status = fpc_serve_works_open(s->cmd->arena, &hands, &works);

    if (!status && !(status = announce(s)))
        status = fpc_serve_run(s->cmd->ctx, &s->socket, &s->model, &s->limits, works, s->tell);
    fpc_serve_works_close(works);
    return status;
}

static fpc_status run(fpc_cmdline *cmd)
{
    served s = {.cmd = cmd, .host = "127.0.0.1", .limits = {32, FPC_IMAGE_PIXELS >> 20, 16, 30}, .socket = {.fd = -1}};
    fpc_predictor_args open = fpc_cmd_predictor(cmd);
    fpc_hw size = {0, 0};
    const char **operands;
    int32_t n, port = 0;
    const fpc_arg args[] = {{"port", 0, FPC_ARG_TEXT, 0, &s.port},
                            {"host", 0, FPC_ARG_TEXT, 0, &s.host},
                            {"size", 0, FPC_ARG_SIZE, 0, &size},
                            {"max-mib", 0, FPC_ARG_COUNT, 0, &s.limits.mib},
                            {"max-megapixels", 0, FPC_ARG_COUNT, 0, &s.limits.megapixels},
                            {"at-once", 0, FPC_ARG_COUNT, 0, &s.limits.at_once},
                            {"timeout", 0, FPC_ARG_COUNT, 0, &s.limits.seconds},
                            {"verbose", 'v', FPC_ARG_FLAG, 0, &s.tell},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, &n, &operands);

    if (status || (status = read_port(cmd->ctx, s.port, &port)) || (status = check_limits(cmd->ctx, &s.limits)))
        return status;
    if (n != 1)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore serve: %s; a run folder or a .safetensors file is wanted",
                        n ? "more than one name is given" : "nothing is named");
    open.weights = operands[0];
    open.h = size.h;
    open.w = size.w;
    if (!(status = fpc_serve_supported(cmd->ctx)) &&
        !(status = fpc_predictor_open_in(cmd->ctx, &open, FPC_OPEN_USED, &s.predictor)) &&
        !(status = describe(&s, operands[0])) && !(status = fpc_serve_listen(cmd->ctx, s.host, port, &s.socket)))
        status = serve(&s);
    fpc_predictor_close(s.predictor);
    return status;
}

const fpc_cmd fpc_cmd_serve = {
    .name = "serve",
    .place = 82,
    .summary = "Serve a network by HTTP, with a page to try it.",
    .needs_recipe = 0,
    .interrupted = "answering what was asked",
    .run = run,
    .help =
        "usage: fpcore serve [-c RECIPE] [-s SECTION.KEY=VALUE]... [--port N] [--host ADDRESS]\n"
        "                    [--size N|HxW] [--max-mib N] [--max-megapixels N]\n"
        "                    [--at-once N] [--timeout SECONDS] [-v] RUN|WEIGHTS.safetensors\n"
        "\n"
        "Prints its address and serves until a signal comes; what was asked before is still answered. At the\n"
        "address is a page that segments pictures from files and from the camera. For programs:\n"
        "\n"
        "  POST /segment        body: a JPEG or PNG file; answer: the mask as a palette PNG, byte for byte that of\n"
        "                       fpcore predict; with `Accept: application/json` instead size, and of each class\n"
        "                       that is there name, colour, pixels, share and box\n"
        "  POST /segment?mask   that JSON with the PNG in it, as base64\n"
        "  GET /model           what the network is, its classes and the limits below, as JSON\n"
        "\n"
        "Only this machine reaches it unless --host says otherwise; there is neither a password nor encryption.\n"
        "What is refused is told in a sentence.\n"
        "\n"
        "  -c RECIPE            default: that of the run folder, or what the weights hold\n"
        "  --port N             default: 8080; 0: a free one\n"
        "  --host ADDRESS       of this machine, on which to listen (default: 127.0.0.1); 0.0.0.0: all of them\n"
        "  --size N             size that the model sees, N or HxW (default: dataset.size)\n"
        "  --max-mib N          larger files are refused (default: 32)\n"
        "  --max-megapixels N   larger pictures are refused (default: 64, the most)\n"
        "  --at-once N          more pictures at the same time are to come again (default: 16)\n"
        "  --timeout SECONDS    for which a client may be slow at each of: asking, sending, and reading the\n"
        "                       answer (default: 30)\n"
        "  -v, --verbose        a line for each request\n"
        "\n"
        "example: fpcore serve --port 0 runs/quickstart-*/best.safetensors\n"};
