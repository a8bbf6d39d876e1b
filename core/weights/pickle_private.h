/* pickle_private.h: a state dict's pickle read as data. A pickle is a program for a machine with a stack; this machine
 * knows the instructions that torch.save writes for dicts, lists, texts, numbers and tensors (protocol 2), and runs no
 * code: a name of Python is one of a short list, whose meaning stands here, or the file is refused. */
#ifndef CORE_WEIGHTS_PICKLE_PRIVATE_H
#define CORE_WEIGHTS_PICKLE_PRIVATE_H

#include <fpcore/tensor.h>

enum { FPC_PY_RANK = 8 };

typedef enum fpc_py_kind {
    FPC_PY_OTHER, /* None, a number with a fraction */
    FPC_PY_INT,
    FPC_PY_BOOL,
    FPC_PY_TEXT,
    FPC_PY_TUPLE,
    FPC_PY_LIST,
    FPC_PY_DICT,
    FPC_PY_NAME, /* of Python: one of the list */
    FPC_PY_STORAGE,
    FPC_PY_TENSOR
} fpc_py_kind;

typedef struct fpc_py {
    fpc_py_kind kind;
    int32_t n;            /* of item; of a dict twice its pairs: key, value, key, value */
    int32_t cap;          /* of item */
    int32_t seen;         /* for whoever walks: values are shared, and may hold themselves */
    int64_t integer;      /* INT, BOOL: the value; NAME: which; STORAGE: how many numbers it says that it has */
    const char *text;     /* TEXT, UTF-8; NAME; STORAGE: its key, the name of its entry in the archive */
    struct fpc_py **item; /* TUPLE, LIST, DICT */
    uint32_t dtype;       /* STORAGE: an fpc_dtype, 0: one that no tensor here has */
    const struct fpc_py_tensor *tensor;
} fpc_py;

/* As the pickle states it: nothing of it is checked against the storage. */
typedef struct fpc_py_tensor {
    const fpc_py *storage;
    int64_t offset, dims[FPC_PY_RANK], strides[FPC_PY_RANK]; /* in numbers; none is negative */
    int32_t rank;
} fpc_py_tensor;

/* path: of the file, for messages. The values live in the arena, at most some hundred bytes for each instruction; what
 * a later one takes from the memo is shared, and a dict may hold itself. */
fpc_status fpc_unpickle(fpc_ctx *, fpc_arena *, const char *path, const unsigned char *data, size_t bytes, fpc_py **);

#endif
