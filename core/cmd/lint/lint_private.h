/* lint_private.h: what the groups of lints share. A lint looks at the opened stages, not at the recipe's text, so that
 * defaults count as well; each finding says where, why it matters with this recipe's numbers, and what to do. Nobody
 * but lint*.c includes this. */
#ifndef CORE_CMD_LINT_LINT_PRIVATE_H
#define CORE_CMD_LINT_LINT_PRIVATE_H

#include "cmd/lint/lint.h"

typedef struct lint {
    fpc_experiment *s;
    fpc_arena *arena;
    void (*warn)(void *arg, const char *sentence);
    void *arg;
    int32_t count;
} lint;

typedef void lint_fn(lint *);
/* Each ends with NULL. */
extern lint_fn *const fpc_lints_of_data[], *const fpc_lints_of_schedule[], *const fpc_lints_of_loss[],
                                                                               *const fpc_lints_of_keys[];

void fpc_lint_found(lint *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "conf/x.ini:7: section.key = value", or "section.key (default)". */
const char *fpc_lint_where(lint *, const char *section, const char *key);
/* Whether the recipe itself gives the key. */
int fpc_lint_given(const lint *, const char *section, const char *key);
/* The value of a plugin's option of that name and type; 0: it has none. INT reads BOOL and CHOICE too. */
int fpc_lint_int(const fpc_instance *, const char *name, int64_t *);
int fpc_lint_real(const fpc_instance *, const char *name, double *);
int fpc_lint_reals(const fpc_instance *, const char *name, fpc_reals *);
/* The rate used in an epoch (from 0); optimizer steps of an epoch, 0 where no data are open. */
double fpc_lint_rate(const lint *, int64_t epoch);
int64_t fpc_lint_steps(const lint *);

#endif
