/* pack.c: `fpcore pack`: weights and the network's graphs in one file for libfpseg (fpseg.h; seg/model.h has the form).
 * The graphs are those that `fpcore predict` runs on the backend cpu: rewritten and joined, but not yet lowered to half
 * precision, which the reader does by the same pass. So both compute the same numbers. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/message.h"
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/line/output.h"
#include "cmd/line/terminal.h"
#include "data/classes.h"
#include "experiment/predictor.h"
#include "experiment/trained.h"
#include "graph/attrs.h"
#include "seg/model.h"

enum { MOST_META = 32 };

typedef struct job {
    fpc_cmdline *cmd;
    const char *out;
    fpc_predictor *predictor;
    fpc_experiment *experiment;
    fpc_predictor_info info;
    int32_t n_meta;
    fpc_st_meta meta[MOST_META];
} job;

/* ---- a graph as JSON ---- */

static json_t *shape_of(fpc_shape s)
{
    return json_pack("[iiii]", s.n, s.h, s.w, s.c);
}

static json_t *numbers(const double *v, int64_t n)
{
    json_t *list = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(v[i]));
    return list;
}

static json_t *value_of(const fpc_value *v)
{
    switch (v->role) {
    case FPC_ROLE_INPUT:
        return json_pack("{s:s,s:o}", "input", v->name, "shape", shape_of(v->shape));
    case FPC_ROLE_CONST:
        return json_pack("{s:o,s:o}", "const", numbers(v->constant, fpc_count(v->shape)), "shape", shape_of(v->shape));
    default:
        return json_pack("{s:s,s:i,s:o}", v->role == FPC_ROLE_PARAM ? "param" : "buffer", v->name, "rank", (int)v->rank,
                         "shape", shape_of(v->shape));
    }
}

static json_t *attr_of(const fpc_attr_row *row, const void *attr)
{
    json_t *out = json_object();

    for (const fpc_attr_field *f = row->field; f && f->name; f++) {
        const double v = fpc_attr_get(f, attr);
        json_object_set_new(out, f->name, f->type == FPC_ATTR_F32 ? json_real(v) : json_integer((json_int_t)v));
    }
    return out;
}

/* The packed file's ids of the graph's values: first those that no node makes, as they occur, then the nodes' outputs.
 */
static json_t *values_of(const fpc_graph *g, int32_t *id, int32_t *n)
{
    json_t *list = json_array();

    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in; j++) {
            const int32_t v = g->node[i].in[j];
            if (id[v] >= 0 || g->value[v].role == FPC_ROLE_NODE)
                continue;
            id[v] = (*n)++;
            json_array_append_new(list, value_of(&g->value[v]));
        }
    return list;
}

static fpc_status add_node(job *j, const fpc_gnode *node, int32_t *id, int32_t *n, json_t *to)
{
    const fpc_attr_row *row = fpc_attr_find(node->def->name);
    json_t *in = json_array();

    if (!row) {
        json_decref(in);
        return fpc_fail(j->cmd->ctx, FPC_ENOSUPPORT,
                        "fpcore pack: op %s (%s) is none of those that libfpseg has; a model with ops of its own runs "
                        "with libfpcore (docs/embedding.md)",
                        node->def->name, node->name);
    }
    for (int32_t i = 0; i < node->n_in; i++)
        json_array_append_new(in, json_integer(id[node->in[i]]));
    for (int32_t o = 0; o < node->n_out; o++)
        id[node->out[o]] = (*n)++;
    json_t *item = json_pack("{s:s,s:s,s:o}", "op", node->def->name, "name", node->name, "in", in);
    if (row->field)
        json_object_set_new(item, "attr", attr_of(row, node->attr));
    return json_array_append_new(to, item) ? FPC_ENOMEM : FPC_OK;
}

static fpc_status graph_of(job *j, int logits, json_t **out)
{
    json_t *nodes = json_array();
    fpc_graph *g;
    int32_t n = 0, *id;
    fpc_status status = fpc_experiment_prediction(j->experiment, j->info.h, j->info.w, logits, &g);

    if (!status && !(id = fpc_alloc(j->cmd->arena, ((size_t)g->n_values + 1) * sizeof *id)))
        status = FPC_ENOMEM;
    for (int32_t v = 0; !status && v < g->n_values; v++)
        id[v] = -1;
    json_t *values = status ? NULL : values_of(g, id, &n);
    for (int32_t i = 0; !status && i < g->n_nodes; i++)
        status = add_node(j, &g->node[i], id, &n, nodes);
    if (!status) {
        const fpc_val y = fpc_output_find(g, logits ? "logits" : "labels");
        *out = json_pack("{s:o,s:o,s:i}", "values", values, "nodes", nodes, "output", y.id >= 0 ? id[y.id] : -1);
        return *out ? FPC_OK : FPC_ENOMEM;
    }
    json_decref(values);
    json_decref(nodes);
    return status;
}

/* ---- what the file says ---- */

static fpc_status add_graphs(job *j, json_t *to)
{
    json_t *labels = NULL, *logits = NULL, *graphs = json_object();
    const fpc_status status = graph_of(j, 0, &labels);
    const fpc_status other = status ? status : graph_of(j, 1, &logits);

    json_object_set_new(graphs, "labels", labels);
    json_object_set_new(graphs, "logits", logits);
    json_object_set_new(to, "graphs", graphs);
    return other;
}

static void add_classes(job *j, json_t *to)
{
    json_t *names = json_array(), *palette = json_array();

    for (int32_t c = 0; c < j->info.classes; c++) {
        const char *name = j->info.class_names ? j->info.class_names[c] : fpc_sprintf(j->cmd->arena, "class %d", c);
        json_t *text = json_string(name ? name : "");
        json_array_append_new(names, text ? text : json_string("?")); /* a name that is no UTF-8 */
        if (j->info.palette) {
            const uint8_t *rgb = j->info.palette[c];
            json_array_append_new(palette, json_pack("[iii]", rgb[0], rgb[1], rgb[2]));
        }
    }
    json_object_set_new(to, "classes", names);
    json_object_set_new(to, "palette", palette);
}

static fpc_status add_program(job *j)
{
    fpc_experiment *s = j->experiment;
    const int half = !s->run.eval_precision && fpc_half_of(s) != 0;
    const char *fit = s->info.fit == FPC_FIT_SQUEEZE ? "squeeze" : "pad"; /* as fpc_tta_mask has it */
    json_t *root = json_pack("{s:i,s:i,s:i,s:s,s:s,s:s,s:I}", "format", SEG_FORMAT, "height", j->info.h, "width",
                             j->info.w, "fit", fit, "precision", half ? "bf16" : "fp32", "name", j->info.model,
                             "parameters", (json_int_t)j->info.parameters);

    add_classes(j, root);
    const fpc_status status = add_graphs(j, root);
    char *text = status ? NULL : json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    const char *kept = text ? fpc_strdup(j->cmd->arena, text) : NULL;
    free(text);
    json_decref(root);
    j->meta[j->n_meta++] = (fpc_st_meta){SEG_META, kept};
    return status ? status : kept ? FPC_OK : FPC_ENOMEM;
}

/* What weights tell of themselves stays (docs/training.md), so that all verbs take the packed file for weights. */
static fpc_status add_told(job *j)
{
    static const char *const key[] = {"format",       FPC_META_MODEL, "fpcore.version", "model",
                                      "parameters",   FPC_META_INPUT, FPC_META_FIT,     FPC_META_ORIENTATION,
                                      "recipe",       FPC_META_PATHS, FPC_META_CLASSES, "class.pixels",
                                      "class.images", "epoch",        "metric",         "value"};
    fpc_st_file *file;
    const fpc_status status = fpc_st_read(j->cmd->ctx, j->cmd->arena, fpc_predictor_weights(j->predictor), &file);

    for (size_t i = 0; i < sizeof key / sizeof *key && !status; i++) {
        const char *value = fpc_st_meta_find(file, key[i]);
        if (value)
            j->meta[j->n_meta++] = (fpc_st_meta){key[i], value};
    }
    return status;
}

/* ---- all of it ---- */

/* Whether the file at path is one that was packed. */
static int is_own(fpc_cmdline *cmd, const char *path)
{
    fpc_ctx *ctx = fpc_output_look(path, 1) == FPC_OUTPUT_REPLACED ? fpc_ctx_new() : NULL;
    fpc_st_file *file;
    const int own = ctx && !fpc_st_read(ctx, cmd->arena, path, &file) && fpc_st_meta_find(file, SEG_META);

    fpc_ctx_free(ctx);
    return own;
}

static fpc_status write_file(job *j)
{
    const void *data;
    size_t bytes;
    fpc_status status;

    j->experiment = fpc_predictor_experiment(j->predictor);
    fpc_predictor_describe(j->predictor, &j->info);
    if ((status = add_told(j)) || (status = add_program(j)) ||
        (status = fpc_weights_bytes(j->cmd->ctx, j->cmd->arena, j->experiment->state, j->out, j->n_meta, j->meta, &data,
                                    &bytes)) ||
        (status = fpc_write_atomic(j->cmd->ctx, j->out, data, bytes)))
        return status;
    fpc_say("%s: %s, %lld parameters, %d %s, pictures of %dx%d, %.1f MB", j->out, j->info.model,
            (long long)j->info.parameters, (int)j->info.classes, fpc_word(j->info.classes, "class", "classes"),
            (int)j->info.h, (int)j->info.w, (double)bytes / 1e6);
    return FPC_OK;
}

/* The recipe's own backend may be another one; libfpseg is the backend cpu. */
static fpc_status override_backend(fpc_cmdline *cmd, fpc_predictor_args *open)
{
    const char **all = fpc_alloc(cmd->arena, ((size_t)cmd->n_overrides + 1) * sizeof *all);

    if (!all)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < cmd->n_overrides; i++)
        all[i] = cmd->overrides[i];
    all[cmd->n_overrides] = "backend.use=cpu";
    open->overrides = all;
    open->n_overrides = cmd->n_overrides + 1;
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    int force = 0;
    fpc_hw size = {0, 0};
    job j = {.cmd = cmd, .info = {.size = sizeof j.info}};
    fpc_predictor_args open = fpc_cmd_predictor(cmd);
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &open.weights},
                            {"out", 'o', FPC_ARG_TEXT, 1, &j.out},
                            {"size", 0, FPC_ARG_SIZE, 0, &size},
                            {"force", 0, FPC_ARG_FLAG, 0, &force},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status ||
        (status = fpc_output_check(cmd->ctx, j.out, "fpcore pack", "name to -o", force || is_own(cmd, j.out))) ||
        (status = override_backend(cmd, &open)))
        return status;
    open.h = size.h;
    open.w = size.w;
    if (!(status = fpc_predictor_open_in(cmd->ctx, &open, FPC_OPEN_USED, &j.predictor)))
        status = write_file(&j);
    fpc_predictor_close(j.predictor);
    return status;
}

const fpc_cmd fpc_cmd_pack = {
    .name = "pack",
    .place = 88,
    .summary = "Write a network as one file for libfpseg, which C programs use.",
    .needs_recipe = 0,
    .run = run,
    .help = "usage: fpcore pack [-c RECIPE] -w RUN|WEIGHTS.safetensors -o FILE.fps\n"
            "                   [-s SECTION.KEY=VALUE]... [--size N|HxW] [--force]\n"
            "\n"
            "Writes the weights and the network itself, as it was rewritten for a prediction, into one file. libfpseg\n"
            "(fpseg.h, `pkg-config fpseg`) runs it in a program of your own without fpcore, plugins, recipes or other\n"
            "libraries, and gives the labels of `fpcore predict` (docs/embedding.md). The file is a safetensors file\n"
            "and holds what weights hold: all verbs of fpcore take it with -w.\n"
            "\n"
            "  -c RECIPE            default: that of the run folder, or what the weights hold\n"
            "  -w, --weights FILE   weights of the recipe's model, or a run folder: its best.safetensors\n"
            "  -o, --out FILE       the file that is written\n"
            "  --size N             size of the pictures that the network sees, N or HxW (default: dataset.size)\n"
            "  --force              replace a file that fpcore pack did not write\n"
            "\n"
            "example: fpcore pack -w best.safetensors -o face.fps\n"};
