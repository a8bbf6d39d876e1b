/* test_recipe.c: sections, origins, includes, overrides; what is refused and with which sentence; and hostile bytes. */
#define _GNU_SOURCE
#include "fixture.h"
#include "base/message.h"
#include "recipe/recipe.h"
#include "recipe/scan.h"

#include <limits.h>
#include <sys/stat.h>

static const char *get(const fpc_recipe *recipe, const char *section, const char *key)
{
    const fpc_entry *entry = fpc_section_entry(fpc_recipe_section(recipe, section), key);

    return entry ? entry->value : NULL;
}

static const char *origin(const fpc_recipe *recipe, const char *section, const char *key)
{
    return fpc_section_entry(fpc_recipe_section(recipe, section), key)->origin;
}

static fpc_recipe *parse(bench *b, const char *text, int32_t n, const char *const *overrides)
{
    fpc_recipe *recipe;
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "r.ini", text, n, overrides, &recipe);

    if (status)
        print_message("%s\n", fpc_ctx_error(b->ctx));
    assert_int_equal(status, FPC_OK);
    return recipe;
}

/* The text is refused, and the sentence holds every part of `expected` between bars. */
static void refused(bench *b, const char *text, int32_t n, const char *const *overrides, const char *expected)
{
    char parts[512], *rest = parts, *part;
    fpc_recipe *recipe = (fpc_recipe *)1;
    fpc_status status;

    fpc_ctx_clear(b->ctx);
    status = fpc_recipe_parse(b->ctx, b->arena, "r.ini", text, n, overrides, &recipe);
    assert_int_not_equal(status, FPC_OK);
    assert_null(recipe);
    assert_true(fpc_ctx_recipe_fault(b->ctx));
    snprintf(parts, sizeof parts, "%s", expected);
    while ((part = strsep(&rest, "|")))
        if (!strstr(fpc_ctx_error(b->ctx), part)) {
            print_message("expected: %s\ngot:      %s\n", part, fpc_ctx_error(b->ctx));
            fail();
        }
}

static void sections_keys_and_origins(void **state)
{
    bench *b = *state;
    fpc_recipe *r =
        parse(b,
              "# comment\n; comment\n[run]\nname = a b\n  Epochs=3 ; words\n\n[Loss.CE]\nuse = cross_entropy\n"
              "[loss.dice]\nuse=dice\n",
              0, NULL);

    assert_int_equal(r->n, 3);
    assert_string_equal(r->section[0].name, "run");
    assert_string_equal(r->section[1].name, "loss.ce");
    assert_string_equal(r->section[1].origin, "r.ini:7");
    assert_string_equal(get(r, "run", "name"), "a b");
    assert_string_equal(get(r, "run", "epochs"), "3");
    assert_string_equal(origin(r, "run", "epochs"), "r.ini:5");
    assert_null(get(r, "run", "seed"));
    assert_null(get(r, "model", "use"));
    assert_null(fpc_section_entry(NULL, "use"));
}

static void values_as_iniparser_reads_them(void **state)
{
    bench *b = *state;
    static const char *const lines[][2] = {
        {"x ; comment", "x"},
        {"x;comment", "x"},
        {"\"q;#x\" ; comment", "q;#x"},
        {"it's", "it's"},
        {"say \"hi\" now", "say \"hi\" now"},
        {"", ""},
        {"; only", ""},
        {"\"\"", ""},
        {"\" lead\"", " lead"},
        {"a=b", "a=b"},
        {"= x", "= x"},
        {"'\"'", "\""},
        {"32, 64 ,128", "32, 64 ,128"},
        {"\"a\\b\"", "a\\b"},
        {"1e-4\t", "1e-4"},
        {"'#'", "#"},
    };
    char text[200];

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        snprintf(text, sizeof text, "[run]\nname = %s\nout = after\n", lines[i][0]);
        assert_string_equal(get(parse(b, text, 0, NULL), "run", "name"), lines[i][1]);
        snprintf(text, sizeof text, "[run]\r\nname = %s\r\nout = after", lines[i][0]);
        assert_string_equal(get(parse(b, text, 0, NULL), "run", "out"), "after");
    }
}

static void quoted_values_read_back(void **state)
{
    bench *b = *state;
    static const char *const values[] = {
        "plain", "",  " lead",   "trail ",  "a;b",      "#",   "it's", "say \"hi\"",
        "\"",    "'", "C:\\x\\", "\"a;b\"", "it's; so", "a=b", "=",    "both ' and \" inside"};
    char text[200];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(text, sizeof text, "[run]\nname = %s\n", fpc_recipe_quote(b->arena, values[i]));
        assert_string_equal(get(parse(b, text, 0, NULL), "run", "name"), values[i]);
    }
}

static void refusals(void **state)
{
    bench *b = *state;

    refused(b, "[run]\nseed = 1\n\nseed = 2\n", 0, NULL, "r.ini:4: run.seed = 2:|already at r.ini:2|= 1");
    refused(b, "[run]\n[model]\n[run]\n", 0, NULL, "r.ini:3: [run]|already at r.ini:1");
    refused(b, "seed = 1\n", 0, NULL, "r.ini:1: seed = 1:|only `include`|[section]");
    refused(b, "[run]\nseed\n", 0, NULL, "r.ini:2: seed:|key = value");
    refused(b, "[run\n", 0, NULL, "r.ini:1:|closing ]");
    refused(b, "[run] ; x\n", 0, NULL, "r.ini:1:|behind a section's ]");
    refused(b, "[]\n", 0, NULL, "r.ini:1: []:|KIND.LABEL");
    refused(b, "[a.b.c]\n", 0, NULL, "[a.b.c]|KIND.LABEL");
    refused(b, "[run]\nbad key = 1\n", 0, NULL, "r.ini:2: bad key:|letters, digits");
    refused(b, "[run]\n= 1\n", 0, NULL, "r.ini:2:|letters, digits");
    refused(b, "[run]\na:b = 1\n", 0, NULL, "r.ini:2: a:b:|letters, digits");
    refused(b, "[run]\nname = \"open\n", 0, NULL, "r.ini:2: run.name = \"open|not closed");
    refused(b, "[run]\nname = \"a\" b\n", 0, NULL, "r.ini:2: run.name|behind the closing quote");
    refused(b, "[run]\nname = a \\\nseed = 1\n", 0, NULL, "r.ini:2:|ends with a backslash");
    refused(b, "# comment \\\n[run]\n", 0, NULL, "r.ini:1:|ends with a backslash");
    refused(b, "\xef\xbb\xbf[run]\n", 0, NULL, "r.ini:1:|byte order mark");
    refused(b,
            "[run]\nname = a\x01"
            "b\n",
            0, NULL, "r.ini:2: byte 9 of this line is 0x01|plain text");
    refused(b, "include =\n[run]\n", 0, NULL, "r.ini:1: include =|name is missing");
    refused(b, "include = a.ini\ninclude = b.ini\n", 0, NULL, "r.ini:2: include = b.ini|already at r.ini:1");
    refused(b, "include = no/such.ini\n", 0, NULL, "r.ini:1: include = no/such.ini:|cannot be read: No such file");
    refused(b, "[augment.flip]\nuse = hflip\n[augment.flpi]\nuse = none\n", 0, NULL,
            "r.ini:4: augment.flpi.use = none|no section|did you mean [augment.flip]?");
}

static void long_lines_are_refused_not_cut(void **state)
{
    bench *b = *state;
    char *text = malloc(70000);

    for (size_t n = 890; n < 66000; n = n < 1100 ? n + 1 : n * 2) {
        fpc_recipe *recipe;
        fpc_status status;

        memset(text, 'x', n + 20);
        memcpy(text, "[run]\nname = ", 13);
        strcpy(text + 13 + n, "\nseed = 1\n");
        fpc_ctx_clear(b->ctx);
        status = fpc_recipe_parse(b->ctx, b->arena, "r.ini", text, 0, NULL, &recipe);
        if (n <= FPC_RECIPE_VALUE) {
            assert_int_equal(status, FPC_OK);
            assert_int_equal(strlen(get(recipe, "run", "name")), n);
            assert_string_equal(get(recipe, "run", "seed"), "1");
        } else {
            assert_int_equal(status, FPC_EINVAL);
            assert_non_null(strstr(fpc_ctx_error(b->ctx), "r.ini:2: "));
            assert_non_null(strstr(fpc_ctx_error(b->ctx), "bytes long; at most"));
        }
    }
    free(text);
}

static void overrides(void **state)
{
    bench *b = *state;
    static const char text[] = "[loss.dice]\nuse = dice\nweight = 1\neps = 2\n[schedule]\nuse = cosine\nt_max = 3\n"
                               "warmup_epochs = 5\n";
    const char *const two[] = {"loss.dice.weight=1.5", "optimizer.lr = 8e-4"};
    const char *const use[] = {"schedule.power=0.5", "schedule.use=poly"};
    const char *const none[] = {"loss.dice.use=none"};
    fpc_recipe *r = parse(b, text, 2, two);

    assert_string_equal(get(r, "loss.dice", "weight"), "1.5");
    assert_string_equal(origin(r, "loss.dice", "weight"), "-s loss.dice.weight=1.5");
    assert_string_equal(get(r, "optimizer", "lr"), "8e-4");
    assert_string_equal(get(r, "loss.dice", "eps"), "2");
    r = parse(b, text, 2, use); /* another plugin: its former keys go, the core's stay; `use` counts first */
    assert_string_equal(get(r, "schedule", "use"), "poly");
    assert_string_equal(get(r, "schedule", "power"), "0.5");
    assert_string_equal(get(r, "schedule", "warmup_epochs"), "5");
    assert_null(get(r, "schedule", "t_max"));
    r = parse(b, text, 1, none);
    assert_null(fpc_recipe_section(r, "loss.dice"));
    assert_int_equal(r->n, 1);
}

static void refused_overrides(void **state)
{
    bench *b = *state;
    static const char text[] = "[loss.dice]\nuse = dice\n";
    static const char *const bad[][2] = {
        {"loss.dice.weight", "-s loss.dice.weight: there is no ="},
        {"weight=1", "-s weight=1: the key has no section"},
        {"loss..x=1", "KIND.LABEL"},
        {"=1", "no section"},
        {"run.a b=1", "letters, digits"},
        {"run.name=a\nb", "control characters"},
        {"run.name=\"a';", "both kinds of quotes"},
        {"loss.dcie.weight=1",
         "-s loss.dcie.weight=1: the recipe has no section [loss.dcie]; did you mean [loss.dice]?"},
        {"augment.flip.use=none", "no section [augment.flip] to remove"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(b, text, 1, &bad[i][0], bad[i][1]);
}

/* ---- files ---- */

static const char *file(bench *b, const char *name, const char *text)
{
    char *path = fpc_sprintf(b->arena, "%s/%s", test_folder(), name);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static void includes(void **state)
{
    bench *b = *state;
    const char *path;
    fpc_recipe *r;

    mkdir(fpc_sprintf(b->arena, "%s/sub", test_folder()), 0777);
    file(b, "sub/base.ini",
         "include = ../deep.ini\n[run]\nseed = 1\nepochs = 10\n[augment.flip]\nuse = hflip\np = 0.5\n"
         "[dataset]\nuse = folder\nroot = x\nbatch = 8\n");
    file(b, "deep.ini", "[model]\nuse = unet\n");
    path = file(b, "top.ini",
                "include = sub/base.ini\n[run]\nepochs = 20\n[augment.flip]\nuse = none\n[dataset]\nsize = 64\n"
                "use = synthetic\n");
    assert_int_equal(fpc_recipe_read(b->ctx, b->arena, path, 0, NULL, &r), FPC_OK);
    assert_string_equal(r->section[0].name, "model"); /* included first */
    assert_string_equal(get(r, "run", "seed"), "1");
    assert_string_equal(get(r, "run", "epochs"), "20");
    assert_string_equal(origin(r, "run", "epochs"), fpc_sprintf(b->arena, "%s/top.ini:3", test_folder()));
    assert_string_equal(origin(r, "run", "seed"), fpc_sprintf(b->arena, "%s/sub/base.ini:3", test_folder()));
    assert_string_equal(origin(r, "model", "use"), fpc_sprintf(b->arena, "%s/sub/../deep.ini:2", test_folder()));
    assert_null(fpc_recipe_section(r, "augment.flip"));
    assert_string_equal(get(r, "dataset", "use"), "synthetic");
    assert_string_equal(get(r, "dataset", "size"), "64"); /* stands above `use`, and is the new plugin's */
    assert_string_equal(get(r, "dataset", "batch"), "8");
    assert_null(get(r, "dataset", "root"));
}

static void include_trouble(void **state)
{
    bench *b = *state;
    fpc_recipe *r;
    const char *path;
    char name[40], text[80];
    FILE *f;

    path = file(b, "a.ini", "include = b.ini\n");
    file(b, "b.ini", "include = ./a.ini\n");
    assert_int_equal(fpc_recipe_read(b->ctx, b->arena, path, 0, NULL, &r), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "b.ini:1: include = ./a.ini: "));
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "includes itself"));
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "d%d.ini", i);
        snprintf(text, sizeof text, "include = d%d.ini\n", i + 1);
        path = file(b, name, text);
    }
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_recipe_read(b->ctx, b->arena, fpc_sprintf(b->arena, "%s/d0.ini", test_folder()), 0, NULL, &r),
                     FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "nested more than"));
    for (int i = 0; i < 12; i++) { /* 2^12 readings of the last one, if nothing counted */
        snprintf(name, sizeof name, "w%d.ini", i);
        snprintf(text, sizeof text, "include = w%d.ini, w%d.ini\n", i + 1, i + 1);
        file(b, name, i < 11 ? text : "[run]\n");
    }
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_recipe_read(b->ctx, b->arena, fpc_sprintf(b->arena, "%s/w0.ini", test_folder()), 0, NULL, &r),
                     FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "files are included"));
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_recipe_read(b->ctx, b->arena, test_folder(), 0, NULL, &r), FPC_EIO);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "Is a directory"));
    path = fpc_sprintf(b->arena, "%s/large.ini", test_folder());
    f = fopen(path, "wb");
    for (int i = 0; i < (FPC_RECIPE_BYTES / 8) + 1; i++)
        fputs("# a line", f);
    fclose(f);
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_recipe_read(b->ctx, b->arena, path, 0, NULL, &r), FPC_EFORMAT);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "is larger than 1048576 bytes"));
}

static void many_keys_are_refused(void **state)
{
    bench *b = *state;
    char *text = malloc(1 << 20), *p = text + sprintf(text, "[run]\n");
    fpc_recipe *r;

    for (int i = 0; i < 50000; i++)
        p += sprintf(p, "k%d = 1\n", i);
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "r.ini", text, 0, NULL, &r), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "r.ini:4097: more than 4096 keys"));
    free(text);
}

/* Mutations of a recipe, with every byte value: each is read or refused with a sentence; what is read agrees with
 * iniparser, which fpc_recipe_scan checks itself. */
static void hostile_bytes(void **state)
{
    bench *b = *state;
    static const char seed[] =
        "include = a.ini\n[run]\nname = \"a;b\" # c\nseed=42\n[loss.ce]\nuse = 'x' ; y\nw = 1, 2\n\\\n";
    static const char bits[] = "[]=;#\"'\\ \t\r\n\0.,ax1:";
    uint64_t rng = 88172645463325252u;
    int read = 0, wrong = 0;

    for (int round = 0; round < 6000; round++) {
        char text[sizeof seed + 8];
        size_t n = sizeof seed - 1;
        fpc_scan scan;

        memcpy(text, seed, n);
        for (int k = 0; k < 1 + round % 4; k++) {
            rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
            text[rng % n] = rng & 64 ? bits[(rng >> 20) % (sizeof bits - 1)] : (char)(rng >> 32);
        }
        n -= rng % 9;
        fpc_ctx_clear(b->ctx);
        fpc_arena_reset(b->arena);
        if (fpc_recipe_scan(b->ctx, b->arena, "r.ini", text, n, &scan) == FPC_OK) {
            read++;
        } else {
            wrong++;
            assert_true(strncmp(fpc_ctx_error(b->ctx), "r.ini", 5) == 0);
            assert_null(strstr(fpc_ctx_error(b->ctx), "two ways")); /* the scan refuses before iniparser disagrees */
            assert_null(strstr(fpc_ctx_error(b->ctx), "iniparser"));
        }
    }
    assert_true(read > 100 && wrong > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sections_keys_and_origins),
        CASE(values_as_iniparser_reads_them),
        CASE(quoted_values_read_back),
        CASE(refusals),
        CASE(long_lines_are_refused_not_cut),
        CASE(overrides),
        CASE(refused_overrides),
        CASE(includes),
        CASE(include_trouble),
        CASE(many_keys_are_refused),
        CASE(hostile_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
