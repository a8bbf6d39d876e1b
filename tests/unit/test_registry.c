/* test_registry.c: where plugins are looked for and in which order; every way in which a file or a descriptor can be
 * wrong, with its sentence; instances and their options. The plugins are compiled here. */
#define _GNU_SOURCE
#include "fixture.h"
#include "base/message.h"
#include "base/place.h"
#include "plugin/check.h"
#include "plugin/registry.h"
#include "unit/compile.h"

#include <fpcore/schedule.h>
#include <sys/stat.h>

static char other[300], third[300];
static char logged[4000];

static void log_line(void *arg, int level, const char *line)
{
    (void)arg;
    snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%d %s\n", level, line);
}

static int begin(void **state)
{
    bench *b;

    if (bench_open(state))
        return 1;
    b = *state;
    logged[0] = 0;
    fpc_ctx_log_sink(b->ctx, log_line, NULL);
    return 0;
}

static int put(const char *dir, const char *name, const char *bytes, size_t n)
{
    char path[640];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n)
        return -1;
    return fclose(f);
}

static int truncate_copy(const char *from, const char *to, long keep)
{
    char command[800];

    snprintf(command, sizeof command, "head -c %ld %s >%s", keep, from, to);
    return system(command);
}

static int make_plugins(void **state)
{
    char from[340], to[340];
    int bad = 0;

    (void)state;
    unsetenv("FPCORE_PLUGIN_PATH");
    snprintf(other, sizeof other, "%s/other", test_folder());
    snprintf(third, sizeof third, "%s/third", test_folder());
    mkdir(other, 0777);
    mkdir(third, 0777);
    bad |= compile_plugin(test_folder(), "schedule_good", SCHEDULE_SOURCE("good", OPTION_A, "", "FPC_PLUGINS(&p)"));
    bad |= compile_plugin(test_folder(), "plain", SCHEDULE_SOURCE("plain", OPTION_A, "", "FPC_PLUGINS(&p)"));
    bad |= compile_plugin(test_folder(), "bundle",
                          SCHEDULE_SOURCE("in_bundle", OPTION_A, "",
                                          "static const fpc_plugin q = {FPC_PLUGIN_HEAD, .kind = "
                                          "FPC_SCHEDULE, .name = \"second\", .summary = \"S.\", .version "
                                          "= \"1\", .license = \"MIT\", .self_size = sizeof(struct s), "
                                          ".vtbl = &vtbl};\nFPC_PLUGINS(&p, &q)"));
    bad |= compile_plugin(other, "schedule_good",
                          SCHEDULE_SOURCE("good", OPTION_A, ".detail = \"from other\",", "FPC_PLUGINS(&p)"));
    bad |= compile_plugin(third, "schedule_undefined",
                          SCHEDULE_SOURCE("undefined", OPTION_A, "",
                                          "extern int no_such_function(void);\nint fpc_x(void) { return "
                                          "no_such_function(); }\nFPC_PLUGINS(&p)"));
    bad |= compile_plugin(third, "schedule_abi7", "__attribute__((visibility(\"default\"))) int fpc_plugins_v7;\n");
    bad |= compile_plugin(third, "schedule_abi0", "__attribute__((visibility(\"default\"))) int fpc_plugins_v0;\n");
    bad |= compile_plugin(third, "schedule_library", "int some_function(void) { return 1; }\n");
    bad |= compile_plugin(third, "schedule_liar", SCHEDULE_SOURCE("another", OPTION_A, "", "FPC_PLUGINS(&p)"));
    bad |= put(third, "schedule_text.so", "this is no library\n", 19);
    bad |= put(third, "schedule_empty.so", "", 0);
    snprintf(from, sizeof from, "%s/schedule_good.so", test_folder());
    snprintf(to, sizeof to, "%s/schedule_short.so", third);
    bad |= truncate_copy(from, to, 5000);
    return bad;
}

static fpc_registry *open_registry(bench *b, const char *path)
{
    fpc_registry *reg;

    assert_int_equal(fpc_registry_new(b->ctx, b->arena, path, &reg), FPC_OK);
    return reg;
}

static void failed_with(bench *b, const char *expected)
{
    char parts[600], *rest = parts, *part;

    snprintf(parts, sizeof parts, "%s", expected);
    while ((part = strsep(&rest, "|")))
        if (!strstr(fpc_ctx_error(b->ctx), part)) {
            print_message("expected: %s\ngot:      %s\n", part, fpc_ctx_error(b->ctx));
            fail();
        }
    assert_true(fpc_ctx_recipe_fault(b->ctx));
}

static void kinds_and_sections(void **state)
{
    (void)state;
    assert_string_equal(fpc_kind_name(FPC_LOSS), "loss");
    assert_string_equal(fpc_kind_name(FPC_COMM), "comm");
    assert_null(fpc_kind_name(0));
    assert_null(fpc_kind_name(FPC_COMM + 1));
    for (uint32_t k = 1; fpc_kind_name(k); k++)
        assert_int_equal(fpc_kind_of(fpc_kind_name(k)), k);
    assert_int_equal(fpc_kind_of("lose"), 0);
    assert_int_equal(fpc_section_kind("loss.dice"), FPC_LOSS);
    assert_int_equal(fpc_section_kind("model"), FPC_MODEL);
    assert_int_equal(fpc_section_kind("comm"), FPC_COMM);
    assert_int_equal(fpc_section_kind("run"), 0);
    assert_int_equal(fpc_section_kind("loss"), 0);
    assert_int_equal(fpc_section_kind("loss."), 0);
    assert_int_equal(fpc_section_kind("augment"), 0);
    assert_int_equal(fpc_section_kind("model.x"), 0);
    assert_int_equal(fpc_section_kind("losses.x"), 0);
}

static void names_and_libraries(void **state)
{
    bench *b = *state;
    char path[640];

    assert_true(fpc_plugin_name_ok("focal_2"));
    assert_false(fpc_plugin_name_ok(""));
    assert_false(fpc_plugin_name_ok("Focal"));
    assert_false(fpc_plugin_name_ok("a/b"));
    assert_false(fpc_plugin_name_ok("a-b"));
    assert_false(fpc_plugin_name_ok("a123456789012345678901234567890123456789012345678901234567890123456789"));
    snprintf(path, sizeof path, "%s/schedule_good.so", test_folder());
    assert_null(fpc_library_bad(b->arena, path));
    assert_string_equal(fpc_library_bad(b->arena, test_folder()), "is not a file");
    assert_string_equal(fpc_library_bad(b->arena, "no/such.so"), "cannot be read: No such file or directory");
    snprintf(path, sizeof path, "%s/schedule_text.so", third);
    assert_string_equal(fpc_library_bad(b->arena, path), "is not a shared library");
}

static void lookup(void **state)
{
    bench *b = *state;
    fpc_registry *reg = open_registry(b, test_folder());
    const fpc_found *found, *again, *opened;

    assert_int_equal(fpc_registry_opened(reg, &opened), 0);
    assert_int_equal(fpc_registry_find(reg, FPC_SCHEDULE, "good", NULL, &found), FPC_OK); /* KIND_NAME.so */
    assert_string_equal(found->plugin->name, "good");
    assert_non_null(strstr(found->file, "/schedule_good.so"));
    assert_int_equal(fpc_registry_opened(reg, &opened), 1); /* and nothing else was opened */
    assert_int_equal(fpc_registry_find(reg, FPC_SCHEDULE, "good", NULL, &again), FPC_OK);
    assert_ptr_equal(found, again);
    assert_int_equal(fpc_registry_find(reg, FPC_SCHEDULE, "plain", NULL, &found), FPC_OK);  /* NAME.so */
    assert_int_equal(fpc_registry_find(reg, FPC_SCHEDULE, "second", NULL, &found), FPC_OK); /* any .so */
    assert_non_null(strstr(found->file, "/bundle.so"));
    assert_int_equal(fpc_registry_opened(reg, &opened), 4); /* with its neighbour in the file */
    assert_string_equal(opened[0].plugin->name, "good");
    assert_string_equal(opened[3].plugin->name, "second");
}

static void search_order(void **state)
{
    bench *b = *state;
    const fpc_found *found;
    char both[640];

    snprintf(both, sizeof both, "%s:%s", other, test_folder());
    assert_int_equal(fpc_registry_find(open_registry(b, both), FPC_SCHEDULE, "good", NULL, &found), FPC_OK);
    assert_string_equal(found->plugin->detail, "from other");
    setenv("FPCORE_PLUGIN_PATH", other, 1); /* behind --plugin-path */
    assert_int_equal(fpc_registry_find(open_registry(b, test_folder()), FPC_SCHEDULE, "good", NULL, &found), FPC_OK);
    assert_null(found->plugin->detail);
    assert_int_equal(fpc_registry_find(open_registry(b, NULL), FPC_SCHEDULE, "good", NULL, &found), FPC_OK);
    assert_string_equal(found->plugin->detail, "from other");
    unsetenv("FPCORE_PLUGIN_PATH");
}

/* In place of the folder that is installed, whatever that holds. */
static void own_folder(void **state)
{
    bench *b = *state;
    const fpc_found *found;
    const char *was = getenv("FPCORE_PLUGIN_DIR");

    was = was ? fpc_strdup(b->arena, was) : "";
    setenv("FPCORE_PLUGIN_DIR", other, 1);
    assert_int_equal(fpc_registry_find(open_registry(b, NULL), FPC_SCHEDULE, "good", NULL, &found), FPC_OK);
    assert_string_equal(found->plugin->detail, "from other");
    assert_int_equal(fpc_registry_find(open_registry(b, test_folder()), FPC_SCHEDULE, "good", NULL, &found), FPC_OK);
    assert_null(found->plugin->detail); /* it is the last one */
    assert_int_equal(fpc_registry_find(open_registry(b, NULL), FPC_SCHEDULE, "plain", NULL, &found), FPC_ENOENT);
    failed_with(b, fpc_sprintf(b->arena, "Searched: %s", other));
    assert_null(strstr(fpc_ctx_error(b->ctx), fpc_place_plugins()));
    setenv("FPCORE_PLUGIN_DIR", was, 1);
}

static void a_miss_tells_all(void **state)
{
    bench *b = *state;
    const fpc_found *found;

    assert_int_equal(fpc_registry_find(open_registry(b, test_folder()), FPC_SCHEDULE, "godo",
                                       "r.ini:3: schedule.use = godo", &found),
                     FPC_ENOENT);
    assert_null(found);
    failed_with(b,
                "r.ini:3: schedule.use = godo: there is no plugin schedule/godo; did you mean `good`? Plugins of kind "
                "schedule: |in_bundle|second|Searched: |/fpcore-test-");
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_registry_find(open_registry(b, test_folder()), FPC_MODEL, "unet_", NULL, &found), FPC_ENOENT);
    failed_with(b, "there is no plugin model/unet_. Plugins of kind model: none. Searched:");
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_registry_find(open_registry(b, test_folder()), FPC_MODEL, "../../evil", "x", &found),
                     FPC_EINVAL);
    failed_with(b, "x: use = ../../evil: a plugin's name is made of lower case letters");
}

static void broken_files(void **state)
{
    bench *b = *state;
    static const struct {
        const char *name;
        fpc_status status;
        const char *text;
    } cases[] = {
        {"undefined", FPC_EFORMAT, "schedule_undefined.so does not load:|undefined symbol: no_such_function"},
        {"abi7", FPC_EABI, "schedule_abi7.so is a plugin for ABI 7, this fpcore has ABI 1; rebuild it"},
        {"abi0", FPC_EABI, "schedule_abi0.so is a plugin for ABI 0, this fpcore has ABI 1; rebuild it"},
        {"library", FPC_EFORMAT,
         "schedule_library.so is a shared library, but no plugin: it has no symbol fpc_plugins_v1"},
        {"text", FPC_EFORMAT, "schedule_text.so is not a shared library"},
        {"empty", FPC_EFORMAT, "schedule_empty.so is not a shared library"},
        {"short", FPC_EFORMAT, "schedule_short.so is truncated"},
        {"liar", FPC_ENOENT, "there is no plugin schedule/liar|another|schedule_text.so is not a shared library"},
    };
    const fpc_found *found, *all;
    fpc_registry *reg;
    int32_t n;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fpc_ctx_clear(b->ctx);
        assert_int_equal(fpc_registry_find(open_registry(b, third), FPC_SCHEDULE, cases[i].name, "r.ini:3", &found),
                         cases[i].status);
        failed_with(b, cases[i].text);
        assert_true(strncmp(fpc_ctx_error(b->ctx), "r.ini:3: ", 9) == 0);
    }
    fpc_ctx_clear(b->ctx);
    reg = open_registry(b, third);
    assert_int_equal(fpc_registry_all(reg, &n, &all), FPC_OK); /* what works is listed, the rest warned about */
    assert_int_equal(n, 1);
    assert_string_equal(all[0].plugin->name, "another");
    assert_non_null(strstr(logged, "schedule_abi7.so is a plugin for ABI 7"));
    assert_non_null(strstr(logged, "schedule_short.so is truncated"));
    assert_int_equal(fpc_ctx_status(b->ctx), FPC_OK);
}

/* Each compiles, and each descriptor is wrong in one place. */
static void broken_descriptors(void **state)
{
    bench *b = *state;
    static const struct {
        const char *source, *text;
    } cases[] = {
        {SCHEDULE_SOURCE("", "", "", "FPC_PLUGINS(&p)"), "name \"\" must be lower case"},
        {SCHEDULE_SOURCE("Bad", "", "", "FPC_PLUGINS(&p)"), "name \"Bad\" must be lower case"},
        {SCHEDULE_SOURCE("none", "", "", "FPC_PLUGINS(&p)"), "name is none, which removes a section"},
        {SCHEDULE_SOURCE("x", "", ".name = 0,", "FPC_PLUGINS(&p)"), "name is missing"},
        {SCHEDULE_SOURCE("x", "", ".summary = 0,", "FPC_PLUGINS(&p)"), "x: summary is missing"},
        {SCHEDULE_SOURCE("x", "", ".license = 0,", "FPC_PLUGINS(&p)"), "x: license is missing"},
        {SCHEDULE_SOURCE("x", "", ".version = 0,", "FPC_PLUGINS(&p)"), "x: version is missing"},
        {SCHEDULE_SOURCE("x", "", ".vtbl = 0,", "FPC_PLUGINS(&p)"), "x: vtbl is missing"},
        {SCHEDULE_SOURCE("x", "", ".kind = 77,", "FPC_PLUGINS(&p)"), "x: kind 77 is unknown"},
        {SCHEDULE_SOURCE("x", "", ".abi = FPC_ABI + 1,", "FPC_PLUGINS(&p)"),
         "was built for plugin ABI 1.1, this fpcore has 1.0"},
        {SCHEDULE_SOURCE("x", "", ".abi = 2003,", "FPC_PLUGINS(&p)"),
         "was built for plugin ABI 2.3, this fpcore has 1.0"},
        {SCHEDULE_SOURCE("x", "", ".size = 8,", "FPC_PLUGINS(&p)"), "size is 8, not "},
        {SCHEDULE_SOURCE("x", "", ".self_size = 4,", "FPC_PLUGINS(&p)"), "x: self_size is 4"},
        {SCHEDULE_SOURCE("x", OPTION_A, ".option_size = 16,", "FPC_PLUGINS(&p)"), "x: option_size is 16, not "},
        {SCHEDULE_SOURCE("x", OPTION_A OPTION_A, "", "FPC_PLUGINS(&p)"), "x: option `a` stands twice"},
        {SCHEDULE_SOURCE("x", "FPC_OPTION_REAL(struct s, a, \"2\", 0, 1, \"\", \"h\"),", "", "FPC_PLUGINS(&p)"),
         "x: option `a`: its default \"2\" is out of range; give 0 .. 1"},
        {SCHEDULE_SOURCE("x", "FPC_OPTION_REAL(struct s, a, \"1\", 0, 1, \"\", \"\"),", "", "FPC_PLUGINS(&p)"),
         "x: option `a`: its help is missing"},
        {SCHEDULE_SOURCE("x", "FPC_OPTION_CHOICE(struct s, b, \"1\", 0, \"h\"),", "", "FPC_PLUGINS(&p)"),
         "x: option `b`: its choices are missing"},
        {SCHEDULE_SOURCE("x", "{\"a\", \"h\", \"\", \"1\", 0, 1, 0, FPC_OPT_REAL, 0, 4000},", "", "FPC_PLUGINS(&p)"),
         "x: option `a`: its field at byte 4000 lies outside"},
        {SCHEDULE_SOURCE("x", "{\"a\", \"h\", \"\", \"1\", 0, 1, 0, FPC_OPT_REAL, 0, 0},", "", "FPC_PLUGINS(&p)"),
         "x: option `a`: its field at byte 0 lies outside"},
        {SCHEDULE_SOURCE("x", "{\"a\", \"h\", \"\", \"1\", 0, 1, 0, 99, 0, 24},", "", "FPC_PLUGINS(&p)"),
         "x: option `a`: its type 99 is unknown"},
        {SCHEDULE_SOURCE("x", "{\"warmup_epochs\", \"h\", \"\", \"1\", 0, 1, 0, FPC_OPT_REAL, 0, 24},", "",
                         "FPC_PLUGINS(&p)"),
         "x: option `warmup_epochs`: fpcore reads this key of a schedule section itself"},
        {SCHEDULE_SOURCE("x", "", "", "FPC_PLUGINS(&p, &p)"), "has schedule/x twice"},
        {SCHEDULE_SOURCE("x", "", "",
                         "FPC_API const fpc_plugin *const *fpc_plugins_v1(void) { static const fpc_plugin *const "
                         "l[] = {0}; return l; }"),
         "has an empty list of plugins"},
        {SCHEDULE_SOURCE("x", "", ".vtbl = &(const fpc_schedule_vtbl){.size = sizeof vtbl},", "FPC_PLUGINS(&p)"),
         "x: vtbl.factor is missing; every schedule plugin needs it"},
        {SCHEDULE_SOURCE("x", "", ".vtbl = &(const fpc_schedule_vtbl){.factor = factor},", "FPC_PLUGINS(&p)"),
         "x: vtbl.size is 0, but a fpc_schedule_vtbl has"},
        {SCHEDULE_SOURCE("x", "", ".flags = 8,", "FPC_PLUGINS(&p)"),
         "x: flags are 0x8, of which this fpcore knows 0x7"},
        {SCHEDULE_SOURCE("x", "", ".ops = (const fpc_op_def[]){{.name = \"y\"}, {0}},", "FPC_PLUGINS(&p)"),
         "x: op `y`: size is 0, but an fpc_op_def has"},
        {SCHEDULE_SOURCE("x", "",
                         ".kernels = (const fpc_kernel[]){{.size = sizeof(fpc_kernel), .op = \"a\"}, {.size = 8, .op = "
                         "\"b\"}, {0}},",
                         "FPC_PLUGINS(&p)"),
         "x: kernel for `b`: size is 8, but 72 in the table's first row"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fpc_found *found;
        char name[40], path[640];
        int32_t n;

        snprintf(name, sizeof name, "d%zu", i);
        snprintf(path, sizeof path, "%s/%s.so", other, name);
        assert_int_equal(compile_plugin(other, name, cases[i].source), 0);
        fpc_ctx_clear(b->ctx);
        assert_int_not_equal(fpc_registry_open_file(open_registry(b, NULL), path, &n, &found), FPC_OK);
        failed_with(b, cases[i].text);
        failed_with(b, path);
        unlink(path);
    }
    fpc_ctx_clear(b->ctx);
    assert_int_equal(
        fpc_registry_open_file(open_registry(b, NULL), "no_such.so", &(int32_t){0}, &(const fpc_found *){0}),
        FPC_ENOENT);
    failed_with(b, "no_such.so: there is no such file");
}

static void instances(void **state)
{
    bench *b = *state;
    static const char text[] = "[schedule]\nuse = good\na = 0.25\nwarmup_epochs = 3\n";
    fpc_registry *reg = open_registry(b, test_folder());
    struct {
        int64_t warmup_epochs;
    } common = {0};
    static const fpc_option row[] = {{"warmup_epochs", "h", "", "0", 0, 9, NULL, FPC_OPT_INT, 0, 0}, {0}};
    const fpc_option_set set = {.table = row, .stride = sizeof *row, .object = &common};
    const char *const bad[] = {"schedule.b=1"};
    fpc_recipe *recipe;
    fpc_instance inst;

    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "r.ini", text, 0, NULL, &recipe), FPC_OK);
    assert_int_equal(fpc_instance_open(reg, b->arena, FPC_SCHEDULE, "schedule", fpc_recipe_section(recipe, "schedule"),
                                       NULL, set, &inst),
                     FPC_OK);
    assert_string_equal(inst.self->label, "schedule");
    assert_ptr_equal(inst.self->ctx, b->ctx);
    assert_int_equal(common.warmup_epochs, 3);
    assert_true(((const fpc_schedule_vtbl *)inst.vtbl)->factor(inst.self, NULL, NULL) == 0.25);
    assert_int_equal(fpc_instance_open(reg, b->arena, FPC_SCHEDULE, "schedule", NULL, "good", set, &inst), FPC_OK);
    assert_true(((const fpc_schedule_vtbl *)inst.vtbl)->factor(inst.self, NULL, NULL) == 0.5);
    assert_null(inst.section);
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "r.ini", text, 1, bad, &recipe), FPC_OK);
    assert_int_equal(fpc_instance_open(reg, b->arena, FPC_SCHEDULE, "schedule", fpc_recipe_section(recipe, "schedule"),
                                       NULL, set, &inst),
                     FPC_EINVAL);
    failed_with(b, "-s schedule.b=1: schedule.b = 1: unknown key; [schedule] takes use, warmup_epochs, a");
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "r.ini", "[schedule]\na = 1\n", 0, NULL, &recipe), FPC_OK);
    assert_int_equal(fpc_instance_open(reg, b->arena, FPC_SCHEDULE, "schedule", fpc_recipe_section(recipe, "schedule"),
                                       NULL, set, &inst),
                     FPC_EINVAL);
    failed_with(b, "r.ini:1: [schedule]: the key `use` is missing; it names the schedule plugin: |good");
}

static char calls[200];
static void note_call(void *arg, int level, const char *line)
{
    (void)arg;
    (void)level;
    strcat(strcat(calls, line), " ");
}

static void init_and_fini(void **state)
{
    bench *b = *state;
    static const char source[] = SCHEDULE_SOURCE("caller", OPTION_A, ".init = init, .fini = fini,", "FPC_PLUGINS(&p)");
    char text[4000];
    fpc_arena *inner = fpc_arena_new(b->ctx);
    fpc_registry *reg;
    const char *use;
    fpc_recipe *recipe;
    fpc_instance inst;

    snprintf(text, sizeof text,
             "#include <fpcore/base.h>\n"
             "static fpc_status init(fpc_self *s) { fpc_log(s->ctx, FPC_LOG_INFO, \"init-%%s\", s->label); "
             "return *(double *)(s + 1) == 1 ? FPC_EINVAL : FPC_OK; }\n"
             "static void fini(fpc_self *s) { fpc_log(s->ctx, FPC_LOG_INFO, \"fini-%%s\", s->label); }\n%s",
             source);
    assert_int_equal(compile_plugin(test_folder(), "schedule_caller", text), 0);
    fpc_ctx_log_sink(b->ctx, note_call, NULL);
    reg = open_registry(b, test_folder());
    assert_int_equal(fpc_instance_open(reg, inner, FPC_SCHEDULE, "one", NULL, "caller", (fpc_option_set){0}, &inst),
                     FPC_OK);
    assert_int_equal(fpc_instance_open(reg, inner, FPC_SCHEDULE, "two", NULL, "caller", (fpc_option_set){0}, &inst),
                     FPC_OK);
    assert_string_equal(calls, "init-one init-two ");
    use = "[schedule]\nuse = caller\na = 1\n"; /* its init fails and says nothing */
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "r.ini", use, 0, NULL, &recipe), FPC_OK);
    assert_int_equal(
        fpc_instance_open(reg, inner, FPC_SCHEDULE, "schedule", &recipe->section[0], NULL, (fpc_option_set){0}, &inst),
        FPC_EINVAL);
    failed_with(b, "init of schedule/caller ([schedule]) failed and gave no reason");
    fpc_arena_free(inner);
    assert_string_equal(calls, "init-one init-two init-schedule fini-two fini-one ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kinds_and_sections), TEST(names_and_libraries), TEST(lookup),       TEST(search_order),
        TEST(own_folder),         TEST(a_miss_tells_all),    TEST(broken_files), TEST(broken_descriptors),
        TEST(instances),          TEST(init_and_fini),
    };

    return cmocka_run_group_tests(tests, make_plugins, NULL);
}
