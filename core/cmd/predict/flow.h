/* flow.h: pictures on their way through `fpcore predict`, from hand to hand: one thread reads ahead, the caller's
 * thread computes, and one thread writes behind. Where processors are free, a folder takes the network's time alone. */
#ifndef CORE_CMD_PREDICT_FLOW_H
#define CORE_CMD_PREDICT_FLOW_H

#include <fpcore/image.h>

/* A picture under way. It belongs to one thread at a time. */
typedef struct fpc_flow_slot {
    int32_t number;   /* 0 .. n-1 */
    fpc_arena *arena; /* of this picture alone */
    fpc_image picture;
    fpc_image mask;    /* as `compute` leaves it for `write` */
    float *probs;      /* the same */
    fpc_status status; /* of reading; a picture that could not be read is not written */
    const char *why;   /* its sentence; NULL: none, or no memory for it */
} fpc_flow_slot;

/* read and write run in threads of their own, each with a context of its own for failures; log lines go where those of
 * ctx go. compute runs in the caller's thread, for each picture in order, also for those that could not be read. */
typedef struct fpc_flow_hands {
    fpc_status (*read)(void *arg, fpc_ctx *, fpc_flow_slot *);
    fpc_status (*compute)(void *arg, fpc_flow_slot *);
    fpc_status (*write)(void *arg, fpc_ctx *, fpc_flow_slot *);
    void *arg;
} fpc_flow_hands;

/* n pictures. FPC_OK, or the first failure of compute or write, whose sentence then stands in ctx; what was computed
 * before it is written. At most three pictures are in memory, and at most one of more than 16 megapixels. */
fpc_status fpc_flow_run(fpc_ctx *, int32_t n, const fpc_flow_hands *);

#endif
