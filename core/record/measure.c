/* measure.c: the one column by which several recorded runs are ranked (recorded.h). A value means something beside
 * another only where both are of one column, and where that column was counted by the same plugin with the same
 * options: a run folder's recipe tells that, of a lone history file it is unknown and taken to be so. */
#define _GNU_SOURCE
#include "record/recorded.h"
#include "recipe/sections.h"

#include <fpcore/plugin.h>
#include <string.h>

enum { LISTED = 12 /* columns in a sentence */ };

/* " use=dice weight=1" for all keys of a section. */
static const char *add_keys(fpc_arena *arena, const char *text, const fpc_section *s)
{
    for (int32_t i = 0; text && i < s->n; i++)
        text = fpc_sprintf(arena, "%s%s%s=%s", text, *text ? " " : "", s->entry[i].key, s->entry[i].value);
    return text;
}

const char *fpc_recorded_measure(fpc_arena *arena, const fpc_recorded *recorded, const char *column)
{
    const char *label = strchr(column, '_'), *text = "";
    const char *name = label ? fpc_sprintf(arena, "metric.%s", label + 1) : NULL;

    if (!recorded->recipe || !label)
        return "";
    if (!name)
        return NULL;
    for (int32_t i = 0; i < recorded->recipe->n && text; i++) {
        const fpc_section *s = &recorded->recipe->section[i];
        const int of_loss = !strcmp(label, "_loss") && fpc_section_kind(s->name) == FPC_LOSS;
        if (of_loss || !strcmp(s->name, name))
            text = add_keys(arena, of_loss && *text ? fpc_sprintf(arena, "%s,", text) : text, s);
    }
    return text;
}

int fpc_recorded_has(const fpc_recorded *recorded, const char *column)
{
    const double *v = fpc_recorded_column(recorded, column);

    return v && fpc_series_best(recorded->epochs, v, 1) >= 0;
}

fpc_status fpc_recorded_check(fpc_ctx *ctx, fpc_arena *arena, const char *who, const char *column,
                              const fpc_recorded *recorded)
{
    const char *list = "";

    if (fpc_recorded_has(recorded, column))
        return FPC_OK;
    for (int32_t i = 0; i < recorded->n_columns && i < LISTED && list; i++)
        list = fpc_sprintf(arena, "%s%s%s", list, i ? ", " : "", recorded->column[i]);
    return fpc_fail(ctx, FPC_EINVAL, "%s: --metric %s: %s has no such column%s; it has: %s%s", who, column,
                    recorded->path, fpc_recorded_column(recorded, column) ? " with values" : "", list ? list : "",
                    recorded->n_columns > LISTED ? ", ..." : "");
}

/* The first run that lacks the column or counts it in another way; NULL: none. *failed: no memory. */
static const fpc_recorded *misfit(fpc_arena *arena, int32_t n, fpc_recorded *const *run, const char *column,
                                  int *failed)
{
    const char *first = "";

    for (int32_t i = 0; i < n; i++) {
        const char *is = fpc_recorded_measure(arena, run[i], column);
        if (!is)
            *failed = 1;
        if (!is || !fpc_recorded_has(run[i], column))
            return run[i];
        if (*first && *is && strcmp(first, is))
            return run[i];
        first = *first ? first : is;
    }
    return NULL;
}

void fpc_recorded_rank_by(fpc_recorded *recorded, const char *column)
{
    recorded->monitor = column;
    recorded->higher_is_better = !strstr(column, "loss");
    fpc_recorded_judge(recorded);
}

/* Why the runs have no common measure, by the first run and the first that does not fit it. */
static const char *why_none(fpc_arena *arena, int32_t n, fpc_recorded *const *run)
{
    const fpc_recorded *a = run[0], *b = run[n - 1];

    for (int32_t i = n - 1; i > 0; i--)
        if (strcmp(run[i]->watched, a->watched))
            b = run[i];
    if (strcmp(a->watched, b->watched))
        return fpc_sprintf(
            arena,
            "No ranking: no column measures all runs. %s watched %s, %s watched %s, and neither these nor "
            "the usual columns are in every record, counted in one way. --metric COLUMN chooses a column.",
            a->label, a->watched, b->label, b->watched);
    for (int32_t i = 1; i < n; i++)
        if (strcmp(fpc_recorded_measure(arena, run[i], a->watched), fpc_recorded_measure(arena, a, a->watched)))
            b = run[i];
    return fpc_sprintf(
        arena,
        "No ranking: %s is not one measure in all runs: %s has \"%s\", %s has \"%s\", and no other column "
        "is counted in one way in every record. --metric COLUMN chooses a column all the same.",
        a->watched, a->label, fpc_recorded_measure(arena, a, a->watched), b->label,
        fpc_recorded_measure(arena, b, b->watched));
}

/* A column that was asked for ranks in any case; that it means two things is said. */
static fpc_status rank_by_chosen(fpc_arena *arena, int32_t n, fpc_recorded *const *run, const char *column,
                                 const char **note)
{
    int failed = 0;
    const fpc_recorded *other;

    for (int32_t i = 0; i < n; i++)
        fpc_recorded_rank_by(run[i], column);
    other = misfit(arena, n, run, column, &failed);
    if (other && !failed)
        failed =
            !(*note = fpc_sprintf(arena,
                                  "%s is not one measure in all runs: %s has \"%s\", %s another one. Their values "
                                  "cannot be compared.",
                                  column, other->label, fpc_recorded_measure(arena, other, column), run[0]->label));
    return failed ? FPC_ENOMEM : FPC_OK;
}

fpc_status fpc_recorded_common(fpc_arena *arena, int32_t n, fpc_recorded *const *run, const char *chosen,
                               const char **note, int *ranked)
{
    const char *column = NULL;
    int failed = 0;

    *note = NULL;
    *ranked = 1;
    if (chosen)
        return rank_by_chosen(arena, n, run, chosen, note);
    for (int32_t i = 0; (i < n || fpc_recorded_usual[i - n]) && !column && !failed; i++) {
        const char *one = i < n ? run[i]->watched : fpc_recorded_usual[i - n];
        if ((i && i < n && !strcmp(one, run[0]->watched)) || misfit(arena, n, run, one, &failed))
            continue;
        column = one;
    }
    if (failed)
        return FPC_ENOMEM;
    if (!column) {
        *ranked = 0;
        return (*note = why_none(arena, n, run)) ? FPC_OK : FPC_ENOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        if (!*note && strcmp(run[i]->watched, column))
            *note =
                fpc_sprintf(arena,
                            "Ranked by %s, the first column that all runs have: %s watched %s. --metric COLUMN chooses "
                            "another for all.",
                            column, run[i]->label, run[i]->watched);
        if (!*note && strcmp(run[i]->watched, column))
            return FPC_ENOMEM;
        fpc_recorded_rank_by(run[i], column);
    }
    return FPC_OK;
}
