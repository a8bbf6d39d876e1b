/* folds.c: `fpcore sweep --folds K`: which picture is in which fold, and the lists that say it to the trainings. The
 * lists stay: a sweep that is started again finds the same folds there, or refuses. */
#include "base/file.h"
#include "base/text.h"
#include "cmd/sweep/sweep.h"
#include "experiment/experiment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_BYTES = 64 << 20, NAME = 1024 };

/* ---- dealing ---- */

fpc_status fpc_folds_deal(fpc_ctx *ctx, fpc_arena *arena, int64_t n, const char **name, int32_t folds, int64_t seed,
                          fpc_folds **out)
{
    fpc_folds *f = fpc_alloc(arena, sizeof *f);
    int64_t *drawn = fpc_alloc(arena, ((size_t)n + 1) * sizeof *drawn);
    fpc_status status;

    if (!f || !drawn || !(f->fold = fpc_alloc(arena, ((size_t)n + 1) * sizeof *f->fold)))
        return FPC_ENOMEM;
    f->n = n;
    f->name = name;
    qsort(name, (size_t)n, sizeof *name, fpc_by_text);
    if ((status = fpc_split_permutation(ctx, (uint32_t)seed, n, drawn)))
        return status;
    for (int64_t i = 0; i < n; i++)
        f->fold[drawn[i]] = (int32_t)(i % folds) + 1;
    *out = f;
    return FPC_OK;
}

const char *fpc_folds_list(fpc_arena *arena, const fpc_folds *f, int32_t fold, int validation)
{
    size_t bytes = 1;
    char *text, *to;

    for (int64_t i = 0; i < f->n; i++)
        bytes += strlen(f->name[i]) + 1;
    if (!(text = to = fpc_alloc(arena, bytes)))
        return NULL;
    for (int64_t i = 0; i < f->n; i++)
        if ((f->fold[i] == fold) == (validation != 0)) {
            const size_t length = strlen(f->name[i]);
            memcpy(to, f->name[i], length);
            to[length] = '\n';
            to += length + 1;
        }
    *to = 0;
    return text;
}

/* ---- words and files ---- */

static const char *list_path(const fpc_sweep *s, int32_t fold, int validation)
{
    return fpc_sprintf(s->cmd->arena, "%s/folds/%d.%s.txt", s->out, fold, validation ? "val" : "train");
}

fpc_status fpc_sweep_folds_words(const fpc_sweep *s, fpc_trial *c)
{
    for (int validation = 0; validation < 2; validation++) {
        const char *path = list_path(s, c->fold, validation);
        if (!path || !(c->set[c->n_set++] =
                           fpc_sprintf(s->cmd->arena, "dataset.%s_list=%s", validation ? "val" : "train", path)))
            return FPC_ENOMEM;
    }
    return FPC_OK;
}

static int32_t line_of_difference(const char *a, const char *b)
{
    int32_t line = 1;

    for (; *a && *a == *b; a++, b++)
        line += *a == '\n';
    return line;
}

/* A list that is there has to be this one. *there: it is. */
static fpc_status check_list(const fpc_sweep *s, int32_t fold, int validation, const char *wanted, int *there)
{
    fpc_arena *arena = s->cmd->arena;
    const char *path = list_path(s, fold, validation), *why;
    char *text;
    size_t bytes;
    fpc_status status;

    *there = 0;
    if (!path || !wanted)
        return FPC_ENOMEM;
    if (access(path, F_OK) && errno == ENOENT)
        return FPC_OK;
    *there = 1;
    if ((status = fpc_read_file_why(arena, path, LIST_BYTES, &text, &bytes, &why)))
        return fpc_fail(s->cmd->ctx, status, "%s: %s", path, why);
    if (!strcmp(text, wanted))
        return FPC_OK;
    return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                    "%s:%d: the folds there are of other pictures, or of another number or dataset.split_seed; give "
                    "another folder (--out)",
                    path, line_of_difference(text, wanted));
}

static fpc_status each_list(const fpc_sweep *s, int write)
{
    fpc_status status = FPC_OK;
    int there;

    for (int32_t k = 1; k <= s->folds && !status; k++)
        for (int validation = 0; validation < 2 && !status; validation++) {
            const char *text = fpc_folds_list(s->cmd->arena, s->pictures, k, validation);
            status = check_list(s, k, validation, text, &there);
            if (!status && write && !there)
                status = fpc_write_atomic(s->cmd->ctx, list_path(s, k, validation), text, strlen(text));
        }
    return status;
}

fpc_status fpc_sweep_folds_write(const fpc_sweep *s)
{
    const char *folder = fpc_sprintf(s->cmd->arena, "%s/folds", s->out);
    const fpc_status status = folder ? fpc_make_folders(s->cmd->ctx, "fpcore sweep: --out", folder) : FPC_ENOMEM;

    return status ? status : each_list(s, 1);
}

/* ---- the pictures ---- */

/* A line of a list is a name; what would be read as something else cannot be told to a training. */
static fpc_status check_name(const fpc_sweep *s, const char *name)
{
    const size_t n = strlen(name);

    if (n && *name != '#' && !strpbrk(name, "\n\r/") && *name != ' ' && *name != '\t' && name[n - 1] != ' ' &&
        name[n - 1] != '\t')
        return FPC_OK;
    return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                    "fpcore sweep: --folds: the picture `%s` has a name that cannot stand in a list (dataset.val_list)",
                    name);
}

static fpc_status add_names(const fpc_sweep *s, const fpc_experiment *e, fpc_part part, const char **name, int64_t *n)
{
    const fpc_dataset_info *info = fpc_data_info(e->data);
    fpc_status status = FPC_OK;

    if (info->count[part] && info->unlabelled[part])
        return fpc_fail(s->cmd->ctx, FPC_EINVAL, "fpcore sweep: --folds: a part of the data set has no labels");
    for (int64_t i = 0; i < info->count[part] && !status; i++) {
        char id[NAME];
        if ((status = fpc_data_name(e->data, part, i, id, sizeof id)) || (status = check_name(s, id)))
            return status;
        if (!(name[(*n)++] = fpc_strdup(s->cmd->arena, id)))
            return FPC_ENOMEM;
    }
    return status;
}

/* Which data sets can be told their parts by lists. */
static fpc_status takes_lists(const fpc_sweep *s, const fpc_experiment *e, fpc_arena *arena, int64_t *seed)
{
    const fpc_resolved *all, *one;
    int32_t n;
    fpc_status status = fpc_experiment_settings(e, arena, &n, &all);

    if (status)
        return status;
    if (!fpc_resolved_find(all, n, "dataset", "train_list") || !fpc_resolved_find(all, n, "dataset", "val_list"))
        return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                        "fpcore sweep: --folds: dataset/%s takes no lists of pictures (train_list, val_list), which "
                        "folds are made of; dataset/folder does",
                        e->sources.dataset.plugin->name);
    if ((one = fpc_resolved_find(all, n, "dataset", "val_images")) && !one->is_default)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                        "fpcore sweep: --folds: the validation's pictures lie in a folder of their own "
                        "(dataset.val_images = %s), which leaves nothing to lists; folds want all of them in "
                        "dataset.images",
                        one->text);
    one = fpc_resolved_find(all, n, "dataset", "split_seed");
    *seed = one ? strtoll(one->text, NULL, 10) : 0;
    return FPC_OK;
}

static fpc_status same_pictures(const fpc_sweep *s, const fpc_trial *c, const fpc_folds *f)
{
    const fpc_folds *first = s->pictures;
    int64_t i = 0;

    while (i < f->n && i < first->n && !strcmp(f->name[i], first->name[i]))
        i++;
    if (i == f->n && i == first->n && !memcmp(f->fold, first->fold, (size_t)f->n * sizeof *f->fold))
        return FPC_OK;
    return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                    "fpcore sweep: --folds: %s has %lld pictures and %s %lld, and the folds are not the same (%s); one "
                    "sweep has one set of pictures and one dataset.split_seed",
                    s->trial[0].label, (long long)first->n, c->label, (long long)f->n,
                    i < f->n       ? f->name[i]
                    : i < first->n ? first->name[i]
                                   : "another split_seed");
}

static fpc_status deal(fpc_sweep *s, const fpc_trial *c, const fpc_experiment *e, fpc_arena *arena)
{
    const fpc_dataset_info *info = fpc_data_info(e->data);
    const int64_t all = info->count[FPC_TRAIN] + info->count[FPC_VAL];
    const char **name = fpc_alloc(s->cmd->arena, ((size_t)all + 1) * sizeof *name);
    fpc_folds *f;
    int64_t n = 0, seed = 0;
    fpc_status status;

    if (!name)
        return FPC_ENOMEM;
    if ((status = takes_lists(s, e, arena, &seed)) || (status = add_names(s, e, FPC_TRAIN, name, &n)) ||
        (status = add_names(s, e, FPC_VAL, name, &n)))
        return status;
    if (n < s->folds)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                        "fpcore sweep: --folds %d: %s has %lld %s to train and validate with; as many folds at most",
                        s->folds, c->label, (long long)n, fpc_word(n, "picture", "pictures"));
    if ((status = fpc_folds_deal(s->cmd->ctx, s->cmd->arena, n, name, s->folds, seed, &f)))
        return status;
    if (s->pictures)
        return same_pictures(s, c, f);
    s->pictures = f;
    return FPC_OK;
}

/* The recipe of a trial with its data, without the lists, which may not be there yet: the last two words. */
static fpc_status look_at(fpc_sweep *s, const fpc_trial *c)
{
    fpc_arena *arena = fpc_arena_new(s->cmd->ctx);
    fpc_recipe *recipe;
    fpc_experiment *e;
    fpc_status status = arena ? FPC_OK : FPC_ENOMEM;

    if (!status &&
        !(status = fpc_recipe_read(s->cmd->ctx, arena, s->recipe[c->recipe], c->n_set - 2, c->set, &recipe)) &&
        !(status = fpc_experiment_open(s->cmd->ctx, arena, s->cmd->plugin_path, recipe, FPC_OPEN_DATA, &e)))
        status = deal(s, c, e, arena);
    fpc_arena_free(arena);
    return status;
}

static fpc_status check_folder(const fpc_sweep *s)
{
    const char *folder = fpc_sprintf(s->cmd->arena, "%s/folds", s->out), *more = list_path(s, s->folds + 1, 1);
    const int has_folds = folder && !access(folder, F_OK), has_more = more && !access(more, F_OK);

    if (!folder || !more)
        return FPC_ENOMEM;
    if (s->folds && has_more)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                        "%s: the folder holds a sweep of more than %d folds; give another (--out)", more, s->folds);
    if (!s->folds && has_folds)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                        "%s: the folder holds a sweep with --folds; give that, or another folder (--out)", folder);
    return FPC_OK;
}

static int sets_data(const fpc_sweep *s)
{
    int any = 0;

    for (int32_t a = 0; a < s->n_axes; a++)
        any |= !strncmp(s->axis[a].key, "dataset.", 8);
    return any;
}

static fpc_status check_grid(const fpc_sweep *s)
{
    for (int32_t a = 0; a < s->n_axes && s->folds; a++)
        if (!strcmp(s->axis[a].key, "dataset.train_list") || !strcmp(s->axis[a].key, "dataset.val_list"))
            return fpc_fail(s->cmd->ctx, FPC_EINVAL, "fpcore sweep: --grid: --folds sets %s by itself", s->axis[a].key);
    return FPC_OK;
}

fpc_status fpc_sweep_folds_look(fpc_sweep *s)
{
    const int every = sets_data(s);
    fpc_status status;

    if ((status = check_grid(s)) || (status = check_folder(s)) || !s->folds)
        return status;
    for (int32_t i = 0; i < s->n && !status; i += s->each)
        if (every || !i || s->trial[i].recipe != s->trial[i - 1].recipe)
            status = look_at(s, &s->trial[i]);
    return status ? status : each_list(s, 0);
}
