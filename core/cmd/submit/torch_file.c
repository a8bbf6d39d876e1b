/* torch_file.c: see torch_file.h. The file is a ZIP archive of stored entries: `data.pkl`, a pickle (protocol 2) that
 * names the tensors and calls torch._utils._rebuild_tensor_v2 for each, and `data/N` with the bytes of the N-th.
 * Nothing in it is beyond what torch.load(weights_only=True) allows. The format is that of torch.save since 1.6; the
 * pickle machine is Python's pickletools. */
#include "cmd/submit/torch_file.h"
#include <string.h>
#include "base/message.h"
#include "cmd/submit/zip_archive.h"

typedef struct pickle {
    fpc_arena *arena;
    uint8_t *data;
    size_t n, cap;
    int failed;
} pickle;

static void put(pickle *p, const void *data, size_t bytes)
{
    if (p->n + bytes > p->cap) {
        const size_t cap = 2 * (p->n + bytes) + 4096;
        uint8_t *more = fpc_alloc(p->arena, cap);
        if (!more) {
            p->failed = 1;
            p->n = 0;
            return;
        }
        if (p->n)
            memcpy(more, p->data, p->n);
        p->data = more;
        p->cap = cap;
    }
    memcpy(p->data + p->n, data, bytes);
    p->n += bytes;
}

static void op(pickle *p, const char *ops)
{
    put(p, ops, strlen(ops));
}

static void little(pickle *p, uint64_t value, int bytes)
{
    uint8_t b[8];
    for (int i = 0; i < bytes; i++)
        b[i] = (uint8_t)(value >> (8 * i));
    put(p, b, (size_t)bytes);
}

static void text(pickle *p, const char *s)
{
    op(p, "X");
    little(p, strlen(s), 4);
    op(p, s);
}

static void integer(pickle *p, int64_t value)
{
    const int small = value >= 0 && value <= INT32_MAX;
    op(p, small ? "J" : "\x8a\x08");
    little(p, (uint64_t)value, small ? 4 : 8);
}

static const char *storage_of(uint32_t dtype)
{
    switch (dtype) {
    case FPC_F32:
        return "ctorch\nFloatStorage\n";
    case FPC_F64:
        return "ctorch\nDoubleStorage\n";
    case FPC_I64:
        return "ctorch\nLongStorage\n";
    case FPC_I32:
        return "ctorch\nIntStorage\n";
    case FPC_U8:
        return "ctorch\nByteStorage\n";
    default:
        return NULL;
    }
}

static void tensor(pickle *p, const fpc_st_tensor *t, int32_t number)
{
    int64_t stride[8] = {0}, step = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= t->dims[i];
    }
    op(p, "ctorch._utils\n_rebuild_tensor_v2\n((");
    text(p, "storage");
    op(p, storage_of(t->dtype));
    text(p, fpc_sprintf(p->arena, "%d", number));
    text(p, "cpu");
    integer(p, t->count);
    op(p, "tQ"); /* the storage, by its persistent id */
    integer(p, 0);
    op(p, "(");
    for (int32_t i = 0; i < t->rank; i++)
        integer(p, t->dims[i]);
    op(p, "t(");
    for (int32_t i = 0; i < t->rank; i++)
        integer(p, stride[i]);
    op(p, "t\x89"
          "ccollections\nOrderedDict\n)RtR"); /* needs no gradient, has no hooks */
}

fpc_status fpc_torch_make(fpc_ctx *ctx, fpc_arena *arena, const char *what, int32_t n, const fpc_st_tensor *list,
                          const void **data, size_t *bytes)
{
    pickle p = {.arena = arena};
    fpc_zip_entry *entry = fpc_alloc(arena, (size_t)(n + 3) * sizeof *entry);
    int32_t at = 0;
    if (!entry)
        return FPC_ENOMEM;
    op(&p, "\x80\x02}");
    text(&p, "state_dict");
    op(&p, "ccollections\nOrderedDict\n)R(");
    for (int32_t i = 0; i < n; i++) {
        if (!storage_of(list[i].dtype))
            return fpc_fail(ctx, FPC_ENOSUPPORT, "%s: %s: a type of numbers that such a file has not", what,
                            list[i].name);
        text(&p, list[i].name);
        tensor(&p, &list[i], i);
    }
    op(&p, "us.");
    if (p.failed)
        return FPC_ENOMEM;
    entry[at++] = (fpc_zip_entry){"archive/data.pkl", p.data, p.n, 1};
    entry[at++] = (fpc_zip_entry){"archive/byteorder", "little", 6, 1};
    for (int32_t i = 0; i < n; i++) {
        const size_t size = list[i].dtype == FPC_F64 || list[i].dtype == FPC_I64 ? 8 : list[i].dtype == FPC_U8 ? 1 : 4;
        const char *name = fpc_sprintf(arena, "archive/data/%d", i);
        if (!name)
            return FPC_ENOMEM;
        entry[at++] = (fpc_zip_entry){name, list[i].data, (size_t)list[i].count * size, 1};
    }
    entry[at++] = (fpc_zip_entry){"archive/version", "3\n", 2, 1};
    return fpc_zip_make(ctx, arena, what, NULL, at, entry, data, bytes);
}

fpc_status fpc_torch_weights(const fpc_state *state, fpc_arena *arena, const char *what, const void **data,
                             size_t *bytes)
{
    fpc_st_tensor *list = fpc_alloc(arena, ((size_t)state->n + 1) * sizeof *list);
    fpc_status status = list ? FPC_OK : FPC_ENOMEM;
    int32_t n = 0;

    for (int32_t i = 0; i < state->n && !status; i++)
        if (state->entry[i].kind == FPC_STATE_PARAM || state->entry[i].kind == FPC_STATE_BUFFER)
            status = fpc_state_tensor(state, arena, &state->entry[i], state->entry[i].dtype, &list[n++]);
    return status ? status : fpc_torch_make(state->ctx, arena, what, n, list, data, bytes);
}
