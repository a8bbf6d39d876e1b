/* c.h: a network as one C file under way. c.c puts the file together; c_ops.c has the calls that each op becomes;
 * c_functions.c the text of the functions that are called, c_picture.c that of what is around the network: labels,
 * scores, pictures of any size, an example. c_weights.c lays the weights out, c_memory.c the activations, c_spell.c
 * makes names and numbers into what cannot break out of where it stands.
 *
 * The file is C99 and C++11, one picture at a time, fp32, plain loops with channels innermost. It writes no variable
 * that outlives a call: whatever it needs lies in an arena of the caller's. Equal networks give equal bytes.
 *
 * A failure stays in `status`; whatever is asked for afterwards does nothing, so that forms need no checks. */
#ifndef CORE_CMD_EXPORT_C_H
#define CORE_CMD_EXPORT_C_H

#include "graph/nodes.h"
#include <stdio.h>

/* Outputs that a panel of weights has: LANES in the file. */
enum { FPC_C_LANES = 8 };

/* How a constant's numbers lie in the file. All but the first are for products (c_functions.c, `products`): matrices
 * (rows, outputs), each in panels of FPC_C_LANES outputs. */
typedef enum fpc_c_form {
    FPC_C_PLAIN,  /* as in the graph */
    FPC_C_LINEAR, /* (in, out) */
    FPC_C_CONV,   /* by line of the kernel: (kw * in, out) */
    FPC_C_GROUPS, /* by tap and group: (in, out) of the group */
    FPC_C_TRANSPOSED /* the same of a transposed convolution */,
    FPC_C_DEPTHWISE /* (kh, kw, c), no panels */
} fpc_c_form;

/* A constant that the file holds. */
typedef struct fpc_c_weight {
    int32_t value, groups;
    fpc_c_form form;
    int64_t first, count; /* where it lies among all */
} fpc_c_weight;

typedef struct fpc_c {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const fpc_graph *g;
    fpc_status status;
    FILE *steps;         /* the body of the network's function */
    const fpc_gnode *at; /* the node whose form is being written */
    int32_t n_weights, cap_weights;
    fpc_c_weight *weight;
    int64_t weights;       /* numbers of all of them */
    size_t *offset, *work; /* by value, by node: where its numbers, its working memory lie in the arena */
    size_t floats;         /* the arena's */
    uint64_t used;         /* by the place in fpc_c_functions: what the calls need */
} fpc_c;

/* ---- c_ops.c ---- */

/* The calls of an op. function: that the form calls, where several ops share it. */
typedef struct fpc_c_op {
    const char *op;
    void (*form)(fpc_c *, const fpc_gnode *, const char *function);
    const char *function;
    int in_place; /* its output may lie where an input of the same size does: how many inputs may be so */
} fpc_c_op;
const fpc_c_op *fpc_c_op_find(const char *op); /* NULL: it has no form */
/* Floats of working memory that the node's call takes. */
size_t fpc_c_work(const fpc_graph *, const fpc_gnode *);
void fpc_c_refuse(fpc_c *, const char *what);

/* ---- c_weights.c ---- */

/* What the call has for a value: "a + 128" of the arena, "w + 64" of the weights, which it gets a place among. */
const char *fpc_c_in(fpc_c *, int32_t value);
/* The same of a product's weight, which has to be a constant. */
const char *fpc_c_product(fpc_c *, int32_t value, fpc_c_form, int32_t groups);
/* All numbers, in the order in which they lie. NULL: there is no memory, or a number that is not finite. */
const float *fpc_c_weights(fpc_c *);
/* What weight i is called, for a comment. */
const char *fpc_c_weight_text(fpc_c *, int32_t i);

/* ---- c_memory.c ---- */

/* Where activations and working memory lie. tail: floats that are needed after the last node. */
fpc_status fpc_c_plan(fpc_c *, size_t tail, size_t *tail_offset);

/* ---- c_functions.c ---- */

/* A function of the file; needs: those before it that it calls, with a blank behind each. */
typedef struct fpc_c_function {
    const char *name, *needs, *text;
} fpc_c_function;
extern const fpc_c_function fpc_c_functions[]; /* ends with {0}; a function stands behind those that it needs */
/* Marks it, and what it needs, as used. */
void fpc_c_use(fpc_c *, const char *function);

/* ---- c_picture.c, c_frame.c: texts with @ for the file's prefix, $ for the same in capitals ---- */

extern const char fpc_c_row_own[], fpc_c_row_resized[], fpc_c_best[];
extern const char fpc_c_frame_whole[], fpc_c_frame_pad[];
extern const char fpc_c_filter[], fpc_c_arena[], fpc_c_enlarge[];
extern const char fpc_c_main[], fpc_c_main_inside[], fpc_c_main_beside[];
extern const char fpc_c_interface[], fpc_c_calls_inside[], fpc_c_calls_beside[], fpc_c_start[];
extern const char fpc_c_entries_inside[], fpc_c_entries_beside[];

/* ---- c_spell.c ---- */

/* A prefix for the file's names, of the file's name: letters, digits and _; never empty, never a digit first. */
const char *fpc_c_prefix(fpc_arena *, const char *path);
/* Text for the inside of a comment: what could end it, or be anything but text there, is _. */
const char *fpc_c_comment(fpc_arena *, const char *);
/* A string literal with its quotes, whatever the bytes are. */
const char *fpc_c_string(fpc_arena *, const char *);
enum { FPC_C_NUMBER = 24 };
/* A number as a constant of type float that reads back to the same bits: nine digits. It is finite. */
void fpc_c_number(float, char out[FPC_C_NUMBER]);

#endif
