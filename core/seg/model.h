/* model.h: a packed network as libfpseg has it: a safetensors file whose metadata hold, beside what all weights tell,
 * the graphs that `fpcore pack` made (SEG_META, JSON):
 *   {"format": 1, "height": 512, "width": 512, "fit": "squeeze" | "pad", "precision": "fp32" | "bf16", "name": "...",
 * "parameters": 1750000, "classes": ["skin", ...], "palette": [[204, 0, 0], ...], "graphs": {"labels": GRAPH, "logits":
 * GRAPH}} GRAPH = {"values": [VALUE, ...], "nodes": [NODE, ...], "output": ID} VALUE = {"input": "image", "shape":
 * [n,h,w,c]} | {"param" | "buffer": NAME, "rank": 2, "shape": ...} | {"const": [numbers], "shape": ...} NODE = {"op":
 * "conv2d", "name": "...", "in": [ids], "attr": {"kh": 7, ...}} Values have the ids 0, 1, ...; each node's outputs get
 * the next ones. Writer: core/cmd/pack.c. */
#ifndef CORE_SEG_MODEL_H
#define CORE_SEG_MODEL_H

#include <fpseg.h>
#include <fpcore/image.h>
#include "graph/nodes.h"
#include "seg/json.h"

#define SEG_META "fpcore.program"
#define SEG_FORMAT 1
enum { SEG_MOST_VALUES = 1 << 16 };

typedef struct seg_tensor {
    const char *name;
    uint32_t dtype; /* FPC_F32 or FPC_I64 */
    int32_t rank;
    int64_t dims[4], count;
    const void *data;
} seg_tensor;

struct fps_model {
    fpc_ctx *ctx; /* while it is opened */
    fpc_arena *arena;
    const char *path; /* for messages */
    int32_t n;
    seg_tensor *tensor;
    seg_json *program;
    uint32_t half; /* FPC_BF16, or 0: fp32 */
    fpc_fit fit;   /* how pictures of another shape come to the network's size */
    fps_about about;
};

const seg_tensor *seg_find(const fps_model *, const char *name);
/* core/seg/program.c: one of the graphs, "labels" or "logits", as an evaluation graph; every shape is inferred and
 * checked anew, so that a hostile file can only fail. ops: the built-in ones. */
fpc_status seg_graph(fpc_ctx *, fpc_arena *, const fps_model *, const fpc_op_table *ops, const char *which,
                     fpc_graph **out);
fps_status seg_status(fpc_status);
/* A context that prints nothing. */
fpc_ctx *seg_ctx(void);
/* The sentence of a context into the caller's buffer. */
void seg_tell(const fpc_ctx *, char *why, size_t n);
/* FPS_EINVAL with a sentence, where there is no context yet. */
fps_status seg_refuse(const char *what, char *why, size_t n);

#endif
