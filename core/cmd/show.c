/* show.c: `fpcore show`: what a file of weights holds, from its header alone: no data, plugin or recipe need be there.
 */
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/line/terminal.h"
#include "cmd/report/report.h"
#include "experiment/trained.h"
#include "recipe/sections.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct shown {
    fpc_cmdline *cmd;
    fpc_trained t;
    fpc_st_file *file;
    fpc_recipe *recipe;             /* NULL: it holds none */
    int64_t tensors, numbers, rest; /* of the model; rest: tensors of a training's state */
    int64_t parameters;
} shown;

static const char *meta(const shown *s, const char *key)
{
    return fpc_st_meta_find(s->file, key);
}

static const char *value_of(const shown *s, const char *section, const char *key)
{
    const fpc_entry *e = s->recipe ? fpc_section_entry(fpc_recipe_section(s->recipe, section), key) : NULL;

    return e ? e->value : NULL;
}

static const char *model_of(const shown *s)
{
    return meta(s, "model") ? meta(s, "model") : value_of(s, "model", "use");
}

/* ---- reading ---- */

static int ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);

    return n >= m && !strcmp(name + n - m, end);
}

/* The number that a metadata text is; -1: there is none, or it is none that a training counts to. */
static int64_t whole_number(const char *text)
{
    char *end;
    const long long v = text && *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;

    return v >= 0 && !*end && v <= 1000000000000000 ? v : -1;
}

/* Files that do not say how many parameters they hold: all numbers but the statistics of batch norm. */
static void count(shown *s)
{
    static const char *const statistic[] = {".running_mean", ".running_var", ".num_batches_tracked"};
    const char *told = meta(s, "parameters");

    for (int32_t i = 0; i < s->file->n; i++) {
        const fpc_st_tensor *t = &s->file->tensor[i];
        if (fpc_weights_of_training(t->name)) {
            s->rest++;
            continue;
        }
        int is_parameter = 1;
        for (size_t k = 0; k < sizeof statistic / sizeof *statistic; k++)
            is_parameter &= !ends_with(t->name, statistic[k]);
        s->tensors++;
        s->numbers += t->count;
        s->parameters += is_parameter ? t->count : 0;
    }
    if (whole_number(told) > 0)
        s->parameters = whole_number(told);
}

static fpc_status read_file(shown *s, const char *path)
{
    fpc_ctx *ctx = s->cmd->ctx;
    fpc_arena *arena = s->cmd->arena;
    fpc_status status;

    if ((status = fpc_trained_find(arena, path, &s->t)) || (status = fpc_st_read(ctx, arena, s->t.weights, &s->file)) ||
        (status = fpc_trained_tell(ctx, arena, s->file, &s->t)) ||
        (s->t.text && (status = fpc_recipe_parse(ctx, arena, s->t.weights, s->t.text, 0, NULL, &s->recipe))))
        return status;
    count(s);
    return FPC_OK;
}

/* ---- as text ---- */

/* Lines "  title      text", which the printer breaks at the column of the text. The title may be a metric's name out
 * of the file: either one loses its line ends, so that no file forges a line. */
typedef struct lines {
    fpc_arena *arena;
    const char *text; /* NULL: no memory */
} lines;

static void line(lines *l, const char *title, const char *text)
{
    if (l->text && text)
        l->text = fpc_sprintf(l->arena, "%s  %-11s  %s\n", l->text, fpc_report_clean(l->arena, title),
                              fpc_report_clean(l->arena, text));
}

static const char *add(fpc_arena *arena, const char *list, const char *between, const char *item)
{
    return list && item ? fpc_sprintf(arena, "%s%s%s", list, *list ? between : "", item) : NULL;
}

/* A list without the blanks behind its commas, so that it is one word. */
static const char *dense(fpc_arena *arena, const char *value)
{
    char *copy = fpc_strdup(arena, value), *to = copy;

    for (const char *at = value; copy && *at; at++)
        if (*at != ' ' || at == value || at[-1] != ',')
            *to++ = *at;
    if (copy)
        *to = '\0';
    return copy;
}

/* "dims=8,16 depths=1,1": as -s takes them. */
static const char *options_text(const shown *s)
{
    const fpc_section *section = s->recipe ? fpc_recipe_section(s->recipe, "model") : NULL;
    fpc_arena *arena = s->cmd->arena;
    const char *text = "";

    for (int32_t i = 0; section && i < section->n; i++)
        if (strcmp(section->entry[i].key, "use"))
            text = add(arena, text, " ",
                       fpc_sprintf(arena, "%s=%s", section->entry[i].key, dense(arena, section->entry[i].value)));
    return text && *text ? text : NULL;
}

static const char *classes_text(const shown *s)
{
    const fpc_dataset_info *table = &s->t.known.table;
    fpc_arena *arena = s->cmd->arena;
    const char *text = "";

    if (!table->classes)
        return NULL;
    for (int32_t i = 0; i < table->classes; i++)
        text = add(arena, text, ", ", table->class_names[i]);
    text = text ? fpc_sprintf(arena, "%d: %s", table->classes, text) : NULL;
    return table->n_mirror_pairs && text
               ? fpc_sprintf(arena, "%s; %d %s sides in a mirror", text, table->n_mirror_pairs,
                             table->n_mirror_pairs == 1 ? "pair changes" : "pairs change")
               : text;
}

/* "dice xent": the plugins of all sections of a kind. */
static const char *uses(const shown *s, uint32_t kind)
{
    const char *list = "";

    for (int32_t i = 0; s->recipe && i < s->recipe->n; i++) {
        const fpc_entry *use = fpc_section_entry(&s->recipe->section[i], "use");
        if (use && fpc_section_kind(s->recipe->section[i].name) == kind)
            list = add(s->cmd->arena, list, ", ", use->value);
    }
    return list && *list ? list : "none";
}

static void size_lines(const shown *s, lines *l)
{
    const char *input = meta(s, FPC_META_INPUT), *size = value_of(s, "dataset", "size");
    const char *way = meta(s, FPC_META_ORIENTATION), *fit = meta(s, FPC_META_FIT);
    int32_t h, w;

    if (!input && fpc_trained_size(size, &h, &w))
        input = fpc_sprintf(l->arena, "%dx%d", h, w);
    if (input)
        line(l, "input",
             fpc_sprintf(l->arena, "%s (height x width)%s%s%s", input, fit ? ", fit = " : "", fit ? fit : "",
                         way && !strcmp(way, "file") ? ", pictures as their files store them" : ""));
}

/* Of a checkpoint the best so far, of the others what these weights scored. */
static void score_lines(const shown *s, lines *l)
{
    const char *epoch = meta(s, "epoch"), *epochs = meta(s, "epochs"), *best = meta(s, "best.value");
    const char *metric = meta(s, "metric"), *averaged = meta(s, "epochs.averaged");
    const int64_t best_epoch = whole_number(meta(s, "best.epoch")); /* from 0 on; -1: none was measured so far */

    if (epoch)
        line(l, "epoch", epochs ? fpc_sprintf(l->arena, "%s of %s", epoch, epochs) : epoch);
    if (averaged)
        line(l, "averaged", fpc_sprintf(l->arena, "the weights of %s epochs", averaged));
    if (metric && meta(s, "value"))
        line(l, metric, fpc_sprintf(l->arena, "%.6g", strtod(meta(s, "value"), NULL)));
    if (best && best_epoch >= 0)
        line(l, "best",
             fpc_sprintf(l->arena, "%s %.6g in epoch %lld",
                         value_of(s, "run", "metric") ? value_of(s, "run", "metric") : "", strtod(best, NULL),
                         (long long)best_epoch + 1));
    for (int32_t i = 0; averaged && i < s->file->n_meta; i++)
        if (!strncmp(s->file->meta[i].key, "val_", 4) && !strchr(s->file->meta[i].key, '.'))
            line(l, s->file->meta[i].key, fpc_sprintf(l->arena, "%.6g", strtod(s->file->meta[i].value, NULL)));
}

static void recipe_lines(const shown *s, lines *l)
{
    const char *lost = meta(s, FPC_META_PATHS), *from = meta(s, "fpcore.version"), *format = meta(s, FPC_META_MODEL);
    const char *seed = value_of(s, "run", "seed");

    if (s->recipe) {
        line(l, "data", value_of(s, "dataset", "use"));
        line(l, "losses", uses(s, FPC_LOSS));
        line(l, "optimizer", value_of(s, "optimizer", "use"));
        line(l, "seed", seed);
    }
    if (lost && *lost)
        line(l, "files", fpc_sprintf(l->arena, "%s (the recipe names them; their paths are not held)", lost));
    if (from)
        line(l, "written by",
             fpc_sprintf(l->arena, "fpcore %s, %s%s", from, format ? "model format " : "before model formats",
                         format ? format : ""));
}

static fpc_status print_summary(const shown *s)
{
    lines l = {s->cmd->arena, ""};
    const char *model = model_of(s);

    fpc_print("%s\n", fpc_report_clean(l.arena, s->t.weights));
    line(&l, "model", model ? model : s->recipe ? NULL : "unknown");
    line(&l, "options", options_text(s));
    line(&l, "parameters", fpc_grouped(l.arena, s->parameters));
    line(&l, "classes", classes_text(s));
    size_lines(s, &l);
    score_lines(s, &l);
    recipe_lines(s, &l);
    line(&l, "tensors",
         fpc_sprintf(l.arena, "%lld with %s numbers%s", (long long)s->tensors, fpc_grouped(l.arena, s->numbers),
                     s->rest ? fpc_sprintf(l.arena, ", and %lld of the training's state", (long long)s->rest) : ""));
    if (!l.text)
        return FPC_ENOMEM;
    fpc_print_flow(l.text, 80);
    if (!s->recipe)
        fpc_print("It holds no recipe, so another program wrote it: give -c RECIPE with the model\n"
                  "to whatever works with these weights.\n");
    return FPC_OK;
}

static fpc_status print_tensors(const shown *s)
{
    static const fpc_column column[] = {{"name", "tensor", FPC_AS_TEXT, 0},
                                        {"shape", "shape", FPC_AS_TEXT, 0},
                                        {"dtype", "dtype", FPC_AS_TEXT, 0},
                                        {0}};
    fpc_report report = {.arena = s->cmd->arena};
    fpc_table *table = fpc_table_new(&report, "tensors", column);
    char dims[200];

    for (int32_t i = 0; i < s->file->n; i++) {
        const fpc_st_tensor *t = &s->file->tensor[i];
        const char *shape = fpc_strdup(report.arena, fpc_dims_text(dims, sizeof dims, t->rank, t->dims));
        fpc_report_add(&report, table, fpc_cell_text(t->name), fpc_cell_text(shape),
                       fpc_cell_text(fpc_st_dtype_name(t->dtype)));
    }
    return report.failed ? FPC_ENOMEM : fpc_table_print(s->cmd->arena, table, "");
}

/* What the weights lack of it stands above it, as comments. */
static fpc_status print_recipe(const shown *s)
{
    const char *lost = meta(s, FPC_META_PATHS) ? fpc_report_clean(s->cmd->arena, meta(s, FPC_META_PATHS)) : "";

    if (!s->t.text)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL, "%s: holds no recipe; another program wrote it", s->t.weights);
    for (const char *at = lost; *at; at += strcspn(at, " "), at += *at == ' ')
        fpc_print("; %.*s: a path, which weights do not hold\n", (int)strcspn(at, " "), at);
    fpc_print("%s", s->t.text);
    return FPC_OK;
}

static fpc_status print_classes(const shown *s)
{
    if (!s->t.classes)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL, "%s: holds no classes", s->t.weights);
    fpc_print("%s", s->t.classes);
    return FPC_OK;
}

/* ---- as JSON ---- */

/* Text that is no UTF-8 loses what is none. */
static json_t *text_json(const shown *s, const char *text)
{
    json_t *json = text ? json_string(text) : json_null();

    return json ? json : json_string(fpc_report_clean(s->cmd->arena, text));
}

static json_t *meta_json(const shown *s)
{
    json_t *object = json_object();

    for (int32_t i = 0; i < s->file->n_meta; i++)
        json_object_set_new(object, s->file->meta[i].key, text_json(s, s->file->meta[i].value));
    return object;
}

static json_t *tensors_json(const shown *s)
{
    json_t *array = json_array();

    for (int32_t i = 0; i < s->file->n; i++) {
        const fpc_st_tensor *t = &s->file->tensor[i];
        json_t *shape = json_array(), *one = json_object();
        for (int32_t k = 0; k < t->rank; k++)
            json_array_append_new(shape, json_integer(t->dims[k]));
        json_object_set_new(one, "name", text_json(s, t->name));
        json_object_set_new(one, "dtype", text_json(s, fpc_st_dtype_name(t->dtype)));
        json_object_set_new(one, "shape", shape);
        json_array_append_new(array, one);
    }
    return array;
}

static fpc_status print_json(const shown *s)
{
    const fpc_dataset_info *table = &s->t.known.table;
    json_t *root = json_object(), *names = json_array();
    char *text;

    for (int32_t i = 0; i < table->classes; i++)
        json_array_append_new(names, text_json(s, table->class_names[i]));
    json_object_set_new(root, "file", text_json(s, s->t.weights));
    json_object_set_new(root, "model", text_json(s, model_of(s)));
    json_object_set_new(root, "parameters", json_integer(s->parameters));
    json_object_set_new(root, "classes", names);
    json_object_set_new(root, "metadata", meta_json(s));
    json_object_set_new(root, "tensors", tensors_json(s));
    text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text)
        return FPC_ENOMEM;
    fpc_print_json(text);
    free(text);
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    int tensors = 0, recipe = 0, classes = 0, json = 0;
    const char **operands;
    int32_t n;
    shown s = {.cmd = cmd};
    const fpc_arg args[] = {{"tensors", 0, FPC_ARG_FLAG, 0, &tensors},
                            {"recipe", 0, FPC_ARG_FLAG, 0, &recipe},
                            {"classes", 0, FPC_ARG_FLAG, 0, &classes},
                            {"json", 0, FPC_ARG_FLAG, 0, &json},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, &n, &operands);

    if (status)
        return status;
    if (n != 1)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore show: %s; a run folder or a file of weights is wanted",
                        n ? "more than one name is given" : "nothing is named");
    if (tensors + recipe + classes + json > 1)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore show: --tensors, --recipe, --classes and --json are each in place of the rest");
    if ((status = read_file(&s, operands[0])))
        return status;
    return tensors   ? print_tensors(&s)
           : recipe  ? print_recipe(&s)
           : classes ? print_classes(&s)
           : json    ? print_json(&s)
                     : print_summary(&s);
}

const fpc_cmd fpc_cmd_show = {.name = "show",
                              .place = 85,
                              .no_plugins = 1,
                              .no_recipe = 1,
                              .summary = "Show what a file of weights holds.",
                              .needs_recipe = 0,
                              .run = run,
                              .help =
                                  "usage: fpcore show RUN|WEIGHTS.safetensors\n"
                                  "                   [--tensors | --recipe | --classes | --json]\n"
                                  "\n"
                                  "Prints model and options, number of parameters, classes, size of the pictures,\n"
                                  "epoch and score, and what else the file tells of its training; of a run folder,\n"
                                  "of its best.safetensors. Needs neither data nor plugins. Files of other programs\n"
                                  "are shown by their tensors.\n"
                                  "\n"
                                  "  --tensors    instead: name, shape and dtype of every tensor\n"
                                  "  --recipe     instead: the recipe, as -c takes it, without the paths, which\n"
                                  "               weights do not hold\n"
                                  "  --classes    instead: the file of classes, as dataset.classes takes it\n"
                                  "  --json       instead: all of this as JSON\n"
                                  "\n"
                                  "example: fpcore show runs/quickstart-*/best.safetensors\n"};
