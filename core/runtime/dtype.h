/* dtype.h: numbers of any data type on the host, read and converted. */
#ifndef CORE_RUNTIME_DTYPE_H
#define CORE_RUNTIME_DTYPE_H

#include <fpcore/tensor.h>

/* Number i of an array. */
double fpc_dtype_number(const void *data, uint32_t dtype, int64_t i);
/* n numbers from one data type to another; whole ones lose what is behind the point. */
void fpc_dtype_convert(void *to, uint32_t to_dtype, const void *from, uint32_t from_dtype, int64_t n);

#endif
