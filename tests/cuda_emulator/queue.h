/* queue.h: between runtime.cpp, the calls, and queue.cpp, what they queue. */
#ifndef TESTS_CUDA_EMULATOR_QUEUE_H
#define TESTS_CUDA_EMULATOR_QUEUE_H

#include "tests/cuda_emulator/engine.h"

/* What was queued or recorded: a job with its arguments, a copy, a fill, an event. */
enum work_kind { JOB, COPY, STAGED, FILL, MARK };
struct alignas(16) work {
    work *next;
    work_kind kind;
    int value;
    void *dst;
    const void *src; /* STAGED: what follows */
    size_t bytes;
    cudaEvent_t event;
};
struct works {
    work *first, **last;
};

struct CUstream_st {
    unsigned flags;
};
struct CUevent_st {
    unsigned flags;
    int pending;  /* records of it that are queued and have not run */
    int captured; /* by the last record */
    double at;    /* milliseconds */
};
struct CUgraph_st {
    works list;
};
struct CUgraphExec_st {
    works list;
};
/* Remembers it for cudaGetLastError. */
cudaError_t emulate_fail(cudaError_t);
/* For calls that may not come while this thread captures: they spoil the record, too. */
cudaError_t emulate_forbidden(void);
/* Work with `further` bytes behind it; emulate_put takes it over: to the record, to the queue, or runs it. */
work *emulate_work(work_kind, size_t further);
void emulate_put(work *);
bool emulate_step(void); /* runs one piece of work that waits; false: there was none */
void emulate_drain(void);
bool emulate_waits(void);
bool emulate_records(void);

#endif
