/* names.c: sets of names for `run.init_rename`: how another library calls the tensors of a model that is here too. A
 * set is a table of beginnings; `#` stands for a number, which the model counts from 1 (`@`) or from 0 (`#`) as well.
 * Where one tensor of the model is two of the file, these are joined. */
#define _GNU_SOURCE
#include "weights/weights_private.h"
#include "base/message.h"
#include "runtime/dtype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE, FIRST, SECOND /* rows of a tensor of the model */, LONGEST = 1200 };

typedef struct name_rule {
    const char *from, *to;
    int part;
} name_rule;

/* SegFormer as transformers saves it; then as its modules are called since version 5. */
static const name_rule huggingface[] = {
    {"segformer.encoder.patch_embeddings.#.proj.", "backbone.patch_embed@.proj.", WHOLE},
    {"segformer.encoder.patch_embeddings.#.layer_norm.", "backbone.patch_embed@.norm.", WHOLE},
    {"segformer.encoder.block.#.#.layer_norm_1.", "backbone.block@.#.norm1.", WHOLE},
    {"segformer.encoder.block.#.#.layer_norm_2.", "backbone.block@.#.norm2.", WHOLE},
    {"segformer.encoder.block.#.#.attention.self.query.", "backbone.block@.#.attn.q.", WHOLE},
    {"segformer.encoder.block.#.#.attention.self.key.", "backbone.block@.#.attn.kv.", FIRST},
    {"segformer.encoder.block.#.#.attention.self.value.", "backbone.block@.#.attn.kv.", SECOND},
    {"segformer.encoder.block.#.#.attention.self.sr.", "backbone.block@.#.attn.sr.", WHOLE},
    {"segformer.encoder.block.#.#.attention.self.layer_norm.", "backbone.block@.#.attn.norm.", WHOLE},
    {"segformer.encoder.block.#.#.attention.output.dense.", "backbone.block@.#.attn.proj.", WHOLE},
    {"segformer.encoder.block.#.#.mlp.dense1.", "backbone.block@.#.mlp.fc1.", WHOLE},
    {"segformer.encoder.block.#.#.mlp.dense2.", "backbone.block@.#.mlp.fc2.", WHOLE},
    {"segformer.encoder.block.#.#.mlp.dwconv.dwconv.", "backbone.block@.#.mlp.dwconv.dwconv.", WHOLE},
    {"segformer.encoder.layer_norm.#.", "backbone.norm@.", WHOLE},
    {"decode_head.linear_c.#.proj.", "decode_head.linear_c@.proj.", WHOLE},
    {"decode_head.linear_fuse.", "decode_head.linear_fuse.conv.", WHOLE},
    {"decode_head.batch_norm.", "decode_head.linear_fuse.bn.", WHOLE},
    {"decode_head.classifier.", "decode_head.linear_pred.", WHOLE},
    {"segformer.stages.#.patch_embeddings.proj.", "backbone.patch_embed@.proj.", WHOLE},
    {"segformer.stages.#.patch_embeddings.layer_norm.", "backbone.patch_embed@.norm.", WHOLE},
    {"segformer.stages.#.blocks.#.layernorm_before.", "backbone.block@.#.norm1.", WHOLE},
    {"segformer.stages.#.blocks.#.layernorm_after.", "backbone.block@.#.norm2.", WHOLE},
    {"segformer.stages.#.blocks.#.attention.q_proj.", "backbone.block@.#.attn.q.", WHOLE},
    {"segformer.stages.#.blocks.#.attention.k_proj.", "backbone.block@.#.attn.kv.", FIRST},
    {"segformer.stages.#.blocks.#.attention.v_proj.", "backbone.block@.#.attn.kv.", SECOND},
    {"segformer.stages.#.blocks.#.attention.o_proj.", "backbone.block@.#.attn.proj.", WHOLE},
    {"segformer.stages.#.blocks.#.attention.sequence_reduction.sequence_reduction.", "backbone.block@.#.attn.sr.",
     WHOLE},
    {"segformer.stages.#.blocks.#.attention.sequence_reduction.layer_norm.", "backbone.block@.#.attn.norm.", WHOLE},
    {"segformer.stages.#.blocks.#.mlp.", "backbone.block@.#.mlp.", WHOLE},
    {"segformer.stages.#.layer_norm.", "backbone.norm@.", WHOLE},
    {"decode_head.linear_projections.#.proj.", "decode_head.linear_c@.proj.", WHOLE},
    {0}};

static const struct {
    const char *name;
    const name_rule *rule;
} sets[] = {{"huggingface", huggingface}};

static const name_rule *set_called(const char *name)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (!strcmp(sets[i].name, name))
            return sets[i].rule;
    return NULL;
}

int fpc_names_known(const char *set)
{
    return set_called(set) != NULL;
}

/* How many characters of the name are as `from` has them, 0: it begins otherwise; number: those at `#`. */
static size_t begins(const char *from, const char *name, int number[2])
{
    const char *c = name;
    int n = 0;

    for (; *from; from++) {
        if (*from != '#') {
            if (*c++ != *from)
                return 0;
            continue;
        }
        if (*c < '0' || *c > '9')
            return 0;
        for (number[n] = 0; *c >= '0' && *c <= '9'; c++)
            if ((number[n] = 10 * number[n] + *c - '0') > 999)
                return 0;
        n++;
    }
    return (size_t)(c - name);
}

/* The model's name for one of the file; part: of the rule. The name itself where no rule is for it. */
static const char *model_name(fpc_arena *arena, const name_rule *rule, const char *name, int *part)
{
    int number[2] = {0, 0};
    char text[LONGEST];
    size_t n = 0, rest;

    *part = -1;
    for (; rule->from; rule++) {
        if (!(rest = begins(rule->from, name, number)))
            continue;
        for (const char *to = rule->to; *to && n + 16 < sizeof text; to++)
            if (*to == '@' || *to == '#')
                n += (size_t)snprintf(text + n, sizeof text - n, "%d", *to == '@' ? number[0] + 1 : number[1]);
            else
                text[n++] = *to;
        *part = rule->part;
        return fpc_sprintf(arena, "%.*s%s", (int)n, text, name + rest);
    }
    return name;
}

static int by_tensor_name(const void *a, const void *b)
{
    return strcmp((*(fpc_st_tensor *const *)a)->name, (*(fpc_st_tensor *const *)b)->name);
}

/* first's rows, then second's. */
static fpc_status join(fpc_ctx *ctx, fpc_arena *arena, const fpc_st_file *file, const char *was, fpc_st_tensor *first,
                       const fpc_st_tensor *second)
{
    const size_t bytes = (size_t)first->count * fpc_dtype_size(first->dtype);
    char *data;

    if (!second)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: beside tensor %s there is none with the rest of the model's %s",
                        file->path, was, first->name);
    if (first->dtype != second->dtype || first->rank != second->rank || first->rank < 1 ||
        memcmp(first->dims, second->dims, sizeof first->dims[0] * (size_t)first->rank) != 0)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor %s and the other part of the model's %s differ in size or type",
                        file->path, was, first->name);
    if (!(data = fpc_alloc(arena, 2 * bytes + 1)))
        return FPC_ENOMEM;
    if (bytes) {
        memcpy(data, first->data, bytes);
        memcpy(data + bytes, second->data, bytes);
    }
    first->data = data;
    first->dims[0] *= 2;
    first->count *= 2;
    return FPC_OK;
}

/* Tensors of second parts leave the file, those of first parts become whole. was: their names in the file. */
static fpc_status join_parts(fpc_ctx *ctx, fpc_arena *arena, fpc_st_file *file, const int *part, const char *const *was)
{
    fpc_st_tensor **second = fpc_alloc(arena, ((size_t)file->n + 1) * sizeof *second);
    int32_t n = 0, kept = 0, joined = 0;
    fpc_status status;

    if (!second)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < file->n; i++)
        if (part[i] == SECOND)
            second[n++] = &file->tensor[i];
    qsort(second, (size_t)n, sizeof(fpc_st_tensor *), by_tensor_name);
    for (int32_t i = 0; i < file->n; i++) {
        fpc_st_tensor *t = &file->tensor[i];
        fpc_st_tensor **other =
            part[i] == FIRST ? bsearch(&t, second, (size_t)n, sizeof(fpc_st_tensor *), by_tensor_name) : NULL;
        if (part[i] == FIRST && (status = join(ctx, arena, file, was[i], t, other ? *other : NULL)))
            return status;
        joined += part[i] == FIRST;
    }
    if (joined != n)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: it has %d second parts of tensors (%s) and %d first ones", file->path,
                        (int)n, second[0]->name, (int)joined);
    for (int32_t i = 0; i < file->n; i++)
        if (part[i] != SECOND)
            file->tensor[kept++] = file->tensor[i];
    file->n = kept;
    return FPC_OK;
}

fpc_status fpc_names_apply(fpc_ctx *ctx, fpc_arena *arena, fpc_st_file *file, const char *set)
{
    const name_rule *rule = set_called(set);
    int *part = fpc_alloc(arena, ((size_t)file->n + 1) * sizeof *part);
    const char **was = fpc_alloc(arena, ((size_t)file->n + 1) * sizeof *was);
    int32_t found = 0;

    if (!part || !was)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < file->n; i++) {
        was[i] = file->tensor[i].name;
        if (!(file->tensor[i].name = model_name(arena, rule, was[i], &part[i])))
            return FPC_ENOMEM;
        found += part[i] >= 0;
    }
    if (!found)
        return fpc_fail_recipe(ctx, FPC_EINVAL, "run.init_rename: %s: no tensor of %s is called so, as in `%s`", set,
                               file->path, rule->from);
    return join_parts(ctx, arena, file, part, was);
}
