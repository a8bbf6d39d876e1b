/* fixture.h: what tests share: a bench (context, arena, registry and what is opened with them), a scratch folder, what
 * has to succeed and what has to be refused with which sentence, plugins and experiments from a few lines of recipe. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "case.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "experiment/experiment.h"
#include "graph/ops/table.h"
#include "plugin/registry.h"
#include "recipe/recipe.h"

/* ---- files ---- */

static char test_folder_path[256];
static pid_t test_folder_owner;

static inline void test_folder_remove(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", test_folder_path);
    if (*test_folder_path && test_folder_owner == getpid() && system(command))
        fprintf(stderr, "%s: not removed\n", test_folder_path);
    *test_folder_path = 0;
}

/* A folder for the files of a test, made by the first call. It goes with the bench of the case that made it, and with
 * the program where it was made before (in the setup of a group, for all its cases). */
static inline const char *test_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    if (*test_folder_path)
        return test_folder_path;
    snprintf(test_folder_path, sizeof test_folder_path, "%.200s/fpcore-test-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
    if (!mkdtemp(test_folder_path)) {
        perror(test_folder_path);
        exit(1);
    }
    if (!test_folder_owner)
        atexit(test_folder_remove);
    test_folder_owner = getpid();
    return test_folder_path;
}

/* A path in the folder; static, valid until eight calls later. */
static inline const char *in_folder(const char *name)
{
    static char path[8][512];
    static int next;
    char *to = path[next++ % 8];
    snprintf(to, sizeof path[0], "%s/%s", test_folder(), name);
    return to;
}

/* With the folders above it. */
static inline void make_folder(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s", in_folder(name));
    for (char *slash = strchr(path + strlen(test_folder()) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    mkdir(path, 0777);
}

static inline void write_bytes(const char *name, const void *data, size_t bytes)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

/* ---- benches ---- */

/* What is not opened is NULL. */
typedef struct bench {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_registry *registry; /* over FPCORE_PLUGIN_PATH */
    fpc_recipe *recipe;
    fpc_experiment *s;
    fpc_backend *backend;
    fpc_op_table *ops;
    int keeps_folder; /* the test folder was there before */
} bench;

static inline int bench_new(bench *b)
{
    *b = (bench){.ctx = fpc_ctx_new()};
    b->arena = b->ctx ? fpc_arena_new(b->ctx) : NULL;
    return !b->arena || fpc_registry_new(b->ctx, b->arena, NULL, &b->registry) != FPC_OK;
}

static inline void bench_free(bench *b)
{
    fpc_arena_free(b->arena);
    fpc_ctx_free(b->ctx);
}

/* For cmocka: *state is the bench of this case. */
static inline int bench_open(void **state)
{
    static bench b;
    *state = &b;
    if (bench_new(&b))
        return 1;
    b.keeps_folder = *test_folder_path != 0;
    return 0;
}

static inline int bench_close(void **state)
{
    bench *b = *state;
    if (!b->keeps_folder)
        test_folder_remove();
    bench_free(b);
    return 0;
}

/* A case with a bench of its own. */
#define CASE(test) cmocka_unit_test_setup_teardown(test, bench_open, bench_close)

/* ---- sentences ---- */

/* The last failure's sentence holds `want`; it is forgotten. */
static inline void said(bench *b, const char *want)
{
    if (!strstr(fpc_ctx_error(b->ctx), want))
        fail_msg("the sentence is \"%s\", without \"%s\"", fpc_ctx_error(b->ctx), want);
    fpc_ctx_clear(b->ctx);
}

static inline void has_to_succeed(bench *b, fpc_status status, const char *what)
{
    if (status)
        fail_msg("%s: %s", what, fpc_ctx_error(b->ctx));
}

static inline void has_to_fail(bench *b, fpc_status status, const char *what, const char *want)
{
    if (!status)
        fail_msg("%s: succeeds instead of saying \"%s\"", what, want);
    if (!strstr(fpc_ctx_error(b->ctx), want))
        fail_msg("%s: the sentence is \"%s\", without \"%s\"", what, fpc_ctx_error(b->ctx), want);
    fpc_ctx_clear(b->ctx);
}

/* FPCORE_SHARED/NAME where that exists; else the test is skipped with a line that says so. */
static inline const char *shared_file(bench *b, const char *name)
{
    const char *root = getenv("FPCORE_SHARED");
    const char *path = fpc_sprintf(b->arena, "%s/%s", root && *root ? root : "../shared", name);
    if (access(path, R_OK)) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    return path;
}

/* ---- from a few lines of recipe ---- */

/* An instance of [SECTION] with the lines of `text`, which begin with `use = NAME`: a plugin is tested together with
 * its option table. */
static inline fpc_status try_plugin(bench *b, const char *section, const char *text, fpc_instance *out)
{
    fpc_recipe *recipe = NULL;
    const char *ini = fpc_sprintf(b->arena, "[%s]\n%s\n", section, text);
    const fpc_option_set none = {0};
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", ini, 0, NULL, &recipe);

    if (status)
        return status;
    return fpc_instance_open(b->registry, b->arena, fpc_section_kind(section), section,
                             fpc_recipe_section(recipe, section), NULL, none, out);
}

static inline fpc_instance open_plugin(bench *b, const char *section, const char *text)
{
    fpc_instance inst;
    has_to_succeed(b, try_plugin(b, section, text, &inst), fpc_sprintf(b->arena, "[%s] %s", section, text));
    return inst;
}

static inline void refuse_plugin(bench *b, const char *section, const char *text, const char *want)
{
    fpc_instance inst;
    const fpc_status status = try_plugin(b, section, text, &inst);
    has_to_fail(b, status, fpc_sprintf(b->arena, "[%s] %s", section, text), want);
}

/* What training needs at least; tests add sections. */
#define SMALL_RECIPE "[loss.ce]\nuse = cross_entropy\n[metric.f_score]\nuse = fscore_batch\n[backend]\nuse = ref\n"

/* Everything that a recipe names, as far as `what` asks for it (FPC_OPEN_DATA and the like). */
static inline fpc_status try_experiment(bench *b, const char *text, unsigned what, fpc_experiment **out)
{
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &b->recipe);
    return status ? status : fpc_experiment_open(b->ctx, b->arena, NULL, b->recipe, what, out);
}

static inline fpc_experiment *open_experiment(bench *b, const char *text, unsigned what)
{
    fpc_experiment *s;
    has_to_succeed(b, try_experiment(b, text, what, &s), text);
    return s;
}

static inline void refuse_experiment(bench *b, const char *text, unsigned what, const char *want)
{
    fpc_experiment *s;
    has_to_fail(b, try_experiment(b, text, what, &s), text, want);
}

#endif
