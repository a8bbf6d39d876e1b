/* onnx.h: the ONNX file under way, and what the forms of ops (onnx_ops.c) write into it with. Opset 17 and IR version 8
 * are those of ONNX 1.12 of 2022: old enough for most runtimes, and the first with LayerNormalization.
 *
 * Pictures are (n,h,w,c) here and (n,c,h,w) in the convolutions of ONNX. A value has a tensor in either layout once an
 * op asked for it, made by one Transpose; ops that work in both take the layout that is there, so chains of
 * convolutions, norms and activations need none. A failure stays in `status`, and what is asked for afterwards is NULL,
 * which every function here takes: forms need no checks of their own. */
#ifndef CORE_CMD_EXPORT_ONNX_H
#define CORE_CMD_EXPORT_ONNX_H

#include "cmd/export/protobuf.h"
#include "graph/nodes.h"

enum { FPC_ONNX_IR = 8, FPC_ONNX_OPSET = 17 };
/* TensorProto.DataType */
enum { FPC_ONNX_FLOAT32 = 1, FPC_ONNX_U8 = 2, FPC_ONNX_I8 = 3, FPC_ONNX_I32 = 6, FPC_ONNX_I64 = 7 };

/* How a value's numbers lie in a tensor. The last three are for constants alone. */
typedef enum fpc_onnx_form {
    FPC_ONNX_NHWC,
    FPC_ONNX_NCHW,   /* of weights of convolutions: (out, in/groups, kh, kw) */
    FPC_ONNX_VECTOR, /* (c) */
    FPC_ONNX_MATRIX, /* of weights of linear maps: (in, out) */
    FPC_ONNX_POINT,  /* the same for a convolution of 1x1: (out, in, 1, 1) */
    FPC_ONNX_FORMS
} fpc_onnx_form;

typedef struct fpc_onnx {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const fpc_graph *g;
    fpc_status status;
    fpc_proto body;                        /* nodes and constants of the file's graph */
    const char *(*tensor)[FPC_ONNX_FORMS]; /* by value: its tensors' names; NULL: not written so far */
    const fpc_gnode *at;                   /* the node whose form is being written */
    int32_t made;                          /* tensors that were numbered */
    int32_t n_scalars;
    struct {
        float value;
        const char *name;
    } scalar[16];      /* written so far; more are written again */
    const char *batch; /* free batch: the tensor with its size */
    int free_batch;
    const struct fpc_int8 *int8;            /* what is in whole numbers; NULL: nothing */
    const char *(*rounded)[FPC_ONNX_FORMS]; /* by value, as tensor: after a QuantizeLinear and a DequantizeLinear */
    uint8_t *conv;                          /* by node: set where its form is a Conv; NULL: nobody asks */
} fpc_onnx;

typedef struct fpc_onnx_attr {
    const char *name;
    int32_t type; /* of AttributeProto: FLOAT 1, INT 2, STRING 3, INTS 7 */
    float f;
    int64_t i[8]; /* INT: the first */
    int32_t n;
    const char *s;
} fpc_onnx_attr;
#define FPC_ONNX_INT(name_, v_)                                                                                        \
    {                                                                                                                  \
        .name = name_, .type = 2, .i = { v_ }                                                                          \
    }
#define FPC_ONNX_FLOAT(name_, v_)                                                                                      \
    {                                                                                                                  \
        .name = name_, .type = 1, .f = v_                                                                              \
    }
#define FPC_ONNX_TEXT(name_, v_)                                                                                       \
    {                                                                                                                  \
        .name = name_, .type = 3, .s = v_                                                                              \
    }
#define FPC_ONNX_INTS(name_, n_, ...)                                                                                  \
    {                                                                                                                  \
        .name = name_, .type = 7, .n = n_, .i = { __VA_ARGS__ }                                                        \
    }

/* What an op is called there and how it is written; a row of fpc_onnx_ops says both. op_type: for forms that several
 * ops share. */
typedef struct fpc_onnx_op {
    const char *op;
    void (*form)(fpc_onnx *, const fpc_gnode *, const char *op_type);
    const char *op_type;
} fpc_onnx_op;
extern const fpc_onnx_op fpc_onnx_ops[]; /* ends with {0} */

/* The tensor of a value in that form. */
const char *fpc_onnx_in(fpc_onnx *, int32_t value, fpc_onnx_form);
/* The layout, NHWC or NCHW, that costs the least where all these values are read in one: constants have every one. */
fpc_onnx_form fpc_onnx_layout(const fpc_onnx *, int32_t n, const int32_t *values);
/* Says which tensor the value is. */
void fpc_onnx_out(fpc_onnx *, int32_t value, fpc_onnx_form, const char *tensor);
/* Appends a node with one output and returns that tensor. in[i] "": an input that is left out. */
const char *fpc_onnx_node(fpc_onnx *, const char *op_type, int32_t n_in, const char *const *in, int32_t n_attr,
                          const fpc_onnx_attr *);
static inline const char *fpc_onnx_node1(fpc_onnx *x, const char *op_type, const char *in, int32_t n_attr,
                                         const fpc_onnx_attr *attr)
{
    return fpc_onnx_node(x, op_type, 1, &in, n_attr, attr);
}
static inline const char *fpc_onnx_node2(fpc_onnx *x, const char *op_type, const char *a, const char *b)
{
    return fpc_onnx_node(x, op_type, 2, (const char *const[]){a, b}, 0, NULL);
}
/* Constants of the file: one real number, whole numbers. */
const char *fpc_onnx_scalar(fpc_onnx *, float);
const char *fpc_onnx_ints(fpc_onnx *, int32_t n, const int64_t *);
/* A shape with the pictures' number in front: a constant, or made in the network of the input's where that is free. */
const char *fpc_onnx_shape(fpc_onnx *, int32_t n_behind, const int64_t *behind);
/* A product's activation, weight and bias (VECTOR), rounded where int8 says so (onnx_int8.c). */
const char *fpc_onnx_factor(fpc_onnx *, const fpc_gnode *product, fpc_onnx_form);
const char *fpc_onnx_weight(fpc_onnx *, const fpc_gnode *product, fpc_onnx_form);
const char *fpc_onnx_bias(fpc_onnx *, const fpc_gnode *product);
int fpc_onnx_is_rounded(const fpc_onnx *, const fpc_gnode *product);
/* The form of a linear map that is rounded, of rows: (n,h,w,c) becomes (n h w,c) for it. */
void fpc_onnx_gemm(fpc_onnx *, const fpc_gnode *linear);
/* The tensor rounded to the value's point. */
const char *fpc_onnx_rounded(fpc_onnx *, int32_t value, const char *tensor);
/* A name that no other tensor has; a constant of that name: data in ONNX's order, little-endian. */
const char *fpc_onnx_numbered(fpc_onnx *, const char *what);
void fpc_onnx_tensor(fpc_onnx *, const char *name, int32_t type, int32_t rank, const int64_t *dims, const void *data,
                     size_t bytes);
void fpc_onnx_reals(fpc_onnx *, const char *name, int32_t rank, const int64_t *dims, int64_t count, const float *);
/* The dims of a constant of that shape, and where its number i lies in the value. Returns the rank. */
int32_t fpc_onnx_dims(fpc_onnx_form, fpc_shape, int64_t dims[4]);
int64_t fpc_onnx_source(fpc_onnx_form, fpc_shape, int64_t i);
/* By node of the graph, whether its form is a Conv: found by writing it to nowhere. */
fpc_status fpc_onnx_convolutions(fpc_ctx *, fpc_arena *, const fpc_graph *, uint8_t **by_node);
/* The node has no form in ONNX; what: "" or why, " with a computed weight". */
void fpc_onnx_refuse(fpc_onnx *, const char *what);

#endif
