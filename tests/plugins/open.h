/* open.h: what the tests of plugins share: a context, a registry over FPCORE_PLUGIN_PATH, and instances made from a
 * line or two of recipe, so that a plugin is tested together with its option table. */
#ifndef TESTS_PLUGINS_OPEN_H
#define TESTS_PLUGINS_OPEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/message.h"
#include "recipe/recipe.h"
#include "plugin/registry.h"

typedef struct bench {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_registry *registry;
} bench;

static inline int bench_open(void **state)
{
    static bench b;
    b.ctx = fpc_ctx_new();
    b.arena = b.ctx ? fpc_arena_new(b.ctx) : NULL;
    *state = &b;
    return !b.arena || fpc_registry_new(b.ctx, b.arena, NULL, &b.registry) != FPC_OK;
}

static inline int bench_close(void **state)
{
    bench *b = *state;
    fpc_arena_free(b->arena);
    fpc_ctx_free(b->ctx);
    return 0;
}

/* An instance of [SECTION] with the lines of `text`, which begin with `use = NAME`. common: the core's own keys. */
static inline fpc_status try_plugin(bench *b, const char *section, const char *text, fpc_instance *out)
{
    fpc_recipe *recipe = NULL;
    const char *ini = fpc_sprintf(b->arena, "[%s]\n%s\n", section, text);
    const fpc_option_set none = {0};
    fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", ini, 0, NULL, &recipe);

    if (status)
        return status;
    return fpc_instance_open(b->registry, b->arena, fpc_section_kind(section), section,
                             fpc_recipe_section(recipe, section), NULL, none, out);
}

static inline fpc_instance open_plugin(bench *b, const char *section, const char *text)
{
    fpc_instance inst;
    if (try_plugin(b, section, text, &inst))
        fail_msg("[%s] %s: %s", section, text, fpc_ctx_error(b->ctx));
    return inst;
}

/* The section is refused, and the sentence holds `want`. */
static inline void refuse_plugin(bench *b, const char *section, const char *text, const char *want)
{
    fpc_instance inst;
    assert_int_not_equal(try_plugin(b, section, text, &inst), FPC_OK);
    if (!strstr(fpc_ctx_error(b->ctx), want))
        fail_msg("[%s] %s: the sentence is \"%s\", without \"%s\"", section, text, fpc_ctx_error(b->ctx), want);
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

#endif
