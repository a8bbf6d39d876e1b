/* backends.h: the backends that the op tests look at, opened as plugins, so that what they test is what a run loads. */
#ifndef TESTS_OPS_BACKENDS_H
#define TESTS_OPS_BACKENDS_H

#include "cases.h"
#include "fixture.h"

enum { OP_MAX_BACKENDS = 8 };

typedef struct op_backends {
    bench b;
    fpc_arena *scratch; /* reset after each case */
    op_backend exact;   /* ref in double: the truth */
    op_backend single;  /* ref in float: what float arithmetic can do */
    op_backend
        other[OP_MAX_BACKENDS]; /* cpu, at each level of instructions that this processor has, or those asked for */
    int32_t n_others;
} op_backends;

/* names: what is looked at beside ref, words apart by blanks: `cpu`, or other backends as NAME or NAME:PRECISION (an
 * option of theirs, "cuda:tf32"). NULL: FPCORE_TEST_BACKENDS says so, or it is cpu. A backend of a GPU is open once
 * only. Exits with a message where a backend does not open: there is nothing to test then. */
op_backends *op_backends_open(const char *names);
/* The failure's sentence, which is forgotten by the context: the next test starts clean. */
const char *op_error(op_backends *);
void op_backends_close(op_backends *);

#endif
