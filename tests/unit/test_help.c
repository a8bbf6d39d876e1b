/* test_help.c: what -l, -h and the reference print is what the tables say, for the core and for a plugin compiled here.
 */
#define _GNU_SOURCE
#include "fixture.h"
#include "cmd/help.h"
#include "cmd/line/terminal.h"
#include "recipe/sections.h"
#include "unit/compile.h"

static fpc_cmdline cmd;
static char *out;
static size_t out_size;
static FILE *stream;

static int begin(void **state)
{
    bench *b;

    if (bench_open(state))
        return 1;
    b = *state;
    cmd = (fpc_cmdline){.ctx = b->ctx, .arena = b->arena};
    stream = open_memstream(&out, &out_size);
    fpc_print_to(stream);
    return 0;
}

static int end(void **state)
{
    fpc_print_to(NULL);
    fclose(stream);
    free(out);
    return bench_close(state);
}

static void printed(const char *text)
{
    assert_int_equal(fpc_print_end(), 0);
    if (!strstr(out, text)) {
        print_message("expected: %s\nprinted:\n%s\n", text, out);
        fail();
    }
}

static int make_plugins(void **state)
{
    static const char rows[] = SCHEDULE_SOURCE(
        "saw",
        OPTION_A "{\"b\", \"teeth; see | it\", \"\", \"\", 1, 1e18, 0, FPC_OPT_INT, FPC_OPT_REQUIRED, 32},"
                 "{\"c\", \"a kind\", \"\", \"up\", 1, 0, kinds, FPC_OPT_CHOICE, FPC_OPT_EXPERT, 32},",
        ".detail = \"First words. A second sentence that goes on for so long that the line has to be broken somewhere "
        "before it ends.\",",
        "FPC_PLUGINS(&p)");
    char text[4000];

    (void)state;
    unsetenv("FPCORE_PLUGIN_PATH");
    snprintf(text, sizeof text,
             "#include <fpcore/option.h>\nstatic const fpc_choice kinds[] = {{\"up\", 1, \"rising\"}, "
             "{\"down\", 2, \"falling\"}, {0}};\n%s",
             rows);
    return compile_plugin(test_folder(), "schedule_saw", text);
}

static fpc_registry *registry(void)
{
    fpc_registry *reg;

    assert_int_equal(fpc_registry_new(cmd.ctx, cmd.arena, test_folder(), &reg), FPC_OK);
    return reg;
}

static void list_of_plugins(void **state)
{
    (void)state;
    assert_int_equal(fpc_help_list(&cmd, registry(), 0), FPC_OK);
    printed("schedule\n  saw               Sums.\n");
    assert_null(strstr(out, "comm")); /* kinds that have none are left out */
    assert_int_equal(fpc_help_list(&cmd, registry(), FPC_COMM), FPC_OK);
    printed("comm\n  (no plugin of this kind)\n");
}

/* Joined before it is broken, at the column where the text stands; brackets of a usage and examples stay whole. */
static void help_in_lines(void **state)
{
    (void)state;
    static const char text[] =
        "usage: fpcore x -c RECIPE [--size N|HxW]\n"
        "                [--very long N]\n"
        "\n"
        "A paragraph that was\nbroken before, \303\274\303\274\303\274\303\274 and goes on and on.\n"
        "\n"
        "  --json FILE  the same as JSON, with\n"
        "               all names\n"
        "  -n N  lines\n"
        "example: fpcore x -c a/very/long/name.ini --size 12x12\n";

    fpc_print_flow(text, 40);
    printed("usage: fpcore x -c RECIPE [--size N|HxW]\n"
            "                [--very long N]\n"
            "\n"
            "A paragraph that was broken before, \303\274\303\274\303\274\303\274\n"
            "and goes on and on.\n"
            "\n"
            "  --json FILE  the same as JSON, with\n"
            "               all names\n"
            "  -n N  lines\n"
            "example: fpcore x -c a/very/long/name.ini --size 12x12\n");
}

static void widths(void **state)
{
    (void)state;
    setenv("COLUMNS", "66", 1);
    assert_int_equal(fpc_terminal_width(), 66);
    setenv("COLUMNS", "1000", 1);
    assert_int_equal(fpc_terminal_width(), 120);
    setenv("COLUMNS", "x", 1);
    assert_true(fpc_terminal_width() >= 40);
    unsetenv("COLUMNS");
    setenv("TERM", "dumb", 1);
    assert_false(fpc_terminal_live());
}

static void keys(void **state)
{
    (void)state;
    int32_t found;
    fpc_registry *reg = registry();

    assert_int_equal(fpc_help_key(&cmd, reg, "run", "ema", &found), FPC_OK);
    assert_int_equal(found, 1);
    printed("[run]\n  ema\n      type real, default 0, ");
    assert_int_equal(fpc_help_key(&cmd, reg, "schedule", "b", &found), FPC_OK);
    assert_int_equal(found, 1);
    printed("[schedule] use = saw\n  b\n      type int, required, ");
    assert_int_equal(fpc_help_key(&cmd, reg, NULL, "warmup_epochs", &found), FPC_OK);
    assert_int_equal(found, 1);
    assert_int_equal(fpc_help_key(&cmd, reg, "run", "b", &found), FPC_OK);
    assert_int_equal(found, 0);
}

static void one_kind(void **state)
{
    (void)state;
    assert_int_equal(fpc_help_list(&cmd, registry(), FPC_SCHEDULE), FPC_OK);
    printed("schedule\n  saw ");
    assert_null(strstr(out, "loss"));
}

static void a_plugin(void **state)
{
    const fpc_found *found;

    (void)state;
    assert_int_equal(fpc_registry_find(registry(), FPC_SCHEDULE, "saw", NULL, &found), FPC_OK);
    assert_int_equal(fpc_help_plugin(&cmd, found, 0), FPC_OK);
    printed(fpc_sprintf(cmd.arena, "schedule/saw 1.0: Sums.\nfile %s/schedule_saw.so, license MIT, ABI 1.0\n",
                        test_folder()));
    printed("First words. A second sentence");
    printed("  [schedule]\n  use = saw\n");
    printed("  a\n      type real, default 0.5, range 0 .. 1, unit prob\n      how much\n");
    printed("  b\n      type int, required, range 1 or more\n      teeth; see | it\n");
    printed("  and 1 for experts: fpcore -h schedule/saw --all\n");
    printed("read by fpcore itself in every [schedule]:\n  warmup_epochs\n      type int, default 0, ");
    assert_null(strstr(out, "rising"));
    printed(
        "First words. A second sentence that goes on for so long that the line has to be\nbroken somewhere before it "
        "ends.\n");
    assert_int_equal(fpc_help_plugin(&cmd, found, 1), FPC_OK);
    printed("  c\n      type choice, default up, range one of up, down\n      a kind\n        up            rising\n");
}

static void sections(void **state)
{
    (void)state;
    assert_int_equal(fpc_help_section(&cmd, registry(), "run", 0), FPC_OK);
    for (const fpc_option *o = fpc_core_run; o->name; o++)
        printed(fpc_sprintf(cmd.arena, "  %s\n      type ", o->name));
    assert_int_equal(fpc_help_section(&cmd, registry(), "loss", 0), FPC_OK);
    printed("[loss.LABEL]: ");
    printed("  weight\n      type curve, default 1.0, range 0 .. 1000000000; VALUE @EPOCH, VALUE @EPOCH\n      "
            "... changes it\n");
    assert_int_equal(fpc_help_section(&cmd, registry(), "augment", 0), FPC_OK);
    printed("  fill\n      type choice, default ignore");
    assert_int_equal(fpc_help_section(&cmd, registry(), "schedule", 0), FPC_OK);
    printed("plugins (fpcore -h schedule/NAME describes one):\n  saw");
}

static void reference(void **state)
{
    (void)state;
    assert_int_equal(fpc_help_markdown(&cmd, registry()), FPC_OK);
    printed("# Options\n");
    printed("## [run]\n");
    printed("| `seed` | int | 0 | 0 or more |");
    printed("## [loss.LABEL]\n");
    printed("### schedule/saw\n\nSums.\n\nFirst words.");
    printed("| `a` | real | 0.5 | 0 .. 1 | prob | how much |\n");
    printed("| `b` | int | **required** | 1 or more |  | teeth; see \\| it |\n");
    assert_null(strstr(out, test_folder())); /* the same on every machine */
}

static void usage(void **state)
{
    static const fpc_cmd verb = {.name = "measure", .summary = "Measure something."};
    const fpc_cmd *const verbs[] = {&verb, NULL};

    (void)state;
    cmd.verbs = verbs;
    fpc_help_usage(&cmd);
    printed("  measure     Measure something.\n");
    printed("130 interrupted after saving");
}

static void a_full_disk_is_noticed(void **state)
{
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    if (!full)
        skip();
    fpc_print_to(full);
    fpc_help_usage(&cmd);
    assert_int_not_equal(fpc_print_end(), 0);
    fclose(full);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(list_of_plugins), TEST(one_kind), TEST(help_in_lines), TEST(widths), TEST(keys),
        TEST(a_plugin),        TEST(sections), TEST(reference),     TEST(usage),  TEST(a_full_disk_is_noticed),
    };

    return cmocka_run_group_tests(tests, make_plugins, NULL);
}
