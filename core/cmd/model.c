/* model.c: `fpcore model`: what a recipe's model consists of: every part with its shape, parameters, work and
 * activations, before and after the compiler's rewrites. Takes no memory for tensors and reads no data. */
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/line/terminal.h"
#include "cmd/report/report.h"
#include "graph/nodes.h"
#include <stdio.h>
#include <string.h>

typedef struct row {
    const char *name, *op;
    fpc_shape shape; /* of the last node's output */
    int64_t params, macs, bytes;
    int32_t nodes;
} row;

typedef struct table {
    int32_t n;
    row *row;
    row sum;
} table;

/* The part that a node belongs to: the first two words of its name ("block1.0", "decoder.lmsa"), or, with `nodes`, its
 * whole name. */
static const char *part_of(fpc_arena *arena, const char *name, int nodes)
{
    const char *end = strchr(name, '.');

    if (nodes || !end)
        return name;
    end = strchr(end + 1, '.');
    return end ? fpc_sprintf(arena, "%.*s", (int)(end - name), name) : name;
}

static row *row_of(table *t, const char *name, int separate)
{
    if (!separate)
        for (int32_t i = t->n - 1; i >= 0; i--)
            if (!strcmp(t->row[i].name, name))
                return &t->row[i];
    t->row[t->n].name = name;
    return &t->row[t->n++];
}

/* The numbers of one node added to its row. counted: which parameters have been seen already, by value. */
static void add_node(const fpc_graph *g, const fpc_gnode *n, row *r, uint8_t *counted)
{
    r->op = n->def->name;
    r->nodes++;
    r->macs += fpc_gnode_macs(g, n);
    for (int32_t i = 0; i < n->n_in; i++) {
        const fpc_value *v = &g->value[n->in[i]];
        if (v->role == FPC_ROLE_PARAM && !counted[n->in[i]]++)
            r->params += fpc_count(v->shape);
    }
    for (int32_t i = 0; i < n->n_out && !(n->def->flags & FPC_OP_INPLACE); i++) {
        const fpc_value *v = &g->value[n->out[i]];
        r->bytes += (int64_t)fpc_bytes(v->shape, v->dtype);
    }
    if (n->n_out)
        r->shape = g->value[n->out[0]].shape;
}

static fpc_status collect(fpc_cmdline *cmd, const fpc_graph *g, int nodes, table *t)
{
    uint8_t *counted = fpc_alloc(cmd->arena, (size_t)g->n_values + 1);

    *t = (table){.row = fpc_alloc(cmd->arena, sizeof(row) * ((size_t)g->n_nodes + 1))};
    if (!counted || !t->row)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < g->n_nodes; i++) {
        const fpc_gnode *n = &g->node[i];
        if (n->dead)
            continue;
        const char *name = part_of(cmd->arena, n->name && *n->name ? n->name : n->def->name, nodes);
        if (!name)
            return FPC_ENOMEM;
        add_node(g, n, row_of(t, name, nodes), counted);
    }
    for (int32_t i = 0; i < t->n; i++) {
        t->sum.params += t->row[i].params;
        t->sum.macs += t->row[i].macs;
        t->sum.bytes += t->row[i].bytes;
    }
    return FPC_OK;
}

static void add_row(fpc_report *report, fpc_table *to, const row *r, const char *op, const char *shape, int64_t params)
{

    fpc_report_add(report, to, fpc_cell_text(r->name), fpc_cell_text(op), fpc_cell_text(shape),
                   fpc_cell_text(fpc_grouped(report->arena, params)),
                   fpc_cell_text(fpc_sprintf(report->arena, "%.2f", (double)r->macs / 1e6)),
                   fpc_cell_text(fpc_sprintf(report->arena, "%.1f", (double)r->bytes / 1024)));
}

static fpc_status print_table(fpc_cmdline *cmd, table *t, int nodes)
{
    const fpc_column column[] = {{"name", "name", FPC_AS_TEXT, 0},
                                 {"op", nodes ? "op" : "ops", FPC_AS_TEXT, 0},
                                 {"output", "output (n,h,w,c)", FPC_AS_TEXT, 0},
                                 {"parameters", "parameters", FPC_AS_COUNT, 0},
                                 {"mmac", "MMAC", FPC_AS_COUNT, 0},
                                 {"kib", "KiB", FPC_AS_COUNT, 0},
                                 {0}};
    fpc_report report = {.arena = cmd->arena};
    fpc_table *to = fpc_table_new(&report, "model", column);

    for (int32_t i = 0; i < t->n; i++) {
        const row *r = &t->row[i];
        add_row(&report, to, r, nodes || r->nodes == 1 ? r->op : fpc_sprintf(cmd->arena, "%d nodes", r->nodes),
                fpc_strdup(cmd->arena, fpc_shape_text(r->shape)), r->params);
    }
    t->sum.name = "total";
    add_row(&report, to, &t->sum, "", "", t->sum.params);
    return report.failed ? FPC_ENOMEM : fpc_table_print(cmd->arena, to, "");
}

/* Which parameters have which factors, then each group with what is in it. */
static fpc_status print_groups(fpc_cmdline *cmd, const fpc_experiment *s, const fpc_graph *g)
{
    const fpc_column tensors[] = {{"parameter", "parameter", FPC_AS_TEXT, 0},
                                  {"numbers", "numbers", FPC_AS_COUNT, 0},
                                  {"group", "group", FPC_AS_COUNT, 0},
                                  {0}};
    const fpc_column groups[] = {{"group", "group", FPC_AS_COUNT, 0},
                                 {"lr", "lr times", FPC_AS_COUNT, 0},
                                 {"decay", "weight decay times", FPC_AS_COUNT, 0},
                                 {"tensors", "tensors", FPC_AS_COUNT, 0},
                                 {"numbers", "numbers", FPC_AS_COUNT, 0},
                                 {"frozen", "", FPC_AS_TEXT, 0},
                                 {0}};
    fpc_report report = {.arena = cmd->arena};
    fpc_table *each = fpc_table_new(&report, "parameters", tensors), *all = fpc_table_new(&report, "groups", groups);
    fpc_groups of;
    fpc_status status = fpc_groups_of(s, cmd->arena, g, &of);

    if (status)
        return status;
    for (int32_t i = 0; i < of.n; i++)
        fpc_report_add(&report, each, fpc_cell_text(of.param[i].name),
                       fpc_cell_text(fpc_grouped(cmd->arena, of.param[i].count)),
                       fpc_cell_text(fpc_sprintf(cmd->arena, "%d", (int)of.param[i].group)));
    for (int32_t k = 0; k <= of.n_groups; k++) {
        const fpc_grouped_param *one = NULL;
        int64_t numbers = 0;
        int tensors_in = 0;
        for (int32_t i = 0; i < of.n; i++)
            if (of.param[i].group == k) {
                one = &of.param[i];
                tensors_in++;
                numbers += one->count;
            }
        if (one)
            fpc_report_add(&report, all, fpc_cell_text(fpc_sprintf(cmd->arena, "%d", (int)k)),
                           fpc_cell_text(fpc_sprintf(cmd->arena, "%g", one->rate)),
                           fpc_cell_text(fpc_sprintf(cmd->arena, "%g", one->decay)),
                           fpc_cell_text(fpc_sprintf(cmd->arena, "%d", tensors_in)),
                           fpc_cell_text(fpc_grouped(cmd->arena, numbers)),
                           fpc_cell_text(one->rate > 0 ? "" : "frozen"));
    }
    if (report.failed)
        return FPC_ENOMEM;
    if ((status = fpc_table_print(cmd->arena, each, "")))
        return status;
    fpc_print("\n");
    return fpc_table_print(cmd->arena, all, "");
}

static int64_t count_params(const fpc_graph *g)
{
    int64_t n = 0;

    for (int32_t i = 0; i < g->n_values; i++)
        if (g->value[i].role == FPC_ROLE_PARAM)
            n += fpc_count(g->value[i].shape);
    return n;
}

static int64_t activation_bytes(const fpc_graph *g)
{
    int64_t bytes = 0;

    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t k = 0; !g->node[i].dead && k < g->node[i].n_out && !(g->node[i].def->flags & FPC_OP_INPLACE);
             k++) {
            const fpc_value *v = &g->value[g->node[i].out[k]];
            bytes += (int64_t)fpc_bytes(v->shape, v->dtype);
        }
    return bytes;
}

static fpc_status check_limit(fpc_cmdline *cmd, const fpc_experiment *s, int64_t params)
{
    if (!s->max_params) {
        fpc_print("limit: none (model.max_params = 0)\n");
        return FPC_OK;
    }
    if (params > s->max_params)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "%s = %lld: the model has %s parameters, %s too many",
                        fpc_cmd_origin(cmd, s->recipe, "model", "max_params"), (long long)s->max_params,
                        fpc_grouped(cmd->arena, params), fpc_grouped(cmd->arena, params - s->max_params));
    fpc_print("limit: %s parameters (model.max_params), %.1f %% used, %s left\n",
              fpc_grouped(cmd->arena, s->max_params), 100. * (double)params / (double)s->max_params,
              fpc_grouped(cmd->arena, s->max_params - params));
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    int nodes = 0, rewritten = 0, groups = 0;
    int64_t batch = 1;
    fpc_hw size = {0, 0};
    fpc_experiment *s;
    fpc_graph *plain, *fast;
    table t;
    const fpc_arg args[] = {{"size", 0, FPC_ARG_SIZE, 0, &size},     {"batch", 0, FPC_ARG_COUNT, 0, &batch},
                            {"nodes", 0, FPC_ARG_FLAG, 0, &nodes},   {"rewritten", 0, FPC_ARG_FLAG, 0, &rewritten},
                            {"groups", 0, FPC_ARG_FLAG, 0, &groups}, {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status || (status = fpc_cmd_open(cmd, 0, &s)))
        return status;
    size = fpc_cmd_size(s, size);
    if ((status = fpc_experiment_graph(s, (int32_t)batch, size.h, size.w, 0, 0, &plain)) ||
        (groups && (status = print_groups(cmd, s, plain))))
        return status;
    if (groups)
        return FPC_OK;
    if ((status = fpc_experiment_graph(s, (int32_t)batch, size.h, size.w, 0, 1, &fast)) ||
        (status = collect(cmd, rewritten ? fast : plain, nodes, &t)) || (status = print_table(cmd, &t, nodes)))
        return status;
    const int64_t params = count_params(plain), before = fpc_graph_macs(plain, 1), after = fpc_graph_macs(fast, 1);
    fpc_print("\nmodel: %s, %d classes, %lldx%dx%d\n", s->model.plugin->name, s->classes, (long long)batch, size.h,
              size.w);
    fpc_print("parameters: %s\n", fpc_grouped(cmd->arena, params));
    fpc_print("forward MACs: %.3f G as stated, %.3f G after rewrites\n", (double)before / 1e9, (double)after / 1e9);
    fpc_say("activations: %.1f MiB as stated, %.1f MiB after rewrites (every node's output; the planner overlaps them)",
            (double)activation_bytes(plain) / 1048576, (double)activation_bytes(fast) / 1048576);
    return check_limit(cmd, s, params);
}

const fpc_cmd fpc_cmd_model = {
    .name = "model",
    .place = 50,
    .summary = "Show the model's layers, parameters, work and memory.",
    .needs_recipe = 1,
    .run = run,
    .help =
        "usage: fpcore model -c RECIPE [-s SECTION.KEY=VALUE]... [--size N|HxW] [--batch N] [--nodes] [--rewritten]\n"
        "       fpcore model -c RECIPE [-s SECTION.KEY=VALUE]... --groups\n"
        "\n"
        "Prints a row for each part of the model: output shape, parameters, multiply-accumulates of a forward pass "
        "and\n"
        "bytes of its outputs; then totals before and after the compiler's rewrites, and whether the model stays "
        "within\n"
        "model.max_params. No data is read and no memory for tensors is taken.\n"
        "\n"
        "  --size N      picture size (default: dataset.size, else 512)\n"
        "  --batch N     pictures (default 1)\n"
        "  --nodes       a row for every node\n"
        "  --rewritten   the table shows the graph after the rewrites\n"
        "  --groups      instead of all that: each parameter with its group, and what the groups have of the rate and "
        "of\n"
        "                weight decay, by [optimizer] freeze, no_decay and lr_scale\n"
        "\n"
        "example: fpcore model -c conf/lmsa_v1.ini --size 512\n"};
