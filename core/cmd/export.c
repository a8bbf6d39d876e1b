/* export.c: `fpcore export`: a trained network in a form that other programs run. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/export/export.h"
#include "cmd/export/int8.h"
#include "cmd/export/onnx.h"
#include "cmd/line/terminal.h"
#include "cmd/line/output.h"
#include "cmd/submit/torch_file.h"
#include "data/classes.h"
#include "experiment/predictor.h"

enum { MOST_PICTURES = 65536, MOST_META = 16 };

typedef struct job {
    fpc_cmdline *cmd;
    const char *onnx, *torch, *c; /* the files and the folder that are written; NULL: not wanted */
    const char *bin;              /* the weights beside `c`; NULL: in it */
    const char *source, *weights; /* the files in that folder */
    int int8;                     /* --onnx in whole numbers of eight bits */
    const char *calibrate;        /* pictures for its ranges; NULL: of the data set */
    fpc_predictor_args open;
    fpc_predictor *predictor;
    fpc_predictor_info info;
    fpc_export_args args;
    fpc_st_meta meta[MOST_META];
} job;

/* ---- what was asked for ---- */

static fpc_status read_output(job *j, const char *text)
{
    for (int i = 0; i < 3; i++)
        if (!text || !strcmp(text, fpc_export_outputs[i])) {
            j->args.output = (fpc_export_output)i;
            return FPC_OK;
        }
    return fpc_fail(j->cmd->ctx, FPC_EINVAL, "fpcore export: --output %s: not one of labels, logits, probabilities",
                    text);
}

static fpc_status read_batch(job *j, const char *text)
{
    char *end;

    j->args.n = 1;
    if (!text)
        return FPC_OK;
    if (!strcmp(text, "free")) {
        j->args.n = 0;
        return FPC_OK;
    }
    const long n = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;
    if (n < 1 || n > MOST_PICTURES || *end)
        return fpc_fail(j->cmd->ctx, FPC_EINVAL,
                        "fpcore export: --batch %s: a number of pictures from 1 to %d, or free", text, MOST_PICTURES);
    j->args.n = (int32_t)n;
    return FPC_OK;
}

/* Before anything is opened, which takes its time. The weights beside a source of ours are ours. */
static fpc_status check_paths(job *j, int force)
{
    fpc_status status = FPC_OK;

    if (!j->onnx && !j->torch && !j->c)
        return fpc_fail(j->cmd->ctx, FPC_EINVAL,
                        "fpcore export: none of --onnx FILE, --torch FOLDER and --c FILE says what to write");
    if (j->onnx)
        status = fpc_output_check(j->cmd->ctx, j->onnx, "fpcore export", "name to --onnx",
                                  force || fpc_onnx_is_own(j->onnx));
    if (!status && j->c)
        status = fpc_output_check(j->cmd->ctx, j->c, "fpcore export", "name to --c", force || fpc_c_is_own(j->c));
    if (!status && j->bin)
        status = fpc_output_check(j->cmd->ctx, j->bin, "fpcore export", "name to --c",
                                  force || fpc_c_weights_are_own(j->bin));
    if (status || !j->torch)
        return status;
    j->source = fpc_sprintf(j->cmd->arena, "%s/model.py", j->torch);
    j->weights = fpc_sprintf(j->cmd->arena, "%s/ckpt.pth", j->torch);
    if (!j->source || !j->weights)
        return FPC_ENOMEM;
    const int is_own = force || fpc_torch_is_own(j->source);
    const char *const files[] = {j->source, j->weights};
    for (int i = 0; i < 2 && !status; i++)
        status = fpc_output_check(j->cmd->ctx, files[i], "fpcore export", "name to --torch", is_own);
    return status;
}

/* What --onnx alone listens to is not passed over in silence. */
static fpc_status check_options(const job *j, const char *output, const char *batch)
{
    if (j->int8 && !j->onnx)
        return fpc_fail(j->cmd->ctx, FPC_EINVAL, "fpcore export: --int8 is for --onnx FILE, which is not given");
    if (j->calibrate && !j->int8)
        return fpc_fail(j->cmd->ctx, FPC_EINVAL,
                        "fpcore export: --calibrate gives pictures to --int8, which is not given");
    if (j->onnx || (!output && !batch))
        return FPC_OK;
    return fpc_fail(j->cmd->ctx, FPC_EINVAL, "fpcore export: %s is for --onnx, which is not given: what %s",
                    output ? "--output" : "--batch",
                    j->torch ? "--torch writes takes any number of pictures and gives logits"
                             : "--c writes takes one picture and gives labels or scores");
}

/* The C file's name, and that of its weights: face.c, face.bin. */
static fpc_status read_c(job *j, int beside)
{
    const size_t n = j->c ? strlen(j->c) : 0;

    if (beside && !j->c)
        return fpc_fail(j->cmd->ctx, FPC_EINVAL, "fpcore export: --beside is for --c, which is not given");
    if (j->c && (n < 3 || strcmp(j->c + n - 2, ".c") || j->c[n - 3] == '/'))
        return fpc_fail(j->cmd->ctx, FPC_EINVAL, "fpcore export: --c %s: a name that ends in .c, such as face.c", j->c);
    if (beside && !(j->bin = fpc_sprintf(j->cmd->arena, "%.*s.bin", (int)(n - 2), j->c)))
        return FPC_ENOMEM;
    return FPC_OK;
}

/* ---- what the file says of the network ---- */

static fpc_status add(job *j, const char *key, const char *value)
{
    if (!value)
        return FPC_ENOMEM;
    j->meta[j->args.n_meta++] = (fpc_st_meta){key, value};
    return FPC_OK;
}

static fpc_status add_json(job *j, const char *key, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    const fpc_status status = add(j, key, text ? fpc_strdup(j->cmd->arena, text) : NULL);

    free(text);
    json_decref(value);
    return status;
}

/* Names and colours as programs read them, and the whole table as fpcore does. */
static fpc_status add_classes(job *j)
{
    const fpc_dataset_info *info = &fpc_predictor_experiment(j->predictor)->info;
    json_t *names = json_array(), *palette = json_array();

    for (int32_t c = 0; c < j->info.classes; c++) {
        const char *name = j->info.class_names ? fpc_proto_utf8(j->cmd->arena, j->info.class_names[c])
                                               : fpc_sprintf(j->cmd->arena, "class %d", c);
        json_array_append_new(names, json_string(name ? name : ""));
        if (j->info.palette) {
            const uint8_t *rgb = j->info.palette[c];
            json_array_append_new(palette, json_pack("[iii]", rgb[0], rgb[1], rgb[2]));
        }
    }
    fpc_status status = add_json(j, "classes", names);
    if (status) {
        json_decref(palette);
        return status;
    }
    if ((status = add_json(j, "palette", palette)))
        return status;
    return add(j, FPC_META_CLASSES, fpc_classes_text(j->cmd->arena, info));
}

/* What was opened, for weights that do not hold their recipe; without the backend, which is another one here. */
static fpc_status add_recipe(job *j)
{
    const fpc_resolved *all;
    fpc_resolved *kept;
    int32_t n, n_kept = 0;
    const fpc_status status = fpc_experiment_settings(fpc_predictor_experiment(j->predictor), j->cmd->arena, &n, &all);

    if (status)
        return status;
    if (!(kept = fpc_alloc(j->cmd->arena, ((size_t)n + 1) * sizeof *kept)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++)
        if (strcmp(all[i].section, "backend"))
            kept[n_kept++] = all[i];
    return add(j, "recipe", fpc_resolved_text(j->cmd->arena, kept, n_kept, 0, 0));
}

/* What the weights say of their training, where they do. */
static fpc_status add_training(job *j)
{
    static const char *const key[] = {"epoch", "metric", "value", "recipe"};
    fpc_st_file *file;
    fpc_status status = fpc_st_read(j->cmd->ctx, j->cmd->arena, fpc_predictor_weights(j->predictor), &file);

    for (size_t i = 0; i < sizeof key / sizeof *key && !status; i++) {
        const char *value = fpc_st_meta_find(file, key[i]);
        if (value)
            status = add(j, key[i], fpc_strdup(j->cmd->arena, value));
    }
    return status || fpc_st_meta_find(file, "recipe") ? status : add_recipe(j);
}

static fpc_status describe(job *j)
{
    const int32_t fit = fpc_predictor_experiment(j->predictor)->info.fit;
    fpc_status status;

    fpc_predictor_describe(j->predictor, &j->info);
    j->args.h = j->info.h;
    j->args.w = j->info.w;
    j->args.meta = j->meta;
    json_t *input = json_pack("{s:s,s:s,s:s,s:i,s:i,s:[i,i]}", "name", "image", "type", "uint8", "layout", "NHWC RGB",
                              "height", j->info.h, "width", j->info.w, "range", 0, 255);
    if (fit != FPC_FIT_SQUEEZE)
        json_object_set_new(input, "fit", json_string(fpc_fit_name(fit)));
    if ((status = add(j, "fpcore.version", FPC_VERSION)) || (status = add(j, "model", j->info.model))) {
        json_decref(input);
        return status;
    }
    if ((status = add_json(j, "input", input)) || (status = add_classes(j)))
        return status;
    return add_training(j);
}

/* ---- all of it ---- */

/* The ranges are found with one picture at a time, whatever the file takes. */
static fpc_status quantize(job *j)
{
    const fpc_int8_args a = {.cmd = j->cmd,
                             .open = &j->open,
                             .pictures = j->calibrate,
                             .output = j->args.output,
                             .h = j->args.h,
                             .w = j->args.w};
    fpc_export_args one = j->args;
    fpc_graph *g;
    fpc_int8 *q;
    uint8_t *conv;
    int32_t pictures;
    fpc_status status;

    one.n = 1;
    if ((status = fpc_export_graph(fpc_predictor_experiment(j->predictor), j->cmd->arena, &one, &g)) ||
        (status = fpc_onnx_convolutions(j->cmd->ctx, j->cmd->arena, g, &conv)) ||
        (status = fpc_int8_calibrate(&a, g, conv, &q, &pictures)))
        return status;
    j->args.int8 = q;
    fpc_say("%s: %d of %d products in int8, by the ranges of %d %s", j->onnx, q->n_products, q->n_all, pictures,
            fpc_word(pictures, "picture", "pictures"));
    return add_json(
        j, "int8",
        json_pack("{s:s,s:s,s:i}", "weights", "int8 by output channel", "activations", "uint8", "pictures", pictures));
}

static fpc_status write_onnx(job *j)
{
    const void *data;
    size_t bytes;
    fpc_status status = j->int8 ? quantize(j) : FPC_OK;

    if (status ||
        (status = fpc_onnx_make(fpc_predictor_experiment(j->predictor), j->cmd->arena, &j->args, &data, &bytes)) ||
        (status = fpc_write_atomic(j->cmd->ctx, j->onnx, data, bytes)))
        return status;
    const char *n = j->args.n ? fpc_sprintf(j->cmd->arena, "%d", j->args.n) : "n";
    fpc_say("%s: %s, %lld parameters, %.1f MB; image uint8 (%s,%d,%d,3) to %s", j->onnx, j->info.model,
            (long long)j->info.parameters, (double)bytes / 1e6, n ? n : "", j->args.h, j->args.w,
            fpc_export_outputs[j->args.output]);
    return FPC_OK;
}

/* For people who write what brings a picture to the network. */
static const char *shape_text(int32_t fit)
{
    return fit == FPC_FIT_SQUEEZE
               ? ""
               : "\n\nPictures keep their ratio: resize them until they fit into SIZE, put them into the "
                 "middle, on black,\nand leave out of the logits what lies beside them.";
}

/* The weights first: a source that is there has the weights beside it. */
static fpc_status write_torch(job *j)
{
    fpc_experiment *s = fpc_predictor_experiment(j->predictor);
    const char *about = fpc_sprintf(j->cmd->arena, "%s, %lld parameters, %d classes.%s", j->info.model,
                                    (long long)j->info.parameters, j->info.classes, shape_text(s->info.fit));
    const char *source;
    const void *weights;
    size_t bytes;
    fpc_status status;

    if (!about)
        return FPC_ENOMEM;
    if ((status = fpc_torch_source(s, j->cmd->arena, &j->args, about, &source)) ||
        (status = fpc_torch_weights(s->state, j->cmd->arena, j->weights, &weights, &bytes)) ||
        (status = fpc_make_folders(j->cmd->ctx, "fpcore export: --torch", j->torch)) ||
        (status = fpc_write_atomic(j->cmd->ctx, j->weights, weights, bytes)) ||
        (status = fpc_write_atomic(j->cmd->ctx, j->source, source, strlen(source))))
        return status;
    fpc_say("%s, %s: %s, %lld parameters; image float (n,3,%d,%d) to logits", j->source, j->weights, j->info.model,
            (long long)j->info.parameters, j->args.h, j->args.w);
    return FPC_OK;
}

/* The weights first: a source that is there has its weights beside it. */
static fpc_status write_c(job *j)
{
    fpc_experiment *s = fpc_predictor_experiment(j->predictor);
    const fpc_c_args args = {j->c, j->bin != NULL, s->info.fit != FPC_FIT_SQUEEZE, &j->info};
    fpc_c_files files;
    fpc_status status = fpc_c_make(s, j->cmd->arena, &args, &files);

    if (!status && j->bin)
        status = fpc_write_atomic(j->cmd->ctx, j->bin, files.weights, files.weights_bytes);
    if (status || (status = fpc_write_atomic(j->cmd->ctx, j->c, files.source, files.source_bytes)))
        return status;
    fpc_say("%s%s%s: %s, %lld parameters, %.1f MB; pictures of %dx%d, %.1f MB of memory", j->c, j->bin ? ", " : "",
            j->bin ? j->bin : "", j->info.model, (long long)j->info.parameters,
            (double)(files.source_bytes + files.weights_bytes) / 1e6, j->args.h, j->args.w,
            (double)files.floats * 4e-6);
    return FPC_OK;
}

static fpc_status write_all(job *j)
{
    fpc_status status = describe(j);

    if (!status && j->onnx)
        status = write_onnx(j);
    if (!status && j->torch)
        status = write_torch(j);
    return status || !j->c ? status : write_c(j);
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *output = NULL, *batch = NULL;
    int force = 0, beside = 0;
    fpc_hw size = {0, 0};
    job j = {.cmd = cmd, .info = {.size = sizeof j.info}};
    j.open = fpc_cmd_predictor(cmd);
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &j.open.weights},
                            {"onnx", 0, FPC_ARG_TEXT, 0, &j.onnx},
                            {"torch", 0, FPC_ARG_TEXT, 0, &j.torch},
                            {"c", 0, FPC_ARG_TEXT, 0, &j.c},
                            {"beside", 0, FPC_ARG_FLAG, 0, &beside},
                            {"output", 0, FPC_ARG_TEXT, 0, &output},
                            {"size", 0, FPC_ARG_SIZE, 0, &size},
                            {"batch", 0, FPC_ARG_TEXT, 0, &batch},
                            {"int8", 0, FPC_ARG_FLAG, 0, &j.int8},
                            {"calibrate", 0, FPC_ARG_TEXT, 0, &j.calibrate},
                            {"force", 0, FPC_ARG_FLAG, 0, &force},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status || (status = read_output(&j, output)) || (status = read_batch(&j, batch)) ||
        (status = check_options(&j, output, batch)) || (status = read_c(&j, beside)) ||
        (status = check_paths(&j, force)))
        return status;
    j.open.h = size.h;
    j.open.w = size.w;
    if (!(status = fpc_predictor_open_in(cmd->ctx, &j.open, FPC_OPEN_USED | FPC_OPEN_EXACT, &j.predictor)))
        status = write_all(&j);
    fpc_predictor_close(j.predictor);
    return status;
}

const fpc_cmd fpc_cmd_export = {
    .name = "export",
    .place = 87,
    .summary = "Write a network for other programs: ONNX, PyTorch, C.",
    .needs_recipe = 0,
    .run = run,
    .help = "usage: fpcore export [-c RECIPE] -w RUN|WEIGHTS.safetensors\n"
            "                     [--onnx FILE.onnx] [--torch FOLDER] [--c FILE.c [--beside]]\n"
            "                     [-s SECTION.KEY=VALUE]... [--size N|HxW] [--batch N|free]\n"
            "                     [--output labels|logits|probabilities]\n"
            "                     [--int8 [--calibrate FOLDER]] [--force]\n"
            "\n"
            "--onnx writes the network as one ONNX file (opset 17) with everything around it\n"
            "inside: the input `image` takes pictures as they are decoded, uint8 (n,h,w,3),\n"
            "RGB, and the output gives labels, uint8 (n,h,w), or real logits or\n"
            "probabilities (n,h,w,classes), at the size of the pictures. Products of\n"
            "weights and batch norms are worked out beforehand, in double, so the bytes are\n"
            "the same on every machine. Height and width are fixed: resize pictures of\n"
            "another size to them, bilinearly, before they go in. The file's metadata hold\n"
            "class names, palette, input, recipe, epoch and metric. A network that was\n"
            "trained with dataset.fit = pad or crop says so in `input` (\"fit\"): its pictures\n"
            "are to keep their ratio, in the middle of that size, on black.\n"
            "\n"
            "--int8 puts products with weights into whole numbers of eight bits: a file a\n"
            "third as large, and faster where the runtime has instructions for them. The\n"
            "ranges are those of 32 pictures, drawn from the training part (always the same\n"
            "ones) or from --calibrate FOLDER; every metric is printed for both networks,\n"
            "over the validation part, and how many labels stay.\n"
            "\n"
            "--torch writes FOLDER/model.py, the network as PyTorch source, and\n"
            "FOLDER/ckpt.pth, its weights: from pictures (n,3,h,w) in [0,1] to logits.\n"
            "\n"
            "--c writes the network as one C file that needs libm and nothing else: C99 (and\n"
            "C++11), plain loops, no malloc, memory of the caller's, pictures in, labels or\n"
            "scores out. Its names begin like the file's; it begins with how it is used.\n"
            "\n"
            "  -c RECIPE            default: that of the run folder, or what the weights\n"
            "                       hold\n"
            "  -w, --weights FILE   weights of the recipe's model, or a run folder: its\n"
            "                       best.safetensors\n"
            "  --onnx FILE          the ONNX file that is written\n"
            "  --torch FOLDER       where the source and its weights go; made where it is\n"
            "                       missing\n"
            "  --c FILE.c           the C file that is written\n"
            "  --beside             of --c: weights go into FILE.bin, not into the source\n"
            "  --size N             size of the pictures, N or HxW (default: dataset.size)\n"
            "  --batch N            of --onnx: pictures at a time (default: 1); free: as\n"
            "                       many as come\n"
            "  --output WHAT        of --onnx: labels (default), logits or probabilities\n"
            "  --int8               of --onnx: in whole numbers of eight bits\n"
            "  --calibrate FOLDER   of --int8: pictures that ranges are taken of (default: the\n"
            "                       data set's training part)\n"
            "  --force              replace files that fpcore export did not write\n"
            "\n"
            "example: fpcore export -w best.safetensors --onnx face.onnx\n"};
