/* program.h: a compiled graph: what runs, and how the host reaches its inputs and outputs. */
#ifndef CORE_RUNTIME_PROGRAM_H
#define CORE_RUNTIME_PROGRAM_H

#include "runtime/state.h"

typedef struct fpc_program fpc_program;
/* Missing kernels: one failure that lists all of them. Programs of one state share the activation memory. */
fpc_status fpc_program_compile(fpc_ctx *, fpc_arena *, fpc_state *, fpc_graph *, fpc_program **);
/* The bytes that the same would take for activations, without taking them. */
fpc_status fpc_program_measure(fpc_ctx *, fpc_arena *, fpc_state *, fpc_graph *, size_t *bytes);
fpc_status fpc_program_run(fpc_program *);
/* The same without waiting, where the backend queues its work; elsewhere it is fpc_program_run. */
fpc_status fpc_program_queue(fpc_program *);
/* The caller changes attributes of the graph between runs: it may not be recorded. */
void fpc_program_changes(fpc_program *);
/* dtype: of the host data; F32/F64 convert to the program's real type. count: elements, must match. */
fpc_status fpc_program_write(fpc_program *, const char *input, uint32_t dtype, const void *host, int64_t count);
fpc_status fpc_program_read(fpc_program *, const char *output, uint32_t dtype, void *host, int64_t count);
/* Where an input or output lies in backend memory. count: its elements, or -1: not checked. */
fpc_status fpc_program_tensor(const fpc_program *, const char *name, int64_t count, fpc_tensor *);
int fpc_program_has(const fpc_program *, const char *name); /* input or output of that name */
fpc_shape fpc_program_shape(const fpc_program *, const char *name);
size_t fpc_program_memory(const fpc_program *); /* activation bytes it needs */
const fpc_graph *fpc_program_graph(const fpc_program *);
/* After FPC_ENAN or on suspicion: the first node (in order) with a non-finite output, by running once more with a
 * check after each node; NULL: none. */
const char *fpc_program_find_nan(fpc_program *);
/* Times of each group of nodes that run together, in order: ops joined by +, the name of its first node, seconds,
 * multiply-accumulates, bytes moved between groups. */
fpc_status fpc_program_profile(fpc_program *, int runs,
                               void (*row)(void *arg, const char *op, const char *name, double seconds, int64_t macs,
                                           int64_t bytes),
                               void *arg);

/* Jobs that a group gave to the threads: items, seconds of all of them, of the longest. */
typedef struct fpc_job {
    int32_t items;
    double seconds, longest;
} fpc_job;
enum { FPC_MAX_JOBS = 256 };
typedef struct fpc_jobs {
    fpc_job job[FPC_MAX_JOBS]; /* those beyond are not listed */
    int32_t n, inside;
} fpc_jobs;
/* For each group, in order, the shortest of some runs: its seconds and its jobs; what is in no job was done by one
 * thread. For backends with one thread, whose work can be told apart. */
fpc_status fpc_program_jobs(fpc_program *, int runs,
                            void (*row)(void *arg, const char *op, double seconds, const fpc_jobs *), void *arg);

#endif
