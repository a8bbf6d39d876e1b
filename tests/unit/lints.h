/* lints.h: what the tests of --check's warnings share: a recipe that nothing is to be said about, and whether a change
 * of it is warned about, with which words. */
#ifndef TESTS_UNIT_LINTS_H
#define TESTS_UNIT_LINTS_H

#include "tiny.h"
#include "cmd/lint/lint.h"

/* 12 training and 6 validation pictures in batches of 3: nothing is left over. */
#define QUIET                                                                                                          \
    "[run]\nepochs = 10\nmetric = f_image\n"                                                                           \
    "[dataset]\nuse = synthetic\nsize = 32\ntrain = 12\nval = 6\ntest = 2\nbatch = 3\nreaders = 1\n" TINY_MODEL        \
    "dropout = 0\nlmsa = off\n" TINY_LOSS "[optimizer]\nuse = adamw\n[schedule]\nuse = cosine\nwarmup_epochs = 2\n"    \
    "[metric.f_image]\nuse = fscore_image\n[backend]\nuse = ref\n"

typedef struct heard {
    int n;
    char text[16][2048];
} heard;

static inline void hear(void *arg, const char *sentence)
{
    heard *h = arg;

    snprintf(h->text[h->n++ % 16], sizeof h->text[0], "%s", sentence);
}

/* The warnings of a recipe with lines of section.key=value. */
static inline heard lints_of(const char *recipe, const char *sets)
{
    bench b;
    heard h = {0};

    bench_experiment(&b, recipe, sets, OPEN_ALL);
    const int32_t n = fpc_lint(b.s, b.arena, hear, &h);
    assert_int_equal(n, h.n);
    bench_free(&b);
    return h;
}

static inline void quiet(const char *recipe, const char *sets)
{
    const heard h = lints_of(recipe, sets);

    if (h.n)
        fail_msg("%s: %s", sets, h.text[0]);
}

/* Exactly one warning, which holds all the words (lines). */
static inline void warns(const char *recipe, const char *sets, const char *words)
{
    const heard h = lints_of(recipe, sets);
    char copy[1024];

    if (h.n != 1)
        fail_msg("%s: %d warnings, not 1: %s / %s", sets, h.n, h.n ? h.text[0] : "", h.n > 1 ? h.text[1] : "");
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, "\n"); word; word = strtok(NULL, "\n"))
        if (!strstr(h.text[0], word))
            fail_msg("%s: `%s` is not in: %s", sets, word, h.text[0]);
}

#endif
