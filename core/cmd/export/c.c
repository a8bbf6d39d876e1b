/* c.c: writes a graph as one C file: what it offers, the functions that it needs, the network as a list of calls, the
 * pictures' way in and the labels' way out, an example, the weights. c.h has the parts. */
#include "cmd/export/c.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/export/export.h"
#include <stdlib.h>
#include <string.h>

#define MARK "/* Written by fpcore export --c"
#define BIN_MARK "fpcore export --c: weights\n"
enum { BIN_HEAD = 64, NUMBERS_A_LINE = 8 };

typedef struct network {
    fpc_c x;
    const fpc_c_args *args;
    const char *lower, *upper; /* the prefix */
    int32_t h, w;
    const fpc_gnode *last; /* seg_argmax, which is no call */
    fpc_shape grid;        /* of the scores */
    size_t tail;
    const float *weights;
} network;

/* ---- the network ---- */

static const char *shape_text(const network *n, int32_t v)
{
    const fpc_shape s = n->x.g->value[v].shape;
    const char *text = fpc_sprintf(n->x.arena, "(%d,%d,%d)", s.h, s.w, s.c);

    return text ? text : "";
}

/* "stem.conv: conv2d (128,128,3) to (64,64,16), 1,769,472 MACs" */
static void put_comment(network *n, const fpc_gnode *node)
{
    fpc_c *x = &n->x;
    const int64_t macs = fpc_gnode_macs(x->g, node);
    const char *name = fpc_c_comment(x->arena, node->name), *in = shape_text(n, node->in[0]);
    const char *out = shape_text(n, node->out[0]), *work = macs > 0 ? fpc_grouped(x->arena, macs) : "";

    if (!name || !work) {
        x->status = FPC_ENOMEM;
        return;
    }
    fprintf(x->steps, "    /* %s: %s %s to %s%s%s%s */\n", name, node->def->name, in, out, macs > 0 ? ", " : "", work,
            macs > 0 ? " MACs" : "");
}

static void put_node(network *n, const fpc_gnode *node)
{
    fpc_c *x = &n->x;
    const fpc_c_op *op = fpc_c_op_find(node->def->name);

    x->at = node;
    if (!op) {
        fpc_c_refuse(x, "");
        return;
    }
    put_comment(n, node);
    if (op->function)
        fpc_c_use(x, op->function);
    op->form(x, node, op->function);
}

/* The calls, which say what else there is: functions, weights. */
static fpc_status put_steps(network *n, char **text, size_t *bytes)
{
    fpc_c *x = &n->x;

    if (!(x->steps = open_memstream(text, bytes)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < x->g->n_nodes && !x->status; i++)
        if (&x->g->node[i] != n->last)
            put_node(n, &x->g->node[i]);
    if (fclose(x->steps) && !x->status)
        x->status = FPC_ENOMEM;
    return x->status;
}

/* The graph ends in labels, made of scores that the network computes of the picture. */
static fpc_status find_end(network *n)
{
    const fpc_graph *g = n->x.g;
    const fpc_value *labels = &g->value[g->output[0].value];

    n->last = labels->role == FPC_ROLE_NODE ? &g->node[labels->node] : NULL;
    if (!n->last || strcmp(n->last->def->name, "seg_argmax") || g->value[n->last->in[0]].role != FPC_ROLE_NODE)
        return fpc_fail(n->x.ctx, FPC_ENOSUPPORT, "export --c: the network's scores do not depend on the picture");
    n->grid = g->value[n->last->in[0]].shape;
    return FPC_OK;
}

static fpc_status plan(network *n)
{
    const fpc_status status = find_end(n);

    if (status)
        return status;
    /* two lines of scores and one between them, and the best class of each of its points (c_picture.c, `enlarge`) */
    const size_t line = (size_t)n->w * (size_t)n->grid.c;
    return fpc_c_plan(&n->x, 3 * line + ((size_t)n->w + 3) / 4, &n->tail);
}

/* ---- the file ---- */

static void put_text(const network *n, FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '@')
            fputs(n->lower, out);
        else if (*text == '$')
            fputs(n->upper, out);
        else
            fputc(*text, out);
}

static void put_about(const network *n, FILE *out)
{
    const fpc_c *x = &n->x;
    const fpc_predictor_info *info = n->args->info;
    const char *model = fpc_c_comment(x->arena, info->model), *where = n->args->beside ? "beside it, in " : "in it";

    fprintf(out, MARK " " FPC_VERSION ": %s, %lld parameters, %d %s.\n", model ? model : "",
            (long long)info->parameters, info->classes, fpc_word(info->classes, "class", "classes"));
    fprintf(out, " *\n * Pictures: %d x %d (height x width), RGB; others are resized to that%s.\n", n->h, n->w,
            n->args->keeps_ratio ? ", their ratio kept" : "");
    fprintf(out, " * Weights: %lld floats, %.2f MB, %s%s%s.\n", (long long)x->weights, (double)x->weights * 4e-6, where,
            n->args->beside ? n->lower : "", n->args->beside ? ".bin" : "");
    fprintf(out, " * Memory: %zu floats, %.2f MB, the most that is needed at a time; of the caller's.\n", x->floats,
            (double)x->floats * 4e-6);
    fprintf(out, " * Work: %.4g million multiply-adds a picture.\n *\n", (double)fpc_graph_macs(x->g, 1) * 1e-6);
}

static void put_constants(const network *n, FILE *out)
{
    const fpc_c *x = &n->x;

    fprintf(out, "#define %s_HEIGHT %d\n#define %s_WIDTH %d\n#define %s_CLASSES %d\n", n->upper, n->h, n->upper, n->w,
            n->upper, n->grid.c);
    fprintf(out, "#define %s_LARGEST 16384\n#define %s_ARENA %zu\n", n->upper, n->upper, x->floats);
    if (n->args->beside)
        fprintf(out, "#define %s_WEIGHTS %lld\n#define %s_WEIGHTS_BYTES %lld\n", n->upper, (long long)x->weights,
                n->upper, (long long)x->weights * 4 + BIN_HEAD);
    fputc('\n', out);
}

static void put_classes(const network *n, FILE *out)
{
    const fpc_predictor_info *info = n->args->info;

    fprintf(out, "\nconst char *const %s_class_names[%s_CLASSES] = {\n", n->lower, n->upper);
    for (int32_t k = 0; k < n->grid.c; k++) {
        const char *name =
            info->class_names && k < info->classes ? info->class_names[k] : fpc_sprintf(n->x.arena, "class %d", k);
        const char *text = name ? fpc_c_string(n->x.arena, name) : NULL;
        fprintf(out, "    %s,\n", text ? text : "\"\"");
    }
    fprintf(out, "};\n\nconst uint8_t %s_palette[%s_CLASSES][3] = {\n", n->lower, n->upper);
    for (int32_t k = 0; k < n->grid.c; k++) {
        static const uint8_t black[3];
        const uint8_t *rgb = info->palette && k < info->classes ? info->palette[k] : black;
        fprintf(out, "    {%d, %d, %d},\n", rgb[0], rgb[1], rgb[2]);
    }
    fputs("};\n", out);
}

static void put_functions(const network *n, FILE *out)
{
    for (size_t i = 0; fpc_c_functions[i].name; i++)
        if (n->x.used >> i & 1)
            fprintf(out, "\n%s", fpc_c_functions[i].text);
}

static void put_network(const network *n, FILE *out, const char *steps)
{
    const fpc_c *x = &n->x;

    fputs("\n/* ---- the network: w are the weights, a is the arena ---- */\n\n"
          "static void network(const uint8_t *rgb, const float *w, float *a)\n{\n",
          out);
    fprintf(out, "%s}\n\n/* ---- labels and scores ---- */\n\n", steps);
    fprintf(out, "#define SCORES (arena + %zu)\nenum { TAIL = %zu };\n", x->offset[n->last->in[0]], n->tail);
}

/* The scores as they are, or made the network's size. */
static void put_picture(const network *n, FILE *out)
{
    const fpc_resize_attr *a = n->last->attr;
    const int own = n->grid.h == n->h && n->grid.w == n->w;
    const char *const texts[] = {own ? fpc_c_row_own : fpc_c_row_resized,
                                 fpc_c_best,
                                 n->args->keeps_ratio ? fpc_c_frame_pad : fpc_c_frame_whole,
                                 fpc_c_filter,
                                 fpc_c_arena,
                                 fpc_c_enlarge,
                                 fpc_c_main,
                                 n->args->beside ? fpc_c_main_beside : fpc_c_main_inside};

    if (!own)
        fprintf(out, "enum { GRID_HEIGHT = %d, GRID_WIDTH = %d, GRID_CORNERS = %d };\n", n->grid.h, n->grid.w,
                a->align_corners);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fputc('\n', out);
        put_text(n, out, texts[i]);
    }
}

static void put_weights(network *n, FILE *out)
{
    fpc_c *x = &n->x;
    char number[FPC_C_NUMBER];

    fprintf(out, "\n/* ---- weights ---- */\n\nstatic const float weights[%lld] = {\n", (long long)x->weights);
    for (int32_t i = 0; i < x->n_weights; i++) {
        const char *name = fpc_c_comment(x->arena, fpc_c_weight_text(x, i));
        fprintf(out, "    /* %lld: %s */\n", (long long)x->weight[i].first, name ? name : "");
        for (int64_t k = 0; k < x->weight[i].count; k++) {
            fpc_c_number(n->weights[x->weight[i].first + k], number);
            fprintf(out, "%s%s,%s", k % NUMBERS_A_LINE ? " " : "    ", number,
                    k % NUMBERS_A_LINE == NUMBERS_A_LINE - 1 || k + 1 == x->weight[i].count ? "\n" : "");
        }
    }
    fputs("};\n", out);
}

/* Little-endian, behind a head of 64 bytes: what the file is, and 0. */
static fpc_status make_bin(network *n, const uint8_t **data, size_t *bytes)
{
    const size_t count = (size_t)n->x.weights;
    uint8_t *bin = fpc_alloc(n->x.arena, BIN_HEAD + 4 * count);

    if (!bin)
        return FPC_ENOMEM;
    memcpy(bin, BIN_MARK, sizeof BIN_MARK - 1);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &n->weights[i], sizeof bits);
        for (int b = 0; b < 4; b++)
            bin[BIN_HEAD + 4 * i + (size_t)b] = (uint8_t)(bits >> (8 * b));
    }
    *data = bin;
    *bytes = BIN_HEAD + 4 * count;
    return FPC_OK;
}

/* What the weights beside it are known by. */
static void put_digest(const network *n, FILE *out, const fpc_c_files *files)
{
    fputs("\n/* What the weights' bytes add up to: FNV-1a. */\n", out);
    fprintf(out, "#define WEIGHTS_DIGEST UINT64_C(%llu)\n",
            (unsigned long long)fpc_digest((const uint8_t *)files->weights + BIN_HEAD, 4 * (size_t)n->x.weights));
}

static void put_file(network *n, FILE *out, const char *steps, const fpc_c_files *files)
{
    const int beside = n->args->beside;

    put_about(n, out);
    put_text(n, out, fpc_c_interface);
    put_constants(n, out);
    put_text(n, out, beside ? fpc_c_calls_beside : fpc_c_calls_inside);
    fputc('\n', out);
    put_text(n, out, fpc_c_start);
    put_classes(n, out);
    put_functions(n, out);
    put_network(n, out, steps);
    put_picture(n, out);
    if (beside)
        put_digest(n, out, files);
    else
        put_weights(n, out);
    fputs("\n/* ---- what the file offers ---- */\n\n", out);
    put_text(n, out, beside ? fpc_c_entries_beside : fpc_c_entries_inside);
    fputs("#endif\n", out);
}

static fpc_status make_text(network *n, const char *steps, fpc_c_files *files)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, &files->source_bytes);

    if (!out)
        return FPC_ENOMEM;
    put_file(n, out, steps, files);
    const int failed = ferror(out);
    const fpc_status status = fclose(out) || failed ? FPC_ENOMEM : n->x.status;
    if (!status && (files->source = fpc_alloc(n->x.arena, files->source_bytes + 1)))
        memcpy(files->source, text, files->source_bytes);
    free(text);
    return status ? status : files->source ? FPC_OK : FPC_ENOMEM;
}

static fpc_status spell_prefix(network *n)
{
    char *upper;

    n->lower = fpc_c_prefix(n->x.arena, n->args->path);
    n->upper = upper = n->lower ? fpc_strdup(n->x.arena, n->lower) : NULL;
    for (char *c = upper; c && *c; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    return upper ? FPC_OK : FPC_ENOMEM;
}

static fpc_status make_files(network *n, const char *steps, fpc_c_files *files)
{
    const uint8_t *bin = NULL;
    fpc_status status;

    if (n->grid.h != n->h || n->grid.w != n->w)
        fpc_c_use(&n->x, "resize_line");
    fpc_c_use(&n->x, "place");
    if (n->x.weights > INT32_MAX)
        return fpc_fail(n->x.ctx, FPC_ENOSUPPORT, "export --c: %lld weights; the file counts to %d",
                        (long long)n->x.weights, INT32_MAX);
    if (!(n->weights = fpc_c_weights(&n->x)))
        return n->x.status;
    if (n->args->beside && (status = make_bin(n, &bin, &files->weights_bytes)))
        return status;
    files->weights = bin;
    files->floats = n->x.floats;
    return make_text(n, steps, files);
}

fpc_status fpc_c_make(fpc_experiment *s, fpc_arena *arena, const fpc_c_args *a, fpc_c_files *files)
{
    const fpc_export_args graph = {.n = 1, .h = a->info->h, .w = a->info->w, .output = FPC_EXPORT_LABELS};
    network n = {.x = {.ctx = s->ctx, .arena = arena}, .args = a, .h = a->info->h, .w = a->info->w};
    char *steps = NULL;
    size_t bytes;
    fpc_graph *g;
    fpc_status status;

    *files = (fpc_c_files){0};
    if ((status = spell_prefix(&n)) || (status = fpc_export_graph(s, arena, &graph, &g)))
        return status;
    n.x.g = g;
    if (!(status = plan(&n)) && !(status = put_steps(&n, &steps, &bytes)))
        status = make_files(&n, steps, files);
    free(steps);
    return status;
}

static int begins(const char *path, const char *mark, size_t n)
{
    char head[64];
    FILE *file = fpc_open_plain(path);
    const size_t got = file ? fread(head, 1, n, file) : 0;

    if (file)
        fclose(file);
    return got == n && !memcmp(head, mark, n);
}

int fpc_c_is_own(const char *path)
{
    return begins(path, MARK, sizeof MARK - 1);
}

int fpc_c_weights_are_own(const char *path)
{
    return begins(path, BIN_MARK, sizeof BIN_MARK - 1);
}
