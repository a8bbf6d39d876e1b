/* seen.c: see seen.h. Pictures are told apart by the hash of their name and by their fingerprint, so that a list of
 * ten thousand takes 16 bytes each; the names themselves are for people, in train.txt and val.txt. */
#define _GNU_SOURCE
#include "train/seen.h"
#include "base/file.h"
#include "base/message.h"
#include "data/classes.h"
#include "recipe/option_value.h"
#include "record/run_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 256, LIST_BYTES = 1 << 28 };

static const fpc_part part_of[2] = {FPC_TRAIN, FPC_VAL};
static const char *const word_of[2] = {"training", "validation"};
static const char *const list_of[2] = {FPC_RUN_TRAIN_LIST, FPC_RUN_VAL_LIST};
static const char *const tensor_of[2] = {FPC_PREFIX_SAMPLES "train", FPC_PREFIX_SAMPLES "val"};

/* Whether [dataset] takes the run's lists: it has the options, and no folders of the validation's own, which leave
 * lists nothing to say. */
static int takes_lists(const fpc_data *data)
{
    const fpc_instance *inst = fpc_data_instance(data);
    const fpc_option_set set = {.table = inst->plugin->options, .stride = inst->plugin->option_size};
    int takes = 0;
    fpc_option row;

    for (int32_t i = 0; set.table && (row = fpc_opt_row(&set, i)).name; i++) {
        const int of_folders =
            row.type == FPC_OPT_TEXT && (!strcmp(row.name, "val_images") || !strcmp(row.name, "val_masks"));
        if (of_folders && **(const char *const *)((const char *)inst->self + row.offset))
            return 0;
        takes |= !strcmp(row.name, "val_list");
    }
    return takes;
}

/* ---- what there is ---- */

fpc_status fpc_seen_of(const fpc_experiment *s, fpc_arena *arena, fpc_seen *out)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);
    fpc_status status;

    *out = (fpc_seen){.classes = fpc_classes_text(arena, info)};
    if (!out->classes)
        return FPC_ENOMEM;
    for (int p = 0; p < 2; p++) {
        const int64_t n = info->count[part_of[p]];
        uint64_t(*sample)[2] = fpc_alloc(arena, ((size_t)n + 1) * sizeof *sample);
        if (!sample)
            return FPC_ENOMEM;
        for (int64_t i = 0; i < n; i++)
            if ((status = fpc_data_fingerprint(s->data, part_of[p], i, sample[i])))
                return fpc_fail(s->ctx, status, "dataset/%s has no fingerprint of %s picture %" PRId64,
                                fpc_data_instance(s->data)->plugin->name, word_of[p], i);
        out->n[p] = n;
        out->sample[p] = (const uint64_t(*)[2])sample;
    }
    return FPC_OK;
}

void fpc_seen_tensors(const fpc_seen *seen, fpc_st_tensor out[FPC_SEEN_TENSORS])
{
    for (int p = 0; p < 2; p++)
        out[p] = (fpc_st_tensor){.name = tensor_of[p],
                                 .dtype = FPC_I64,
                                 .rank = 2,
                                 .dims = {seen->n[p], 2},
                                 .count = 2 * seen->n[p],
                                 .data = seen->sample[p]};
}

fpc_status fpc_seen_read(fpc_ctx *ctx, const fpc_st_file *file, fpc_seen *out)
{
    *out = (fpc_seen){.classes = fpc_st_meta_find(file, FPC_META_CLASSES)};
    for (int p = 0; p < 2; p++) {
        const fpc_st_tensor *t = fpc_st_find(file, tensor_of[p]);
        if (!t && !p)
            return FPC_OK;
        if (!t || !out->classes || t->dtype != FPC_I64 || t->rank != 2 || t->dims[1] != 2)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor %s or metadata %s make no sense", file->path, tensor_of[p],
                            FPC_META_CLASSES);
        out->n[p] = t->dims[0];
        out->sample[p] = (const uint64_t(*)[2])t->data;
    }
    return FPC_OK;
}

/* ---- how two differ ---- */

/* The places of a part's pictures, by the hash of the name. */
struct place {
    uint64_t name;
    int64_t at;
};

struct index {
    int64_t n[2];
    struct place *place[2];
};

static int by_name(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->name != y->name ? (x->name < y->name ? -1 : 1) : (x->at > y->at) - (x->at < y->at);
}

static fpc_status index_of(fpc_arena *arena, const fpc_seen *seen, struct index *out)
{
    for (int p = 0; p < 2; p++) {
        out->n[p] = seen->n[p];
        if (!(out->place[p] = fpc_alloc(arena, ((size_t)seen->n[p] + 1) * sizeof *out->place[p])))
            return FPC_ENOMEM;
        for (int64_t i = 0; i < seen->n[p]; i++)
            out->place[p][i] = (struct place){seen->sample[p][i][0], i};
        qsort(out->place[p], (size_t)seen->n[p], sizeof *out->place[p], by_name);
    }
    return FPC_OK;
}

/* The first place of that name in the part, or -1. */
static int64_t find(const struct index *in, int p, uint64_t name)
{
    int64_t low = 0, high = in->n[p];

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (in->place[p][middle].name < name)
            low = middle + 1;
        else
            high = middle;
    }
    return low < in->n[p] && in->place[p][low].name == name ? in->place[p][low].at : -1;
}

static const char *name_of(const fpc_data *data, int p, int64_t i, char name[NAME_BYTES])
{
    if (fpc_data_name(data, part_of[p], i, name, NAME_BYTES) || !*name)
        snprintf(name, NAME_BYTES, "picture %" PRId64 " of %s", i + 1, word_of[p]);
    return name;
}

/* The name of a picture that is gone: from the run's list, else its place. */
static const char *gone_name(fpc_arena *arena, const char *folder, int p, int64_t i)
{
    const char *path = fpc_sprintf(arena, "%s/%s", folder, list_of[p]), *why;
    char *text, *line;
    size_t bytes;
    int64_t at = 0;

    if (path && !fpc_read_file_why(arena, path, LIST_BYTES, &text, &bytes, &why))
        while ((line = strsep(&text, "\n")))
            if (*line && *line != '#' && at++ == i)
                return line;
    return fpc_sprintf(arena, "picture %" PRId64, i + 1);
}

enum { LISTED = 3, KINDS = 5 };
enum kind { NEW, GONE, MOVED, CHANGED, REORDERED };

/* Pictures of one kind of difference: the first few by name, and how many. */
struct found {
    int64_t n;
    const char *names;
};

struct difference {
    fpc_arena *arena;
    const fpc_seen *was, *is;
    const fpc_data *data;
    const char *folder; /* of the run */
    struct index there, here;
    struct found found[KINDS];
    int gone_from_validation, trained_validate; /* whether there are such pictures */
};

/* Whether a picture left one part for the other. One that is in both, before or now, is another matter: it is new in a
 * part, or gone from it, and has not moved. */
static int has_moved(const struct difference *d, int from, uint64_t name)
{
    return find(&d->there, from, name) >= 0 && find(&d->there, !from, name) < 0 && find(&d->here, from, name) < 0 &&
           find(&d->here, !from, name) >= 0;
}

/* Whether the run trained on a picture that validates now. Folders of the validation's own may hold another picture of
 * the name of one that still trains; one that moved is the same, though its mask may have been drawn again. */
static int was_trained_on(const struct difference *d, const uint64_t sample[2])
{
    const int64_t before = find(&d->there, 0, sample[0]);

    return before >= 0 && (has_moved(d, 0, sample[0]) || d->was->sample[0][before][1] == sample[1]);
}

static void add_found(struct difference *d, enum kind kind, const char *name, const char *where)
{
    struct found *f = &d->found[kind];

    if (f->n++ < LISTED && f->names)
        f->names = fpc_sprintf(d->arena, "%s%s%s (%s)", f->names, f->n > 1 ? ", " : "", name, where);
}

static void look_at_present(struct difference *d, int p, int64_t i)
{
    const uint64_t *sample = d->is->sample[p][i];
    const int64_t before = find(&d->there, p, sample[0]);
    char name[NAME_BYTES];

    if (before < 0) {
        const int moved = has_moved(d, !p, sample[0]), both = find(&d->here, !p, sample[0]) >= 0;
        d->trained_validate |= p && was_trained_on(d, sample);
        add_found(d, moved ? MOVED : NEW, name_of(d->data, p, i, name),
                  moved  ? fpc_sprintf(d->arena, "%s, now %s", word_of[!p], word_of[p])
                  : both ? fpc_sprintf(d->arena, "%s, beside %s", word_of[p], word_of[!p])
                         : word_of[p]);
    } else if (d->was->sample[p][before][1] != sample[1]) {
        add_found(d, CHANGED, name_of(d->data, p, i, name), word_of[p]);
    } else if (i < d->was->n[p] && d->was->sample[p][i][0] != sample[0]) {
        add_found(d, REORDERED, name_of(d->data, p, i, name),
                  fpc_sprintf(d->arena, "now the %" PRId64 ". of %s", i + 1, word_of[p]));
    }
}

static void look_at_past(struct difference *d, int p, int64_t i)
{
    const uint64_t name = d->was->sample[p][i][0];

    if (find(&d->here, p, name) >= 0 || has_moved(d, p, name))
        return;
    d->gone_from_validation |= p;
    add_found(d, GONE, d->found[GONE].n < LISTED ? gone_name(d->arena, d->folder, p, i) : "",
              find(&d->here, !p, name) >= 0 ? fpc_sprintf(d->arena, "%s, still %s", word_of[p], word_of[!p])
                                            : word_of[p]);
}

static fpc_status look_at_both(struct difference *d)
{
    for (int kind = 0; kind < KINDS; kind++)
        d->found[kind].names = "";
    if (index_of(d->arena, d->was, &d->there) || index_of(d->arena, d->is, &d->here))
        return FPC_ENOMEM;
    for (int p = 1; p >= 0; p--) { /* one that was trained on and validates now is the worst */
        for (int64_t i = 0; i < d->is->n[p]; i++)
            look_at_present(d, p, i);
        for (int64_t i = 0; i < d->was->n[p]; i++)
            look_at_past(d, p, i);
    }
    return FPC_OK;
}

/* "; new: a (training), b (training) and 3 more; gone: ...". The order counts where nothing else differs. */
static const char *list_found(const struct difference *d)
{
    static const char *const title[KINDS] = {"new", "gone", "in the other part", "with another picture or mask",
                                             "in another order"};
    const char *text = "";

    for (int kind = 0; kind < KINDS && text; kind++) {
        const struct found *f = &d->found[kind];
        if (!f->n || (kind == REORDERED && *text))
            continue;
        text = f->names ? fpc_sprintf(d->arena, "%s; %s: %s", text, title[kind], f->names) : NULL;
        if (text && f->n > LISTED)
            text = fpc_sprintf(d->arena, "%s and %" PRId64 " more", text, f->n - LISTED);
    }
    return text && !*text ? "; some names stand there more or less often" : text;
}

/* What to do instead: a run of its own takes the weights along, and the run's list keeps what validated out of the
 * training. */
static const char *advice_for(const struct difference *d)
{
    const int list = takes_lists(d->data) && !d->gone_from_validation;

    return fpc_sprintf(
        d->arena,
        "--other-data goes on all the same%s; a new run with run.init_from = %s%s%s%s takes the weights "
        "along%s",
        d->trained_validate ? ", with scores that are too good where pictures that were trained on validate" : "",
        d->folder, list ? " and dataset.val_list = " : "", list ? d->folder : "", list ? "/" FPC_RUN_VAL_LIST : "",
        list ? " and validates on the same pictures" : "");
}

static int same_samples(const fpc_seen *a, const fpc_seen *b)
{
    for (int p = 0; p < 2; p++)
        if (a->n[p] != b->n[p] ||
            (a->n[p] && memcmp(a->sample[p], b->sample[p], (size_t)a->n[p] * sizeof *a->sample[p])))
            return 0;
    return 1;
}

fpc_status fpc_seen_difference(fpc_ctx *ctx, fpc_arena *arena, const fpc_seen *was, const fpc_seen *is,
                               const fpc_data *data, const char *folder, const char **out, const char **advice)
{
    struct difference d = {.arena = arena, .was = was, .is = is, .data = data, .folder = folder};
    const char *what;
    fpc_status status = fpc_classes_differ(ctx, arena, folder, was->classes, is->classes, &what);

    *out = "";
    *advice = "--other-data goes on all the same";
    if (status)
        return status;
    if (*what) {
        *out = fpc_sprintf(arena, "the run was made with other classes: %s", what);
        return *out ? FPC_OK : FPC_ENOMEM;
    }
    if (same_samples(was, is))
        return FPC_OK;
    if ((status = look_at_both(&d)))
        return status;
    if (!(what = list_found(&d)) || !(*advice = advice_for(&d)))
        return FPC_ENOMEM;
    *out = fpc_sprintf(arena,
                       "the run was made with %" PRId64 " + %" PRId64 " pictures (training + validation), here are "
                       "%" PRId64 " + %" PRId64 "%s",
                       was->n[0], was->n[1], is->n[0], is->n[1], what);
    return *out ? FPC_OK : FPC_ENOMEM;
}

/* ---- names for people ---- */

static fpc_status write_list(fpc_ctx *ctx, const fpc_data *data, const char *folder, int p)
{
    const int64_t n = fpc_data_info(data)->count[part_of[p]];
    char name[NAME_BYTES], *text = NULL, *path = NULL;
    fpc_status status = FPC_OK;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out)
        return fpc_fail(ctx, FPC_ENOMEM, "out of memory");
    fprintf(out, "# %" PRId64 " %s %s, in the order of the run", n, word_of[p], n == 1 ? "picture" : "pictures");
    if (takes_lists(data))
        fprintf(out, "; dataset.%s_list takes this file", p ? "val" : "train");
    fputc('\n', out);
    for (int64_t i = 0; i < n; i++) {
        name_of(data, p, i, name);
        for (char *c = name; *c; c++)
            if ((unsigned char)*c < ' ')
                *c = '?'; /* a line is a name */
        fprintf(out, "%s\n", name);
    }
    if (fclose(out) || !text || asprintf(&path, "%s/%s", folder, list_of[p]) < 0)
        status = fpc_fail(ctx, FPC_ENOMEM, "%s/%s: no memory to write it", folder, list_of[p]);
    if (!status)
        status = fpc_write_atomic(ctx, path, text, strlen(text));
    if (path)
        free(path);
    free(text);
    return status;
}

fpc_status fpc_seen_lists(fpc_ctx *ctx, const fpc_data *data, const char *folder)
{
    fpc_status status = FPC_OK;

    for (int p = 0; p < 2 && !status; p++)
        status = write_list(ctx, data, folder, p);
    return status;
}

/* ---- weights of another run ---- */

static int by_sample(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : (x[1] > y[1]) - (x[1] < y[1]);
}

/* last.safetensors beside best.safetensors and the like, which hold weights alone; "" where that is none. */
static const char *checkpoint_beside(fpc_arena *arena, const char *weights)
{
    const char *slash = strrchr(weights, '/');

    return slash ? fpc_sprintf(arena, "%.*s/%s", (int)(slash - weights), weights, FPC_RUN_LAST)
                 : fpc_strdup(arena, FPC_RUN_LAST);
}

/* What was seen by the run of these weights: of them, else of the checkpoint beside them. */
static fpc_status seen_by(fpc_ctx *ctx, fpc_arena *arena, const char *weights, fpc_seen *out)
{
    const char *path[2] = {weights, checkpoint_beside(arena, weights)};

    *out = (fpc_seen){0};
    for (int i = 0; i < 2 && !out->sample[0]; i++) {
        fpc_st_file *file;
        if (!path[i])
            return FPC_ENOMEM;
        if (fpc_st_read(ctx, arena, path[i], &file) || fpc_seen_read(ctx, file, out)) {
            fpc_ctx_clear(ctx); /* it only serves a warning */
            *out = (fpc_seen){0};
        }
    }
    return FPC_OK;
}

fpc_status fpc_seen_warn(fpc_ctx *ctx, const fpc_experiment *s, const fpc_seen *is, const char *weights)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    int64_t first = -1, count = 0;
    char name[NAME_BYTES];
    fpc_seen was;
    uint64_t(*trained)[2];
    fpc_status status = arena ? seen_by(ctx, arena, weights, &was) : FPC_ENOMEM;

    if (!status && was.n[0] && (trained = fpc_alloc(arena, (size_t)was.n[0] * sizeof *trained))) {
        memcpy(trained, was.sample[0], (size_t)was.n[0] * sizeof *trained);
        qsort(trained, (size_t)was.n[0], sizeof *trained, by_sample);
        for (int64_t i = is->n[1] - 1; i >= 0; i--)
            if (bsearch(is->sample[1][i], trained, (size_t)was.n[0], sizeof *trained, by_sample)) {
                first = i;
                count++;
            }
    }
    if (count)
        fpc_log(ctx, FPC_LOG_WARN,
                "run.init_from = %s: %" PRId64 " of the %" PRId64 " pictures that validate here were trained on there, "
                "the first %s: scores will be too good",
                s->run.init_from, count, is->n[1], name_of(s->data, 1, first, name));
    fpc_arena_free(arena);
    return status;
}
