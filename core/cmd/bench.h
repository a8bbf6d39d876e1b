/* bench.h: what `fpcore bench` measures (cmd_bench.c) and the table of where a step's time goes (cmd_bench_costs.c). */
#ifndef CORE_CMD_BENCH_H
#define CORE_CMD_BENCH_H

#include "cmd/args.h"

typedef struct fpc_bench {
    fpc_cmdline *cmd;
    fpc_experiment *s;
    fpc_hw size;
    int64_t batch, steps, warmup;
    int ops, jobs;
    uint8_t *image, *mask, *labels;
    fpc_batch whole;  /* of all of them */
    double *seconds;  /* one per step */
    double peak;      /* multiply-accumulates a second of a large matrix product */
    double bandwidth; /* bytes a second of a large copy, read and written */
} fpc_bench;

/* Measures the ceilings, then where the time of a training step of `step` seconds goes, against them. */
fpc_status fpc_bench_costs(fpc_bench *, double step);
/* The jobs of a training step and of inference, as lines for a program to read. */
fpc_status fpc_bench_jobs(fpc_bench *, int train, int infer);

#endif
