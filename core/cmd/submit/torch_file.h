/* torch_file.h: tensors as a file that torch.load reads: {'state_dict': OrderedDict of tensors}. */
#ifndef CORE_CMD_SUBMIT_TORCH_FILE_H
#define CORE_CMD_SUBMIT_TORCH_FILE_H

#include "weights/weights.h"

/* Tensors of F32, F64, I64, I32 and U8, row-major, in this order. what: the file's name in messages. */
fpc_status fpc_torch_make(fpc_ctx *, fpc_arena *, const char *what, int32_t n, const fpc_st_tensor *, const void **data,
                          size_t *bytes);
/* What the model is: parameters and buffers, without the optimizer's slots that a state may hold. */
fpc_status fpc_torch_weights(const fpc_state *, fpc_arena *, const char *what, const void **data, size_t *bytes);

#endif
