/* probe.c: `fpcore probe`: one forward pass (and backward pass, or whole training steps) on tensors from a file,
 * with every output written to another file: for parity with other frameworks. Files are safetensors, pictures
 * (n,3,h,w) as PyTorch has them; names are those of the PyTorch state dict. */
#include "cmd/args.h"
#include "weights/weights.h"
#include <math.h>
#include <limits.h>
#include <string.h>

typedef struct probe {
    fpc_cmdline *cmd;
    fpc_experiment *s;
    fpc_program *program;
    fpc_st_file *in;
    const char *weights, *in_path, *out_path;
    int train, backward;
    int64_t steps;   /* 0: a single pass */
    int32_t n, h, w; /* of one batch */
    float *image;    /* all batches, as in the file */
    uint8_t *mask;   /* likewise; NULL: none */
    int32_t n_out, cap_out;
    fpc_st_tensor *out;
} probe;

/* ---- input ---- */

static fpc_status bad_shape(const probe *p, const fpc_st_tensor *t, const char *want)
{
    char text[160];

    return fpc_fail(p->cmd->ctx, FPC_EFORMAT, "%s: tensor `%s` is %s; it must be %s", p->in_path, t->name,
                    fpc_dims_text(text, sizeof text, t->rank, t->dims), want);
}

/* dims of `t` without the leading axis of steps; NULL where they do not fit. */
static const int64_t *batch_dims(const probe *p, const fpc_st_tensor *t, int32_t rank)
{
    const int32_t lead = p->steps ? 1 : 0;

    return t->rank == rank + lead && (!lead || t->dims[0] >= p->steps) ? t->dims + lead : NULL;
}

static fpc_status read_image(probe *p)
{
    const fpc_st_tensor *t = fpc_st_find(p->in, "image");
    const char *want = p->steps ? "(steps, n, 3, h, w) with at least as many steps as --steps says" : "(n, 3, h, w)";

    if (!t)
        return fpc_fail(p->cmd->ctx, FPC_EFORMAT, "%s: there is no tensor `image`", p->in_path);
    const int64_t *d = batch_dims(p, t, 4);
    if (!d || d[1] != 3 || d[0] < 1 || d[0] > 65536 || d[2] < 1 || d[2] > 16384 || d[3] < 1 || d[3] > 16384)
        return bad_shape(p, t, want);
    p->n = (int32_t)d[0], p->h = (int32_t)d[2], p->w = (int32_t)d[3];
    if (!(p->image = fpc_alloc(p->cmd->arena, (size_t)t->count * sizeof(float))))
        return FPC_ENOMEM;
    return fpc_st_as_f32(p->cmd->ctx, p->in, t, p->image);
}

static fpc_status read_mask(probe *p)
{
    const fpc_st_tensor *t = fpc_st_find(p->in, "mask");

    if (!t)
        return p->backward || p->steps
                   ? fpc_fail(p->cmd->ctx, FPC_EFORMAT, "%s: there is no tensor `mask`, and %s needs one", p->in_path,
                              p->steps ? "--steps" : "--backward")
                   : FPC_OK;
    const int64_t *d = batch_dims(p, t, 3);
    if (!d || d[0] != p->n || d[1] != p->h || d[2] != p->w)
        return bad_shape(p, t, "that of `image` without the colour axis");
    int64_t *wide = fpc_alloc(p->cmd->arena, (size_t)t->count * sizeof *wide);
    p->mask = fpc_alloc(p->cmd->arena, (size_t)t->count);
    if (!wide || !p->mask)
        return FPC_ENOMEM;
    const fpc_status status = fpc_st_as_i64(p->cmd->ctx, p->in, t, wide);
    for (int64_t i = 0; i < t->count && !status; i++) {
        if (wide[i] < 0 || wide[i] > 255 || (wide[i] >= p->s->classes && wide[i] != p->s->ignore))
            return fpc_fail(p->cmd->ctx, FPC_EFORMAT, "%s: tensor `mask` holds the label %lld; labels are 0 to %d",
                            p->in_path, (long long)wide[i], p->s->classes - 1);
        p->mask[i] = (uint8_t)wide[i];
    }
    return status;
}

/* ---- output ---- */

/* A tensor of the output file with memory for its numbers, or NULL. */
static void *put(probe *p, const char *name, uint32_t dtype, int32_t rank, const int64_t *dims)
{
    fpc_st_tensor t = {.name = name, .dtype = dtype, .rank = rank, .count = 1};

    for (int32_t i = 0; i < rank; i++) {
        t.dims[i] = dims[i];
        t.count *= dims[i];
    }
    if (p->n_out == p->cap_out) {
        const int32_t cap = p->cap_out ? 2 * p->cap_out : 256;
        fpc_st_tensor *more = fpc_alloc(p->cmd->arena, sizeof *more * (size_t)cap);
        if (!more)
            return NULL;
        if (p->n_out)
            memcpy(more, p->out, sizeof *more * (size_t)p->n_out);
        p->out = more;
        p->cap_out = cap;
    }
    void *data = name ? fpc_alloc(p->cmd->arena, (size_t)t.count * fpc_dtype_size(dtype)) : NULL;
    t.data = data;
    if (data)
        p->out[p->n_out++] = t;
    return data;
}

/* Every tensor of one kind as PREFIX and its name. */
static fpc_status put_state(probe *p, uint32_t kind, const char *prefix)
{
    const fpc_state *state = p->s->state;
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < state->n && !status; i++) {
        const fpc_state_entry *e = &state->entry[i];
        if (e->kind != kind)
            continue;
        void *to = put(p, fpc_sprintf(p->cmd->arena, "%s%s", prefix, e->name), e->dtype, e->rank, e->dims);
        status = to ? fpc_state_get(state, e, to) : FPC_ENOMEM;
    }
    return status;
}

static fpc_status put_logits(probe *p)
{
    const int32_t k = p->s->classes;
    const int64_t pixels = (int64_t)p->h * p->w, dims[] = {p->n, k, p->h, p->w}, count = p->n * pixels * k;
    float *from = fpc_alloc(p->cmd->arena, (size_t)count * sizeof *from), *to = put(p, "logits", FPC_F32, 4, dims);

    if (!from || !to)
        return FPC_ENOMEM;
    const fpc_status status = fpc_program_read(p->program, "logits", FPC_F32, from, count);
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t at = 0; at < pixels; at++)
            for (int32_t c = 0; c < k; c++)
                to[(i * k + c) * pixels + at] = from[(i * pixels + at) * k + c];
    return status;
}

static fpc_status put_losses(probe *p)
{
    float *loss = put(p, "loss", FPC_F32, 0, NULL);
    float *terms = fpc_alloc(p->cmd->arena, sizeof(float) * (size_t)p->s->n_losses + 1);
    fpc_status status;

    if (!loss || !terms)
        return FPC_ENOMEM;
    if ((status = fpc_program_read(p->program, "loss", FPC_F32, loss, 1)) ||
        (status = fpc_program_read(p->program, "terms", FPC_F32, terms, p->s->n_losses)))
        return status;
    for (int32_t i = 0; i < p->s->n_losses; i++) {
        float *one = put(p, fpc_sprintf(p->cmd->arena, "loss.%s", p->s->loss[i].label), FPC_F32, 0, NULL);
        if (!one)
            return FPC_ENOMEM;
        *one = terms[i];
    }
    return FPC_OK;
}

/* ---- running ---- */

/* Batch `k` into the program's inputs: pictures channels last, labels, and the counter of dropout. */
static fpc_status write_batch(probe *p, int64_t k, float *scratch)
{
    const int64_t pixels = (int64_t)p->h * p->w, count = p->n * pixels * 3;
    const float *from = p->image + k * count;
    const uint64_t seed = (uint64_t)p->s->run.seed;
    const int32_t clock[] = {(int32_t)(uint32_t)seed, (int32_t)(uint32_t)(seed >> 32), (int32_t)(k + 1), 0};

    for (int64_t i = 0; i < p->n; i++)
        for (int64_t at = 0; at < pixels; at++)
            for (int64_t c = 0; c < 3; c++)
                scratch[(i * pixels + at) * 3 + c] = from[(i * 3 + c) * pixels + at];
    fpc_status status = fpc_program_write(p->program, "image", FPC_F32, scratch, count);
    if (!status && p->mask)
        status = fpc_program_write(p->program, "mask", FPC_U8, p->mask + k * p->n * pixels, p->n * pixels);
    if (!status && fpc_program_has(p->program, "clock"))
        status = fpc_program_write(p->program, "clock", FPC_I32, clock, 4);
    return status;
}

static fpc_status single_pass(probe *p, float *scratch)
{
    fpc_status status = write_batch(p, 0, scratch);

    if (status || (status = fpc_program_run(p->program)) || (status = put_logits(p)))
        return status;
    if (p->mask)
        status = put_losses(p);
    if (!status && p->train)
        status = put_state(p, FPC_STATE_BUFFER, "buffer.");
    if (!status && p->backward)
        status = put_state(p, FPC_STATE_GRAD, "");
    return status;
}

static fpc_status steps(probe *p, float *scratch)
{
    double *lr = put(p, "lr", FPC_F64, 1, &p->steps), *loss = put(p, "loss", FPC_F64, 1, &p->steps);
    double *norm = put(p, "grad_norm", FPC_F64, 1, &p->steps);
    fpc_status status = lr && loss && norm ? FPC_OK : FPC_ENOMEM;

    for (int64_t k = 0; k < p->steps && !status; k++) {
        if (isnan(lr[k] = fpc_experiment_lr(p->s, k, NULL)))
            return fpc_ctx_status(p->cmd->ctx);
        if (!(status = write_batch(p, k, scratch)) && !(status = fpc_program_run(p->program)) &&
            !(status = fpc_program_read(p->program, "loss", FPC_F64, &loss[k], 1)))
            status = fpc_experiment_step(p->s, p->program, k + 1, lr[k], &norm[k]);
        if (status == FPC_ENAN)
            fpc_fail(p->cmd->ctx, status, "step %lld: the norm of the gradient is %g; the loss is %g", (long long)k + 1,
                     norm[k], loss[k]);
    }
    if (!status)
        status = put_state(p, FPC_STATE_PARAM, "after.");
    return status ? status : put_state(p, FPC_STATE_BUFFER, "after.");
}

static fpc_status probe_run(probe *p)
{
    fpc_status status;
    int64_t epoch;

    if ((status = fpc_cmd_open(p->cmd, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &p->s)) ||
        (p->weights && (status = fpc_weights_load_validated(p->cmd->ctx, p->s->state, p->weights, &epoch))) ||
        (status = fpc_st_read(p->cmd->ctx, p->cmd->arena, p->in_path, &p->in)) || (status = read_image(p)) ||
        (status = read_mask(p)))
        return status;
    const fpc_probe_args args = {.n = p->n,
                                 .h = p->h,
                                 .w = p->w,
                                 .training = p->train || p->steps,
                                 .backward = p->backward || p->steps,
                                 .logits = !p->steps,
                                 .loss = p->mask != NULL};
    float *scratch = fpc_alloc(p->cmd->arena, sizeof *scratch * (size_t)p->n * (size_t)p->h * (size_t)p->w * 3);
    if (!scratch)
        return FPC_ENOMEM;
    if ((status = fpc_experiment_probe(p->s, &args, &p->program)) ||
        (status = p->steps ? steps(p, scratch) : single_pass(p, scratch)))
        return status;
    const fpc_st_meta meta[] = {{"made_by", "fpcore probe"}};
    return fpc_st_write(p->cmd->ctx, p->out_path, p->n_out, p->out, 1, meta);
}

static fpc_status run(fpc_cmdline *cmd)
{
    probe p = {.cmd = cmd};
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 0, &p.weights},
                            {"in", 'i', FPC_ARG_TEXT, 1, &p.in_path},
                            {"out", 'o', FPC_ARG_TEXT, 1, &p.out_path},
                            {"train", 0, FPC_ARG_FLAG, 0, &p.train},
                            {"backward", 0, FPC_ARG_FLAG, 0, &p.backward},
                            {"steps", 0, FPC_ARG_COUNT, 0, &p.steps},
                            {0}};
    const fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    return status ? status : probe_run(&p);
}

const fpc_cmd fpc_cmd_probe = {
    .name = "probe",
    .place = 90,
    .summary = "Run the model on given tensors and write every output.",
    .needs_recipe = 1,
    .run = run,
    .help =
        "usage: fpcore probe -c RECIPE [-w WEIGHTS.safetensors] -i IN.safetensors -o OUT.safetensors\n"
        "                    [-s SECTION.KEY=VALUE]... [--train] [--backward] [--steps K]\n"
        "\n"
        "IN holds `image`, (n,3,h,w) in [0,1], and may hold `mask`, (n,h,w) integers. OUT gets `logits`, "
        "(n,classes,h,w),\n"
        "and with a mask `loss` and `loss.TERM` for every [loss.TERM]. Names are those of the PyTorch state dict.\n"
        "\n"
        "  -w, --weights FILE   weights; without it those that run.seed gives\n"
        "  -i, --in FILE        tensors to run on\n"
        "  -o, --out FILE       where the outputs go\n"
        "  --train              training mode: batch statistics, which come out updated as `buffer.NAME`, and dropout\n"
        "  --backward           `grad.NAME` of the loss for every parameter\n"
        "  --steps K            K optimizer steps with the recipe's optimizer, clipping and schedule, step k in epoch "
        "k;\n"
        "                       image and mask have a leading axis of K batches; OUT gets `lr`, `loss`, `grad_norm`\n"
        "                       (before clipping) of each step and `after.NAME`\n"
        "\n"
        "example: fpcore probe -c conf/lmsa_v1.ini -i in.safetensors -o out.safetensors\n"};
