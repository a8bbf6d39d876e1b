/* test_open_once.c: a plugin that a recipe names is opened once, however many parts of the core use it: a data set, an
 * augmentation and a logger count their init and fini over a short training. */
#include "fixture.h"
#include "base/message.h"
#include "experiment/experiment.h"
#include "train/loop.h"
#include "unit/compile.h"

#include <string.h>

/* Each call leaves a line in the file OPENED; calls of a vtable leave one too, so that the plugin is known to be used.
 */
#define COUNTED(kind)                                                                                                  \
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"                                                   \
    "struct s { fpc_self self; };\n"                                                                                   \
    "static void note(const char *what)\n"                                                                             \
    "{ FILE *f = fopen(getenv(\"OPENED\"), \"a\"); fprintf(f, \"" kind " %s\\n\", what); fclose(f); }\n"               \
    "static fpc_status init(fpc_self *s) { (void)s; note(\"init\"); return FPC_OK; }\n"                                \
    "static void fini(fpc_self *s) { (void)s; note(\"fini\"); }\n"
#define DESCRIPTOR(KIND)                                                                                               \
    "static const fpc_plugin p = {FPC_PLUGIN_HEAD, .kind = " KIND                                                      \
    ", .name = \"counted\", .summary = \"Counts.\", .version = \"1.0\",\n"                                             \
    " .license = \"MIT\", .self_size = sizeof(struct s), .init = init, .fini = fini, .vtbl = &vtbl};\n"                \
    "FPC_PLUGINS(&p)\n"

static const char dataset[] = "#include <fpcore/dataset.h>\n" COUNTED(
    "dataset") "static const char *const names[] = {\"a\", \"b\"};\n"
               "static const uint8_t colours[2][3] = {{0, 0, 0}, {255, 255, 255}};\n"
               "static fpc_status open_set(fpc_self *s, fpc_dataset_info *i)\n"
               "{ (void)s; note(\"open\"); i->count[FPC_TRAIN] = 4; i->count[FPC_VAL] = 2; i->h = i->w = 32; i->c = "
               "3;\n"
               "  i->classes = 2; i->class_names = names; i->palette = colours; return FPC_OK; }\n"
               "static fpc_status read_one(const fpc_self *s, fpc_arena *a, fpc_part part, int64_t k, fpc_sample *o)\n"
               "{ (void)s; (void)a; (void)part; memset(o->image, (int)(40 * k), 32 * 32 * 3);\n"
               "  if (o->mask) for (int i = 0; i < 32 * 32; i++) o->mask[i] = i % 32 > 15; return FPC_OK; }\n"
               "static fpc_status name(const fpc_self *s, fpc_part part, int64_t k, char *id, size_t cap)\n"
               "{ (void)s; snprintf(id, cap, \"%d-%d\", (int)part, (int)k); return FPC_OK; }\n"
               "static const fpc_dataset_vtbl vtbl = {.size = sizeof vtbl, .open = open_set, .read = read_one, .name = "
               "name};\n" DESCRIPTOR("FPC_DATASET");

static const char augment[] = "#include <fpcore/augment.h>\n" COUNTED(
    "augment") "static fpc_status draw(const fpc_self *s, fpc_rng r, const fpc_image_info *i, void *out)\n"
               "{ (void)s; (void)r; (void)i; *(fpc_homography *)out = (fpc_homography){{1, 0, 0, 0, 1, 0, 0, 0, 1}, "
               "0};\n"
               "  return FPC_OK; }\n"
               "static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY,\n"
               " .draw_size = sizeof(fpc_homography), .draw = draw};\n" DESCRIPTOR("FPC_AUGMENT");

static const char logger[] = "#include <fpcore/logger.h>\n" COUNTED(
    "logger") "static fpc_status event(fpc_self *s, const fpc_event *e)\n"
              "{ (void)s; if (e->what == FPC_RUN_BEGIN) note(\"open\"); return FPC_OK; }\n"
              "static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event};\n" DESCRIPTOR("FPC_LOGGER");

static const char *folder;
static char counts[300];

static int count(const char *what)
{
    FILE *f = fopen(counts, "r");
    char line[64];
    int n = 0;

    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        n += !strcmp(line, what);
    }
    if (f)
        fclose(f);
    return n;
}

static void a_training_opens_each_plugin_once(void **state)
{
    static char program[] = "fpcore", *argv[] = {program, NULL};
    const fpc_run_args args = {.argc = 1, .argv = argv};
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_arena *arena = fpc_arena_new(ctx);
    const char *text = fpc_sprintf(arena,
                                   "[run]\nout = %s\nepochs = 2\n[dataset]\nuse = counted\nbatch = 2\n"
                                   "[augment.still]\nuse = counted\n[loss.ce]\nuse = cross_entropy\n"
                                   "[model]\nuse = microsegformer\ndims = 8,16,24,32\ndepths = 1,1,1,1\n"
                                   "decoder_dim = 16\n[logger.counts]\nuse = counted\n[backend]\nuse = ref\n",
                                   folder);
    static const char *const kinds[] = {"dataset", "augment", "logger"};
    fpc_recipe *recipe;
    fpc_experiment *experiment;

    (void)state;
    fpc_ctx_log_level(ctx, FPC_LOG_ERROR);
    if (fpc_recipe_parse(ctx, arena, "test.ini", text, 0, NULL, &recipe) ||
        fpc_experiment_open(ctx, arena, folder, recipe, FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND,
                            &experiment) ||
        fpc_run(experiment, &args))
        fail_msg("%s", fpc_ctx_error(ctx));
    assert_int_equal(count("dataset open"), 1);
    assert_int_equal(count("logger open"), 1);
    assert_int_equal(experiment->info.count[FPC_TRAIN], 4);
    fpc_arena_free(arena);
    for (int i = 0; i < 3; i++) {
        char what[32];
        snprintf(what, sizeof what, "%s init", kinds[i]);
        assert_int_equal(count(what), 1);
        snprintf(what, sizeof what, "%s fini", kinds[i]);
        assert_int_equal(count(what), 1);
    }
    fpc_ctx_free(ctx);
}

static int make(void **state)
{
    (void)state;
    folder = test_folder();
    snprintf(counts, sizeof counts, "%s/counts", folder);
    setenv("OPENED", counts, 1);
    return compile_plugin(folder, "dataset_counted", dataset) || compile_plugin(folder, "augment_counted", augment) ||
           compile_plugin(folder, "logger_counted", logger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_training_opens_each_plugin_once)};

    return cmocka_run_group_tests(tests, make, NULL);
}
