/* torch.c: writes a graph as a PyTorch module: the layers, the steps of forward by the table of torch_ops.c, and the
 * few lines around them. Line for line it is what the model plugin said, in the order in which it was said. */
#include "cmd/export/torch.h"
#include "cmd/export/export.h"
#include "base/file.h"
#include "base/message.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MARK "# Written by fpcore export"

const char *fpc_torch_refuse(fpc_torch *x, const char *what)
{
    if (!x->status)
        x->status = fpc_fail(x->ctx, FPC_ENOSUPPORT, "export --torch: op %s (%s)%s has no PyTorch form",
                             x->at->def->name, x->at->name, what);
    return NULL;
}

/* ---- values ---- */

static int is_taken(const fpc_torch *x, const char *name)
{
    static const char *const others[] = {
        "self",     "image", "at",     "F",      "nn",    "torch",  "add",   "by_rows", "attention", "NAMES", "PALETTE",
        "SIZE",     "and",   "as",     "assert", "async", "await",  "break", "class",   "continue",  "def",   "del",
        "elif",     "else",  "except", "for",    "from",  "global", "if",    "import",  "in",        "is",    "lambda",
        "nonlocal", "not",   "or",     "pass",   "raise", "return", "try",   "while",   "with",      "yield"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i], name))
            return 1;
    for (int32_t v = 0; v < x->g->n_values; v++)
        if (x->variable[v] && !strcmp(x->variable[v], name))
            return 1;
    return 0;
}

/* block1.0.attn.q is block1_0_attn_q, or block1_0_attn_q_2 where there is one. */
static const char *new_variable(fpc_torch *x, const char *place)
{
    char *name = fpc_sprintf(x->arena, "%s%s", isalpha((unsigned char)*place) ? "" : "x_", place);
    const char *unique = name;

    for (char *c = name; c && *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    for (int n = 2; unique && is_taken(x, unique); n++)
        unique = fpc_sprintf(x->arena, "%s_%d", name, n);
    return unique;
}

static const char *constant(fpc_torch *x, const fpc_value *v)
{
    const char *list = "";

    if (fpc_rows_of(v->shape) > 1)
        return fpc_torch_refuse(x, " with a constant that is no vector");
    for (int32_t c = 0; c < v->shape.c && list; c++)
        list = fpc_sprintf(x->arena, "%s%s%.9g", list, c ? ", " : "", v->constant[c]);
    return list ? fpc_sprintf(x->arena, "image.new_tensor([%s]).reshape(1, %d, 1, 1)", list, v->shape.c) : NULL;
}

const char *fpc_torch_in(fpc_torch *x, int32_t v)
{
    const fpc_value *value = &x->g->value[v];
    const char *name = value->role == FPC_ROLE_CONST ? constant(x, value) : x->variable[v];

    if (!name)
        fpc_torch_refuse(x, value->name ? " with a parameter that is none of a layer" : " with an input that");
    return name ? name : "";
}

/* ---- layers ---- */

/* "block1.0.attn.q" of "block1.0.attn.q.weight"; NULL: the value is no such parameter. */
static const char *layer_name(fpc_torch *x, const fpc_value *v, const char *name)
{
    const size_t all = v->name ? strlen(v->name) : 0, last = strlen(name);

    if ((v->role != FPC_ROLE_PARAM && v->role != FPC_ROLE_BUFFER) || all < last + 2 || v->name[all - last - 1] != '.' ||
        strcmp(v->name + all - last, name))
        return NULL;
    return fpc_sprintf(x->arena, "%.*s", (int)(all - last - 1), v->name);
}

const char *fpc_torch_layer(fpc_torch *x, const fpc_gnode *n, int32_t count, const char *const *names, const char *make)
{
    const char *layer = NULL;
    const int is_new = !x->held[n->in[1]];

    for (int32_t i = 0; i < count; i++) {
        const char *of = layer_name(x, &x->g->value[n->in[i + 1]], names[i]);
        if (!of || (layer && strcmp(of, layer)))
            return fpc_torch_refuse(x, " whose parameters are not those of one layer, NAME.weight and NAME.bias,");
        layer = of;
        x->held[n->in[i + 1]] = 1;
    }
    if (is_new && layer && make)
        fprintf(x->layers, "        add(self, \"%s\", %s)\n", layer, make);
    return layer ? fpc_sprintf(x->arena, "at(\"%s\")", layer) : NULL;
}

/* ---- the module ---- */

static void put_step(fpc_torch *x, const fpc_gnode *n)
{
    const fpc_torch_op *o = fpc_torch_ops;

    x->at = n;
    while (o->op && strcmp(o->op, n->def->name))
        o++;
    const char *right = o->op ? o->form(x, n, o->python) : fpc_torch_refuse(x, "");
    const char *name = x->status ? NULL : new_variable(x, n->name);
    if (right && name)
        fprintf(x->steps, "        %s = %s\n", name, right);
    else if (!x->status)
        x->status = FPC_ENOMEM;
    x->variable[n->out[0]] = name;
}

/* What no layer holds would be missing when the weights are loaded. */
static void check_all_held(fpc_torch *x)
{
    for (int32_t v = 0; v < x->g->n_values && !x->status; v++) {
        const fpc_value *value = &x->g->value[v];
        if (!x->held[v] &&
            (value->role == FPC_ROLE_PARAM || (value->role == FPC_ROLE_BUFFER && value->dtype != FPC_I64)))
            x->status = fpc_fail(x->ctx, FPC_ENOSUPPORT,
                                 "export --torch: %s: a prediction does not use this parameter, so no layer holds it",
                                 value->name);
    }
}

static void put_body(fpc_torch *x)
{
    for (int32_t v = 0; v < x->g->n_values; v++)
        if (x->g->value[v].role == FPC_ROLE_INPUT)
            x->variable[v] = "image";
    for (int32_t i = 0; i < x->g->n_nodes && !x->status; i++)
        put_step(x, &x->g->node[i]);
    check_all_held(x);
    if (!x->status)
        fprintf(x->steps, "        return %s\n", x->variable[x->g->output[0].value]);
}

static const char *meta_of(const fpc_export_args *a, const char *key)
{
    for (int32_t i = 0; i < a->n_meta; i++)
        if (!strcmp(a->meta[i].key, key))
            return a->meta[i].value;
    return "None";
}

static const char *whole(fpc_torch *x, const fpc_export_args *a, const char *about, const char *layers,
                         const char *steps)
{
    return fpc_sprintf(
        x->arena,
        MARK " %s.\n"
             "\"\"\"%s\n"
             "\n"
             "    network = Network()\n"
             "    network.load_state_dict(torch.load(\"ckpt.pth\", weights_only=True)[\"state_dict\"])\n"
             "    labels = network.eval()(image).argmax(1)  # image: float (n,3,%d,%d), RGB in [0,1]\n"
             "\n"
             "This is the network of a prediction: dropout is not in it.\n"
             "\"\"\"\n"
             "import torch\n"
             "from torch import nn\n"
             "from torch.nn import functional as F\n"
             "\n"
             "NAMES = %s\n"
             "PALETTE = %s\n"
             "SIZE = (%d, %d)  # height, width\n"
             "\n"
             "\n"
             "def add(module, name, layer):\n"
             "    \"\"\"The layer under a name with dots, as the state dict has it.\"\"\"\n"
             "    *path, last = name.split(\".\")\n"
             "    for part in path:\n"
             "        if part not in module._modules:\n"
             "            module.add_module(part, nn.Module())\n"
             "        module = module._modules[part]\n"
             "    for inner, child in module._modules.get(last, nn.Module()).named_children():\n"
             "        layer.add_module(inner, child)\n"
             "    module.add_module(last, layer)\n"
             "\n"
             "\n"
             "def by_rows(layer, x):\n"
             "    \"\"\"A layer over the last axis, on maps (n,c,h,w).\"\"\"\n"
             "    return layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)\n"
             "\n"
             "\n"
             "def attention(q, k, v, heads, scale):\n"
             "    \"\"\"Every pixel of q looks at all of k and v.\"\"\"\n"
             "    q2, k2, v2 = (x.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3) for x in (q, k, v))\n"
             "    y = torch.softmax(q2 @ k2.transpose(2, 3) * scale, -1) @ v2\n"
             "    return y.transpose(2, 3).reshape(q.shape)\n"
             "\n"
             "\n"
             "class Network(nn.Module):\n"
             "    def __init__(self):\n"
             "        super().__init__()\n"
             "%s"
             "\n"
             "    def forward(self, image):\n"
             "        at = self.get_submodule\n"
             "%s",
        FPC_VERSION, about, a->h, a->w, meta_of(a, "classes"), meta_of(a, "palette"), a->h, a->w, layers, steps);
}

fpc_status fpc_torch_source(fpc_experiment *s, fpc_arena *arena, const fpc_export_args *a, const char *about,
                            const char **source)
{
    fpc_torch x = {.ctx = s->ctx, .arena = arena};
    char *layers = NULL, *steps = NULL;
    size_t n_layers, n_steps;
    fpc_graph *g;
    fpc_status status = fpc_experiment_graph(s, 1, a->h, a->w, 0, 0, &g);

    if (status)
        return status;
    x.g = g;
    x.variable = fpc_alloc(arena, (size_t)g->n_values * sizeof *x.variable);
    x.held = fpc_alloc(arena, (size_t)g->n_values + 1);
    x.layers = open_memstream(&layers, &n_layers);
    x.steps = open_memstream(&steps, &n_steps);
    x.status = x.variable && x.held && x.layers && x.steps ? FPC_OK : FPC_ENOMEM;
    if (!x.status)
        put_body(&x);
    if (x.layers && fclose(x.layers) && !x.status)
        x.status = FPC_ENOMEM;
    if (x.steps && fclose(x.steps) && !x.status)
        x.status = FPC_ENOMEM;
    if (!x.status && !(*source = whole(&x, a, about, layers, steps)))
        x.status = FPC_ENOMEM;
    free(layers);
    free(steps);
    return x.status;
}

int fpc_torch_is_own(const char *path)
{
    char head[sizeof MARK - 1];
    FILE *file = fpc_open_plain(path);
    const size_t n = file ? fread(head, 1, sizeof head, file) : 0;

    if (file)
        fclose(file);
    return n == sizeof head && !memcmp(head, MARK, sizeof head);
}
