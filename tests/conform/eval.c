/* eval.c: runs a graph node by node, without a plan: memory for every value, kernels of the backend `ref` in double and
 * of the plugin. Slow and simple, so that what it says about a plugin is about the plugin. */
#include "conform.h"
#include "runtime/exec.h"

#include <string.h>

fpc_backend *eval_backend(conform *c)
{
    fpc_recipe *recipe = NULL;
    fpc_backend *backend = NULL;

    if (!fpc_recipe_parse(c->ctx, c->arena, "conform", "[backend]\nuse = ref\nreal = double\n", 0, NULL, &recipe) &&
        fpc_backend_open(c->ctx, c->arena, c->registry, fpc_recipe_section(recipe, "backend"), FPC_FP32, &backend))
        backend = NULL;
    fpc_ctx_clear(c->ctx);
    return backend;
}

static void fill_constant(fpc_tensor *t, const fpc_value *v)
{
    for (int64_t i = 0; i < fpc_count(v->shape); i++)
        if (v->dtype == FPC_F64)
            ((double *)t->data)[i] = v->constant[i];
        else
            ((float *)t->data)[i] = (float)v->constant[i];
}

fpc_status eval_open(conform *c, fpc_backend *backend, fpc_graph *g, eval *e)
{
    *e = (eval){c, g, backend, fpc_alloc(c->arena, (size_t)g->n_values * sizeof(fpc_tensor))};
    if (!e->value)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < g->n_values; i++) {
        const fpc_value *v = &g->value[i];
        fpc_tensor *t = &e->value[i];
        const fpc_gnode *by = v->node >= 0 ? &g->node[v->node] : NULL;

        *t = (fpc_tensor){.shape = v->shape, .dtype = v->dtype};
        if (by && (by->def->flags & FPC_OP_INPLACE)) { /* output i is input i */
            t->data = e->value[by->in[v->output]].data;
            continue;
        }
        t->data = fpc_alloc(c->arena, fpc_bytes(v->shape, v->dtype));
        if (!t->data)
            return FPC_ENOMEM;
        if (v->role == FPC_ROLE_CONST)
            fill_constant(t, v);
    }
    return FPC_OK;
}

fpc_status eval_run(eval *e)
{
    for (int32_t i = 0; i < e->g->n_nodes; i++) {
        const fpc_gnode *gn = &e->g->node[i];
        fpc_tensor in[32], out[8];

        if (gn->dead)
            continue;
        for (int32_t k = 0; k < gn->n_in; k++)
            in[k] = e->value[gn->in[k]];
        for (int32_t k = 0; k < gn->n_out; k++)
            out[k] = e->value[gn->out[k]];
        fpc_node node = {.size = sizeof node,
                         .id = (uint32_t)i,
                         .op = gn->def->name,
                         .name = gn->name,
                         .n_in = gn->n_in,
                         .n_out = gn->n_out,
                         .in = in,
                         .out = out,
                         .attr = gn->attr};
        const fpc_kernel *kernel = fpc_backend_kernel(e->backend, &node, e->g->real);
        if (!kernel)
            return fpc_fail(e->c->ctx, FPC_ENOSUPPORT, "%s: no kernel computes `%s` in %s%s", node.name, node.op,
                            e->g->real == FPC_F64 ? "double" : "float",
                            e->g->real == FPC_F64
                                ? "; a gradient can be checked in double only, so a plugin's kernels take "
                                  "float and double"
                                : "");
        const fpc_status status = fpc_run_node(e->c->ctx, kernel, gn->def, &node, 3, 7, &e->backend->device);
        if (status)
            return status;
    }
    return FPC_OK;
}
