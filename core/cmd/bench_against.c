/* bench_against.c: `fpcore bench --against`: two settings, or two builds, in turn. Speeds of one machine drift by more
 * than most changes make of them, so each side runs in a process of its own, one after the other, several times, and
 * what is told is the ratio within the pairs. */
#define _GNU_SOURCE
#include "base/text.h"
#include "cmd/bench.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_WORDS = 512, MOST_ROUNDS = 99, TRAIN = 0, INFER = 1, KINDS = 2 };
static const char itself[] = "/proc/self/exe";
static const char *const kind_name[KINDS] = {"train", "infer"};

typedef struct side {
    const char *program; /* a path; itself: this one */
    const char *name;    /* "side A (this setting)" */
    const char *word[MOST_WORDS];
    int32_t n;
    double rate[KINDS][MOST_ROUNDS]; /* images a second */
} side;

static void add(side *s, const char *word)
{
    if (word && s->n < MOST_WORDS - 1)
        s->word[s->n++] = word;
}

static void add_number(fpc_arena *arena, side *s, const char *name, int64_t value)
{
    add(s, fpc_sprintf(arena, "%s=%lld", name, (long long)value));
}

/* What both sides are told: this call's recipe, settings and sizes. */
static void common_words(const fpc_bench *b, int train, int infer, side *s)
{
    fpc_cmdline *cmd = b->cmd;

    add(s, s->program);
    add(s, "bench");
    add(s, "-c");
    add(s, cmd->recipe);
    for (int32_t i = 0; i < cmd->n_overrides; i++) {
        add(s, "-s");
        add(s, cmd->overrides[i]);
    }
    if (cmd->plugin_path) {
        add(s, "--plugin-path");
        add(s, cmd->plugin_path);
    }
    if (b->size.h)
        add(s, fpc_sprintf(cmd->arena, "--size=%dx%d", b->size.h, b->size.w));
    if (b->batch)
        add_number(cmd->arena, s, "--batch", b->batch);
    add_number(cmd->arena, s, "--steps", b->steps);
    if (s->program == itself) /* another build may not know it */
        add(s, "--rates");
    if (train)
        add(s, "--train");
    if (infer)
        add(s, "--infer");
}

/* The other side: "run.precision=fp32 backend.threads=1", or the path of another fpcore. */
static fpc_status other_words(fpc_bench *b, const char *against, side *s)
{
    char *copy = fpc_strdup(b->cmd->arena, against), *rest = NULL;

    if (!copy)
        return FPC_ENOMEM;
    if (!strchr(against, '='))
        return access(against, X_OK)
                   ? fpc_fail(b->cmd->ctx, FPC_EINVAL,
                              "fpcore bench --against %s: neither SECTION.KEY=VALUE, nor a program that can be run",
                              against)
                   : FPC_OK;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        add(s, "-s");
        add(s, word);
    }
    return FPC_OK;
}

/* A sentence of another fpcore without what that put before it. */
static const char *bare(const char *sentence)
{
    static const char *const before[] = {"fpcore: ", "error: ", "fpcore bench: "};

    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        sentence += strncmp(sentence, before[i], strlen(before[i])) ? 0 : strlen(before[i]);
    return sentence;
}

/* Runs the side once, and reads its lines `train: X images/s` and `infer: X images/s`; a NAN where there was none. */
static fpc_status measure(fpc_bench *b, const side *s, double rate[KINDS])
{
    posix_spawn_file_actions_t files;
    int pipes[2], code, error;
    pid_t pid;
    char line[512], said[512] = "it printed nothing";

    if (pipe2(pipes, O_CLOEXEC))
        return fpc_fail(b->cmd->ctx, FPC_EIO, "fpcore bench --against: no pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, pipes[1], 1);
    posix_spawn_file_actions_adddup2(&files, pipes[1], 2);
    error = posix_spawn(&pid, s->program, &files, NULL, (char *const *)(uintptr_t)s->word, environ);
    posix_spawn_file_actions_destroy(&files);
    close(pipes[1]);
    FILE *in = error ? NULL : fdopen(pipes[0], "r");
    if (!in)
        close(pipes[0]);
    if (error)
        return fpc_fail(b->cmd->ctx, FPC_EIO, "fpcore bench --against, %s: cannot be started: %s", s->name,
                        strerror(error));
    while (in && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        for (int k = 0; k < KINDS; k++)
            if (!strncmp(line, kind_name[k], strlen(kind_name[k])) && line[strlen(kind_name[k])] == ':')
                rate[k] = strtod(line + strlen(kind_name[k]) + 1, NULL);
        snprintf(said, sizeof said, "%s", line);
    }
    if (in)
        fclose(in);
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(code) && !WEXITSTATUS(code))
        return FPC_OK;
    if (fpc_ctx_cancelled(b->cmd->ctx))
        return fpc_fail(b->cmd->ctx, FPC_ECANCEL, "interrupted");
    return fpc_fail(b->cmd->ctx, WIFEXITED(code) && WEXITSTATUS(code) == 2 ? FPC_EINVAL : FPC_EIO,
                    "fpcore bench --against, %s: %s", s->name, bare(said));
}

static void report(side *a, side *b, int64_t rounds)
{
    for (int k = 0; k < KINDS; k++) {
        double ratio[MOST_ROUNDS];
        if (!(a->rate[k][0] > 0 && b->rate[k][0] > 0))
            continue;
        for (int64_t i = 0; i < rounds; i++)
            ratio[i] = a->rate[k][i] / b->rate[k][i];
        const double middle = fpc_bench_median(ratio, rounds); /* they are sorted then */
        fpc_print("%s: %.3f images/s, against %.3f: %.3f times as fast\n  median of %lld %s, %.3f to %.3f\n",
                  kind_name[k], fpc_bench_median(a->rate[k], rounds), fpc_bench_median(b->rate[k], rounds), middle,
                  (long long)rounds, fpc_word(rounds, "pair", "pairs"), ratio[0], ratio[rounds - 1]);
    }
}

fpc_status fpc_bench_against(fpc_bench *b, const char *against, int64_t rounds, int train, int infer)
{
    const int is_setting = strchr(against, '=') != NULL;
    side *s = fpc_alloc(b->cmd->arena, 2 * sizeof *s);
    fpc_status status = s ? FPC_OK : FPC_ENOMEM;

    if (!status && rounds > MOST_ROUNDS)
        status =
            fpc_fail(b->cmd->ctx, FPC_EINVAL, "fpcore bench --rounds %lld: at most %d", (long long)rounds, MOST_ROUNDS);
    if (status)
        return status;
    s[0].program = itself;
    s[0].name = "side A (this setting)";
    s[1].program = is_setting ? itself : against;
    if (!(s[1].name = fpc_sprintf(b->cmd->arena, "side B (%s)", against)))
        return FPC_ENOMEM;
    common_words(b, train, infer, &s[0]);
    common_words(b, train, infer, &s[1]);
    if ((status = other_words(b, against, &s[1])))
        return status;
    fpc_print("against: %s\n", against);
    for (int64_t i = 0; i < rounds && !status; i++)
        for (int k = 0; k < 2 && !status; k++) {
            double rate[KINDS] = {0};
            status = measure(b, &s[k], rate);
            for (int w = 0; w < KINDS; w++)
                s[k].rate[w][i] = rate[w];
        }
    if (!status)
        report(&s[0], &s[1], rounds);
    return status;
}
