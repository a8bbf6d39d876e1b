/* passes.h: what happens to a graph between autodiff and the plan, for devices that want it. */
#ifndef CORE_GRAPH_PASSES_H
#define CORE_GRAPH_PASSES_H

#include "graph/nodes.h"

/* Joins nodes (graph/passes/fuse.c). */
fpc_status fpc_graph_fuse(fpc_graph *, uint32_t fuses);
/* Half precision (graph/passes/precision.c): half is FPC_BF16 or FPC_F16. Nodes may not be moved or swept afterwards.
 */
fpc_status fpc_graph_cast_half(fpc_graph *, uint32_t half);

#endif
