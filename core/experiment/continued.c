/* continued.c: training that starts from the weights of another one: what the recipe becomes by it.
 * `keep` goes on where the other run stood: its [optimizer] and [schedule] with the place in it, its best value. All of
 * that is made into keys of the recipe when the experiment is opened, so that --check, the learning-rate curve and a
 * resumed run see what is trained, and nothing is read from the other run a second time. */
#define _GNU_SOURCE
#include "experiment/continued.h"
#include "base/message.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file that run.init_from means. */
const char *fpc_continued_source(fpc_arena *arena, const fpc_run_options *run)
{
    const char *path = run->init_from, *best;
    struct stat st;

    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return path;
    best = fpc_sprintf(arena, "%s/best.safetensors", path);
    if (run->init_optimizer == FPC_INIT_RESET && best && !access(best, R_OK))
        return best;
    return fpc_sprintf(arena, "%s/last.safetensors", path);
}

fpc_status fpc_continued_missing(fpc_ctx *ctx, fpc_arena *arena, const fpc_recipe *recipe, const char *path)
{
    const fpc_self run = {ctx, arena, "run", fpc_recipe_section(recipe, "run")};
    const int why = errno;

    return fpc_fail_recipe(ctx, why == ENOENT ? FPC_ENOENT : FPC_EIO,
                           "%s: run.init_from: %s: %s; looked for in %s. Wanted is a run folder or a safetensors file; "
                           "-s run.init_from=RUN says where it is",
                           fpc_origin(&run, "init_from"), path, strerror(why), fpc_looked(&run, "init_from", NULL));
}

static const char *word_of(const fpc_run_options *run)
{
    return run->init_optimizer == FPC_INIT_KEEP ? "keep" : "hybrid";
}

/* A training checkpoint, or a sentence. */
fpc_status fpc_continued_open(fpc_ctx *ctx, fpc_arena *arena, const fpc_run_options *run, fpc_st_file **out)
{
    const char *path;
    fpc_status status;

    if (!*run->init_from)
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "run.init_optimizer = %s: run.init_from is empty; it names the run to go on from",
                               word_of(run));
    if (!(path = fpc_continued_source(arena, run)))
        return FPC_ENOMEM;
    if ((status = fpc_st_read(ctx, arena, path, out)) || (status = fpc_weights_readable(ctx, *out)))
        return status;
    if (!fpc_st_meta_find(*out, "fpcore.checkpoint") || !fpc_st_meta_find(*out, "recipe") ||
        !fpc_st_meta_find(*out, "step"))
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "run.init_optimizer = %s: %s holds weights and no state of an optimizer; give the "
                               "last.safetensors of a run, or `reset`, which starts with the weights alone",
                               word_of(run), path);
    return FPC_OK;
}

static fpc_status whole_number(fpc_ctx *ctx, const fpc_st_file *file, const char *key, const char *text, int64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = text ? strtoll(text, &end, 10) : 0;
    if (!text || errno || end == text || *end || *out < 0 || *out > 1000000000000000)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: metadata %s = %.40s make no sense", file->path, key,
                        text ? text : "(missing)");
    return FPC_OK;
}

fpc_status fpc_continued_number(fpc_ctx *ctx, const fpc_st_file *file, const char *key, int64_t *out)
{
    return whole_number(ctx, file, key, fpc_st_meta_find(file, key), out);
}

/* ---- the recipe ---- */

static const char *value_of(const fpc_recipe *recipe, const char *section, const char *key, const char *otherwise)
{
    const fpc_entry *entry = fpc_section_entry(fpc_recipe_section(recipe, section), key);

    return entry ? entry->value : otherwise;
}

/* A copy of the section with `key` set. */
static fpc_status set_key(fpc_arena *arena, fpc_section *section, const char *key, const char *text, const char *origin)
{
    fpc_entry *entry = fpc_alloc(arena, ((size_t)section->n + 1) * sizeof *entry);
    int32_t n = 0;

    if (!entry || !text || !origin)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < section->n; i++)
        if (strcmp(section->entry[i].key, key))
            entry[n++] = section->entry[i];
    entry[n++] = (fpc_entry){key, text, origin};
    section->entry = entry;
    section->n = n;
    return FPC_OK;
}

static fpc_status set_number(fpc_arena *arena, fpc_section *section, const char *key, int64_t value, const char *origin)
{
    return set_key(arena, section, key, fpc_sprintf(arena, "%lld", (long long)value), origin);
}

/* The section of that name takes the other's place, or is added. */
static fpc_section *replace(fpc_recipe *recipe, const fpc_section *with)
{
    for (int32_t i = 0; i < recipe->n; i++)
        if (!strcmp(recipe->section[i].name, with->name)) {
            recipe->section[i] = *with;
            return &recipe->section[i];
        }
    recipe->section[recipe->n] = *with;
    return &recipe->section[recipe->n++];
}

/* The value that the first best has to pass: the other run's best, where both mean the same by it. */
static fpc_status take_best(fpc_ctx *ctx, fpc_arena *arena, const fpc_st_file *file, const fpc_recipe *was,
                            const fpc_recipe *is, fpc_run_options *run)
{
    const char *text = fpc_st_meta_find(file, "best.value"), *epoch = fpc_st_meta_find(file, "best.epoch");
    const char *section = fpc_sprintf(arena, "metric.%s", run->metric);
    double *best = fpc_alloc(arena, sizeof *best);

    if (!section || !best)
        return FPC_ENOMEM;
    if (run->beat.n || !text || !epoch || *epoch == '-')
        return FPC_OK;
    const char *there = value_of(was, section, "use", "none"), *here = value_of(is, section, "use", there);
    if (strcmp(value_of(was, "run", "metric", ""), run->metric) || strcmp(there, here)) {
        fpc_log(ctx, FPC_LOG_WARN,
                "run.init_optimizer = keep: the best value of %s is of another metric and is not the one to beat",
                file->path);
        return FPC_OK;
    }
    *best = strtod(text, NULL);
    run->beat = isfinite(*best) ? (fpc_reals){1, best} : run->beat;
    return FPC_OK;
}

static fpc_status take_sections(fpc_ctx *ctx, fpc_arena *arena, const fpc_st_file *file, const fpc_recipe *was,
                                fpc_recipe *is)
{
    static const char *const name[] = {"optimizer", "schedule"};
    int64_t epoch, epochs, begin, length;
    fpc_status status;

    if ((status = fpc_continued_number(ctx, file, "epoch", &epoch)) ||
        (status = fpc_continued_number(ctx, file, "epochs", &epochs)) ||
        (status = whole_number(ctx, file, "schedule.begin", value_of(was, "schedule", "begin", "0"), &begin)) ||
        (status = whole_number(ctx, file, "schedule.epochs", value_of(was, "schedule", "epochs", "0"), &length)))
        return status;
    for (int i = 0; i < 2 && !status; i++) {
        const fpc_section *from = fpc_recipe_section(was, name[i]);
        if (!from)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: the recipe in its metadata has no [%s]", file->path, name[i]);
        fpc_section *to = replace(is, from);
        if (i == 1 && !(status = set_number(arena, to, "begin", begin + epoch, from->origin)))
            status = set_number(arena, to, "epochs", length ? length : begin + epochs, from->origin);
    }
    return status;
}

/* Where the keys of [run] come from that `keep` stands for. */
static fpc_status state_origins(fpc_arena *arena, const fpc_st_file *file, const fpc_recipe *recipe,
                                const fpc_run_options *run, fpc_recipe *is)
{
    const fpc_section *from = fpc_recipe_section(recipe, "run");
    const fpc_entry *keep = fpc_section_entry(from, "init_optimizer");
    fpc_section *to = replace(is, from);
    const fpc_status status =
        set_key(arena, to, "init_optimizer", "hybrid", fpc_sprintf(arena, "%s, keep", keep->origin));

    if (status || !run->beat.n || fpc_section_entry(from, "beat"))
        return status;
    return set_key(arena, to, "beat", fpc_sprintf(arena, "%.6g", run->beat.v[0]), file->path);
}

fpc_status fpc_continued_recipe(fpc_ctx *ctx, fpc_arena *arena, const fpc_recipe *recipe, fpc_run_options *run,
                                const fpc_recipe **out)
{
    fpc_recipe *was, *is = fpc_alloc(arena, sizeof *is);
    fpc_st_file *file;
    fpc_status status;

    *out = recipe;
    if (run->init_optimizer != FPC_INIT_KEEP)
        return FPC_OK;
    if (!is || !(is->section = fpc_alloc(arena, ((size_t)recipe->n + 2) * sizeof *is->section)))
        return FPC_ENOMEM;
    if ((status = fpc_continued_open(ctx, arena, run, &file)) ||
        (status = fpc_recipe_parse(ctx, arena, file->path, fpc_st_meta_find(file, "recipe"), 0, NULL, &was)))
        return status;
    is->path = recipe->path;
    is->n = recipe->n;
    memcpy(is->section, recipe->section, (size_t)recipe->n * sizeof *is->section);
    if ((status = take_sections(ctx, arena, file, was, is)) || (status = take_best(ctx, arena, file, was, is, run)) ||
        (status = state_origins(arena, file, recipe, run, is)))
        return status;
    fpc_log(ctx, FPC_LOG_INFO, "run.init_optimizer = keep: [optimizer] and [schedule] are those of %s", file->path);
    run->init_optimizer = FPC_INIT_HYBRID;
    *out = is;
    return FPC_OK;
}
