/* compared.h: what tests of `fpcore compare` share: run folders with histories and scores of pictures, written by hand,
 * and what a comparison of them says. */
#ifndef TESTS_UNIT_COMPARED_H
#define TESTS_UNIT_COMPARED_H

#include "fixture.h"
#include "weights/weights.h"
#include "cmd/report/compare/compare.h"
#include <errno.h>
#include <fpcore/draw.h>
#include <jansson.h>
#include <math.h>
#include <sys/stat.h>

enum { PICTURES = 40, MOST = 100, EPOCHS = 12, CLASSES = 19 };

typedef struct fixture {
    bench *b;
    int32_t n;
    const char *path[16];
} fixture;

static inline int setup(void **state)
{
    setenv("COLUMNS", "1000", 1); /* a row of a table, a sentence are a line */
    static fixture f;
    void *b;

    if (bench_open(&b))
        return -1;
    f = (fixture){.b = b};
    *state = &f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    void *b = f->b;

    return bench_close(&b);
}

static inline void put_text(fixture *f, const char *folder, const char *name, const char *text)
{
    const char *path = fpc_sprintf(f->b->arena, "%s/%s", folder, name);

    assert_int_equal(fpc_write_atomic(f->b->ctx, path, text, strlen(text)), FPC_OK);
}

/* What a run of the tests is made of. */
typedef struct made {
    const char *name, *weight, *metric, *status, *extra, *first_picture;
    const char *watched; /* run.metric; NULL: f_score */
    int seed, pictures, other_labels, no_scores, epochs, classes;
    double level, spread; /* of the scores: mean, and noise of each picture */
} made;

/* Scores: tp of 100,000 pixels of the one class that each picture has, as many false ones as missed ones, so that
 * P = R = F = tp / 100,000. Each picture has a part of its own, which all runs share. */
static inline void write_scores(fixture *f, const made *m, const char *folder)
{
    static int32_t counts[MOST * CLASSES][3];
    const char *name[MOST];
    const int classes = m->classes ? m->classes : 2;
    const fpc_rng shared = {{1, 1}, 1, 0, 0}, own = {{2, fpc_hash(m->name)}, (uint32_t)m->seed, 0, 0};
    const int n = m->pictures ? m->pictures : PICTURES;

    memset(counts, 0, sizeof counts);

    for (int i = 0; i < n; i++) {
        const double score =
            m->level + 0.05 * fpc_draw_normal(shared, (uint32_t)i) + m->spread * fpc_draw_normal(own, (uint32_t)i);
        const int32_t tp = (int32_t)lround(1e5 * score), all = m->other_labels && i == 3 ? 100001 : 100000;
        counts[i * classes][0] = tp;
        counts[i * classes][1] = counts[i * classes][2] = all - tp;
        name[i] = i == 0 && m->first_picture ? m->first_picture : fpc_sprintf(f->b->arena, "%d.jpg", i);
    }
    const fpc_validation v = {
        .epoch = EPOCHS - 1, .images = n, .batch = 4, .classes = classes, .counts = counts[0], .image_name = name};
    assert_int_equal(fpc_validation_write(f->b->ctx, fpc_sprintf(f->b->arena, "%s/validation.safetensors", folder), &v),
                     FPC_OK);
}

static inline const char *history_text(fixture *f, const made *m)
{
    const char *val = "", *train = "";

    for (int e = 0; e < EPOCHS; e++) { /* rises to the level in the last but one epoch */
        const double v = e == EPOCHS - 1 ? m->level - 0.01 : m->level * (e + 1) / (EPOCHS - 1) + 1e-5 * m->seed;
        val = fpc_sprintf(f->b->arena, "%s%s%.17g", val, e ? ", " : "", v);
        train = fpc_sprintf(f->b->arena, "%s%s%.17g", train, e ? ", " : "", v + 0.02);
    }
    return fpc_sprintf(f->b->arena, "{\"train_f_score\": [%s], \"val_f_score\": [%s]}", train, val);
}

static inline void make_run(fixture *f, made m)
{
    fpc_arena *a = f->b->arena;
    const char *folder = fpc_sprintf(a, "%s/%s-20260101-0000%02d", test_folder(), m.name, m.seed);

    assert_int_equal(mkdir(folder, 0777), 0);
    put_text(f, folder, "recipe.ini",
             fpc_sprintf(a,
                         "[run]\nname = %s\nseed = %d\nepochs = %d\nmetric = %s\n[loss.ce]\nweight = 1\n"
                         "[loss.dice]\nweight = %s\n[metric.f_score]\nuse = %s\n[logger.l%d]\nuse = history\n%s",
                         m.name, m.seed, m.epochs ? m.epochs : EPOCHS, m.watched ? m.watched : "f_score",
                         m.weight ? m.weight : "1.5", m.metric ? m.metric : "fscore_batch", m.seed,
                         m.extra ? m.extra : ""));
    put_text(f, folder, "run.json",
             fpc_sprintf(a, "{\"name\": \"%s\", \"status\": \"%s\"}", m.name, m.status ? m.status : "complete"));
    put_text(f, folder, "history.json", history_text(f, &m));
    if (!m.no_scores)
        write_scores(f, &m, folder);
    f->path[f->n++] = folder;
}

static inline fpc_comparison compare(fixture *f, const char *by, const char *baseline)
{
    fpc_comparison c = {.ctx = f->b->ctx, .arena = f->b->arena};

    if (fpc_compare_read(&c, f->n, f->path, NULL) || fpc_compare_runs(&c, by, baseline))
        fail_msg("%s", fpc_ctx_error(f->b->ctx));
    return c;
}

static inline void has_text(const char *text, const char *want)
{
    if (!text || !strstr(text, want))
        fail_msg("\"%s\" has no \"%s\"", text ? text : "NULL", want);
}

static inline void near(double a, double b, double bound)
{
    if (!(fabs(a - b) <= bound))
        fail_msg("%.17g is not %.17g +- %g", a, b, bound);
}

/* Three seeds of two recipes whose names alone differ between seeds. */
static inline void seeds_of(fixture *f, const char *name, const char *weight, int seeds, double level)
{
    static const double of_seed[] = {0, 0.002, -0.002, 0.001};

    for (int s = 0; s < seeds; s++)
        make_run(f, (made){.name = fpc_sprintf(f->b->arena, "%s,s%d", name, s + 1),
                           .weight = weight,
                           .seed = s + 1,
                           .level = level + of_seed[s],
                           .spread = 0.005});
}

static inline char *printed(fixture *f, const fpc_comparison *c, int json)
{
    fpc_cmdline cmd = {.ctx = f->b->ctx, .arena = f->b->arena};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    fpc_print_to(out);
    assert_int_equal(json ? fpc_compare_print_json(&cmd, c) : fpc_compare_print(&cmd, c), FPC_OK);
    fpc_print_to(NULL);
    fclose(out);
    return text;
}

#endif
