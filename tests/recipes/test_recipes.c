/* test_recipes.c: every recipe of conf/: there is one for each experiment of the reports; each is accepted, says what
 * it shows, and trains two steps (small, on drawn faces); and the learning rates are those of the 19 recorded
 * histories. */
#define _GNU_SOURCE
#include "fixture.h"
#include "plugins/pictures.h"
#include "cmd/lint/lint.h"
#include "experiment/experiment.h"
#include <dirent.h>
#include <fpcore/dataset.h>
#include <jansson.h>
#include <math.h>

enum { FACES = 20, SIDE = 64, MOST = 128 };

typedef struct file_list {
    int32_t n;
    char name[MOST][128]; /* below conf/ */
} file_list;

static const char *conf(bench *b, const char *name)
{
    const char *root = getenv("FPCORE_SRC");
    return fpc_sprintf(b->arena, "%s/conf/%s", root && *root ? root : ".", name);
}

/* Recipes of a folder below conf/ ("" for conf itself: those that are to be run as they are). */
static void list_folder(bench *b, const char *folder, file_list *out)
{
    DIR *dir = opendir(conf(b, folder));
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        const size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 4, ".ini"))
            continue;
        if (!*folder && (!strncmp(e->d_name, "augment_", 8) || !strcmp(e->d_name, "base.ini") ||
                         !strcmp(e->d_name, "reports.ini") || !strcmp(e->d_name, "own.ini")))
            continue;
        assert_true(out->n < MOST);
        snprintf(out->name[out->n++], sizeof out->name[0], "%s%s%.100s", folder, *folder ? "/" : "", e->d_name);
    }
    closedir(dir);
}

static file_list all_recipes(bench *b)
{
    file_list all = {0};
    list_folder(b, "", &all);
    list_folder(b, "recorded", &all);
    list_folder(b, "unrun", &all);
    list_folder(b, "proposed", &all);
    return all;
}

/* Drawn faces as a folder data set. */
static void draw_faces(bench *b)
{
    const fpc_instance set = open_plugin(b, "dataset",
                                         fpc_sprintf(b->arena,
                                                     "use = synthetic\nsize = %d\ntrain = %d\n"
                                                     "val = 2\ntest = 0",
                                                     SIDE, FACES));
    const fpc_dataset_vtbl *v = set.vtbl;
    fpc_dataset_info info = {.size = sizeof info};
    assert_int_equal(v->open(set.self, &info), FPC_OK);
    make_folder("train/images");
    make_folder("train/masks");
    for (int32_t i = 0; i < FACES; i++) {
        static uint8_t pixel[SIDE * SIDE * 3], label[SIDE * SIDE];
        char id[64];
        fpc_arena *scratch = fpc_arena_new(b->ctx);
        fpc_sample sample = {sizeof sample, pixel, label, id, sizeof id};
        assert_int_equal(v->read(set.self, scratch, FPC_TRAIN, i, &sample), FPC_OK);
        const fpc_image image = {SIDE, SIDE, 3, pixel}, mask = {SIDE, SIDE, 1, label};
        write_png(b, fpc_sprintf(b->arena, "train/images/%02d.png", i), &image, NULL, 0);
        write_png(b, fpc_sprintf(b->arena, "train/masks/%02d.png", i), &mask, info.palette, info.classes);
        fpc_arena_free(scratch);
    }
}

static bench open_recipe(const char *path, int32_t n, const char *const *set, unsigned what)
{
    bench o;
    fpc_recipe *recipe;
    assert_int_equal(bench_new(&o), 0);
    fpc_ctx_log_level(o.ctx, FPC_LOG_ERROR);
    if (fpc_recipe_read(o.ctx, o.arena, path, n, set, &recipe) ||
        fpc_experiment_open(o.ctx, o.arena, NULL, recipe, what, &o.s))
        fail_msg("%s: %s", path, fpc_ctx_error(o.ctx));
    return o;
}

/* ---- the tests ---- */

/* As they stand, apart from the data: every key is known, every plugin is there, the model is within its limit. */
static void all_are_accepted(void **state)
{
    bench *b = *state;
    const file_list all = all_recipes(b);
    assert_true(all.n >= 55);
    for (int32_t i = 0; i < all.n; i++) {
        bench o = open_recipe(conf(b, all.name[i]), 0, NULL, FPC_OPEN_TRAIN);
        FILE *f = fopen(conf(b, all.name[i]), "r");
        char head[700] = "", *folder = strchr(all.name[i], '/');
        assert_non_null(f);
        assert_true(fread(head, 1, sizeof head - 1, f) > 20);
        fclose(f);
        if (head[0] != ';' || (!strstr(head, "cored") && !strstr(head, "score") && !strstr(head, "alidation F")))
            fail_msg("%s: the first comment says what the recipe shows and what it scored", all.name[i]);
        if (folder) { /* the run's name is the file's */
            char name[128];
            snprintf(name, sizeof name, "%.*s", (int)strlen(folder + 1) - 4, folder + 1);
            assert_string_equal(o.s->run.name, name);
        }
        bench_free(&o);
    }
}

/* Warnings are allowed; those of the recorded recipes about sides must come. */
static void hear(void *arg, const char *sentence)
{
    if (strstr(sentence, "left and right at random"))
        ++*(int *)arg;
}

static void all_train_two_steps(void **state)
{
    bench *b = *state;
    const file_list all = all_recipes(b);
    draw_faces(b);
    for (int32_t i = 0; i < all.n; i++) {
        const char *root = fpc_sprintf(b->arena, "dataset.root=%s", test_folder());
        const int drawn = strstr(all.name[i], "quickstart") != NULL;
        const char *set[] = {"dataset.size=64", "dataset.batch=2", "run.init_from=", "backend.threads=1", root};
        bench o =
            open_recipe(conf(b, all.name[i]), drawn ? 4 : 5, set, FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
        const fpc_batch *batch;
        fpc_step_result r = {0};
        int sides = 0;
        fpc_lint(o.s, o.arena, hear, &sides);
        const int ours = !strncmp(all.name[i], "proposed/E-", 11); /* as best.ini, which exchanges them */
        assert_int_equal(sides, (strchr(all.name[i], '/') && !ours) || !strcmp(all.name[i], "lmsa_v1.ini"));
        fpc_status status = fpc_data_start(o.s->data, FPC_TRAIN, 0, 0);
        for (int k = 1; k <= 2 && !status; k++) {
            status = fpc_data_next(o.s->data, &batch);
            if (!status)
                status = fpc_train_step(o.s, 1, &batch, k, fpc_experiment_lr(o.s, 0, NULL), &r);
        }
        if (status)
            fail_msg("%s: %s", all.name[i], fpc_ctx_error(o.ctx));
        assert_int_equal(r.images, 2);
        assert_true(isfinite(r.loss) && r.loss > 0 && r.grad_norm > 0);
        bench_free(&o);
    }
}

/* The recorded recipe of a history "NAME__microsegformer_2025MMDD_HHMMSS.json". */
static const char *recipe_of(bench *b, const char *history)
{
    const char *mark = strstr(history, "__microsegformer_2025"), *path;
    assert_non_null(mark);
    path = conf(b, fpc_sprintf(b->arena, "recorded/%.*s-%.11s.ini", (int)(mark - history), history, mark + 21));
    if (!access(path, R_OK))
        return path;
    path = conf(b, fpc_sprintf(b->arena, "recorded/%.*s.ini", (int)(mark - history), history));
    if (access(path, R_OK))
        fail_msg("%s: there is no recipe %s", history, path);
    return path;
}

/* What was recorded after an epoch is the rate of the next one (reference, fact 7). */
static void rates_are_the_recorded_ones(void **state)
{
    bench *b = *state;
    const char *folder = shared_file(b, "reference/histories");
    DIR *dir = opendir(folder);
    int seen = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (!strstr(e->d_name, ".json"))
            continue;
        json_t *history = json_load_file(fpc_sprintf(b->arena, "%s/%s", folder, e->d_name), 0, NULL);
        const json_t *rates = json_object_get(history, "lr");
        bench o = open_recipe(recipe_of(b, e->d_name), 0, NULL, FPC_OPEN_TRAIN);
        assert_true(json_array_size(rates) >= 33);
        assert_true((int64_t)json_array_size(rates) <= o.s->run.epochs);
        for (size_t i = 0; i < json_array_size(rates); i++) {
            const double was = json_real_value(json_array_get(rates, i)),
                         is = fpc_experiment_lr(o.s, (int64_t)i + 1, NULL);
            if (!(fabs(is - was) <= 1e-9 * 1e-3))
                fail_msg("%s: epoch %zu recorded %.17g, the recipe gives %.17g", e->d_name, i + 1, was, is);
        }
        bench_free(&o);
        json_decref(history);
        seen++;
    }
    closedir(dir);
    assert_int_equal(seen, 19);
}

/* One recipe for each row of recipes.csv, by the experiment's name. */
static void every_row_has_a_recipe(void **state)
{
    bench *b = *state;
    FILE *f = fopen(shared_file(b, "reference/recipes.csv"), "r");
    char line[4096];
    int rows = 0, runs = 0;
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f)) {
        const char *name = strtok(line, ",");
        const file_list all = all_recipes(b);
        int found = 0;
        for (int32_t i = 0; i < all.n; i++) {
            const char *slash = strchr(all.name[i], '/');
            const size_t n = strlen(name);
            if (slash && !strncmp(slash + 1, name, n) && (slash[n + 1] == '.' || slash[n + 1] == '-'))
                found++;
            runs += rows == 0 && slash && !strncmp(all.name[i], "recorded/", 9);
        }
        if (!found)
            fail_msg("there is no recipe for %s", name);
        rows++;
    }
    fclose(f);
    assert_int_equal(rows, 59);
    assert_int_equal(runs, 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(all_are_accepted), CASE(all_train_two_steps),
                                       CASE(rates_are_the_recorded_ones), CASE(every_row_has_a_recipe)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
