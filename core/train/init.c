/* init.c: training that starts from the weights of another one (reference 4.8). `reset` takes weights and the
 * statistics of batch norm. `keep` goes on where the other run stood: the optimizer's state, its [optimizer] and
 * [schedule] with the place in it, its best value. All of that but the state is made into keys of the recipe when the
 * stages are opened, so that --check, the learning-rate curve and a resumed run see what is trained, and nothing is
 * read from the other run a second time. `hybrid` takes the optimizer's state and leaves the recipe as it is. */
#define _GNU_SOURCE
#include "weights/weights.h"
#include "base/message.h"
#include "record/run_files.h"
#include "train/trainer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file that run.init_from means. */
static const char *source(fpc_arena *arena, const fpc_run_options *run)
{
    const char *path = run->init_from, *best;
    struct stat st;

    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return path;
    best = fpc_sprintf(arena, "%s/%s", path, FPC_RUN_BEST);
    if (run->init_optimizer == FPC_INIT_RESET && best && !access(best, R_OK))
        return best;
    return fpc_sprintf(arena, "%s/%s", path, FPC_RUN_LAST);
}

static const char *word_of(const fpc_run_options *run)
{
    return run->init_optimizer == FPC_INIT_KEEP ? "keep" : "hybrid";
}

/* A training checkpoint, or a sentence. */
static fpc_status open_training(fpc_ctx *ctx, fpc_arena *arena, const fpc_run_options *run, fpc_st_file **out)
{
    const char *path;
    fpc_status status;

    if (!*run->init_from)
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "run.init_optimizer = %s: run.init_from is empty; it names the run to go on from",
                               word_of(run));
    if (!(path = source(arena, run)))
        return FPC_ENOMEM;
    if ((status = fpc_st_read(ctx, arena, path, out)))
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

static fpc_status meta_number(fpc_ctx *ctx, const fpc_st_file *file, const char *key, int64_t *out)
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
static fpc_status set_key(fpc_arena *arena, fpc_section *section, const char *key, int64_t value, const char *origin)
{
    fpc_entry *entry = fpc_alloc(arena, ((size_t)section->n + 1) * sizeof *entry);
    const char *text = fpc_sprintf(arena, "%lld", (long long)value);
    int32_t n = 0;

    if (!entry || !text)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < section->n; i++)
        if (strcmp(section->entry[i].key, key))
            entry[n++] = section->entry[i];
    entry[n++] = (fpc_entry){key, text, origin};
    section->entry = entry;
    section->n = n;
    return FPC_OK;
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

    if ((status = meta_number(ctx, file, "epoch", &epoch)) || (status = meta_number(ctx, file, "epochs", &epochs)) ||
        (status = whole_number(ctx, file, "schedule.begin", value_of(was, "schedule", "begin", "0"), &begin)) ||
        (status = whole_number(ctx, file, "schedule.epochs", value_of(was, "schedule", "epochs", "0"), &length)))
        return status;
    for (int i = 0; i < 2 && !status; i++) {
        const fpc_section *from = fpc_recipe_section(was, name[i]);
        if (!from)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: the recipe in its metadata has no [%s]", file->path, name[i]);
        fpc_section *to = replace(is, from);
        if (i == 1 && !(status = set_key(arena, to, "begin", begin + epoch, from->origin)))
            status = set_key(arena, to, "epochs", length ? length : begin + epochs, from->origin);
    }
    return status;
}

fpc_status fpc_init_recipe(fpc_ctx *ctx, fpc_arena *arena, const fpc_recipe *recipe, fpc_run_options *run,
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
    if ((status = open_training(ctx, arena, run, &file)) ||
        (status = fpc_recipe_parse(ctx, arena, file->path, fpc_st_meta_find(file, "recipe"), 0, NULL, &was)))
        return status;
    is->path = recipe->path;
    is->n = recipe->n;
    memcpy(is->section, recipe->section, (size_t)recipe->n * sizeof *is->section);
    if ((status = take_sections(ctx, arena, file, was, is)) || (status = take_best(ctx, arena, file, was, is, run)))
        return status;
    fpc_log(ctx, FPC_LOG_INFO, "run.init_optimizer = keep: [optimizer] and [schedule] are those of %s", file->path);
    run->init_optimizer = FPC_INIT_HYBRID;
    *out = is;
    return FPC_OK;
}

/* ---- the state ---- */

static int all_finite(const double *value, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(value[i]))
            return 0;
    return 1;
}

/* One slot or average from the file. */
static fpc_status take_tensor(fpc_state *state, fpc_arena *arena, const fpc_st_file *file, const fpc_state_entry *e)
{
    const fpc_st_tensor *v = fpc_st_find(file, e->name);
    double *value;
    fpc_status status;

    if (!v || v->count != e->count)
        return fpc_fail_recipe(state->ctx, FPC_EINVAL,
                               "run.init_optimizer: %s %s %s, which the optimizer of the recipe needs; that run was "
                               "trained by another one, or another model; `reset` starts with the weights alone",
                               file->path, v ? "has another size of" : "lacks", e->name);
    if (!(value = fpc_alloc(arena, (size_t)e->count * sizeof *value)))
        return FPC_ENOMEM;
    if ((status = fpc_st_as_f64(state->ctx, file, v, value)))
        return status;
    if (!all_finite(value, e->count))
        return fpc_fail(state->ctx, FPC_EFORMAT, "%s: tensor %s holds numbers that are not finite", file->path,
                        e->name);
    return fpc_state_write(state, e, FPC_F64, value);
}

static fpc_status take_state(fpc_trainer *t, const fpc_st_file *file)
{
    fpc_state *state = t->experiment->state;
    fpc_arena *scratch = fpc_arena_new(t->ctx);
    fpc_status status = scratch ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < state->n && !status; i++) {
        const fpc_state_entry *e = &state->entry[i];
        if (e->kind == FPC_STATE_SLOT || (e->kind == FPC_STATE_AVERAGE && fpc_st_find(file, e->name)))
            status = take_tensor(state, scratch, file, e);
        fpc_arena_reset(scratch);
    }
    fpc_arena_free(scratch);
    if (!status && !(status = meta_number(t->ctx, file, "step", &t->first_step)))
        t->step = t->first_step;
    return status ? status : fpc_state_start_scaling(state, t->step);
}

fpc_status fpc_trainer_init(fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;
    fpc_state *state = t->experiment->state;
    fpc_status status = fpc_state_init(state, (uint64_t)run->seed);
    fpc_arena *arena = status ? NULL : fpc_arena_new(t->ctx);
    fpc_st_file *file;
    const char *path = arena ? source(arena, run) : NULL;

    if (!status && !path)
        status = FPC_ENOMEM;
    if (!status && run->init_optimizer != FPC_INIT_RESET)
        status = open_training(t->ctx, arena, run, &file);
    if (!status && *run->init_from)
        status = fpc_weights_load(t->ctx, state, path);
    if (!status && run->ema > 0)
        status = fpc_state_start_average(state);
    if (!status && run->init_optimizer != FPC_INIT_RESET)
        status = take_state(t, file);
    fpc_arena_free(arena);
    return status;
}
