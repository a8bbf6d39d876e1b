/* torch_archive.c: weights out of an archive of torch.save (.pth, .pt, .ckpt; since PyTorch 1.6): a ZIP file of stored
 * entries, all in one folder: `data.pkl`, a pickle that says which tensors there are (pickle.c), and `data/KEY`, the
 * bytes of the storage of that key. A training's file holds more than weights: of all dicts in it the one with the most
 * tensors is the model's. Names of entries are only compared, never used as paths. */
#define _GNU_SOURCE
#include "base/message.h"
#include "base/text.h"
#include "runtime/dtype.h"
#include "weights/pickle_private.h"
#include "weights/weights_private.h"
#include "weights/stored_zip.h"

#include <stdlib.h>
#include <string.h>

#define TOP "(top)" /* the dict that the file itself is */

enum { DEEPEST = 4 /* dicts in each other that are looked into */ };

typedef struct reader {
    fpc_ctx *ctx;
    fpc_arena *arena, *scratch; /* of the result; of what is only needed meanwhile */
    fpc_st_file *file;
    int32_t n;
    fpc_stored *entry;    /* sorted by name */
    const char *folder;   /* "archive/" */
    int64_t copied, most; /* bytes of tensors that do not lie in their storage one after the other; how many may be */
} reader;

/* ---- entries ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fpc_stored *)a)->name, ((const fpc_stored *)b)->name);
}

/* By its name in the folder; NULL: not there. */
static const fpc_stored *entry_of(const reader *r, const char *name)
{
    const fpc_stored key = {.name = fpc_sprintf(r->scratch, "%s%s", r->folder, name)};

    return key.name ? bsearch(&key, r->entry, (size_t)r->n, sizeof key, by_name) : NULL;
}

static fpc_status compressed(const reader *r, const fpc_stored *e)
{
    return fpc_fail(r->ctx, FPC_ENOSUPPORT,
                    "%s: its entry %.80s is compressed, so it was packed by another program than torch.save; unpacked "
                    "and packed again by `zip -0 -r` it can be read",
                    r->file->path, e->name);
}

/* The folder is called as the file was when it was saved. */
static fpc_status find_folder(reader *r)
{
    static const char pickle[] = "data.pkl";
    const char *found = NULL;

    for (int32_t i = 0; i < r->n; i++) {
        const char *name = r->entry[i].name, *slash = strchr(name, '/'), *own = slash ? slash + 1 : name;
        if (strcmp(own, pickle))
            continue;
        if (found)
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: it holds two files data.pkl, %.80s and %.80s", r->file->path,
                            found, name);
        found = name;
        if (!(r->folder = fpc_sprintf(r->scratch, "%.*s", (int)(own - name), name)))
            return FPC_ENOMEM;
    }
    if (!found)
        return fpc_fail(r->ctx, FPC_EFORMAT,
                        "%s: a ZIP file, but none of torch.save: it holds no data.pkl (its first entry is %.80s)",
                        r->file->path, r->n ? r->entry[0].name : "not there");
    if (entry_of(r, "constants.pkl"))
        return fpc_fail(r->ctx, FPC_ENOSUPPORT,
                        "%s: a TorchScript program, not its weights; in Python, if you trust the file: "
                        "torch.save(torch.jit.load(\"%s\").state_dict(), \"weights.pth\")",
                        r->file->path, r->file->path);
    return FPC_OK;
}

static fpc_status check_order(const reader *r)
{
    const fpc_stored *order = entry_of(r, "byteorder");

    return !order || (order->data && order->bytes == 6 && !memcmp(order->data, "little", 6))
               ? FPC_OK
               : fpc_fail(r->ctx, FPC_ENOSUPPORT, "%s: its numbers are not stored with the lowest byte first",
                          r->file->path);
}

/* ---- which dict ---- */

typedef struct found {
    const fpc_py *dict;
    const char *name; /* "state_dict", "checkpoint.model"; "" of the file's own level */
    int32_t n;        /* tensors in it */
} found;
typedef struct finder {
    fpc_arena *arena;
    found best;
    const char *others; /* " \"model_ema\" has 163" */
    int32_t n_others;
} finder;

static int32_t tensors_in(const fpc_py *dict)
{
    int32_t n = 0;

    for (int32_t i = 0; i < dict->n; i += 2)
        n += dict->item[i]->kind == FPC_PY_TEXT && dict->item[i + 1]->kind == FPC_PY_TENSOR;
    return n;
}

/* Those with the most come first, of as many the one that the file has first. */
static fpc_status meet(finder *f, const fpc_py *dict, const char *name)
{
    const found this = {dict, name, tensors_in(dict)};
    found other = this;

    if (!this.n)
        return FPC_OK;
    if (this.n > f->best.n) {
        other = f->best;
        f->best = this;
    }
    if (other.n && f->n_others++ < 3)
        f->others = fpc_sprintf(f->arena, "%s%s \"%s\" with %d", f->others, *f->others ? "," : "",
                                *other.name ? other.name : TOP, (int)other.n);
    return f->others ? FPC_OK : FPC_ENOMEM;
}

/* Each dict once, for a pickle may hold one in many places, and in itself. */
static fpc_status look(finder *f, fpc_py *dict, const char *name, int depth)
{
    fpc_status status;

    if (dict->seen++)
        return FPC_OK;
    if ((status = meet(f, dict, name)) || depth == DEEPEST)
        return status;
    for (int32_t i = 0; i < dict->n; i += 2) {
        const char *key = dict->item[i]->text;
        if (dict->item[i]->kind != FPC_PY_TEXT || dict->item[i + 1]->kind != FPC_PY_DICT || dict->item[i + 1]->seen)
            continue;
        const char *whole = fpc_sprintf(f->arena, "%s%s%.80s", name, *name ? "." : "", key);
        if (!whole)
            return FPC_ENOMEM;
        if ((status = look(f, dict->item[i + 1], whole, depth + 1)))
            return status;
    }
    return FPC_OK;
}

static fpc_status choose(reader *r, fpc_py *root, const fpc_py **out)
{
    finder f = {.arena = r->scratch, .others = ""};
    fpc_status status = root->kind == FPC_PY_DICT ? look(&f, root, "", 1) : FPC_OK;

    if (status)
        return status;
    if (!f.best.n)
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: it holds no dict of tensors under names, as state_dict() gives it",
                        r->file->path);
    *out = f.best.dict;
    if (*f.best.name || *f.others)
        fpc_log_once(r->ctx, FPC_LOG_INFO, "%s: the %d tensors of \"%s\" are read%s%s%s", r->file->path, (int)f.best.n,
                     *f.best.name ? f.best.name : TOP, *f.others ? "; left out:" : "", f.others,
                     f.n_others > 3 ? " and more" : "");
    return FPC_OK;
}

/* ---- tensors ---- */

static fpc_status bad(const reader *r, const fpc_st_tensor *t, const char *what)
{
    return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s: %s", r->file->path, t->name, what);
}

/* How many numbers it has, and which is the last of its storage that it reaches. */
static fpc_status measure(const reader *r, const fpc_py_tensor *from, fpc_st_tensor *t, int64_t *last)
{
    int64_t count = 1, reach = from->offset, step;

    for (int32_t i = 0; i < from->rank; i++)
        if (!from->dims[i])
            count = 0;
    for (int32_t i = 0; i < from->rank && count; i++)
        if (__builtin_mul_overflow(count, from->dims[i], &count) ||
            __builtin_mul_overflow(from->dims[i] - 1, from->strides[i], &step) ||
            __builtin_add_overflow(reach, step, &reach))
            return bad(r, t, "it has more numbers than can be counted");
    t->count = count;
    *last = reach;
    return FPC_OK;
}

/* Whether the numbers lie one after the other, the last axis fastest. */
static int is_plain(const fpc_py_tensor *from)
{
    int64_t step = 1;

    for (int32_t i = from->rank - 1; i >= 0; i--) {
        if (from->dims[i] != 1 && from->strides[i] != step)
            return 0;
        step *= from->dims[i];
    }
    return 1;
}

/* Numbers in the order of the axes, out of a storage that has them in another. */
static fpc_status gather(reader *r, const fpc_py_tensor *from, const unsigned char *data, fpc_st_tensor *t)
{
    const int64_t size = (int64_t)fpc_dtype_size(t->dtype);
    int64_t at[FPC_PY_RANK] = {0}, where = from->offset;
    unsigned char *to;

    if ((r->copied += t->count * size) > r->most)
        return bad(r, t,
                   "its storage is shared by tensors that are larger than the file in sum; .contiguous() mends it");
    if (!(t->data = to = fpc_alloc(r->arena, (size_t)(t->count * size) + 1)))
        return FPC_ENOMEM;
    for (int64_t i = 0; i < t->count; i++) {
        memcpy(to + i * size, data + where * size, (size_t)size);
        for (int32_t axis = from->rank - 1; axis >= 0; axis--) {
            where += from->strides[axis];
            if (++at[axis] < from->dims[axis])
                break;
            where -= from->strides[axis] * at[axis];
            at[axis] = 0;
        }
    }
    return FPC_OK;
}

static fpc_status take(reader *r, const fpc_py_tensor *from, fpc_st_tensor *t)
{
    const fpc_py *storage = from->storage;
    const char *name = fpc_sprintf(r->scratch, "data/%.80s", storage->text);
    const fpc_stored *bytes = name ? entry_of(r, name) : NULL;
    int64_t last = 0;
    fpc_status status;

    if (!name)
        return FPC_ENOMEM;
    if (!(t->dtype = storage->dtype))
        return fpc_fail(r->ctx, FPC_ENOSUPPORT,
                        "%s: tensor %s holds complex, quantized, or whole numbers of 8 or 16 bits with a sign; float, "
                        "double, half, bfloat16, long, int, byte and bool can be read",
                        r->file->path, t->name);
    t->rank = from->rank;
    memcpy(t->dims, from->dims, sizeof from->dims[0] * (size_t)from->rank);
    if ((status = measure(r, from, t, &last)))
        return status;
    if (!bytes)
        return bad(r, t, fpc_sprintf(r->scratch, "its storage, the entry %s, is not in the archive", name));
    if (!bytes->data)
        return compressed(r, bytes);
    if ((uint64_t)storage->integer > bytes->bytes / fpc_dtype_size(t->dtype))
        return bad(r, t, "truncated: its storage has fewer bytes than it says");
    if (t->count && last >= storage->integer)
        return bad(r, t, "it reaches beyond the end of its storage");
    if (t->count > storage->integer)
        return bad(r, t, "its numbers are repeated (a stride of 0); .contiguous() mends it");
    if (!t->count || !is_plain(from))
        return gather(r, from, bytes->data, t);
    const unsigned char *at = bytes->data + from->offset * (int64_t)fpc_dtype_size(t->dtype);
    if (!((uintptr_t)at % sizeof(double))) {
        t->data = at;
        return FPC_OK;
    }
    /* torch.save lays storages at multiples of 64; a file that another program packed again need not. */
    const size_t n = (size_t)t->count * fpc_dtype_size(t->dtype);
    void *own = fpc_alloc(r->arena, n);
    if (!own)
        return FPC_ENOMEM;
    t->data = memcpy(own, at, n);
    return FPC_OK;
}

static fpc_status check_unique(const reader *r)
{
    const int32_t n = r->file->n;
    const char **sorted = fpc_alloc(r->scratch, ((size_t)n + 1) * sizeof *sorted);

    if (!sorted)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++)
        sorted[i] = r->file->tensor[i].name;
    qsort(sorted, (size_t)n, sizeof *sorted, fpc_by_text);
    for (int32_t i = 1; i < n; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: there are two tensors called %s", r->file->path, sorted[i]);
    return FPC_OK;
}

static fpc_status take_all(reader *r, const fpc_py *dict)
{
    fpc_st_file *file = r->file;
    fpc_status status;

    if (!(file->tensor = fpc_alloc(r->arena, ((size_t)dict->n / 2 + 1) * sizeof *file->tensor)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < dict->n; i += 2) {
        const fpc_py *key = dict->item[i], *value = dict->item[i + 1];
        fpc_st_tensor *t = &file->tensor[file->n];
        if (value->kind != FPC_PY_TENSOR || key->kind != FPC_PY_TEXT)
            continue;
        if ((status = fpc_tensor_name_check(r->ctx, file, key->text)))
            return status;
        if (!(t->name = fpc_strdup(r->arena, key->text)))
            return FPC_ENOMEM;
        if ((status = take(r, value->tensor, t)))
            return status;
        file->n++;
    }
    return check_unique(r);
}

static fpc_status read_archive(reader *r, const unsigned char *data, size_t bytes)
{
    const fpc_stored *pickle;
    const fpc_py *dict = NULL;
    fpc_py *root;
    fpc_status status;

    if ((status = fpc_stored_read(r->ctx, r->scratch, r->file->path, data, bytes, &r->n, &r->entry)))
        return status;
    qsort(r->entry, (size_t)r->n, sizeof *r->entry, by_name);
    if ((status = find_folder(r)) || (status = check_order(r)))
        return status;
    if (!(pickle = entry_of(r, "data.pkl")))
        return FPC_ENOMEM;
    if (!pickle->data)
        return compressed(r, pickle);
    if ((status = fpc_unpickle(r->ctx, r->scratch, r->file->path, pickle->data, pickle->bytes, &root)) ||
        (status = choose(r, root, &dict)))
        return status;
    return take_all(r, dict);
}

fpc_status fpc_torch_read(fpc_ctx *ctx, fpc_arena *arena, const unsigned char *data, size_t bytes, fpc_st_file *out)
{
    reader r = {.ctx = ctx, .arena = arena, .scratch = fpc_arena_new(ctx), .file = out, .most = 4 * (int64_t)bytes};
    const fpc_status status = r.scratch ? read_archive(&r, data, bytes) : FPC_ENOMEM;

    fpc_arena_free(r.scratch);
    return status;
}
