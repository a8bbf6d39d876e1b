/* predict.c: `fpcore predict`: label masks for pictures, as palette PNGs of the picture's own size, and overlays to
 * look at; what fpcore/experiment.h offers to any program. */
#include "cmd/args.h"
#include "image/image.h"
#include "experiment/predictor.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct job {
    fpc_cmdline *cmd;
    fpc_predictor *predictor;
    fpc_predictor_info info;
    const char *out;
    int overlay;
    int32_t n, cap;
    const char **path; /* pictures */
} job;

static int is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg") || !strcasecmp(dot, ".png"));
}

static fpc_status add(job *j, const char *path)
{
    if (j->n == j->cap) {
        const int32_t cap = j->cap ? 2 * j->cap : 64;
        const char **more = fpc_alloc(j->cmd->arena, sizeof *more * (size_t)cap);
        if (!more)
            return FPC_ENOMEM;
        if (j->n)
            memcpy(more, j->path, sizeof *more * (size_t)j->n);
        j->path = more;
        j->cap = cap;
    }
    j->path[j->n++] = path;
    return path ? FPC_OK : FPC_ENOMEM;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static fpc_status add_folder(job *j, const char *folder)
{
    const int32_t first = j->n;
    struct dirent *entry;
    fpc_status status = FPC_OK;
    DIR *dir = opendir(folder);

    if (!dir)
        return fpc_fail(j->cmd->ctx, FPC_EIO, "%s: cannot be listed: %s", folder, strerror(errno));
    while (!status && (entry = readdir(dir)))
        if (is_picture(entry->d_name))
            status = add(j, fpc_sprintf(j->cmd->arena, "%s/%s", folder, entry->d_name));
    closedir(dir);
    if (!status && j->n == first)
        return fpc_fail(j->cmd->ctx, FPC_ENOENT, "%s: holds no pictures (.jpg, .jpeg, .png)", folder);
    qsort(j->path + first, (size_t)(j->n - first), sizeof *j->path, by_name);
    return status;
}

static const char *stem(fpc_arena *arena, const char *path)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(name, '.');

    return fpc_sprintf(arena, "%.*s", (int)(dot && dot > name ? dot - name : (ptrdiff_t)strlen(name)), name);
}

/* Two pictures must not write the same mask, and no mask may replace a picture. */
static fpc_status check_names(const job *j)
{
    const char **name = fpc_alloc(j->cmd->arena, sizeof *name * (size_t)(j->n + 1));
    char a[PATH_MAX], b[PATH_MAX];

    if (!name)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < j->n; i++) {
        if (!(name[i] = stem(j->cmd->arena, j->path[i])))
            return FPC_ENOMEM;
        const char *mask = fpc_sprintf(j->cmd->arena, "%s/%s.png", j->out, name[i]);
        if (mask && realpath(mask, a) && realpath(j->path[i], b) && !strcmp(a, b))
            return fpc_fail(j->cmd->ctx, FPC_EINVAL, "%s: its mask would replace it; give another folder to --out",
                            j->path[i]);
    }
    qsort(name, (size_t)j->n, sizeof *name, by_name);
    for (int32_t i = 1; i < j->n; i++)
        if (!strcmp(name[i], name[i - 1]))
            return fpc_fail(j->cmd->ctx, FPC_EINVAL, "two pictures are called `%s`: both would write %s/%s.png",
                            name[i], j->out, name[i]);
    return FPC_OK;
}

/* Half picture, half label colours; background keeps the picture. */
static void blend(fpc_image *picture, const uint8_t *label, const uint8_t (*palette)[3])
{
    for (int64_t i = 0; i < (int64_t)picture->w * picture->h; i++)
        for (int32_t c = 0; c < 3 && label[i]; c++)
            picture->pixel[3 * i + c] = (uint8_t)((picture->pixel[3 * i + c] + palette[label[i]][c] + 1) / 2);
}

static fpc_status predict(const job *j, fpc_arena *arena, const char *path)
{
    const fpc_predictor_info *info = &j->info;
    fpc_ctx *ctx = j->cmd->ctx;
    const unsigned stored = fpc_predictor_experiment(j->predictor)->info.as_stored ? FPC_IMAGE_STORED : 0;
    fpc_image picture, mask = {.c = 1};
    const char *name = stem(arena, path);
    fpc_status status;

    if (!name)
        return FPC_ENOMEM;
    if ((status = fpc_image_open(ctx, arena, path, stored, &picture, NULL)))
        return status;
    mask.w = picture.w;
    mask.h = picture.h;
    if (!(mask.pixel = fpc_alloc(arena, (size_t)mask.w * (size_t)mask.h)))
        return FPC_ENOMEM;
    if ((status = fpc_predictor_labels(j->predictor, picture.h, picture.w, picture.pixel, mask.pixel)))
        return status;
    const char *to = fpc_sprintf(arena, "%s/%s.png", j->out, name);
    if (!to)
        return FPC_ENOMEM;
    if ((status = fpc_png_write(ctx, to, &mask, info->palette, info->classes)))
        return status;
    fpc_print("%s\n", to);
    if (!j->overlay)
        return FPC_OK;
    blend(&picture, mask.pixel, info->palette);
    to = fpc_sprintf(arena, "%s/%s.overlay.png", j->out, name);
    return to ? fpc_png_write(ctx, to, &picture, NULL, 0) : FPC_ENOMEM;
}

static fpc_status predict_all(const job *j)
{
    fpc_arena *arena = fpc_arena_new(j->cmd->ctx);
    fpc_status status = arena ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < j->n && !status; i++) {
        if (fpc_ctx_cancelled(j->cmd->ctx))
            status = fpc_fail(j->cmd->ctx, FPC_ECANCEL, "interrupted after %d of %d pictures", i, j->n);
        else
            status = predict(j, arena, j->path[i]);
        fpc_arena_reset(arena);
    }
    fpc_arena_free(arena);
    return status;
}

static fpc_status collect(job *j, int32_t n, const char *const *operands)
{
    fpc_status status = FPC_OK;

    if (!n)
        return fpc_fail(j->cmd->ctx, FPC_EINVAL, "fpcore predict: no pictures are given; name files or a folder");
    for (int32_t i = 0; i < n && !status; i++) {
        struct stat about;
        if (stat(operands[i], &about))
            return fpc_fail(j->cmd->ctx, FPC_ENOENT, "%s: %s", operands[i], strerror(errno));
        status = S_ISDIR(about.st_mode) ? add_folder(j, operands[i]) : add(j, operands[i]);
    }
    return status;
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *scales = NULL, **operands;
    int flip = 0, no_exchange = 0;
    int32_t n;
    fpc_hw size = {0, 0};
    fpc_tta how;
    job j = {.cmd = cmd, .info = {.size = sizeof j.info}};
    fpc_predictor_args open = fpc_cmd_predictor(cmd);
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &open.weights},  {"out", 'o', FPC_ARG_TEXT, 1, &j.out},
                            {"overlay", 0, FPC_ARG_FLAG, 0, &j.overlay},       {"size", 0, FPC_ARG_SIZE, 0, &size},
                            {"scales", 0, FPC_ARG_TEXT, 0, &scales},           {"flip", 0, FPC_ARG_FLAG, 0, &flip},
                            {"no-exchange", 0, FPC_ARG_FLAG, 0, &no_exchange}, {0}};
    fpc_status status = fpc_args_read(cmd, args, &n, &operands);

    if (status || (status = fpc_tta_read(cmd->ctx, "predict", scales, flip, no_exchange, &how)) ||
        (status = collect(&j, n, operands)))
        return status;
    if (mkdir(j.out, 0777) && errno != EEXIST)
        return fpc_fail(cmd->ctx, FPC_EIO, "%s: cannot be made: %s", j.out, strerror(errno));
    if ((status = check_names(&j)))
        return status;
    open.h = size.h;
    open.w = size.w;
    fpc_predictor_take_tta(&open, &how);
    if (!(status = fpc_predictor_open_in(cmd->ctx, &open, 0, &j.predictor))) {
        fpc_predictor_describe(j.predictor, &j.info);
        status = predict_all(&j);
    }
    fpc_predictor_close(j.predictor);
    return status;
}

const fpc_cmd fpc_cmd_predict = {
    .name = "predict",
    .place = 80,
    .summary = "Write label masks for pictures.",
    .needs_recipe = 0,
    .interrupted = "stopping after this picture",
    .run = run,
    .help =
        "usage: fpcore predict [-c RECIPE] -w RUN|WEIGHTS.safetensors -o FOLDER [-s SECTION.KEY=VALUE]... [--overlay]\n"
        "                      [--size N|HxW] [--scales S,S...] [--flip [--no-exchange]] PICTURE|FOLDER...\n"
        "\n"
        "Writes FOLDER/NAME.png for each picture (JPEG or PNG): an 8-bit palette PNG of the picture's size whose "
        "indices\n"
        "are the labels; colours are those of the recipe's data set, which need not be at hand.\n"
        "\n"
        "  -c RECIPE            default: that of the run folder, or what the weights hold\n"
        "  -w, --weights FILE   weights of the recipe's model, or a run folder: its best.safetensors\n"
        "  -o, --out FOLDER     where masks go; made where it is missing\n"
        "  --overlay            also FOLDER/NAME.overlay.png: the picture tinted with the label colours\n"
        "  --size N             size that the model sees (default: dataset.size)\n"
        "  --scales S,S...      predict from the mean probabilities at these sizes, 1 being --size\n"
        "  --flip               and those of the mirrored picture, mirrored back\n"
        "  --no-exchange        leave the labels of the mirrored branch as they are: for models trained so\n"
        "\n"
        "example: fpcore predict -c conf/lmsa_v1.ini -w best.safetensors -o masks --overlay photos/\n"};
