/* table.h: what the files of ops share: the declarations of the functions that ops.def names, made from it, and the
 * rules of shapes that several families have in common (shapes.c). */
#ifndef CORE_GRAPH_OPS_TABLE_H
#define CORE_GRAPH_OPS_TABLE_H

#include "graph/nodes.h"

typedef fpc_status fpc_infer_fn(fpc_ctx *, fpc_node *);
typedef fpc_status fpc_grad_fn(fpc_graph *, fpc_grad *);
typedef int64_t fpc_macs_fn(const fpc_node *);

#define OP(name_, fields_) fields_
#define IN(least_, most_, access_)
#define OUT(count_, access_)
#define HALF(letters_)
#define ATTR(type_)
#define NOGRAD
#define UPDATE
#define SHAPE(name_) fpc_infer_fn infer_##name_;
#define GRAD(name_) fpc_grad_fn grad_##name_;
#define MACS(name_) fpc_macs_fn macs_##name_;
#include "graph/ops/ops.def"
#undef OP
#undef IN
#undef OUT
#undef HALF
#undef ATTR
#undef NOGRAD
#undef UPDATE
#undef SHAPE
#undef GRAD
#undef MACS

#endif
