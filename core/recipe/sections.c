/* sections.c: the table of a recipe's sections, and the tables of the keys that the core itself reads in them.
 * Everybody who reads, checks, prints or explains sections goes through these rows. */
#define FPC_OPTION_ROWS
#include <fpcore/backend.h>
#include <fpcore/ops.h>
#include <fpcore/plugin.h>
#include "recipe/options.h"

#include <string.h>

#define RESUMABLE(row_type, T, field, def_, min_, max_, unit_, help_, type_)                                           \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, row_type, FPC_OPT_RESUMABLE, FPC_FIELD_(T, field, type_)         \
    }
#define RESUMABLE_INT(T, field, def_, min_, max_, unit_, help_)                                                        \
    RESUMABLE(FPC_OPT_INT, T, field, def_, min_, max_, unit_, help_, int64_t)

#include "recipe/sections.h"

const fpc_section_row fpc_section_rows[] = {
    {"run", 0, 0, 0, NULL, fpc_core_run, "The run as a whole: name, seed, length, when to stop."},
    {"dataset", FPC_DATASET, 0, 0, "synthetic", fpc_core_dataset,
     "Where pictures and masks come from; `use` names a dataset plugin."},
    {"augment", 0, 0, 0, NULL, fpc_core_augment,
     "What all augmentations share. Each [augment.LABEL] names a plugin that draws; they run in this order."},
    {"augment", FPC_AUGMENT, 1, 0, NULL, NULL, NULL},
    {"model", FPC_MODEL, 0, 0, "microsegformer", fpc_core_model, "The network; `use` names a model plugin."},
    {"loss", FPC_LOSS, 1, 0, NULL, fpc_core_loss,
     "Each [loss.LABEL] is one term of the sum that is minimised; `use` names a loss plugin."},
    {"optimizer", FPC_OPTIMIZER, 0, 0, "adamw", fpc_core_optimizer,
     "How gradients change weights; `use` names an optimizer plugin."},
    {"schedule", FPC_SCHEDULE, 0, 0, "constant", fpc_core_schedule,
     "How the learning rate changes over the epochs; `use` names a schedule plugin."},
    {"metric", FPC_METRIC, 1, 0, NULL, NULL,
     "Each [metric.LABEL] is one number per epoch; [run] metric says which one picks the best checkpoint."},
    {"logger", FPC_LOGGER, 1, 0, NULL, NULL, "Each [logger.LABEL] is told what happens and writes it somewhere."},
    {"backend", FPC_BACKEND, 0, 0, "cpu", NULL, "What computes; `use` names a backend plugin."},
    {"comm", FPC_COMM, 0, 1, NULL, NULL, "Sums between processes; `use` names a comm plugin."},
    {0}};

const fpc_section_row *fpc_section_row_of(const char *section)
{
    const size_t stem = strcspn(section, ".");
    const int labelled = section[stem] == '.' && section[stem + 1];

    if (section[stem] && !labelled)
        return NULL;
    for (const fpc_section_row *r = fpc_section_rows; r->name; r++)
        if (r->labelled == labelled && !strncmp(section, r->name, stem) && !r->name[stem])
            return r;
    return NULL;
}

const fpc_section_row *fpc_section_row_of_kind(uint32_t kind)
{
    for (const fpc_section_row *r = fpc_section_rows; r->name && kind; r++)
        if (r->kind == kind)
            return r;
    return NULL;
}

const char *fpc_section_label(const char *section)
{
    const char *dot = strchr(section, '.');

    return dot ? dot + 1 : "";
}

uint32_t fpc_section_kind(const char *section)
{
    const fpc_section_row *row = fpc_section_row_of(section);

    return row ? row->kind : 0;
}

const fpc_option *fpc_core_options(uint32_t kind)
{
    const fpc_section_row *row = fpc_section_row_of_kind(kind);

    return row ? row->options : NULL;
}

const fpc_option *fpc_core_section(const char *section)
{
    const fpc_section_row *row = fpc_section_row_of(section);

    return row ? row->options : NULL;
}

const char *fpc_core_section_help(const char *section)
{
    for (const fpc_section_row *r = fpc_section_rows; r->name; r++)
        if (r->help && !strcmp(section, r->name))
            return r->help;
    return NULL;
}
