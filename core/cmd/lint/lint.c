/* lint.c: settings that are allowed and rarely meant. The lints stand in tables, by subject (data.c, schedule.c,
 * loss.c, keys.c); here is the walk through them. */
#include "cmd/lint/lint_private.h"

int32_t fpc_lint(fpc_experiment *experiment, fpc_arena *arena, void (*warn)(void *arg, const char *sentence), void *arg)
{
    lint l = {experiment, arena, warn, arg, 0};
    lint_fn *const *const groups[] = {fpc_lints_of_data, fpc_lints_of_schedule, fpc_lints_of_loss, fpc_lints_of_keys};

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        for (lint_fn *const *f = groups[i]; *f && !fpc_ctx_status(experiment->ctx); f++)
            (*f)(&l);
    return l.count;
}
