/* predict.c: `fpcore predict`: label masks for pictures, as palette PNGs of the picture's own size, and overlays to
 * look at; what fpcore/experiment.h offers to any program. A picture that cannot be read is told of and passed over. */
#include "base/text.h"
#include "base/clock.h"
#include "base/file.h"
#include "cmd/args.h"
#include "cmd/line/terminal.h"
#include "cmd/predict/flow.h"
#include "cmd/predict/predict.h"
#include "cmd/report/report.h"
#include "experiment/predictor.h"
#include "weights/weights.h"
#include <string.h>

typedef struct job {
    fpc_cmdline *cmd;
    fpc_predict_files files;
    fpc_predictor *predictor;
    fpc_predictor_info info;
    int list;    /* every file is printed, instead of a line that counts */
    int32_t bad; /* pictures that could not be read */
    double began;
    fpc_tiles tiles;
    int32_t at;     /* the picture under way */
    int64_t cut;    /* tiles of all pictures so far */
    double before;  /* the first tile of the picture */
    const char *of; /* "tiles of picture 3 of 10", for the line that counts */
} job;

/* A file is a line, also where its name holds a line end. */
static void tell(const job *j, fpc_arena *arena, const char *path)
{
    if (j->list)
        fpc_print("%s\n", fpc_report_clean(arena, path));
}

/* ---- one picture: three hands (cmd/predict/flow.h) ---- */

/* Where rows of probabilities go. */
struct into {
    const job *job;
    fpc_class_maps *maps;
};

static fpc_status make_folder(fpc_ctx *ctx, fpc_arena *arena, const fpc_predict_item *item)
{
    const char *folder = fpc_sprintf(arena, "%.*s", (int)(strrchr(item->mask, '/') - item->mask), item->mask);

    return folder ? fpc_make_folders(ctx, "fpcore predict: --out", folder) : FPC_ENOMEM;
}

static fpc_status read_picture(void *arg, fpc_ctx *ctx, fpc_flow_slot *slot)
{
    const job *j = arg;
    const unsigned how = fpc_predictor_experiment(j->predictor)->info.as_stored ? FPC_IMAGE_STORED : 0;

    return fpc_predict_read(ctx, j->cmd->ctx, slot->arena, j->files.item[slot->number].picture, how, &slot->picture);
}

/* At the network's size: at the picture's they would take 20 MB for 512x512 and 19 classes. */
static fpc_status probabilities(const job *j, fpc_flow_slot *slot)
{
    const fpc_image *picture = &slot->picture;

    slot->probs =
        fpc_alloc(slot->arena, (size_t)j->info.h * (size_t)j->info.w * (size_t)j->info.classes * sizeof(float));
    return slot->probs ? fpc_predictor_probabilities(j->predictor, picture->h, picture->w, picture->pixel, slot->probs)
                       : FPC_ENOMEM;
}

static fpc_status interrupted(const job *j)
{
    return fpc_fail(j->cmd->ctx, FPC_ECANCEL, "interrupted after %d of %d pictures", j->at, j->files.n);
}

/* A large picture takes its time: its tiles are counted, and a signal does not wait for the last one. */
static fpc_status before_tile(void *arg, int32_t done, int32_t n)
{
    job *j = arg;

    if (!done) {
        j->cut += n;
        j->before = fpc_clock_now();
    }
    if (fpc_ctx_cancelled(j->cmd->ctx))
        return interrupted(j);
    if (!j->list && n > 1)
        fpc_show_progress(done, n, j->of, j->before);
    return FPC_OK;
}

static fpc_status take_row(void *arg, float *row, const uint8_t *labels)
{
    struct into *to = arg;

    (void)labels;
    return fpc_ctx_cancelled(to->job->cmd->ctx) ? interrupted(to->job) : fpc_class_maps_add(to->maps, row);
}

/* The mask, and the probabilities beside it, which are written as they come. */
static fpc_status label(job *j, fpc_flow_slot *slot)
{
    const fpc_image *picture = &slot->picture;
    const fpc_predict_item *item = &j->files.item[slot->number];
    struct into to = {j, NULL};
    fpc_status status;

    if (!j->files.n_maps)
        return fpc_predictor_labels(j->predictor, picture->h, picture->w, picture->pixel, slot->mask.pixel);
    if (!(status = make_folder(j->cmd->ctx, slot->arena, item)) &&
        !(status =
              fpc_class_maps_open(&j->files, slot->arena, item, picture->h, picture->w, j->info.classes, &to.maps)))
        status = fpc_predictor_labels_rows(j->predictor, picture, slot->mask.pixel, &(fpc_score_rows){take_row, &to});
    return fpc_class_maps_close(to.maps, status);
}

static fpc_status segment(job *j, fpc_flow_slot *slot)
{
    const fpc_image *picture = &slot->picture;
    fpc_status status;

    slot->mask =
        (fpc_image){picture->w, picture->h, 1, fpc_alloc(slot->arena, (size_t)picture->w * (size_t)picture->h)};
    j->of =
        j->files.n == 1 ? "tiles" : fpc_sprintf(slot->arena, "tiles of picture %d of %d", slot->number + 1, j->files.n);
    if (!slot->mask.pixel || !j->of)
        return FPC_ENOMEM;
    status = label(j, slot);
    return status || !j->files.probs ? status : probabilities(j, slot);
}

/* A picture that cannot be read does not end the run. */
static fpc_status compute(void *arg, fpc_flow_slot *slot)
{
    job *j = arg;
    fpc_ctx *ctx = j->cmd->ctx;

    j->at = slot->number;
    if (!j->list)
        fpc_show_progress(slot->number, j->files.n, "pictures", j->began);
    if (fpc_ctx_cancelled(ctx))
        return interrupted(j);
    if (!slot->status)
        return segment(j, slot);
    if (j->files.n == 1)
        return fpc_fail(ctx, slot->status, "%s", slot->why ? slot->why : "out of memory");
    fpc_end_progress();
    fpc_log(ctx, FPC_LOG_ERROR, "%s", slot->why ? slot->why : "out of memory");
    j->bad++;
    return FPC_OK;
}

static fpc_status print_png(const job *j, fpc_ctx *ctx, fpc_arena *arena, const char *name, const fpc_image *image)
{
    const uint8_t *data;
    size_t bytes;
    const fpc_status status =
        fpc_png_encode(ctx, arena, name, image, j->info.palette, j->info.classes, FPC_PREDICT_MARK, &data, &bytes);

    if (!status)
        fpc_print_bytes(data, bytes);
    return status;
}

static fpc_status write_png(const job *j, fpc_ctx *ctx, fpc_arena *arena, const char *path, const fpc_image *image,
                            const uint8_t (*palette)[3])
{
    if (j->files.pipe)
        return print_png(j, ctx, arena, path, image);
    const fpc_status status =
        fpc_png_write_saying(ctx, path, image, palette, palette ? j->info.classes : 0, FPC_PREDICT_MARK);

    if (!status)
        tell(j, arena, path);
    return status;
}

static fpc_status write_probs(const job *j, fpc_ctx *ctx, fpc_arena *arena, const char *path, const float *p)
{
    const fpc_st_tensor tensor = {.name = "probabilities",
                                  .dtype = FPC_F32,
                                  .rank = 3,
                                  .dims = {j->info.h, j->info.w, j->info.classes},
                                  .count = (int64_t)j->info.h * j->info.w * j->info.classes,
                                  .data = p};
    const fpc_st_meta meta[] = {{"software", FPC_PREDICT_MARK}};
    const fpc_status status = fpc_st_write(ctx, path, 1, &tensor, 1, meta);

    if (!status)
        tell(j, arena, path);
    return status;
}

static fpc_status write_files(void *arg, fpc_ctx *ctx, fpc_flow_slot *slot)
{
    const job *j = arg;
    const fpc_predict_item *item = &j->files.item[slot->number];
    fpc_arena *arena = slot->arena;
    fpc_status status;

    if ((!j->files.pipe && (status = make_folder(ctx, arena, item))) ||
        (status = write_png(j, ctx, arena, item->mask, &slot->mask, j->info.palette)) ||
        (item->probs && (status = write_probs(j, ctx, arena, item->probs, slot->probs))))
        return status;
    for (int32_t m = 0; m < j->files.n_maps && j->list; m++) {
        const char *path = fpc_predict_map_path(&j->files, arena, item, m);
        if (!path)
            return FPC_ENOMEM;
        tell(j, arena, path);
    }
    if (!item->overlay)
        return FPC_OK;
    fpc_overlay_draw(&slot->picture, slot->mask.pixel, j->info.palette);
    return write_png(j, ctx, arena, item->overlay, &slot->picture, NULL);
}

/* ---- all of them ---- */

static fpc_status predict_all(job *j)
{
    const fpc_flow_hands hands = {read_picture, compute, write_files, j};

    j->began = fpc_clock_now();
    const fpc_status status = fpc_flow_run(j->cmd->ctx, j->files.n, &hands);
    fpc_end_progress();
    if (status || !j->files.legend || j->bad == j->files.n)
        return status;
    tell(j, j->cmd->arena, j->files.legend);
    return fpc_legend_write(j->cmd->ctx, j->cmd->arena, j->files.legend, j->info.classes, j->info.class_names,
                            j->info.palette);
}

static fpc_status sum_up(const job *j)
{
    const fpc_predict_files *f = &j->files;
    const int32_t done = f->n - j->bad;
    const char *word = fpc_word(done, "mask", "masks");

    if (j->tiles.side && done)
        word = fpc_sprintf(j->cmd->arena, "%s of %lld %s", word, (long long)j->cut, fpc_word(j->cut, "tile", "tiles"));
    if (!word)
        return FPC_ENOMEM;
    if (f->overlay && done)
        fpc_print("%s: %d %s with overlays; %s tells their colours\n", fpc_report_clean(j->cmd->arena, f->out), done,
                  word, fpc_report_clean(j->cmd->arena, f->legend));
    else
        fpc_print("%s: %d %s\n", fpc_report_clean(j->cmd->arena, f->out), done, word);
    if (f->own)
        fpc_print("passed over: %d %s that fpcore predict wrote\n", f->own, fpc_word(f->own, "file", "files"));
    if (f->folders)
        fpc_print("passed over: %d %s; --recursive looks into %s\n", f->folders,
                  fpc_word(f->folders, "sub-folder", "sub-folders"), fpc_word(f->folders, "it", "them"));
    if (!j->bad && f->unlisted)
        return fpc_fail(j->cmd->ctx, FPC_EIO, "%d %s could not be looked into", f->unlisted,
                        fpc_word(f->unlisted, "folder", "folders"));
    if (!j->bad)
        return FPC_OK;
    return fpc_fail(j->cmd->ctx, FPC_EFORMAT, "%d of %d pictures could not be read", j->bad, f->n);
}

static fpc_status collect(job *j, int32_t n, const char *const *operands)
{
    fpc_status status = FPC_OK;

    j->files.pipe = !strcmp(j->files.out, "-");
    j->files.others = n > 1;
    if (!n)
        return fpc_fail(j->cmd->ctx, FPC_EINVAL, "fpcore predict: no pictures are given; name files or a folder");
    if (j->files.overlay && !(j->files.legend = fpc_sprintf(j->cmd->arena, "%s/overlay.legend.png", j->files.out)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n && !status; i++)
        status = fpc_predict_add(&j->files, operands[i]);
    if (!status && !j->files.n)
        return fpc_fail(j->cmd->ctx, FPC_EIO, "no picture could be found in %d %s that could not be looked into",
                        j->files.unlisted, fpc_word(j->files.unlisted, "folder", "folders"));
    return status;
}

static fpc_status read_tiles(job *j, const char *tiles, const char *overlap)
{
    const fpc_status status = fpc_tta_read_tiles(j->cmd->ctx, "predict", tiles, overlap, &j->tiles);

    if (status || !tiles || !j->files.probs)
        return status;
    return fpc_fail(
        j->cmd->ctx, FPC_EINVAL,
        "fpcore predict: --probs writes what the model says of the whole picture, and with --tiles it never "
        "sees that; --probabilities goes with tiles");
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *scales = NULL, *tiles = NULL, *overlap = NULL, *maps = NULL, *post = NULL, **operands;
    int flip = 0, no_exchange = 0, force = 0;
    int32_t n;
    fpc_hw size = {0, 0};
    fpc_tta how;
    const fpc_post *changes;
    job j = {.cmd = cmd, .files = {.cmd = cmd}, .info = {.size = sizeof j.info}};
    fpc_predictor_args open = fpc_cmd_predictor(cmd);
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &open.weights},
                            {"out", 'o', FPC_ARG_TEXT, 1, &j.files.out},
                            {"overlay", 0, FPC_ARG_FLAG, 0, &j.files.overlay},
                            {"probs", 0, FPC_ARG_FLAG, 0, &j.files.probs},
                            {"probabilities", 0, FPC_ARG_MAYBE, 0, &maps},
                            {"recursive", 'r', FPC_ARG_FLAG, 0, &j.files.recursive},
                            {"force", 0, FPC_ARG_FLAG, 0, &force},
                            {"verbose", 'v', FPC_ARG_FLAG, 0, &j.list},
                            {"size", 0, FPC_ARG_SIZE, 0, &size},
                            {"scales", 0, FPC_ARG_TEXT, 0, &scales},
                            {"flip", 0, FPC_ARG_FLAG, 0, &flip},
                            {"no-exchange", 0, FPC_ARG_FLAG, 0, &no_exchange},
                            {"tiles", 0, FPC_ARG_TEXT, 0, &tiles},
                            {"overlap", 0, FPC_ARG_TEXT, 0, &overlap},
                            {"post", 0, FPC_ARG_TEXT, 0, &post},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, &n, &operands);

    if (status || (status = fpc_tta_read(cmd->ctx, "predict", scales, flip, no_exchange, &how)) ||
        (status = read_tiles(&j, tiles, overlap)) || (status = collect(&j, n, operands)))
        return status;
    if (post && maps)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore predict: --probabilities writes what the network says, and --post changes labels "
                        "afterwards, which would not go together; give one of them");
    open.h = size.h;
    open.w = size.w;
    fpc_predictor_take_tta(&open, &how);
    if (!(status = fpc_predictor_open_in(cmd->ctx, &open, FPC_OPEN_USED, &j.predictor)) &&
        !(status = fpc_predictor_post(j.predictor, post, &changes)) &&
        !(status = fpc_predict_describe(cmd->arena, j.predictor, &j.info)) &&
        !(status = fpc_predict_name_maps(&j.files, maps, j.info.classes, j.info.class_names)) &&
        !(status = fpc_predict_check(&j.files, force)) &&
        !(status = j.files.pipe ? FPC_OK : fpc_make_folders(cmd->ctx, "fpcore predict: --out", j.files.out))) {
        fpc_tta_cut(fpc_predictor_tta(j.predictor), j.tiles, (fpc_tta_watch){j.tiles.side ? before_tile : NULL, &j});
        status = predict_all(&j);
    }
    fpc_predictor_close(j.predictor);
    return status || j.files.pipe ? status : sum_up(&j);
}

const fpc_cmd fpc_cmd_predict = {
    .name = "predict",
    .place = 80,
    .summary = "Write label masks for pictures.",
    .needs_recipe = 0,
    .interrupted = "stopping after this picture, or this tile of it",
    .run = run,
    .help = "usage: fpcore predict [-c RECIPE] -w RUN|WEIGHTS.safetensors -o FOLDER\n"
            "                      [-s SECTION.KEY=VALUE]... [--overlay] [--probs]\n"
            "                      [--probabilities[=png16|npy]] [-r] [--force] [-v]\n"
            "                      [--size N|HxW] [--scales S,S...] [--flip [--no-exchange]]\n"
            "                      [--tiles N [--overlap M]] [--post FILE]\n"
            "                      PICTURE|FOLDER...|-\n"
            "\n"
            "Writes FOLDER/NAME.png for each picture (JPEG or PNG): an 8-bit palette PNG of\n"
            "the picture's size whose indices are the labels; colours are those of the\n"
            "recipe's data set, which need not be at hand. Logits are enlarged to the\n"
            "picture, so borders are smooth. A picture that cannot be read is told of; the\n"
            "others get their masks, and the exit code is 1.\n"
            "\n"
            "No picture is ever replaced. Files that an earlier prediction wrote are\n"
            "replaced, and passed over where they lie among the pictures; any other file\n"
            "in the way ends the program before it begins.\n"
            "\n"
            "  -c RECIPE            default: that of the run folder, or what the weights\n"
            "                       hold\n"
            "  -w, --weights FILE   weights of the recipe's model, or a run folder: its\n"
            "                       best.safetensors\n"
            "  -o, --out FOLDER     where masks go; made where it is missing; - writes the mask\n"
            "                       of one picture to standard output\n"
            "  -                    as picture: standard input; its mask is FOLDER/stdin.png\n"
            "  --overlay            also FOLDER/NAME.overlay.png: the picture with borders\n"
            "                       and tints in the label colours, and one\n"
            "                       FOLDER/overlay.legend.png\n"
            "  --probs              also FOLDER/NAME.probs.safetensors: the tensor\n"
            "                       `probabilities` (height, width, classes) at the size that\n"
            "                       the model sees\n"
            "  --probabilities[=png16|npy]\n"
            "                       also the probability of each class at each pixel of the\n"
            "                       picture: FOLDER/NAME_CLASS.png, grey of 16 bits, 65535\n"
            "                       being 1; npy: FOLDER/NAME.probabilities.npy, floats\n"
            "                       (height, width, classes), for NumPy. No class has more\n"
            "                       than the label of the mask\n"
            "  -r, --recursive      pictures in sub-folders too; their masks go to\n"
            "                       sub-folders of the same names\n"
            "  --force              replace files that fpcore predict did not write\n"
            "  -v, --verbose        print the name of each file that is written\n"
            "  --size N             size that the model sees (default: dataset.size)\n"
            "  --scales S,S...      predict from the mean probabilities at these sizes, 1\n"
            "                       being --size\n"
            "  --flip               and those of the mirrored picture, mirrored back\n"
            "  --no-exchange        leave the labels of the mirrored branch as they are: for\n"
            "                       models trained so\n"
            "  --tiles N            for large pictures: cut them into squares of N x N of\n"
            "                       their own pixels, each of which the model sees at\n"
            "                       --size, and blend what it says of them; of a picture\n"
            "                       that is not wider or not higher than N, tiles are as\n"
            "                       wide or as high as the picture\n"
            "  --overlap M          pixels that neighbouring tiles share at least\n"
            "                       (default: a quarter of N)\n"
            "  --post FILE          change labels by what fpcore tune found; --probs stay\n"
            "                       what the model says\n"
            "\n"
            "example: fpcore predict -w best.safetensors -o masks --overlay photos/\n"};
