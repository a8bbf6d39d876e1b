/* attrs.h: the attributes of the ops that a prediction consists of, field by field: what a packed network states them
 * by (core/seg/program.c, core/cmd/pack.c). */
#ifndef CORE_GRAPH_ATTRS_H
#define CORE_GRAPH_ATTRS_H

#include <fpcore/op.h>

typedef enum fpc_attr_type { FPC_ATTR_I32 = 1, FPC_ATTR_I64, FPC_ATTR_F32 } fpc_attr_type;
typedef struct fpc_attr_field {
    const char *name; /* NULL ends the list */
    uint32_t type, offset;
} fpc_attr_field;
/* An op and its fields; NULL: it has no attributes. No field is a pointer. */
typedef struct fpc_attr_row {
    const char *op;
    const fpc_attr_field *field;
} fpc_attr_row;

/* All ops that an evaluation graph may hold before it is lowered to half precision; the last has no name. */
extern const fpc_attr_row fpc_attr_rows[];
/* NULL: such an op is not part of a prediction. */
const fpc_attr_row *fpc_attr_find(const char *op);
/* A field's value; integers are exact. */
double fpc_attr_get(const fpc_attr_field *, const void *attr);
/* 0: the value does not fit the field: no whole number for an integer, beyond +-2^24 (of 64 bits: 2^53), or not finite.
 */
int fpc_attr_set(const fpc_attr_field *, void *attr, double value);

#endif
