/* ops.c: the table of built-in ops, made from ops.def. The graph does not know it: whoever opens a recipe hands it to
 * fpc_op_table_new, before the ops of plugins. */
#include "graph/ops/table.h"

#define OP(name_, fields_) {.size = sizeof(fpc_op_def), .name = #name_, fields_},
#define IN(least_, most_, access_) .min_in = least_, .max_in = most_, .in = access_,
#define OUT(count_, access_) .n_out = count_, .out = access_,
#define HALF(letters_) .half = letters_,
#define ATTR(type_) .attr_size = (uint16_t)sizeof(type_),
#define NOGRAD .flags = FPC_OP_NOGRAD,
#define UPDATE .flags = FPC_OP_NOGRAD | FPC_OP_INPLACE | FPC_OP_EFFECT,
#define SHAPE(name_) .infer = infer_##name_,
#define GRAD(name_) .grad = grad_##name_,
#define MACS(name_) .macs = macs_##name_,
const fpc_op_def fpc_builtin_ops[] = {
#include "graph/ops/ops.def"
    {.name = NULL}};
const int32_t fpc_n_builtin_ops = (int32_t)(sizeof fpc_builtin_ops / sizeof fpc_builtin_ops[0]) - 1;
const fpc_op_rows fpc_builtin_rows = {.row = fpc_builtin_ops};
