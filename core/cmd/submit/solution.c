/* solution.c: the solution part of a contest's archive. The weights twice, as safetensors (what fpcore reads)
 * and as ckpt.pth (what PyTorch reads, under the key `state_dict` as the organisers' sample asks for); the recipe as it
 * was understood; a script with the options --input --output --weights; a text that says how it all fits together. */
#include "cmd/submit/submit.h"
#include <fpcore/image.h>
#include <stdio.h>
#include <string.h>
#include "data/classes.h"
#include "experiment/post.h"
#include "experiment/trained.h"
#include "weights/weights.h"
#include "cmd/submit/torch_file.h"

/* Those of the weights that were given which say how good they are. */
static fpc_status add_scores(const fpc_submit *s, int32_t *n, fpc_st_meta *to)
{
    static const char *const key[] = {"epoch", "metric", "value"};
    fpc_st_file *file;
    const fpc_status status = fpc_st_read(s->cmd->ctx, s->cmd->arena, s->weights, &file);

    for (size_t i = 0; i < sizeof key / sizeof *key && !status; i++)
        if ((to[*n].value = fpc_st_meta_find(file, key[i])))
            to[(*n)++].key = key[i];
    return status;
}

/* They stand for themselves, as those of a run. */
static fpc_status weights_bytes(const fpc_submit *s, const void **data, size_t *bytes)
{
    fpc_arena *arena = s->cmd->arena;
    const char *classes = fpc_classes_text(arena, fpc_data_info(s->experiment->data)), *recipe;
    fpc_st_meta meta[FPC_TRAINED_META + 3];
    const fpc_resolved *all;
    int32_t n;
    fpc_status status = fpc_experiment_settings(s->experiment, arena, &n, &all);

    if (status)
        return status;
    if (!classes || !(recipe = fpc_resolved_text(arena, all, n, 0, 0)))
        return FPC_ENOMEM;
    n = fpc_trained_meta(s->experiment, arena, recipe, classes, meta);
    status = add_scores(s, &n, meta);
    return status ? status
                  : fpc_weights_bytes(s->cmd->ctx, arena, s->experiment->state, "solution/weights.safetensors", n, meta,
                                      data, bytes);
}

static fpc_status add_weights(fpc_submit *s)
{
    fpc_state *state = s->experiment->state;
    fpc_arena *arena = s->cmd->arena;
    const void *data;
    size_t bytes;
    fpc_status status;

    if ((status = fpc_torch_weights(state, arena, "solution/ckpt.pth", &data, &bytes)) ||
        (status = fpc_submit_add(s, "solution/ckpt.pth", data, bytes, 1)) || (status = weights_bytes(s, &data, &bytes)))
        return status;
    return fpc_submit_add(s, "solution/weights.safetensors", data, bytes, 0);
}

static fpc_status add_text(fpc_submit *s, const char *name, const char *text)
{
    return text ? fpc_submit_add(s, name, text, strlen(text), 0) : FPC_ENOMEM;
}

static const char *script(const fpc_submit *s)
{
    const fpc_dataset_info *info = fpc_data_info(s->experiment->data);
    const char *more = s->scales ? fpc_sprintf(s->cmd->arena, " --scales '%s'", s->scales) : "";
    return fpc_sprintf(
        s->cmd->arena,
        "#!/bin/sh\n"
        "# Masks for a folder of pictures: run.sh --input FOLDER --output FOLDER [--weights FILE.safetensors]\n"
        "# Needs fpcore %s in the path, or its program's name in FPCORE.\n"
        "here=$(cd \"$(dirname \"$0\")\" && pwd) || exit 1\n"
        "input= output= weights=$here/weights.safetensors\n"
        "while [ $# -gt 0 ]; do\n"
        "    case $1 in\n"
        "    --input) input=$2 ;;\n"
        "    --output) output=$2 ;;\n"
        "    --weights) weights=$2 ;;\n"
        "    *)\n"
        "        echo \"run.sh: unknown option $1\" >&2\n"
        "        exit 2\n"
        "        ;;\n"
        "    esac\n"
        "    [ $# -ge 2 ] || { echo \"run.sh: $1 needs a value\" >&2; exit 2; }\n"
        "    shift 2\n"
        "done\n"
        "[ -n \"$input\" ] && [ -n \"$output\" ] || { echo \"run.sh: --input and --output are needed\" >&2; exit 2; }\n"
        "case $weights in\n"
        "*.pth)\n"
        "    echo \"run.sh: fpcore reads weights.safetensors; ckpt.pth holds the same numbers for PyTorch\" >&2\n"
        "    exit 2\n"
        "    ;;\n"
        "esac\n"
        "exec \"${FPCORE:-fpcore}\" predict -c \"$here/recipe.ini\" -w \"$weights\" -o \"$output\" --size "
        "%dx%d%s%s%s%s "
        "\"$input\"\n",
        FPC_VERSION, info->h, info->w, more ? more : "", s->how.flip ? " --flip" : "",
        s->how.flip && !s->how.exchange ? " --no-exchange" : "", s->post ? " --post \"$here/post.ini\"" : "");
}

static const char *readme(const fpc_submit *s)
{
    const fpc_dataset_info *info = fpc_data_info(s->experiment->data);
    return fpc_sprintf(
        s->cmd->arena,
        "# Solution\n\n"
        "Model: model/%s, %lld trainable parameters (the limit is fewer than %lld).\n"
        "Pictures are resized to %d x %d (height x width; bilinear, antialiased when they shrink), divided by 255, "
        "and\n"
        "taken as RGB in the order of rows; logits are resized back to the picture (bilinear), and the class of the "
        "highest "
        "is\n"
        "the label.%s\n"
        "Prediction: %s.%s\n\n"
        "| file | holds |\n| --- | --- |\n"
        "| run.sh | inference: `sh run.sh --input FOLDER --output FOLDER [--weights FILE]` writes NAME.png for each "
        "picture |\n"
        "| recipe.ini | every option of model, data, losses, optimizer, schedule and augmentations of the training; "
        "where it names classes.ini, that holds names, colours and mirror pairs of the classes |\n"
        "| weights.safetensors | the weights under their PyTorch names; what run.sh reads |\n"
        "| ckpt.pth | the same for PyTorch: `torch.load('ckpt.pth')['state_dict']`, an OrderedDict of tensors |\n"
        "| requirements.txt | what to install |\n\n"
        "The model's source is plugins/model/%s.c of fpcore %s, which is written in C11 and built by `./bootstrap "
        "build`;\n"
        "`fpcore model -c recipe.ini` prints its layers, and `fpcore -c recipe.ini -s dataset.root=FOLDER` trains it "
        "again.\n"
        "masks/ beside this folder: 8-bit palette PNGs of the pictures' sizes; the index of a pixel is its class, 0 .. "
        "%d.\n",
        s->experiment->model.plugin->name, (long long)s->experiment->state->n_trainable, (long long)s->limit, info->h,
        info->w,
        s->experiment->info.fit == FPC_FIT_SQUEEZE
            ? ""
            : " Pictures keep their ratio: they are resized until they fit, and "
              "lie in the\nmiddle, on black, which the logits are taken without.",
        fpc_tta_on(&s->how) ? fpc_tta_text(s->cmd->arena, &s->how) : "one pass",
        s->post ? " Labels are changed by post.ini, whose numbers were chosen on validation pictures." : "",
        s->experiment->model.plugin->name, FPC_VERSION, info->classes - 1);
}

static const char *requirements(const fpc_submit *s)
{
    return fpc_sprintf(s->cmd->arena,
                       "# fpcore is a C program, not a Python package. Debian or Ubuntu packages that it is built on:\n"
                       "# gcc make autoconf automake libtool pkg-config libiniparser-dev libjansson-dev libcairo2-dev\n"
                       "# libpng-dev libjpeg-dev libzip-dev\n"
                       "# fpcore == %s\n"
                       "# only to open ckpt.pth:\n"
                       "torch>=1.13\n",
                       FPC_VERSION);
}

/* The recipe without the paths of this machine, and the file of classes that it names. */
static fpc_status add_recipe(fpc_submit *s)
{
    fpc_arena *arena = s->cmd->arena;
    const fpc_resolved *all;
    int32_t n, n_classes;
    fpc_status status = fpc_experiment_settings(s->experiment, arena, &n, &all);

    if (status || (status = add_text(s, "solution/recipe.ini", fpc_resolved_kept(arena, all, n, 0, 1, &n_classes))))
        return status;
    return n_classes
               ? add_text(s, "solution/" FPC_CLASSES_FILE, fpc_classes_text(arena, fpc_data_info(s->experiment->data)))
               : FPC_OK;
}

/* Names of classes that it holds are those of the archive's own table. */
static fpc_status add_post(fpc_submit *s)
{
    fpc_dataset_info info = s->experiment->info;

    info.classes = s->experiment->classes;
    return s->post ? add_text(s, "solution/post.ini", fpc_post_text(s->cmd->arena, s->post, &info, "")) : FPC_OK;
}

fpc_status fpc_submit_solution(fpc_submit *s)
{
    fpc_status status;
    if ((status = add_weights(s)) || (status = add_recipe(s)) || (status = add_post(s)) ||
        (status = add_text(s, "solution/run.sh", script(s))) || (status = add_text(s, "solution/README.md", readme(s))))
        return status;
    return add_text(s, "solution/requirements.txt", requirements(s));
}
