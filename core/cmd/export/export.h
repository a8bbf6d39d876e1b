/* export.h: a trained network in a form that other programs run. graph.c makes the graph that is exported to ONNX, with
 * every number that depends on weights alone worked out; onnx.c and onnx_ops.c write it. torch.c and torch_ops.c write
 * the graph as the model states it, as PyTorch source. c.c writes the graph of
 * the first as one C file. */
#ifndef CORE_CMD_EXPORT_EXPORT_H
#define CORE_CMD_EXPORT_EXPORT_H

#include "experiment/experiment.h"
#include "weights/weights.h"
#include <fpcore/experiment.h>

typedef enum fpc_export_output { FPC_EXPORT_LABELS, FPC_EXPORT_LOGITS, FPC_EXPORT_PROBABILITIES } fpc_export_output;
/* By fpc_export_output: what the output is called, on the command line and in the file. */
extern const char *const fpc_export_outputs[3];

typedef struct fpc_export_args {
    int32_t n, h, w; /* of the pictures; n 0: as many as come */
    fpc_export_output output;
    int32_t n_meta;
    const fpc_st_meta *meta;     /* what the file says of the network, in this order */
    const struct fpc_int8 *int8; /* of --onnx: what is in whole numbers (int8.h); NULL: nothing */
} fpc_export_args;

/* Pictures as bytes (n,h,w,3), input "image", to the output: labels as bytes (n,h,w,1), or real logits or probabilities
 * (n,h,w,classes). No parameter, buffer or function of these is left: they are constants, in double where the backend
 * computes so, and batch norms are part of the products before them. The experiment's state holds the weights. */
fpc_status fpc_export_graph(fpc_experiment *, fpc_arena *, const fpc_export_args *, fpc_graph **);

/* The network as the recipe states it, as source of a PyTorch module that gives logits (n,classes,h,w) of real pictures
 * (n,3,h,w) in [0,1]; its layers have the names of the state dict. about: a line for its head. FPC_ENOSUPPORT: an op,
 * or a parameter, that has no form there. */
fpc_status fpc_torch_source(fpc_experiment *, fpc_arena *, const fpc_export_args *, const char *about,
                            const char **source);
/* Whether the file at path is such a source. */
int fpc_torch_is_own(const char *path);

/* The graph as the bytes of an ONNX file (onnx.h). FPC_ENOSUPPORT: an op that has no form there. */
fpc_status fpc_onnx_make(fpc_experiment *, fpc_arena *, const fpc_export_args *, const void **data, size_t *bytes);
/* Whether the file at path is an ONNX file that fpcore wrote. */
int fpc_onnx_is_own(const char *path);

/* What a C file is made with. */
typedef struct fpc_c_args {
    const char *path; /* of the file: its names begin like it */
    int beside;       /* the weights go into a file of their own */
    int keeps_ratio;  /* pictures were not squeezed */
    const fpc_predictor_info *info;
} fpc_c_args;
typedef struct fpc_c_files {
    char *source;
    const void *weights; /* NULL: they are in the source */
    size_t source_bytes, weights_bytes;
    size_t floats; /* of memory while it runs */
} fpc_c_files;
/* The network as C (c.h). FPC_ENOSUPPORT: an op that has no form there. */
fpc_status fpc_c_make(fpc_experiment *, fpc_arena *, const fpc_c_args *, fpc_c_files *);
/* Whether the file at path is such a source, such weights. */
int fpc_c_is_own(const char *path);
int fpc_c_weights_are_own(const char *path);

#endif
