/* pickle.c: see pickle_private.h. The format is that of Python's pickletools, protocol 2. One table has all
 * instructions that are read. Files are hostile: every length is held against the bytes that are left, every
 * instruction against what lies on the stack, nothing recurses, and the number of values is limited. */
#include "weights/pickle_private.h"
#include "base/utf8.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 2000000, MOST_MARKS = 1000000, MOST_MIB = 64 };

enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE };

/* The names that are known; calling any other would be running the file's code. */
static const struct {
    const char *module, *name;
    int which;
    uint32_t dtype;
} names[] = {{"collections", "OrderedDict", ORDERED_DICT, 0},
             {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, 0},
             {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, 0},
             {"torch", "FloatStorage", STORAGE, FPC_F32},
             {"torch", "DoubleStorage", STORAGE, FPC_F64},
             {"torch", "HalfStorage", STORAGE, FPC_F16},
             {"torch", "BFloat16Storage", STORAGE, FPC_BF16},
             {"torch", "LongStorage", STORAGE, FPC_I64},
             {"torch", "IntStorage", STORAGE, FPC_I32},
             {"torch", "ByteStorage", STORAGE, FPC_U8},
             {"torch", "BoolStorage", STORAGE, FPC_U8},
             {"torch", "ShortStorage", STORAGE, 0},
             {"torch", "CharStorage", STORAGE, 0},
             {"torch", "ComplexFloatStorage", STORAGE, 0},
             {"torch", "ComplexDoubleStorage", STORAGE, 0},
             {"torch", "QInt8Storage", STORAGE, 0},
             {"torch", "QUInt8Storage", STORAGE, 0},
             {"torch", "QInt32Storage", STORAGE, 0}};

typedef struct machine {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const char *path;
    const unsigned char *data;
    size_t bytes, at, op_at; /* op_at: of the instruction that runs */
    fpc_py **stack, **memo;
    size_t n, cap, n_memo, *mark, n_marks, cap_marks;
    int64_t values;
    int done;
} machine;

/* ---- refusals ---- */

static fpc_status broken(machine *m, const char *what)
{
    return fpc_fail(m->ctx, FPC_EFORMAT, "%s: data.pkl, byte %zu: %s; the file is damaged, or not by torch.save",
                    m->path, m->op_at, what);
}

static fpc_status foreign(machine *m, const char *what)
{
    return fpc_fail(m->ctx, FPC_ENOSUPPORT,
                    "%s: data.pkl, byte %zu: %s; only what tensors under names need is read, and no code of the file "
                    "is run. In Python, if you trust the file: m = torch.load(\"%s\", weights_only=False); "
                    "torch.save(m[\"state_dict\"] if isinstance(m, dict) else m.state_dict(), \"weights.pth\")",
                    m->path, m->op_at, what, m->path);
}

static fpc_status foreign_op(machine *m, unsigned op)
{
    const char *what = op > 0x20 && op < 0x7f ? fpc_sprintf(m->arena, "opcode `%c` of pickle", (int)op)
                                              : fpc_sprintf(m->arena, "opcode 0x%02x of pickle", op);

    return what ? foreign(m, what) : FPC_ENOMEM;
}

/* ---- the stack ---- */

/* What lies above the last mark; below it nothing may be taken. */
static size_t height(const machine *m)
{
    return m->n - (m->n_marks ? m->mark[m->n_marks - 1] : 0);
}

/* Room for one more; NULL: no memory. */
static void *grown(fpc_arena *arena, void *old, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    const size_t more = *cap ? 2 * *cap : 64;
    void *to = fpc_alloc(arena, more * size);

    if (to && n)
        memcpy(to, old, n * size);
    *cap = to ? more : *cap;
    return to;
}

static fpc_status push(machine *m, fpc_py *v)
{
    if (!(m->stack = grown(m->arena, m->stack, m->n, &m->cap, sizeof(fpc_py *))))
        return FPC_ENOMEM;
    m->stack[m->n++] = v;
    return FPC_OK;
}

static fpc_status new_value(machine *m, fpc_py_kind kind, fpc_py **out)
{
    if (++m->values > MOST_VALUES)
        return fpc_fail(m->ctx, FPC_EFORMAT, "%s: data.pkl makes more than %d values; no state dict has so many",
                        m->path, MOST_VALUES);
    if (!(*out = fpc_alloc(m->arena, sizeof **out)))
        return FPC_ENOMEM;
    (*out)->kind = kind;
    return FPC_OK;
}

static fpc_status make(machine *m, fpc_py_kind kind, fpc_py **out)
{
    const fpc_status status = new_value(m, kind, out);

    return status ? status : push(m, *out);
}

static fpc_status make_int(machine *m, fpc_py_kind kind, int64_t value)
{
    fpc_py *v = NULL;
    const fpc_status status = make(m, kind, &v);

    if (!status)
        v->integer = value;
    return status;
}

/* The operand: n bytes of the file. */
static fpc_status operand(machine *m, size_t n, const unsigned char **out)
{
    if (n > m->bytes - m->at)
        return broken(m, "it ends within an instruction");
    *out = m->data + m->at;
    m->at += n;
    return FPC_OK;
}

static uint64_t little_endian(const unsigned char *p, size_t n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* ---- collections ---- */

static fpc_status append(machine *m, fpc_py *to, size_t n, fpc_py **from)
{
    if ((size_t)to->n + n > (size_t)INT_MAX / 2)
        return broken(m, "a collection without end");
    if (to->n + (int64_t)n > to->cap) {
        const int32_t cap = (to->n ? 2 : 1) * (to->n + (int32_t)n);
        fpc_py **item = fpc_alloc(m->arena, (size_t)cap * sizeof *item);
        if (!item)
            return FPC_ENOMEM;
        if (to->n)
            memcpy(item, to->item, (size_t)to->n * sizeof *item);
        to->item = item;
        to->cap = cap;
    }
    if (n)
        memcpy(to->item + to->n, from, n * sizeof *from);
    to->n += (int32_t)n;
    return FPC_OK;
}

/* The top n values become one tuple. */
static fpc_status tuple(machine *m, size_t n)
{
    fpc_py **from, *v = NULL;
    fpc_status status;

    if (height(m) < n)
        return broken(m, "a tuple of values that are not there");
    from = m->stack + (m->n -= n);
    if ((status = new_value(m, FPC_PY_TUPLE, &v)) || (status = append(m, v, n, from)))
        return status;
    return push(m, v);
}

/* The top n values go into the collection below them. */
static fpc_status collect(machine *m, fpc_py_kind kind, size_t n)
{
    if (height(m) < n + 1 || m->stack[m->n - n - 1]->kind != kind || (kind == FPC_PY_DICT && n % 2))
        return broken(m, kind == FPC_PY_DICT ? "pairs for a dict that is not there" : "items for a list that is not");
    m->n -= n;
    return append(m, m->stack[m->n - 1], n, m->stack + m->n);
}

/* How many values lie above the last mark, which goes. */
static fpc_status unmark(machine *m, size_t *n)
{
    if (!m->n_marks)
        return broken(m, "the end of a collection that has not begun");
    *n = height(m);
    m->n_marks--;
    return FPC_OK;
}

static fpc_status mark(machine *m)
{
    if (m->n_marks >= MOST_MARKS)
        return broken(m, "too many collections in each other");
    if (!(m->mark = grown(m->arena, m->mark, m->n_marks, &m->cap_marks, sizeof *m->mark)))
        return FPC_ENOMEM;
    m->mark[m->n_marks++] = m->n;
    return FPC_OK;
}

/* ---- texts, numbers, memo ---- */

static int is_utf8(const char *text)
{
    for (size_t i = 0; text[i];) {
        const int n =
            (unsigned char)text[i] < 0x20 ? 1 : fpc_utf8_character(text + i); /* lines of a log are texts too */
        if (n < 1)
            return 0;
        i += (size_t)n;
    }
    return 1;
}

static fpc_status text(machine *m)
{
    const unsigned char *p = NULL, *s = NULL;
    uint64_t length;
    fpc_py *v = NULL;
    fpc_status status;
    char *copy;

    if ((status = operand(m, 4, &p)))
        return status;
    length = little_endian(p, 4);
    if ((status = operand(m, length, &s)) || (status = make(m, FPC_PY_TEXT, &v)))
        return status;
    if (!(copy = fpc_alloc(m->arena, length + 1)))
        return FPC_ENOMEM;
    if (length)
        memcpy(copy, s, length);
    copy[length] = 0;
    if (strlen(copy) != length ||
        !is_utf8(copy)) /* nothing here needs such a text: it is a value that is not looked at */
        v->kind = FPC_PY_OTHER;
    v->text = copy;
    return FPC_OK;
}

static fpc_status long_int(machine *m)
{
    const unsigned char *p = NULL, *s = NULL;
    fpc_status status;

    if ((status = operand(m, 1, &p)) || (status = operand(m, *p, &s)))
        return status;
    if (*p > 8) /* no size, and no number of a counter */
        return make_int(m, FPC_PY_OTHER, 0);
    uint64_t value = little_endian(s, *p);
    if (*p && *p < 8 && s[*p - 1] & 0x80)
        value |= ~UINT64_C(0) << 8 * *p;
    return make_int(m, FPC_PY_INT, (int64_t)value);
}

static fpc_status fixed_int(machine *m, size_t n)
{
    const unsigned char *p = NULL;
    const fpc_status status = operand(m, n, &p);

    if (status)
        return status;
    const uint64_t v = little_endian(p, n);
    return make_int(m, FPC_PY_INT, n == 4 ? (int64_t)(int32_t)(uint32_t)v : (int64_t)v);
}

/* torch.save counts its memo up from 0, one for each value at most. */
static fpc_status keep(machine *m, size_t width)
{
    const unsigned char *p = NULL;
    const fpc_status status = operand(m, width, &p);
    const uint64_t i = status ? 0 : little_endian(p, width);

    if (status)
        return status;
    if (i >= m->n_memo)
        return broken(m, "a memo number beyond the values that there are");
    if (!height(m))
        return broken(m, "nothing is there to be kept in the memo");
    m->memo[i] = m->stack[m->n - 1];
    return FPC_OK;
}

static fpc_status recall(machine *m, size_t width)
{
    const unsigned char *p = NULL;
    const fpc_status status = operand(m, width, &p);
    const uint64_t i = status ? 0 : little_endian(p, width);

    if (status)
        return status;
    return i < m->n_memo && m->memo[i] ? push(m, m->memo[i]) : broken(m, "a memo number that was never kept");
}

/* ---- names, storages, tensors ---- */

/* A line of the pickle; NULL: it does not end. */
static const char *line(machine *m)
{
    const unsigned char *from = m->data + m->at, *end = memchr(from, '\n', m->bytes - m->at);

    if (!end)
        return NULL;
    m->at += (size_t)(end - from) + 1;
    return fpc_sprintf(m->arena, "%.*s", (int)(end - from > 200 ? 200 : end - from), (const char *)from);
}

static fpc_status name(machine *m)
{
    const char *module = line(m), *called = module ? line(m) : NULL, *what;
    fpc_status status;
    fpc_py *v = NULL;

    if (!called)
        return broken(m, "a name that does not end");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(module, names[i].module) && !strcmp(called, names[i].name)) {
            if ((status = make(m, FPC_PY_NAME, &v)))
                return status;
            v->integer = names[i].which;
            v->dtype = names[i].dtype;
            v->text = names[i].name;
            return FPC_OK;
        }
    what = fpc_sprintf(m->arena, "it holds a Python object, `%s.%s`", module, called);
    return what ? foreign(m, what) : FPC_ENOMEM;
}

static int is_of(const fpc_py *v, fpc_py_kind kind, int32_t n)
{
    return v->kind == kind && v->n >= n;
}

/* ('storage', torch.FloatStorage, '0', 'cpu', 1234) */
static fpc_status storage(machine *m)
{
    const fpc_py *id = height(m) ? m->stack[m->n - 1] : NULL;
    fpc_status status;
    fpc_py *v = NULL;

    if (!id || !is_of(id, FPC_PY_TUPLE, 5) || id->item[0]->kind != FPC_PY_TEXT ||
        strcmp(id->item[0]->text, "storage") || id->item[1]->kind != FPC_PY_NAME || id->item[1]->integer != STORAGE ||
        id->item[2]->kind != FPC_PY_TEXT || id->item[4]->kind != FPC_PY_INT || id->item[4]->integer < 0)
        return broken(m, "a persistent id that is no storage of numbers");
    m->n--;
    if ((status = make(m, FPC_PY_STORAGE, &v)))
        return status;
    v->dtype = id->item[1]->dtype;
    v->text = id->item[2]->text;
    v->integer = id->item[4]->integer;
    return FPC_OK;
}

static int sizes(const fpc_py *tuple, int64_t *out)
{
    for (int32_t i = 0; i < tuple->n; i++) {
        if (tuple->item[i]->kind != FPC_PY_INT || tuple->item[i]->integer < 0)
            return 0;
        out[i] = tuple->item[i]->integer;
    }
    return 1;
}

/* (storage, offset, size, strides, requires_grad, hooks), and metadata that no tensor of weights has. */
static fpc_status rebuilt(machine *m, const fpc_py *args)
{
    fpc_py **a = args->item, *v;
    fpc_py_tensor *t;
    fpc_status status;

    if (!is_of(args, FPC_PY_TUPLE, 6) || a[0]->kind != FPC_PY_STORAGE || a[1]->kind != FPC_PY_INT ||
        a[1]->integer < 0 || a[2]->kind != FPC_PY_TUPLE || a[3]->kind != FPC_PY_TUPLE || a[2]->n != a[3]->n)
        return broken(m, "a tensor that is not made of a storage, an offset, sizes and strides");
    if (a[2]->n > FPC_PY_RANK)
        return foreign(m, "a tensor of more than 8 axes");
    if (!(t = fpc_alloc(m->arena, sizeof *t)))
        return FPC_ENOMEM;
    *t = (fpc_py_tensor){.storage = a[0], .offset = a[1]->integer, .rank = a[2]->n};
    if (!sizes(a[2], t->dims) || !sizes(a[3], t->strides))
        return broken(m, "a tensor whose sizes or strides are no numbers from 0 on");
    if ((status = make(m, FPC_PY_TENSOR, &v)))
        return status;
    v->tensor = t;
    return FPC_OK;
}

/* A call; only those of the short list have a meaning. */
static fpc_status call(machine *m)
{
    fpc_py *args, *v;

    if (height(m) < 2 || m->stack[m->n - 1]->kind != FPC_PY_TUPLE || m->stack[m->n - 2]->kind != FPC_PY_NAME)
        return broken(m, "a call without a name or arguments");
    args = m->stack[--m->n];
    switch (m->stack[--m->n]->integer) {
    case ORDERED_DICT:
        return args->n ? broken(m, "an OrderedDict with arguments") : make(m, FPC_PY_DICT, &v);
    case REBUILD_TENSOR:
        return rebuilt(m, args);
    case REBUILD_PARAMETER:
        return is_of(args, FPC_PY_TUPLE, 3) && args->item[0]->kind == FPC_PY_TENSOR
                   ? push(m, args->item[0])
                   : broken(m, "a parameter that is no tensor");
    default:
        return broken(m, "a storage is made as a call");
    }
}

/* The attributes of a dict: a state dict has `_metadata`, which holds no numbers. */
static fpc_status attributes(machine *m)
{
    if (height(m) < 2 || m->stack[m->n - 2]->kind != FPC_PY_DICT)
        return broken(m, "attributes of something other than a dict");
    m->n--;
    return FPC_OK;
}

/* ---- the instructions ---- */

static fpc_status protocol(machine *m)
{
    const unsigned char *p = NULL;
    fpc_status status = operand(m, 1, &p);

    if (!status && *p != 2) {
        const char *what = fpc_sprintf(m->arena, "protocol %d of pickle", *p);
        status = what ? foreign(m, what) : FPC_ENOMEM;
    }
    return status;
}

static fpc_status stop(machine *m)
{
    m->done = 1;
    return m->n == 1 && !m->n_marks ? FPC_OK : broken(m, "it ends with other than one value");
}

static fpc_status marked(machine *m, unsigned op)
{
    size_t n = 0;
    const fpc_status status = unmark(m, &n);

    if (status)
        return status;
    return op == 't' ? tuple(m, n) : collect(m, op == 'u' ? FPC_PY_DICT : FPC_PY_LIST, n);
}

static fpc_status run_value(machine *m, unsigned op)
{
    const unsigned char *p = NULL;
    fpc_status status;
    fpc_py *v = NULL;

    switch (op) {
    case '}':
        return make(m, FPC_PY_DICT, &v);
    case ']':
        return make(m, FPC_PY_LIST, &v);
    case ')':
        return tuple(m, 0);
    case 'N':
        return make(m, FPC_PY_OTHER, &v);
    case 0x88:
    case 0x89:
        return make_int(m, FPC_PY_BOOL, op == 0x88);
    case 'K':
        return fixed_int(m, 1);
    case 'M':
        return fixed_int(m, 2);
    case 'J':
        return fixed_int(m, 4);
    case 0x8a:
        return long_int(m);
    case 'G':
        return (status = operand(m, 8, &p)) ? status : make(m, FPC_PY_OTHER, &v);
    case 'X':
        return text(m);
    case 'c':
        return name(m);
    default:
        return foreign_op(m, op);
    }
}

static fpc_status run_one(machine *m, unsigned op)
{
    switch (op) {
    case 0x80:
        return protocol(m);
    case '.':
        return stop(m);
    case '(':
        return mark(m);
    case 't':
    case 'u':
    case 'e':
        return marked(m, op);
    case 0x85:
    case 0x86:
    case 0x87:
        return tuple(m, op - 0x84);
    case 's':
        return collect(m, FPC_PY_DICT, 2);
    case 'a':
        return collect(m, FPC_PY_LIST, 1);
    case 'q':
        return keep(m, 1);
    case 'r':
        return keep(m, 4);
    case 'h':
        return recall(m, 1);
    case 'j':
        return recall(m, 4);
    case 'Q':
        return storage(m);
    case 'R':
        return call(m);
    case 'b':
        return attributes(m);
    default:
        return run_value(m, op);
    }
}

fpc_status fpc_unpickle(fpc_ctx *ctx, fpc_arena *arena, const char *path, const unsigned char *data, size_t bytes,
                        fpc_py **out)
{
    machine m = {.ctx = ctx, .arena = arena, .path = path, .data = data, .bytes = bytes};
    fpc_status status;

    if (bytes > (size_t)MOST_MIB << 20)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: data.pkl has %zu bytes; at most %d MiB are read", path, bytes, MOST_MIB);
    m.n_memo = bytes < MOST_VALUES ? bytes : MOST_VALUES;
    m.stack = grown(arena, NULL, 0, &m.cap, sizeof *m.stack);
    if (!m.stack || !(m.memo = fpc_alloc(arena, (m.n_memo + 1) * sizeof *m.memo)))
        return FPC_ENOMEM;
    while (!m.done) {
        const unsigned char *op = NULL;
        m.op_at = m.at;
        if ((status = operand(&m, 1, &op)) || (status = run_one(&m, *op)))
            return status;
    }
    *out = m.stack[0];
    return FPC_OK;
}
