/* resident.h: where the pictures of a training wait for a device that has memory of its own ([dataset] cache): as bytes
 * on the device, uploaded once, so that a batch is a list of numbers; or in pinned host memory, from which each batch
 * is copied by the device itself. Thread: [main]. */
#ifndef CORE_EXPERIMENT_RESIDENT_H
#define CORE_EXPERIMENT_RESIDENT_H

#include "experiment/experiment.h"

typedef struct fpc_resident fpc_resident;

/* Decides by the recipe and by the memory that there is; takes none yet. needed: bytes that training itself takes of
 * the device's. *mode: FPC_CACHE_DEVICE, _PINNED or _STREAM. */
fpc_status fpc_resident_choose(fpc_experiment *, size_t needed, int64_t *mode);
/* The same, with the memory. *out NULL: batches are streamed. Before any program of the training is compiled, since
 * these then take pictures out of the data set on the device. */
fpc_status fpc_resident_open(fpc_experiment *, size_t needed, fpc_resident **out);
/* One batch, numbered from 0, is the whole data set, on the device: for benchmarks. */
fpc_status fpc_resident_batch(fpc_experiment *, const fpc_batch *, fpc_resident **out);
/* Of the data set on the device, (pictures, h, w, 3); n 0: it is not there. */
fpc_shape fpc_resident_shape(const fpc_resident *);
/* Bytes that writing this batch takes of a queue's entry. */
size_t fpc_resident_room(const fpc_resident *, const fpc_batch *);
/* Inputs `index`, or `image` and `mask`, of a program; what is not on the device yet goes there. */
fpc_status fpc_resident_write(fpc_resident *, fpc_experiment *, fpc_program *, const fpc_batch *);

#endif
