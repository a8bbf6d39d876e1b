/* finding.c: what all lints share: a finding's sentence, where a key stands, the values of options, rates and steps. */
#define _GNU_SOURCE
#include "cmd/lint/lint_private.h"
#include "recipe/option_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fpc_lint_found(lint *l, const char *fmt, ...)
{
    char sentence[2048];
    va_list list;

    va_start(list, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, list);
    va_end(list);
    l->count++;
    l->warn(l->arg, sentence);
}

const char *fpc_lint_where(lint *l, const char *section, const char *key)
{
    const fpc_entry *entry = fpc_section_entry(fpc_recipe_section(l->s->recipe, section), key);
    const char *text = entry ? fpc_sprintf(l->arena, "%s: %s.%s = %s", entry->origin, section, key, entry->value)
                             : fpc_sprintf(l->arena, "%s.%s (default)", section, key);

    return text ? text : key;
}

int fpc_lint_given(const lint *l, const char *section, const char *key)
{
    return fpc_section_entry(fpc_recipe_section(l->s->recipe, section), key) != NULL;
}

/* The field of an option whose type is among `types` (bits). */
static const void *field_of(const fpc_instance *inst, const char *name, unsigned types)
{
    const fpc_option_set set = {.table = inst->plugin ? inst->plugin->options : NULL,
                                .stride = inst->plugin ? inst->plugin->option_size : 0,
                                .object = NULL};
    fpc_option row;

    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++)
        if (strcmp(row.name, name) == 0 && (types >> row.type & 1))
            return (const char *)inst->self + row.offset;
    return NULL;
}

int fpc_lint_int(const fpc_instance *inst, const char *name, int64_t *out)
{
    const void *field = field_of(inst, name, 1u << FPC_OPT_BOOL | 1u << FPC_OPT_INT | 1u << FPC_OPT_CHOICE);

    if (field)
        memcpy(out, field, sizeof *out);
    return field != NULL;
}

int fpc_lint_real(const fpc_instance *inst, const char *name, double *out)
{
    const void *field = field_of(inst, name, 1u << FPC_OPT_REAL);

    if (field)
        memcpy(out, field, sizeof *out);
    return field != NULL;
}

int fpc_lint_reals(const fpc_instance *inst, const char *name, fpc_reals *out)
{
    const void *field = field_of(inst, name, 1u << FPC_OPT_REALS);

    if (field)
        memcpy(out, field, sizeof *out);
    return field != NULL;
}

double fpc_lint_rate(const lint *l, int64_t epoch)
{
    return fpc_experiment_lr(l->s, epoch, NULL);
}

int64_t fpc_lint_steps(const lint *l)
{
    const int64_t batches = l->s->data ? fpc_data_batches(l->s->data, FPC_TRAIN) : 0;

    return (batches + l->s->run.accumulate - 1) / l->s->run.accumulate;
}
