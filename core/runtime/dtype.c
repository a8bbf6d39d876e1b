/* dtype.c: numbers of any data type on the host, read and converted. */
#include "runtime/dtype.h"
#include <fpcore/half.h>
#include <string.h>

double fpc_dtype_number(const void *data, uint32_t dtype, int64_t i)
{
    switch (dtype) {
    case FPC_F64:
        return ((const double *)data)[i];
    case FPC_F32:
        return (double)((const float *)data)[i];
    case FPC_BF16:
        return (double)fpc_bf16_to_float(((const uint16_t *)data)[i]);
    case FPC_F16:
        return (double)fpc_f16_to_float(((const uint16_t *)data)[i]);
    case FPC_I32:
        return (double)((const int32_t *)data)[i];
    case FPC_I64:
        return (double)((const int64_t *)data)[i];
    default:
        return (double)((const uint8_t *)data)[i];
    }
}

static void put_number(void *data, uint32_t dtype, int64_t i, double x)
{
    if (dtype == FPC_F64)
        ((double *)data)[i] = x;
    else if (dtype == FPC_F32)
        ((float *)data)[i] = (float)x;
    else if (dtype == FPC_I32)
        ((int32_t *)data)[i] = (int32_t)x;
    else if (dtype == FPC_I64)
        ((int64_t *)data)[i] = (int64_t)x;
    else if (dtype == FPC_BF16)
        ((uint16_t *)data)[i] = fpc_float_to_bf16((float)x);
    else if (dtype == FPC_F16)
        ((uint16_t *)data)[i] = fpc_float_to_f16((float)x);
    else
        ((uint8_t *)data)[i] = (uint8_t)x;
}

void fpc_dtype_convert(void *to, uint32_t to_dtype, const void *from, uint32_t from_dtype, int64_t n)
{
    if (to_dtype == from_dtype)
        memcpy(to, from, (size_t)n * fpc_dtype_size(to_dtype));
    else
        for (int64_t i = 0; i < n; i++)
            put_number(to, to_dtype, i, fpc_dtype_number(from, from_dtype, i));
}
