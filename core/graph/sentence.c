/* sentence.c: sentences about a node and its shapes. While a graph is built they speak of what its author wrote, the
 * verb, the scope and the values that were handed to it; of a finished graph, of the node's name and op. */
#include "graph/nodes.h"
#include <stdarg.h>
#include <stdio.h>

/* Memory of the thread that is there without a call (initial-exec), as in base/at_work.c. With the other kind,
 * LeakSanitizer of GCC 12 takes such a block for something else where it begins a page, and ends the process. */
#define OF_THREAD static _Thread_local __attribute__((tls_model("initial-exec")))

OF_THREAD struct {
    const fpc_graph *graph;
    const fpc_gnode *node;
    const fpc_node *view;
} place;

void fpc_node_place(const fpc_graph *g, const fpc_gnode *node, const fpc_node *view)
{
    place.graph = g;
    place.node = node;
    place.view = view;
}

static const char *value_name(const fpc_graph *g, int32_t id)
{
    const fpc_value *v = &g->value[id];
    if (v->name)
        return v->name;
    return v->node >= 0 ? g->node[v->node].name : "a constant";
}

/* " of image and block1.q": what the author handed over; the verb's own parameters say nothing new. */
static void put_inputs(char *to, size_t room)
{
    const fpc_graph *g = place.graph;
    size_t at = 0;
    int32_t n = 0;
    *to = 0;
    for (int32_t i = 0; i < place.node->n_in && at < room; i++) {
        const int32_t id = place.node->in[i];
        if (g->verb && g->value[id].role == FPC_ROLE_PARAM && i > 0)
            continue;
        if (n == 4) {
            at += (size_t)snprintf(to + at, room - at, " ...");
            break;
        }
        at += (size_t)snprintf(to + at, room - at, "%s%s", n++ ? ", " : " of ", value_name(g, id));
    }
}

fpc_status fpc_node_fail(fpc_ctx *ctx, const fpc_node *node, const char *fmt, ...)
{
    char text[400], inputs[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (place.view != node)
        return fpc_fail(ctx, FPC_EINVAL, "%s (%s): %s", node->name ? node->name : "?", node->op, text);
    put_inputs(inputs, sizeof inputs);
    if (place.graph->verb)
        return fpc_fail(ctx, FPC_EINVAL, "%s%s%s%s: %s", place.graph->verb, *place.graph->scope ? " in " : "",
                        place.graph->scope, inputs, text);
    return fpc_fail(ctx, FPC_EINVAL, "%s (op %s%s): %s", node->name ? node->name : "?", node->op, inputs, text);
}

const char *fpc_shape_text(fpc_shape s)
{
    OF_THREAD char ring[8][48];
    OF_THREAD int at;
    char *b = ring[at++ & 7];
    snprintf(b, sizeof ring[0], "%dx%dx%dx%d", s.n, s.h, s.w, s.c);
    return b;
}
