/* data.c: `fpcore data`: an audit of the data set that a recipe names, and a list that puts reversed masks right; or a
 * recipe for a folder that has none. */
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/inspect/audit.h"
#include "cmd/inspect/parts.h"
#include "cmd/setup/setup.h"
#include <string.h>

typedef struct wishes {
    const char *json, *fix_sides, *near, *parts, *out, *init;
    int keep_names, force;
    int32_t distance;
} wishes;

static fpc_status read_distance(fpc_cmdline *cmd, wishes *w)
{
    w->distance = 10;
    if (!w->near)
        return FPC_OK;
    w->distance = 0;
    for (const char *p = w->near; *p; p++) {
        if (*p < '0' || *p > '9' || p - w->near > 1)
            return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore data: --near %s: a number of bits, 0 to 64", w->near);
        w->distance = 10 * w->distance + (*p - '0');
    }
    if (!*w->near || w->distance > 64)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore data: --near %s: a number of bits, 0 to 64", w->near);
    return FPC_OK;
}

/* Only a plugin that reads such a list can be helped by one. */
static fpc_status check_plugin(fpc_cmdline *cmd, const fpc_experiment *s)
{
    for (int32_t i = 0; i < s->n_opened; i++) {
        const fpc_plugin *plugin = s->opened[i].inst.plugin;
        if (!plugin || plugin->kind != FPC_DATASET)
            continue;
        for (const fpc_option *o = plugin->options; o && o->name; o++)
            if (!strcmp(o->name, "sides"))
                return FPC_OK;
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore data: --fix-sides: dataset/%s has no option `sides` that would read the list; "
                        "dataset/folder has",
                        plugin->name);
    }
    return FPC_OK;
}

/* A new list replaces the one that the recipe names, so the masks are looked at as the files have them. */
static fpc_status without_list(fpc_cmdline *cmd)
{
    const char **more = fpc_alloc(cmd->arena, sizeof *more * (size_t)(cmd->n_overrides + 1));
    if (!more)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < cmd->n_overrides; i++)
        more[i] = cmd->overrides[i];
    more[cmd->n_overrides++] = "dataset.sides=";
    cmd->overrides = more;
    return FPC_OK;
}

static fpc_status write_results(fpc_cmdline *cmd, const wishes *w, const fpc_audit *a)
{
    fpc_status status = w->json ? fpc_audit_json(a, w->json) : FPC_OK;
    if (status || !w->fix_sides)
        return status;
    if (!a->decidable)
        return fpc_fail(cmd->ctx, FPC_EFORMAT,
                        "%s is not written: no mask shows both labels of a pair, so that none tells left from right",
                        w->fix_sides);
    if (!fpc_audit_sided(a))
        return fpc_fail(cmd->ctx, FPC_EFORMAT,
                        "%s is not written: %lld of %lld decidable masks are in the minority, so that none can be "
                        "called wrong",
                        w->fix_sides, (long long)a->exchanged, (long long)a->decidable);
    if ((status = fpc_audit_write_sides(a, w->fix_sides)))
        return status;
    fpc_print("\n%s: %lld %s; `sides = %s` in [dataset] exchanges their labels when they are read\n", w->fix_sides,
              (long long)a->exchanged, fpc_word(a->exchanged, "mask", "masks"), w->fix_sides);
    return FPC_OK;
}

/* The classes are the recipe's, or those of CelebAMask-HQ. */
static fpc_status join_parts(fpc_cmdline *cmd, const wishes *w)
{
    static const char faces[] = "[dataset]\nuse = folder\nroot = .\nclasses = celebamask19\n";
    fpc_recipe *recipe;
    fpc_experiment *s;
    fpc_status status;

    if (!w->out)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore data: --join-parts %s: -o FOLDER is missing, where masks go",
                        w->parts);
    status = cmd->recipe ? fpc_recipe_read(cmd->ctx, cmd->arena, cmd->recipe, cmd->n_overrides, cmd->overrides, &recipe)
                         : fpc_recipe_parse(cmd->ctx, cmd->arena, "CelebAMask-HQ", faces, cmd->n_overrides,
                                            cmd->overrides, &recipe);
    if (status || (status = fpc_experiment_open(cmd->ctx, cmd->arena, cmd->plugin_path, recipe, 0, &s)))
        return status;
    return fpc_parts_join(cmd->ctx, cmd->arena, &s->info, w->parts, w->out, w->keep_names);
}

/* A recipe for what lies in a folder. */
static fpc_status init(fpc_cmdline *cmd, const wishes *w)
{
    fpc_layout layout;
    fpc_mask_values values;
    fpc_setup_classes classes;
    fpc_status status;

    if (cmd->recipe || w->parts || w->keep_names || w->json || w->fix_sides || w->near)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore data: --init %s: it goes with -o and --force alone", w->init);
    if (cmd->n_overrides)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore data: --init %s: -s %s changes a recipe, and this one is not written yet; --init goes "
                        "with -o and --force alone, and -s with the recipe that it writes",
                        w->init, cmd->overrides[0]);
    if ((status = fpc_layout_find(cmd->ctx, cmd->arena, w->init, &layout)) ||
        (status = fpc_mask_values_read(cmd->ctx, cmd->arena, &layout, &values)) ||
        (status = fpc_setup_classes_find(cmd, &layout, &values, &classes)))
        return status;
    return fpc_setup_write(cmd, &layout, &values, &classes, w->out ? w->out : "my.ini", w->force);
}

static fpc_status run(fpc_cmdline *cmd)
{
    wishes w = {0};
    fpc_experiment *s;
    fpc_audit *a;
    const fpc_arg args[] = {{"json", 0, FPC_ARG_TEXT, 0, &w.json},
                            {"fix-sides", 0, FPC_ARG_TEXT, 0, &w.fix_sides},
                            {"near", 0, FPC_ARG_TEXT, 0, &w.near},
                            {"join-parts", 0, FPC_ARG_TEXT, 0, &w.parts},
                            {"keep-names", 0, FPC_ARG_FLAG, 0, &w.keep_names},
                            {"init", 0, FPC_ARG_TEXT, 0, &w.init},
                            {"force", 0, FPC_ARG_FLAG, 0, &w.force},
                            {"out", 'o', FPC_ARG_TEXT, 0, &w.out},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status || (status = read_distance(cmd, &w)))
        return status;
    if (w.init)
        return init(cmd, &w);
    if (w.force)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore data: --force belongs to --init FOLDER");
    if (w.parts)
        return join_parts(cmd, &w);
    if (w.out || w.keep_names)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore data: -o belongs to --init FOLDER or --join-parts FOLDER, "
                        "--keep-names to the latter");
    if (!cmd->recipe)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore data: the recipe is missing; give -c RECIPE.ini, or "
                        "--init FOLDER, which writes one");
    if ((status = fpc_cmd_open(cmd, 0, &s)))
        return status;
    if (w.fix_sides &&
        ((status = check_plugin(cmd, s)) || (status = without_list(cmd)) || (status = fpc_cmd_open(cmd, 0, &s))))
        return status;
    if ((status = fpc_audit_run(cmd->ctx, cmd->arena, &s->sources, w.distance, &a)))
        return status;
    if ((status = fpc_audit_print(a)) || (status = write_results(cmd, &w, a)))
        return status;
    return a->n_flaws ? fpc_fail(cmd->ctx, FPC_EFORMAT, "the data set has %lld %s (listed above)",
                                 (long long)a->n_flaws, fpc_word(a->n_flaws, "flaw", "flaws"))
                      : FPC_OK;
}

const fpc_cmd fpc_cmd_data = {
    .name = "data",
    .place = 150,
    .summary = "Audit a data set, or make a recipe for a folder of pictures and masks.",
    .needs_recipe = 0,
    .interrupted = "stopping after this picture",
    .run = run,
    .help =
        "usage: fpcore data -c RECIPE [-s SECTION.KEY=VALUE]... [--json FILE] [--near BITS] [--fix-sides FILE]\n"
        "       fpcore data --init FOLDER [-o RECIPE] [--force]\n"
        "       fpcore data --join-parts FOLDER -o FOLDER [-c RECIPE] [--keep-names]\n"
        "\n"
        "Reads every sample of the recipe's data set and tells: pictures and masks that are missing, unreadable, of "
        "the\n"
        "wrong size or with labels out of range; sizes; pixels and pictures of each class in each part; masks whose "
        "left\n"
        "and right are the other way round than in most; pictures that are nearly the same, above all across "
        "parts.\n"
        "It goes on after whatever is wrong with one file. Exit code 1: there are flaws.\n"
        "\n"
        "  --json FILE          the same as JSON, with all names\n"
        "  --near BITS          look at pairs of pictures whose 64-bit hashes differ in so many bits (default: 10)\n"
        "  --fix-sides FILE     write the list of reversed masks; `sides = FILE` in [dataset] puts them right\n"
        "\n"
        "Masks are looked at in the size that training sees; -s dataset.size=0 takes the files as they are.\n"
        "\n"
        "  --init FOLDER        write a recipe (-o, else my.ini) and its classes (my.classes.ini) for the pictures "
        "and\n"
        "                       masks in FOLDER: images/ and masks/, one folder with 7.jpg and 7_mask.png, train/ and\n"
        "                       val/, Pascal VOC. Each line says why; it trains as it is. Asks for classes' names\n"
        "  --force              write over files that are there\n"
        "\n"
        "  --join-parts FOLDER  make index masks, -o FOLDER/NAME.png, of part masks: files NAME_CLASS.png in FOLDER\n"
        "                       and the folders in it, as CelebAMask-HQ has them, not black where the part is;\n"
        "                       painted in the order of the labels. Masks that are there already stay.\n"
        "                       Classes: the recipe's, else the 19 of CelebAMask-HQ\n"
        "  --keep-names         00007_hair.png gives 00007.png, not 7.png as the pictures are called there\n"
        "\n"
        "example: fpcore data -c conf/quickstart.ini --json audit.json\n"};
