/* plan.c: decides what runs together and where everything lives.
 *
 * Row-wise ops (op.h) that follow each other over the same pixels form a group, which runtime/exec.c runs tile by tile
 * while the tile is in cache; values that only the group sees never exist as a whole. All other values, and work
 * memory, share one block: each is placed first-fit where nothing that lives at the same time lies. */
#include "runtime/plan.h"
#include "graph/nodes.h"
#include "runtime/blocks.h"
#include <string.h>

enum { MIN_TILE = 16, MAX_TILE = 256 };

static int only_reduces(const fpc_gnode *n)
{
    return !strchr(n->def->out, 'r') && strchr(n->def->out, 's');
}

static int64_t rows_of_gnode(const fpc_graph *g, const fpc_gnode *n)
{
    for (int32_t o = 0; o < n->n_out; o++)
        if (fpc_access(n->def->out, o) == 'r')
            return fpc_rows_of(g->value[n->out[o]].shape);
    for (int32_t j = 0; j < n->n_in; j++)
        if (n->in_access[j] == 'r')
            return fpc_rows_of(g->value[n->in[j]].shape);
    return 0;
}

/* ---- lazy nodes: a forward node whose result is no smaller than its input joins its first consumer, so that the
 * result need not wait in memory ---- */

static int worth_delaying(const fpc_graph *g, const fpc_gnode *n)
{
    return !n->backward && n->n_out == 1 && n->n_in > 0 && n->in_access[0] == 'r' &&
           fpc_access(n->def->out, 0) == 'r' && !(n->def->flags & (FPC_OP_EFFECT | FPC_OP_INPLACE)) &&
           fpc_bytes(g->value[n->out[0]].shape, g->value[n->out[0]].dtype) >=
               fpc_bytes(g->value[n->in[0]].shape, g->value[n->in[0]].dtype);
}

/* ---- groups ---- */

static int streams(const fpc_graph *g, const fpc_gnode *n, int32_t j)
{
    const fpc_value *v = &g->value[n->in[j]];
    return n->in_access[j] == 'r' && fpc_access(g->node[v->node].def->out, v->output) == 'r';
}

/* The earliest group that a node may join, given where its inputs are made; lazy ones come along. */
static int32_t earliest_group(const fpc_plan *p, int32_t i)
{
    const fpc_gnode *n = &p->graph->node[i];
    int32_t at = 0;
    for (int32_t j = 0; j < n->n_in; j++) {
        const int32_t made_by = p->graph->value[n->in[j]].node;
        if (made_by < 0)
            continue;
        const int32_t group = p->group_of[made_by];
        const int32_t need = group < 0 ? earliest_group(p, made_by) : group + !streams(p->graph, n, j);
        at = need > at ? need : at;
    }
    return at;
}

static int can_join(const fpc_plan_group *grp, int64_t rows)
{
    return !grp->barrier && grp->rows == rows && grp->n < FPC_MAX_GROUP / 2;
}

static fpc_plan_group *new_group(fpc_plan *p, fpc_arena *arena)
{
    if (p->n_groups == p->cap_groups) {
        const int32_t cap = p->cap_groups ? 2 * p->cap_groups : 64;
        fpc_plan_group *more = fpc_alloc(arena, (size_t)cap * sizeof *more);
        if (!more)
            return NULL;
        if (p->n_groups)
            memcpy(more, p->group, (size_t)p->n_groups * sizeof *more);
        p->group = more;
        p->cap_groups = cap;
    }
    return &p->group[p->n_groups++];
}

/* Reductions join the earliest group possible (where the gradient they sum is at hand), others the latest. */
static int32_t choose_group(const fpc_plan *p, int32_t i, int64_t rows, int32_t after)
{
    const int32_t earliest = earliest_group(p, i), from = earliest > after ? earliest : after;
    if (only_reduces(&p->graph->node[i])) {
        for (int32_t k = from; k < p->n_groups; k++)
            if (can_join(&p->group[k], rows))
                return k;
    } else {
        for (int32_t k = p->n_groups - 1; k >= from; k--)
            if (can_join(&p->group[k], rows))
                return k;
    }
    return -1;
}

/* Puts node i at the end of group `at`, its lazy inputs before it. */
static void join_group(fpc_plan *p, int32_t i, int32_t at)
{
    const fpc_gnode *n = &p->graph->node[i];
    for (int32_t j = 0; j < n->n_in; j++) {
        const int32_t made_by = p->graph->value[n->in[j]].node;
        if (made_by >= 0 && p->group_of[made_by] < 0)
            join_group(p, made_by, at);
    }
    p->group[at].node[p->group[at].n++] = i;
    p->group_of[i] = at;
}

static fpc_status place_node(fpc_plan *p, fpc_arena *arena, int tiled, int32_t i);

/* What an in-place op updates must have been read by the nodes before it: the earliest group that allows it. */
static fpc_status after_readers(fpc_plan *p, fpc_arena *arena, int tiled, int32_t i, int32_t *at)
{
    const fpc_gnode *n = &p->graph->node[i];
    for (int32_t o = 0; o < n->n_out && (n->def->flags & FPC_OP_INPLACE); o++)
        for (int32_t k = 0; k < i; k++)
            for (int32_t j = 0; j < p->graph->node[k].n_in; j++) {
                if (p->graph->node[k].in[j] != n->in[o])
                    continue;
                const fpc_status status = p->group_of[k] < 0 ? place_node(p, arena, tiled, k) : FPC_OK;
                if (status)
                    return status;
                const int whole = p->graph->node[k].in_access[j] != 'r' || n->in_access[o] != 'r';
                *at = p->group_of[k] + whole > *at ? p->group_of[k] + whole : *at;
            }
    return FPC_OK;
}

/* Of the lazy nodes that would come along with node i, those that are not read row by row, or are too many, go first:
 * the next of them; -1: none. */
static int32_t goes_before(const fpc_plan *p, int32_t i, int32_t *along)
{
    const fpc_gnode *n = &p->graph->node[i];
    for (int32_t j = 0; j < n->n_in; j++) {
        const int32_t made_by = p->graph->value[n->in[j]].node;
        if (made_by < 0 || p->group_of[made_by] >= 0)
            continue;
        if (!streams(p->graph, n, j) || ++*along >= FPC_MAX_GROUP / 2)
            return made_by;
        const int32_t first = goes_before(p, made_by, along);
        if (first >= 0)
            return first;
    }
    return -1;
}

static fpc_status place_now(fpc_plan *p, fpc_arena *arena, int tiled, int32_t i)
{
    const fpc_gnode *n = &p->graph->node[i];
    const int64_t rows = rows_of_gnode(p->graph, n);
    int32_t after = 0;
    const fpc_status status = after_readers(p, arena, tiled, i, &after);
    if (status)
        return status;
    const int barrier = fpc_plan_is_barrier(n->def, rows);
    int32_t at = tiled && !barrier ? choose_group(p, i, rows, after) : -1;
    if (at < 0) {
        fpc_plan_group *grp = new_group(p, arena);
        if (!grp)
            return FPC_ENOMEM;
        const int32_t cap = barrier || !tiled ? 1 : FPC_MAX_GROUP;
        *grp = (fpc_plan_group){.rows = rows, .barrier = (uint8_t)barrier, .cap = cap};
        grp->node = fpc_alloc(arena, (size_t)cap * sizeof(int32_t));
        if (!grp->node)
            return FPC_ENOMEM;
        at = p->n_groups - 1;
    }
    join_group(p, i, at);
    return FPC_OK;
}

/* Node i, and before it whatever has to be. No call stands within a call for each of them: a graph from a file may be
 * one chain of any length, all of it lazy. */
static fpc_status place_node(fpc_plan *p, fpc_arena *arena, int tiled, int32_t i)
{
    while (p->group_of[i] < 0) {
        int32_t now = i, along = 0;
        for (int32_t before; (before = goes_before(p, now, &along)) >= 0; along = 0)
            now = before;
        const fpc_status status = place_now(p, arena, tiled, now);
        if (status)
            return status;
    }
    return FPC_OK;
}

static fpc_status make_groups(fpc_plan *p, fpc_arena *arena, int tiled)
{
    fpc_graph *g = p->graph;
    for (int32_t i = 0; i < g->n_nodes; i++) {
        p->group_of[i] = -1;
        g->node[i].lazy = (uint8_t)(tiled && worth_delaying(g, &g->node[i]));
    }
    for (int32_t pass = 0; pass < 2; pass++) /* then the lazy ones that only the host waits for */
        for (int32_t i = 0; i < g->n_nodes; i++) {
            const fpc_status status =
                p->group_of[i] < 0 && (pass || !g->node[i].lazy) ? place_node(p, arena, tiled, i) : FPC_OK;
            if (status)
                return status;
        }
    return FPC_OK;
}

/* ---- where values live ---- */

static void extend(fpc_storage *s, int32_t group)
{
    s->first = s->first < 0 || group < s->first ? group : s->first;
    s->last = group > s->last ? group : s->last;
}

/* A value lives in its group's tiles when it is made and read row by row within that group alone. */
static void place_values(fpc_plan *p)
{
    fpc_graph *g = p->graph;
    for (int32_t v = 0; v < g->n_values; v++) {
        fpc_storage *s = &p->storage[v];
        s->first = s->last = -1;
        if (s->place == FPC_PLACE_NONE && g->value[v].node >= 0) {
            const fpc_gnode *n = &g->node[g->value[v].node];
            s->place = fpc_access(n->def->out, g->value[v].output) == 'r' ? FPC_PLACE_TILE : FPC_PLACE_ARENA;
            extend(s, p->group_of[g->value[v].node]);
        }
    }
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in; j++) {
            fpc_storage *s = &p->storage[g->node[i].in[j]];
            if (s->place == FPC_PLACE_TILE && (g->node[i].in_access[j] != 'r' || p->group_of[i] != s->first))
                s->place = FPC_PLACE_ARENA;
            if (s->place != FPC_PLACE_FIXED)
                extend(s, p->group_of[i]);
        }
    for (int32_t i = 0; i < g->n_outputs; i++) {
        fpc_storage *s = &p->storage[g->output[i].value];
        if (s->place == FPC_PLACE_TILE)
            s->place = FPC_PLACE_ARENA;
        if (s->place == FPC_PLACE_ARENA)
            extend(s, p->n_groups);
    }
    /* what an in-place op updates stays where it is */
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].def->flags & FPC_OP_INPLACE)
            for (int32_t o = 0; o < g->node[i].n_out; o++) {
                extend(&p->storage[g->node[i].in[o]], p->storage[g->node[i].out[o]].last);
                p->storage[g->node[i].out[o]] = p->storage[g->node[i].in[o]];
            }
}

/* Rows of a tile: what a row touches in all nodes of the group, inputs included, should fit in tile_bytes. */
static void choose_tile(const fpc_plan *p, fpc_plan_group *grp, size_t tile_bytes)
{
    const fpc_graph *g = p->graph;
    size_t row = 0;
    for (int32_t i = 0; i < grp->n; i++) {
        const fpc_gnode *n = &g->node[grp->node[i]];
        for (int32_t o = 0; o < n->n_out; o++)
            if (fpc_access(n->def->out, o) == 'r')
                row += (size_t)g->value[n->out[o]].shape.c * fpc_dtype_size(g->value[n->out[o]].dtype);
    }
    int64_t tile = row ? (int64_t)(tile_bytes / row) : MAX_TILE;
    tile = tile > MAX_TILE ? MAX_TILE : tile < MIN_TILE ? MIN_TILE : tile / 16 * 16;
    grp->tile = grp->barrier || !tile_bytes || tile > grp->rows ? grp->rows : tile;
}

/* ---- parts ---- */

/* Microseconds that a node takes on one core, roughly: 100,000 multiply-accumulates each, or 16,000 bytes. */
static double cost_of(const fpc_graph *g, const fpc_gnode *n)
{
    double bytes = 0;
    for (int32_t j = 0; j < n->n_in + n->n_out; j++) {
        const fpc_value *v = &g->value[j < n->n_in ? n->in[j] : n->out[j - n->n_in]];
        bytes += (double)fpc_bytes(v->shape, v->dtype);
    }
    return (double)fpc_gnode_macs(g, n) / 1e5 + bytes / 16e3;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* 128 parts are two for each of 64 cores. Short parts are slower, because a product of few rows reads its weight as
 * often as one of many, so parts become shorter than 128 rows only where there would be few of them. */
static int64_t parts_of_rows(int64_t rows)
{
    enum { LONG = 128, MANY = 128, SHORT = 32, SOME = 64, SHORTEST = 16, FEW = 16 };
    const int64_t many = least(rows / LONG, MANY), some = least(rows / SHORT, SOME), few = least(rows / SHORTEST, FEW);
    return many > some ? many : some > few ? some : few;
}

/* Parts: enough for many threads, but each long enough that handing it out is nothing beside it. Where rows are summed,
 * every part clears, fills and hands over its own sums: few enough that this stays small beside the work and in memory,
 * and each with as many rows as make adding to the sums cheap. */
static void choose_parts(const fpc_plan *p, fpc_plan_group *grp, size_t tile_bytes)
{
    enum { SUM_ROWS = 64 };
    const double shortest_us = 20, bytes_per_us = 1500, most_bytes = 32 << 20;
    double cost = 0, bytes = 0;
    for (int32_t i = 0; i < grp->n; i++) {
        cost += cost_of(p->graph, &p->graph->node[grp->node[i]]);
        bytes += (double)p->work[grp->node[i]].need.part;
    }
    const double sums = cost * bytes_per_us < most_bytes ? cost * bytes_per_us : most_bytes;
    int64_t parts = least(parts_of_rows(grp->rows), (int64_t)(cost / shortest_us));
    if (bytes > 0)
        parts = least(least(parts, grp->rows / SUM_ROWS), (int64_t)(sums / bytes));
    grp->parts = grp->barrier || !tile_bytes || parts < 1 ? 1 : (int32_t)parts;
}

/* ---- placement (runtime/blocks.h) ---- */

static fpc_status place_arena(fpc_plan *p, fpc_arena *arena)
{
    const fpc_graph *g = p->graph;
    fpc_lifetime *b = fpc_alloc(arena, ((size_t)g->n_values + 2 * (size_t)g->n_nodes + 1) * sizeof *b);
    int32_t n = 0;
    if (!b)
        return FPC_ENOMEM;
    for (int32_t v = 0; v < g->n_values; v++) {
        fpc_storage *s = &p->storage[v];
        const int32_t made_by = g->value[v].node;
        const int alias = made_by >= 0 && (g->node[made_by].def->flags & FPC_OP_INPLACE);
        if (s->place == FPC_PLACE_ARENA && !alias && s->first >= 0)
            b[n++] = (fpc_lifetime){fpc_round64(fpc_bytes(g->value[v].shape, g->value[v].dtype)), &s->offset, s->first,
                                    s->last, v};
    }
    for (int32_t k = 0; k < p->n_groups; k++)
        for (int32_t i = 0; i < p->group[k].n; i++) {
            fpc_work *w = &p->work[p->group[k].node[i]];
            if (w->need.shared && w->kept) {
                w->shared = p->kept_bytes;
                p->kept_bytes += fpc_round64(w->need.shared);
            } else if (w->need.shared) {
                b[n] = (fpc_lifetime){fpc_round64(w->need.shared), &w->shared, k, k, g->n_values + n};
                n++;
            }
            if (w->need.part) {
                b[n] = (fpc_lifetime){fpc_round64(w->need.part) * (size_t)p->group[k].parts, &w->part, k, k,
                                      g->n_values + n};
                n++;
            }
        }
    p->arena_bytes = fpc_blocks_place(b, n);
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].def->flags & FPC_OP_INPLACE)
            for (int32_t o = 0; o < g->node[i].n_out; o++)
                p->storage[g->node[i].out[o]] = p->storage[g->node[i].in[o]];
    return FPC_OK;
}

/* Tile values and kernels' scratch within one thread's block, per group, by the nodes between which they live. */
static fpc_status place_tiles(fpc_plan *p, fpc_arena *arena)
{
    fpc_graph *g = p->graph;
    fpc_lifetime *b = fpc_alloc(arena, (size_t)(FPC_MAX_GROUP * (FPC_MAX_OUTPUTS + 1) + 1) * sizeof *b);
    if (!b)
        return FPC_ENOMEM;
    for (int32_t k = 0; k < p->n_groups; k++) {
        const fpc_plan_group *grp = &p->group[k];
        int32_t n = 0;
        for (int32_t i = 0; i < grp->n; i++) {
            const fpc_gnode *node = &g->node[grp->node[i]];
            for (int32_t o = 0; o < node->n_out; o++) {
                fpc_storage *s = &p->storage[node->out[o]];
                if (s->place != FPC_PLACE_TILE)
                    continue;
                int32_t last = i;
                for (int32_t m = i + 1; m < grp->n; m++)
                    for (int32_t j = 0; j < g->node[grp->node[m]].n_in; j++)
                        last = g->node[grp->node[m]].in[j] == node->out[o] ? m : last;
                const fpc_value *v = &g->value[node->out[o]];
                b[n] = (fpc_lifetime){fpc_round64((size_t)grp->tile * (size_t)v->shape.c * fpc_dtype_size(v->dtype)),
                                      &s->offset, i, last, n};
                n++;
            }
            fpc_work *w = &p->work[grp->node[i]];
            if (w->need.thread) {
                b[n] = (fpc_lifetime){fpc_round64(w->need.thread), &w->scratch, i, i, n};
                n++;
            }
        }
        const size_t top = fpc_blocks_place(b, n);
        p->thread_bytes = top > p->thread_bytes ? top : p->thread_bytes;
    }
    return FPC_OK;
}

/* Whether an earlier node of the same op has no kernel either: each op is named once. */
static int named_before(const fpc_plan *p, int32_t i)
{
    for (int32_t k = 0; k < i; k++)
        if (!p->work[k].kernel && p->graph->node[k].def == p->graph->node[i].def)
            return 1;
    return 0;
}

/* What a node computes in: half precision where one of its arguments is. */
static uint32_t type_of(const fpc_graph *g, const fpc_gnode *n)
{
    for (int32_t i = 0; i < n->n_in + n->n_out && n->def->half; i++) {
        const uint32_t dtype = g->value[i < n->n_in ? n->in[i] : n->out[i - n->n_in]].dtype;
        if (dtype == FPC_BF16 || dtype == FPC_F16)
            return dtype;
    }
    return g->real;
}

/* Kernels count in bytes that fit 64 bits and say SIZE_MAX / 2 where they would not; no machine has so much, and sums
 * of what all nodes need must be countable too. */
static fpc_status check_need(fpc_ctx *ctx, const fpc_gnode *n, const fpc_need *need)
{
    const size_t most = (size_t)1 << 46;
    if (need->shared <= most && need->part <= most && need->thread <= most)
        return FPC_OK;
    return fpc_fail(ctx, FPC_ENOMEM, "no memory for %s (%s): its kernel needs more than 64 TiB", n->name, n->def->name);
}

/* Every node gets its kernel; all ops that have none are reported at once, each with its first node. */
static fpc_status choose_kernels(fpc_ctx *ctx, fpc_arena *arena, const fpc_backend *be, fpc_plan *p)
{
    char *missing = NULL;
    for (int32_t i = 0; i < p->graph->n_nodes; i++) {
        const fpc_gnode *n = &p->graph->node[i];
        fpc_tensor in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];
        fpc_node view;
        fpc_gnode_view(p->graph, n, in, out, &view);
        p->work[i].kernel = fpc_backend_kernel(be, &view, type_of(p->graph, n));
        p->work[i].who = fpc_backend_who(be, p->work[i].kernel);
        if (!p->work[i].kernel && named_before(p, i))
            continue;
        if (!p->work[i].kernel)
            missing = fpc_sprintf(arena, "%s%s%s (%s, input %s)", missing ? missing : "", missing ? ", " : "",
                                  n->def->name, n->name, n->n_in ? fpc_shape_text(in[0].shape) : "-");
        else if (p->work[i].kernel->need)
            FPC_CALL_VOID(p->work[i].who, p->work[i].kernel->need(&view, &p->work[i].need));
        const fpc_status status = check_need(ctx, n, &p->work[i].need);
        if (status)
            return status;
    }
    return missing ? fpc_fail(ctx, FPC_ENOSUPPORT, "backend %s has no kernel for: %s; choose another with backend.use",
                              be->inst.plugin->name, missing)
                   : FPC_OK;
}

/* Groups that need not run again while the weights stay, and beginnings that need not. */
static void mark_constant(fpc_plan *p, const uint8_t *constant)
{
    const fpc_graph *g = p->graph;
    for (int32_t k = 0; k < p->n_groups; k++) {
        fpc_plan_group *grp = &p->group[k];
        grp->constant = 1;
        for (int32_t i = 0; i < grp->n; i++) {
            const fpc_gnode *n = &g->node[grp->node[i]];
            fpc_work *w = &p->work[grp->node[i]];
            grp->constant &= constant[n->out[0]];
            w->kept = (w->kernel->flags & FPC_KERNEL_PACKS) != 0;
            for (int32_t j = 1; j < n->n_in && j <= 2; j++)
                w->kept &= constant[n->in[j]];
        }
    }
}

fpc_status fpc_plan_make(fpc_ctx *ctx, fpc_arena *arena, const fpc_backend *be, fpc_graph *g, fpc_storage *storage,
                         const uint8_t *constant, size_t tile_bytes, fpc_plan **out)
{
    fpc_plan *p = fpc_alloc(arena, sizeof *p);
    if (!p)
        return FPC_ENOMEM;
    *p = (fpc_plan){.graph = g, .storage = storage};
    p->group_of = fpc_alloc(arena, (size_t)(g->n_nodes + 1) * sizeof(int32_t));
    p->work = fpc_alloc(arena, (size_t)(g->n_nodes + 1) * sizeof *p->work);
    if (!p->group_of || !p->work)
        return FPC_ENOMEM;
    fpc_status status;
    if ((status = choose_kernels(ctx, arena, be, p)) || (status = make_groups(p, arena, tile_bytes > 0)))
        return status;
    place_values(p);
    if (constant)
        mark_constant(p, constant);
    for (int32_t k = 0; k < p->n_groups; k++) {
        choose_tile(p, &p->group[k], tile_bytes);
        choose_parts(p, &p->group[k], tile_bytes);
    }
    if ((status = place_arena(p, arena)) || (status = place_tiles(p, arena)))
        return status;
    *out = p;
    return FPC_OK;
}
