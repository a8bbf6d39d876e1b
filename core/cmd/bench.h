/* bench.h: what `fpcore bench` measures (bench.c), the table of where a step's time goes (bench_costs.c), and two sides
 * in turn (bench_against.c). */
#ifndef CORE_CMD_BENCH_H
#define CORE_CMD_BENCH_H

#include "cmd/args.h"

typedef struct fpc_bench {
    fpc_cmdline *cmd;
    fpc_experiment *s;
    fpc_hw size;
    int64_t batch, steps, warmup;
    int ops, jobs, rates;
    uint8_t *image, *mask, *labels;
    fpc_batch whole;  /* of all of them */
    double *seconds;  /* one per step */
    double peak;      /* multiply-accumulates a second: in registers; not known: of a large matrix product */
    double bandwidth; /* bytes a second of a large copy, read and written */
} fpc_bench;

/* Measures the ceilings, then where the time of a training step of `step` seconds goes, against them. */
fpc_status fpc_bench_costs(fpc_bench *, double step);
/* Sorts v. */
double fpc_bench_median(double *v, int64_t n);
/* This setting and another one (SECTION.KEY=VALUE, several apart by blanks), or another build's program, in turn, each
 * in a process of its own: `rounds` pairs. */
fpc_status fpc_bench_against(fpc_bench *, const char *against, int64_t rounds, int train, int infer);
/* The jobs of a training step and of inference, as lines for a program to read. */
fpc_status fpc_bench_jobs(fpc_bench *, int train, int infer);

#endif
