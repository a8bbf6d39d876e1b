/* fuzz_recorded.c: any bytes as what a run leaves behind: history.json, run.json and recipe.ini, one after the other
 * with a line `~~~` between them. The folder is analyzed (text, JSON, page) and compared with a second run of the same
 * history. */
#include "fuzz.h"
#include "base/print.h"
#include "cmd/cmd.h"
#include "cmd/report/compare/compare.h"

#include <sys/stat.h>

typedef struct piece {
    const char *data; /* NULL: the file is not there */
    size_t size;
} piece;

static char root[64];

static const char *path_of(const char *name)
{
    static char path[4][128];
    static int next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", root, name);
    return to;
}

static void put(const char *name, piece p)
{
    FILE *f;
    if (!p.data) {
        unlink(path_of(name));
        return;
    }
    f = fopen(path_of(name), "wb");
    if (!f || fwrite(p.data, 1, p.size, f) != p.size || fclose(f))
        abort();
}

static void begin(void)
{
    FILE *null = fopen("/dev/null", "w");
    strcpy(root, access("/dev/shm", W_OK) ? "/tmp/fpcore-fuzz-XXXXXX" : "/dev/shm/fpcore-fuzz-XXXXXX");
    if (!null || !mkdtemp(root) || mkdir(path_of("a"), 0700) || mkdir(path_of("b"), 0700))
        abort();
    fpc_print_to(null);
}

/* Cuts what stands before the next line of separation off the rest. */
static piece next_piece(piece *rest)
{
    static const char line[] = "\n~~~\n";
    const char *cut = rest->data ? memmem(rest->data, rest->size, line, sizeof line - 1) : NULL;
    piece p = *rest;
    *rest = (piece){0};
    if (cut) {
        p.size = (size_t)(cut - p.data);
        *rest = (piece){cut + sizeof line - 1, 0};
    }
    return p;
}

static void silent(void *arg, int level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

static fpc_status analyze(fpc_cmdline *cmd)
{
    char *argv[] = {"analyze", (char *)path_of("a"),      "--html", (char *)path_of("page.html"),
                    "--json",  (char *)path_of("a.json"), NULL};
    cmd->argc = 6;
    cmd->argv = argv;
    return fpc_cmd_analyze.run(cmd);
}

static fpc_status compare(fpc_cmdline *cmd, int json)
{
    const char *run[] = {path_of("a"), path_of("b")};
    return fpc_compare(cmd, &(fpc_compare_args){.n = 2, .run = run, .json = json});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char complete[] = "{\"status\": \"complete\"}", other[] = "[run]\nmetric = f_score\nseed = 2\n";
    piece rest = {(const char *)data, size};
    const char *end = rest.data + size;

    if (!*root)
        begin();
    for (int i = 0; i < 3; i++) {
        static const char *const first[] = {"a/history.json", "a/run.json", "a/recipe.ini"};
        const piece p = next_piece(&rest);
        if (rest.data)
            rest.size = (size_t)(end - rest.data);
        put(first[i], p);
        if (i == 0)
            put("b/history.json", p);
    }
    put("b/run.json", (piece){complete, sizeof complete - 1});
    put("b/recipe.ini", (piece){other, sizeof other - 1});
    for (int verb = 0; verb < 3; verb++) {
        fpc_ctx *ctx = fpc_ctx_new();
        fpc_arena *arena = fpc_arena_new(ctx);
        fpc_cmdline cmd = {.ctx = ctx, .arena = arena};
        fpc_ctx_log_sink(ctx, silent, NULL);
        fuzz_judge(ctx, verb ? compare(&cmd, verb - 1) : analyze(&cmd));
        fpc_arena_free(arena);
        fpc_ctx_free(ctx);
    }
    return 0;
}
