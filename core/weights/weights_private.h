/* weights_private.h: what the files of this room that load weights share. */
#ifndef CORE_WEIGHTS_WEIGHTS_PRIVATE_H
#define CORE_WEIGHTS_WEIGHTS_PRIVATE_H

#include "weights/weights.h"

/* How a file meets a state. Zeros: all that the model has is wanted. */
typedef struct fpc_meeting {
    int averaged;         /* of a parameter the running average is taken */
    const uint8_t *fresh; /* entries of the state that are left as they are; NULL: none */
    int tells_keys;       /* a refusal says how run.init_skip and run.init_rename take care of it */
    /* what came of it: tensors taken, and the numbers in them */
    int32_t n;
    int64_t numbers;
} fpc_meeting;

/* A parameter or a buffer of the model, as opposed to what training keeps. */
int fpc_weights_is_weight(const fpc_state_entry *);
/* A file opened to load weights from: readable, without the names of wrappers before its tensors'. */
fpc_status fpc_weights_open(fpc_ctx *, fpc_arena *, const char *path, fpc_st_file **);
/* Checks the whole file, then takes it over. */
fpc_status fpc_weights_take(fpc_state *, const fpc_st_file *, fpc_meeting *);
/* The tensors of an archive of torch.save, the bytes of the file at out->path. The numbers are in the arena. */
fpc_status fpc_torch_read(fpc_ctx *, fpc_arena *, const unsigned char *data, size_t bytes, fpc_st_file *out);
/* Refuses the name of the next tensor of the file where it is empty, too long, or has control characters. */
fpc_status fpc_tensor_name_check(fpc_ctx *, const fpc_st_file *, const char *name);
/* Whether run.init_rename has a set of names that is called so; and the file's tensors called as the model's, where the
 * set has their names. Those of the file that are one in the model are joined. */
int fpc_names_known(const char *set);
fpc_status fpc_names_apply(fpc_ctx *, fpc_arena *, fpc_st_file *, const char *set);

#endif
