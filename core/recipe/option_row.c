/* option_row.c: rows of option tables, which may come from plugins built against another minor version, and the room
 * that a value takes. */
#include "recipe/option_value.h"

#include <string.h>

fpc_option fpc_opt_row(const fpc_option_set *set, int32_t i)
{
    const uint32_t stride = set->stride ? set->stride : (uint32_t)sizeof(fpc_option);
    fpc_option row = {0};

    if (set->table)
        memcpy(&row, (const char *)set->table + (size_t)i * stride, stride < sizeof row ? stride : sizeof row);
    return row;
}

uint32_t fpc_opt_size(uint32_t type)
{
    switch (type) {
    case FPC_OPT_BOOL:
    case FPC_OPT_INT:
    case FPC_OPT_CHOICE:
    case FPC_OPT_FLAGS:
        return sizeof(int64_t);
    case FPC_OPT_REAL:
        return sizeof(double);
    case FPC_OPT_TEXT:
    case FPC_OPT_PATH:
        return sizeof(const char *);
    case FPC_OPT_INTS:
        return sizeof(fpc_ints);
    case FPC_OPT_REALS:
        return sizeof(fpc_reals);
    case FPC_OPT_RANGE:
        return sizeof(fpc_range);
    case FPC_OPT_CURVE:
        return sizeof(fpc_curve);
    case FPC_OPT_SIZE:
        return sizeof(fpc_extent);
    default:
        return 0;
    }
}
