/* lint.h: what is allowed in a recipe but rarely meant. */
#ifndef CORE_CMD_LINT_LINT_H
#define CORE_CMD_LINT_LINT_H

#include "base/message.h"
#include "base/print.h"
#include "experiment/experiment.h"

/* Calls warn(arg, sentence) for each finding and returns their number. experiment->data may be NULL: what needs
 * the data set is then left out. What would stop a training, like a mask that cannot be read, ends it with a failure of
 * the context. */
int32_t fpc_lint(fpc_experiment *, fpc_arena *, void (*warn)(void *arg, const char *sentence), void *arg);

#endif
