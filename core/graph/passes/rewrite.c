/* clang-format off */
/* rewrite.c: exact identities on the forward graph, before autodiff. Decoders that join maps of several sizes and then
 * apply a linear map (SegFormer, Xie et al. 2021, arXiv:2105.15203) spend most of their arithmetic where 1 to 3 apply:
 *   1 linear(concat(a, b, ..)) = sum of linears with slices of the weight   where an input was upsampled
 *   2 linear(resize(x)) = resize(linear(x))                                 when resize enlarges (its weights sum to 1)
 *   3 linear(linear(x)) = one linear with the product of the weights        when that is cheaper
 *   4 seg_loss terms over the same logits, mask and weights of images merge into one node
 *   5 losses and seg_argmax take the upsampling before them into themselves
 * to a fixed point, then nodes that nothing needs go. Stored parameters stay as the model declared them: products and
 * slices of weights are nodes too, and autodiff goes through them. Every identity has a test in tests/unit. */
/* clang-format on */
#include "graph/nodes.h"
#include <string.h>

static const fpc_gnode *producer(const fpc_graph *g, int32_t value)
{
    const int32_t n = g->value[value].node;
    return n < 0 || g->node[n].dead ? NULL : &g->node[n];
}

static const fpc_gnode *producer_op(const fpc_graph *g, int32_t value, const char *op)
{
    const fpc_gnode *n = producer(g, value);
    return n && !strcmp(n->def->name, op) ? n : NULL;
}

static int32_t count_uses(const fpc_graph *g, int32_t value)
{
    int32_t uses = 0;
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in && !g->node[i].dead; j++)
            uses += g->node[i].in[j] == value;
    for (int32_t i = 0; i < g->n_outputs; i++)
        uses += g->output[i].value == value;
    return uses;
}

static void redirect(fpc_graph *g, int32_t from, int32_t to)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in; j++)
            if (g->node[i].in[j] == from)
                g->node[i].in[j] = to;
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (g->output[i].value == from)
            g->output[i].value = to;
}

/* New nodes carry the name of the node they replace. */
static fpc_val emit(fpc_graph *g, const char *op, const char *name, int32_t n, const fpc_val *in, const void *attr)
{
    const fpc_val v = fpc_op_own(g, op, name, n, in, attr, NULL);
    if (v.id >= 0)
        g->node[g->value[v.id].node].name = name;
    return v;
}

static int enlarges(const fpc_graph *g, const fpc_gnode *resize)
{
    return fpc_rows_of(g->value[resize->out[0]].shape) > fpc_rows_of(g->value[resize->in[0]].shape);
}

/* A node that is replaced, and with it what only it used: dead readers would keep other identities from seeing that a
 * value has a single use. */
static void bury(fpc_graph *g, int32_t node)
{
    g->node[node].dead = 1;
    for (int32_t j = 0; j < g->node[node].n_in; j++) {
        const int32_t made_by = g->value[g->node[node].in[j]].node;
        int used = 0;
        if (made_by < 0 || g->node[made_by].dead || (g->node[made_by].def->flags & FPC_OP_EFFECT))
            continue;
        for (int32_t o = 0; o < g->node[made_by].n_out; o++)
            used |= count_uses(g, g->node[made_by].out[o]) > 0;
        if (!used)
            bury(g, made_by);
    }
}

static int finish(fpc_graph *g, int32_t node, fpc_val replacement)
{
    if (replacement.id < 0)
        return 0;
    redirect(g, g->node[node].out[0], replacement.id);
    bury(g, node);
    return 1;
}

/* Identity 1. The bias goes to the first term. */
static int split_concat(fpc_graph *g, int32_t i)
{
    const fpc_gnode l = g->node[i];
    const fpc_gnode *c = producer_op(g, l.in[0], "concat");
    int useful = 0;
    for (int32_t j = 0; c && j < c->n_in; j++) {
        const fpc_gnode *r = producer_op(g, c->in[j], "resize");
        useful |= r && enlarges(g, r);
    }
    if (!useful || count_uses(g, l.in[0]) != 1)
        return 0;
    const fpc_gnode cat = *c;
    fpc_val sum = {-1};
    int32_t at = 0;
    for (int32_t j = 0; j < cat.n_in; j++) {
        const fpc_slice_attr a = {at, g->value[cat.in[j]].shape.c, g->value[l.in[1]].shape.c};
        fpc_val in[3] = {
            {cat.in[j]}, emit(g, "slice", l.name, 1, &(fpc_val){l.in[1]}, &a), {l.n_in > 2 ? l.in[2] : -1}};
        const fpc_val part = emit(g, "linear", l.name, l.n_in > 2 && j == 0 ? 3 : 2, in, NULL);
        sum = j == 0 ? part : emit(g, "add", l.name, 2, (fpc_val[]){sum, part}, NULL);
        at += a.count;
    }
    return finish(g, i, sum);
}

/* Identity 2. */
static int linear_before_resize(fpc_graph *g, int32_t i)
{
    const fpc_gnode l = g->node[i];
    const fpc_gnode *r = producer_op(g, l.in[0], "resize");
    if (!r || !enlarges(g, r) || count_uses(g, l.in[0]) != 1)
        return 0;
    const fpc_gnode up = *r;
    const fpc_val in[3] = {{up.in[0]}, {l.in[1]}, {l.n_in > 2 ? l.in[2] : -1}};
    const fpc_val small = emit(g, "linear", l.name, l.n_in, in, NULL);
    return finish(g, i, emit(g, "resize", l.name, 1, &small, up.attr));
}

/* Identity 3: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2), if rows*(i*m + m*o) > rows*i*o + i*m*o. */
static int fold_linears(fpc_graph *g, int32_t i)
{
    const fpc_gnode b = g->node[i];
    const fpc_gnode *first = producer_op(g, b.in[0], "linear");
    if (!first || count_uses(g, b.in[0]) != 1)
        return 0;
    const fpc_gnode a = *first;
    const fpc_shape w1 = g->value[a.in[1]].shape, w2 = g->value[b.in[1]].shape;
    const double rows = (double)fpc_rows_of(g->value[a.in[0]].shape), ci = w1.c, m = w2.c, o = (double)fpc_rows_of(w2);
    if (rows * (ci * m + m * o) <= rows * ci * o + ci * m * o)
        return 0;
    const fpc_val w = emit(g, "linear_grad_x", b.name, 2, (fpc_val[]){{b.in[1]}, {a.in[1]}}, NULL);
    fpc_val bias = {b.n_in > 2 ? b.in[2] : -1};
    if (a.n_in > 2)
        bias = emit(g, "linear", b.name, b.n_in, (fpc_val[]){{a.in[2]}, {b.in[1]}, bias}, NULL);
    return finish(g, i, emit(g, "linear", b.name, bias.id >= 0 ? 3 : 2, (fpc_val[]){{a.in[0]}, w, bias}, NULL));
}

static fpc_val term_slice(fpc_graph *g, const char *name, fpc_val all, int32_t first, int32_t count, int32_t total)
{
    const fpc_slice_attr a = {first, count, total};
    return emit(g, "slice", name, 1, &all, &a);
}

/* Identity 4: node i takes the terms of the next seg_loss with the same inputs. */
static int merge_losses(fpc_graph *g, int32_t i)
{
    const fpc_gnode a = g->node[i];
    const fpc_seg_loss_attr *ta = a.attr;
    for (int32_t j = i + 1; j < g->n_nodes; j++) {
        const fpc_gnode b = g->node[j];
        const fpc_seg_loss_attr *tb = b.attr;
        if (b.dead || b.def != a.def || b.n_in != a.n_in || memcmp(b.in, a.in, (size_t)a.n_in * sizeof *a.in) ||
            ta->ignore != tb->ignore || ta->align_corners != tb->align_corners ||
            ta->n_terms + tb->n_terms > FPC_MAX_TERMS)
            continue;
        fpc_seg_loss_attr both = *ta;
        for (int32_t t = 0; t < tb->n_terms; t++)
            both.term[both.n_terms++] = tb->term[t];
        fpc_val out[4];
        const fpc_val in[3] = {{a.in[0]}, {a.in[1]}, {a.n_in > 2 ? a.in[2] : -1}};
        if (fpc_op(g, "seg_loss", a.name, a.n_in, in, FPC_ATTR(both), out).id < 0)
            return 0;
        g->node[g->n_nodes - 1].name = a.name;
        for (int32_t o = 0; o <= 2; o += 2) { /* terms and norm are per term; stats and counts are shared */
            const int32_t n = both.n_terms;
            redirect(g, a.out[o], term_slice(g, a.name, out[o], 0, ta->n_terms, n).id);
            redirect(g, b.out[o], term_slice(g, b.name, out[o], ta->n_terms, tb->n_terms, n).id);
            redirect(g, a.out[o + 1], out[o + 1].id);
            redirect(g, b.out[o + 1], out[o + 1].id);
        }
        bury(g, i);
        bury(g, j);
        return 1;
    }
    return 0;
}

static int is_pixel_loss(const char *op)
{
    return !strcmp(op, "lovasz") || !strcmp(op, "ohem") || !strcmp(op, "boundary");
}

/* Identity 5. The slope of a pixel loss has the shape of the logits; nothing reads it before autodiff. */
static int absorb_resize(fpc_graph *g, int32_t i)
{
    fpc_gnode *n = &g->node[i];
    const fpc_gnode *r = producer_op(g, n->in[0], "resize");
    const int loss = !strcmp(n->def->name, "seg_loss"), pixel = is_pixel_loss(n->def->name);
    const fpc_shape z = g->value[n->in[0]].shape;
    const fpc_shape to = loss || pixel ? g->value[n->in[1]].shape : g->value[n->out[0]].shape;
    if (!r || z.h != to.h || z.w != to.w)
        return 0;
    const fpc_resize_attr *up = r->attr;
    if (loss)
        ((fpc_seg_loss_attr *)n->attr)->align_corners = up->align_corners;
    else if (pixel)
        ((fpc_pixel_loss_attr *)n->attr)->align_corners = up->align_corners;
    else
        ((fpc_resize_attr *)n->attr)->align_corners = up->align_corners;
    n->in[0] = r->in[0];
    if (pixel)
        g->value[n->out[1]].shape = g->value[n->in[0]].shape;
    return 1;
}

static int rewrite_node(fpc_graph *g, int32_t i)
{
    const char *op = g->node[i].def->name;
    if (!strcmp(op, "linear"))
        return split_concat(g, i) || linear_before_resize(g, i) || fold_linears(g, i);
    if (!strcmp(op, "seg_loss"))
        return merge_losses(g, i) || absorb_resize(g, i);
    return (!strcmp(op, "seg_argmax") || is_pixel_loss(op)) && absorb_resize(g, i);
}

/* ---- dead nodes and order ---- */

/* What outputs, effects or extra values need. A pass goes backwards through the list, so in a graph whose nodes stand
 * after their inputs one does; and no call stands within a call, for a graph from a file may be one chain of any
 * length.
 */
static void mark_needed(const fpc_graph *g, int32_t n_extra, const fpc_val *extra, uint8_t *seen)
{
    for (int32_t i = 0; i < n_extra + g->n_outputs; i++) {
        const int32_t value = i < n_extra ? extra[i].id : g->output[i - n_extra].value;
        if (value >= 0 && g->value[value].node >= 0)
            seen[g->value[value].node] = 1;
    }
    for (int32_t i = 0; i < g->n_nodes; i++)
        seen[i] |= !g->node[i].dead && (g->node[i].def->flags & FPC_OP_EFFECT);
    for (int again = 1; again;) {
        again = 0;
        for (int32_t i = g->n_nodes - 1; i >= 0; i--)
            for (int32_t j = 0; j < g->node[i].n_in && seen[i]; j++) {
                const int32_t made_by = g->value[g->node[i].in[j]].node;
                again |= made_by > i && !seen[made_by];
                if (made_by >= 0)
                    seen[made_by] = 1;
            }
    }
}

/* 1 where every needed node already stands after its inputs. */
static int in_order(const fpc_graph *g, const uint8_t *seen)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in && seen[i]; j++)
            if (g->value[g->node[i].in[j]].node >= i)
                return 0;
    return 1;
}

/* Depth first from what is needed; gives each needed node its place after its inputs. */
static void visit(const fpc_graph *g, int32_t node, uint8_t *placed, int32_t *order, int32_t *n)
{
    if (placed[node])
        return;
    placed[node] = 1;
    for (int32_t j = 0; j < g->node[node].n_in; j++)
        if (g->value[g->node[node].in[j]].node >= 0)
            visit(g, g->value[g->node[node].in[j]].node, placed, order, n);
    order[(*n)++] = node;
}

static void visit_value(const fpc_graph *g, int32_t value, uint8_t *placed, int32_t *order, int32_t *n)
{
    if (value >= 0 && g->value[value].node >= 0)
        visit(g, g->value[value].node, placed, order, n);
}

/* The needed nodes in the order of appending where that can run (a backward pass stands well as autodiff wrote it),
 * else depth first. Returns how many. */
static int32_t needed_nodes(const fpc_graph *g, int32_t n_extra, const fpc_val *extra, uint8_t *seen, int32_t *order)
{
    int32_t n = 0;
    mark_needed(g, n_extra, extra, seen);
    if (in_order(g, seen)) {
        for (int32_t i = 0; i < g->n_nodes; i++)
            if (seen[i])
                order[n++] = i;
        return n;
    }
    memset(seen, 0, (size_t)g->n_nodes);
    for (int32_t i = 0; i < n_extra; i++)
        visit_value(g, extra[i].id, seen, order, &n);
    for (int32_t i = 0; i < g->n_outputs; i++)
        visit_value(g, g->output[i].value, seen, order, &n);
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!g->node[i].dead && (g->node[i].def->flags & FPC_OP_EFFECT))
            visit(g, i, seen, order, &n);
    return n;
}

/* Values of nodes that went have no producer any more. */
static void forget_producers(fpc_graph *g)
{
    for (int32_t v = 0; v < g->n_values; v++) {
        fpc_value *val = &g->value[v];
        const fpc_gnode *by = val->node >= 0 && val->node < g->n_nodes ? &g->node[val->node] : NULL;
        if (val->node >= 0 && (!by || val->output >= by->n_out || by->out[val->output] != v))
            val->node = -1;
    }
}

fpc_status fpc_graph_sweep(fpc_graph *g, int32_t n_extra, const fpc_val *extra)
{
    const size_t most = (size_t)g->n_nodes + 1;
    uint8_t *seen = fpc_alloc(g->arena, most);
    int32_t *order = fpc_alloc(g->arena, most * sizeof *order);
    fpc_gnode *node = fpc_alloc(g->arena, most * sizeof *node);
    if (!seen || !order || !node)
        return FPC_ENOMEM;
    const int32_t n = needed_nodes(g, n_extra, extra, seen, order);
    for (int32_t i = 0; i < n; i++) {
        node[i] = g->node[order[i]];
        for (int32_t o = 0; o < node[i].n_out; o++)
            g->value[node[i].out[o]].node = i;
    }
    g->node = node;
    g->n_nodes = n;
    g->cap_nodes = n + (n == 0);
    forget_producers(g);
    return FPC_OK;
}

fpc_status fpc_graph_rewrite(fpc_graph *g, int on)
{
    int changed = on;
    while (changed && !g->failed) {
        changed = 0;
        for (int32_t i = 0; i < g->n_nodes && !g->failed; i++)
            if (!g->node[i].dead)
                changed |= rewrite_node(g, i);
    }
    const fpc_status status = fpc_graph_check(g);
    return status ? status : fpc_graph_sweep(g, 0, NULL);
}
