/* test_args.c: the options of verbs: every kind of value, and every sentence about a wrong one. */
#include "fixture.h"
#include "cmd/args.h"

typedef struct parsed {
    int csv, verbose, recursive;
    const char *maps;
    const char *out;
    int64_t steps;
    fpc_hw size;
    fpc_texts grid;
    int32_t n;
    const char **word;
} parsed;

/* Reads words separated by spaces; operands are taken where `take` is 1. */
static fpc_status read_words(bench *b, const char *line, int take, parsed *to)
{
    char *text = fpc_strdup(b->arena, line), *argv[32] = {(char *)(uintptr_t) "verb"}, *word;
    fpc_cmdline cmd = {.ctx = b->ctx, .arena = b->arena, .argc = 1, .argv = argv};
    const fpc_arg table[] = {{"csv", 0, FPC_ARG_FLAG, 0, &to->csv},
                             {"out", 'o', FPC_ARG_TEXT, 0, &to->out},
                             {"steps", 0, FPC_ARG_COUNT, 0, &to->steps},
                             {"size", 0, FPC_ARG_SIZE, 0, &to->size},
                             {"grid", 0, FPC_ARG_TEXTS, 0, &to->grid},
                             {"verbose", 'v', FPC_ARG_FLAG, 0, &to->verbose},
                             {"recursive", 'r', FPC_ARG_FLAG, 0, &to->recursive},
                             {"maps", 0, FPC_ARG_MAYBE, 0, &to->maps},
                             {"maps-too", 0, FPC_ARG_FLAG, 0, &to->csv},
                             {0}};

    *to = (parsed){0};
    while ((word = strsep(&text, " ")))
        if (*word)
            argv[cmd.argc++] = word;
    return fpc_args_read(&cmd, table, take ? &to->n : NULL, take ? &to->word : NULL);
}

static void reads(void **state)
{
    parsed p;

    assert_int_equal(read_words(*state, "", 0, &p), FPC_OK);
    assert_true(!p.csv && !p.out && !p.steps && !p.size.h);
    assert_int_equal(read_words(*state, "--csv -o a.png --steps 7 --size 512", 0, &p), FPC_OK);
    assert_int_equal(p.csv, 1);
    assert_string_equal(p.out, "a.png");
    assert_int_equal(p.steps, 7);
    assert_true(p.size.h == 512 && p.size.w == 512);
    assert_int_equal(read_words(*state, "--out=b=c --steps=2147483647 --size=480x640", 0, &p), FPC_OK);
    assert_string_equal(p.out, "b=c");
    assert_int_equal(p.steps, 2147483647);
    assert_true(p.size.h == 480 && p.size.w == 640);
    assert_int_equal(read_words(*state, "--grid a=1,2 --csv --grid=b=3 --grid c", 0, &p), FPC_OK);
    assert_true(p.grid.n == 3 && p.csv);
    assert_string_equal(p.grid.text[0], "a=1,2");
    assert_string_equal(p.grid.text[1], "b=3");
    assert_string_equal(p.grid.text[2], "c");
    assert_int_equal(read_words(*state, "x -ofile y - -- --csv -o", 1, &p), FPC_OK);
    assert_string_equal(p.out, "file");
    assert_int_equal(p.n, 5);
    assert_string_equal(p.word[0], "x");
    assert_string_equal(p.word[2], "-");
    assert_string_equal(p.word[3], "--csv");
    assert_int_equal(p.csv, 0);
}

/* What users of getopt_long expect. */
static void reads_as_getopt_long(void **state)
{
    parsed p;

    assert_int_equal(read_words(*state, "--o a --steps=4", 0, &p), FPC_OK); /* so much of a name as is enough */
    assert_string_equal(p.out, "a");
    assert_int_equal(read_words(*state, "--ste 4 --verb --si=5x6 --gr x", 0, &p), FPC_OK);
    assert_true(p.steps == 4 && p.verbose && p.size.w == 6 && p.grid.n == 1);
    assert_int_equal(read_words(*state, "--maps", 0, &p), FPC_OK); /* a whole name that another one goes on from */
    assert_string_equal(p.maps, "");
    assert_int_equal(read_words(*state, "--maps=x --maps-", 0, &p), FPC_OK);
    assert_string_equal(p.maps, "x");
    assert_int_equal(p.csv, 1);
    assert_int_equal(read_words(*state, "--maps y", 1, &p), FPC_OK); /* a value that may be left out stands behind = */
    assert_string_equal(p.maps, "");
    assert_string_equal(p.word[0], "y");
    assert_int_equal(read_words(*state, "-rv", 0, &p), FPC_OK); /* letters in one word */
    assert_true(p.recursive && p.verbose);
    assert_int_equal(read_words(*state, "-vro file", 0, &p), FPC_OK);
    assert_true(p.recursive && p.verbose);
    assert_string_equal(p.out, "file");
    assert_int_equal(read_words(*state, "-vofile", 0, &p), FPC_OK);
    assert_string_equal(p.out, "file");
    assert_int_equal(p.verbose, 1);
    assert_int_equal(read_words(*state, "one -v two --steps 2 three", 1, &p), FPC_OK); /* behind operands */
    assert_true(p.verbose && p.steps == 2 && p.n == 3);
    assert_string_equal(p.word[2], "three");
    assert_int_equal(read_words(*state, "-o -v", 0, &p), FPC_OK); /* a value is a value */
    assert_string_equal(p.out, "-v");
    assert_int_equal(p.verbose, 0);
    assert_int_equal(read_words(*state, "-- -v", 1, &p), FPC_OK);
    assert_int_equal(p.verbose, 0);
    assert_string_equal(p.word[0], "-v");
}

static void refuses(void **state)
{
    static const struct {
        const char *line, *want;
    } row[] = {
        {"--cvs", "fpcore verb: unknown option --cvs; did you mean --csv?"},
        {"--steeps=3", "did you mean --steps?"},
        {"-q", "fpcore verb: unknown option -q; `fpcore verb --help` lists them"},
        {"--csvx", "unknown option --csvx"},
        {"-vq", "fpcore verb: unknown option -q; `fpcore verb --help` lists them"},
        {"--s 3", "fpcore verb: --s may be --steps or --size; write more of it"},
        {"--map", "fpcore verb: --map may be --maps or --maps-too; write more of it"},
        {"-vv", "--verbose is given twice"},
        {"--verb=1", "--verbose takes no value"},
        {"-vo", "--out needs a value"},
        {"word", "fpcore verb: `word` is one word too many"},
        {"--csv=1", "--csv takes no value"},
        {"--csv --csv", "--csv is given twice"},
        {"--out", "--out needs a value"},
        {"--grid a --grid", "--grid needs a value"},
        {"--steps 0", "--steps 0: not a whole number from 1 on"},
        {"--steps -3", "--steps -3: not a whole number"},
        {"--steps 3x", "--steps 3x: not a whole number"},
        {"--steps 2147483648", "not a whole number"},
        {"--steps 99999999999999999999", "not a whole number"},
        {"--size 0", "--size 0: not a size like 512 or 480x640"},
        {"--size 12x", "not a size"},
        {"--size 12x13x14", "not a size"},
        {"--size 16385", "at most 16384"},
    };
    bench *b = *state;
    parsed p;

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(read_words(b, row[i].line, 0, &p), FPC_EINVAL);
        if (!strstr(fpc_ctx_error(b->ctx), row[i].want))
            fail_msg("%s: the sentence is \"%s\", without \"%s\"", row[i].line, fpc_ctx_error(b->ctx), row[i].want);
        fpc_ctx_clear(b->ctx);
    }
}

static void required(void **state)
{
    bench *b = *state;
    const char *weights = NULL;
    char *argv[] = {(char *)(uintptr_t) "eval"};
    fpc_cmdline cmd = {.ctx = b->ctx, .arena = b->arena, .argc = 1, .argv = argv};
    const fpc_arg table[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &weights}, {0}};

    assert_int_equal(fpc_args_read(&cmd, table, NULL, NULL), FPC_EINVAL);
    assert_string_equal(fpc_ctx_error(b->ctx),
                        "fpcore eval: --weights is missing; `fpcore eval --help` shows an example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(reads),
        CASE(reads_as_getopt_long),
        CASE(refuses),
        CASE(required),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
