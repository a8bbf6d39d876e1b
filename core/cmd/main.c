/* main.c: the program around libfpcore.so. It owns stdout, the signals and the exit code; everything else is a verb.
 * Exit codes: 0 done; 2 the command line, the recipe or a plugin that it names is wrong; 3 training diverged; 130
 * interrupted after saving; 75 the same by SIGUSR1, run.hours or --until, for batch systems that start the job again; 1
 * anything else that failed. */
#define _GNU_SOURCE
#include "base/at_work.h"
#include "cmd/cmd.h"
#include "cmd/line/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const fpc_cmd *const verbs[] = {
#define VERB(name) &fpc_cmd_##name,
#include "cmd/verbs.def"
#undef VERB
    NULL};

enum { EXIT_AGAIN = 75 /* EX_TEMPFAIL */ };

static fpc_ctx *running;
static const char *first_words; /* of the verb under way; said at the first signal */
static atomic_int caught;       /* the number of the latest signal */

/* In a signal handler only write() may speak. */
static void say(const char *words)
{
    const int error = errno;
    const ssize_t written = write(STDERR_FILENO, words, strlen(words));

    (void)written; /* nobody is left to be told */
    errno = error;
}

/* The first signal asks the verb to finish what it is at and save; the second one ends the program. It is `caught` that
 * counts them: the trainer cancels itself when run.hours are over. */
static void on_signal(int number)
{
    if (atomic_exchange(&caught, number)) {
        const char *folder = fpc_ctx_trains_in(running);
        say("\nfpcore: ended at once, without saving what is under way");
        say(folder ? "; the training goes on from what it saved last: fpcore --resume " : "");
        say(folder ? folder : "");
        say("\n");
        signal(number, SIG_DFL);
        raise(number); /* held back until this handler returns */
        return;
    }
    fpc_ctx_cancel(running);
    say("\nfpcore: ");
    say(first_words);
    say("; once more ends it at once\n");
}

/* A signal that whoever started us wants ignored (nohup) stays ignored. */
static void catch_signals(const char *words)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;

    first_words = words;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; words && i < sizeof numbers / sizeof *numbers; i++)
        if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

/* FPCORE_LOG=debug: also what only those look for who measure or hunt a fault, such as the plans of libraries. */
static void hear_more(fpc_ctx *ctx)
{
    const char *level = getenv("FPCORE_LOG");

    if (level && !strcmp(level, "debug"))
        fpc_ctx_log_level(ctx, FPC_LOG_DEBUG);
}

/* ---- crashes ---- */

static const struct {
    int number;
    const char *word;
} crashes[] = {{SIGSEGV, "SIGSEGV, an address that is not there"},
               {SIGBUS, "SIGBUS, an address behind the end of a file"},
               {SIGFPE, "SIGFPE, an integer division that has no result"},
               {SIGILL, "SIGILL, an instruction that this processor does not have"},
               {SIGABRT, "SIGABRT, an assertion or damaged memory"}};
enum { CRASHES = sizeof crashes / sizeof *crashes };
static struct sigaction before_us[CRASHES]; /* the default, or that of a sanitizer */

/* Says whose code it was; then the signal comes again and does what it would have done without us. Threads that crash
 * at the same time are silent, and give the first one a second to speak. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    const char *who = fpc_at_work();
    int i = 0;

    (void)context;
    while (i < CRASHES - 1 && crashes[i].number != number)
        i++;
    if (atomic_flag_test_and_set(&told)) {
        sleep(1);
        sigaction(number, &before_us[i], NULL);
        return;
    }
    say("\nfpcore: error: crashed ");
    say(who ? "inside of " : "outside of every plugin");
    say(who ? who : "");
    say(": ");
    say(crashes[i].word);
    say("\n");
    sigaction(number, &before_us[i], NULL);
    if (info->si_code <= 0) /* sent; a fault comes back by itself when the instruction runs again */
        raise(number);
}

/* On a stack of its own: the plugin may have used up the thread's. */
static void catch_crashes(void)
{
    static char room[1 << 16];
    const stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_NODEFER};

    if (!sigaltstack(&stack, NULL))
        action.sa_flags |= SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < CRASHES; i++)
        sigaction(crashes[i].number, &action, &before_us[i]);
}

static void ignore_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL); /* a pager that is closed does not end a training */
    sigaction(SIGXFSZ, &ignore, NULL); /* a file that may not grow is a failed write, with a sentence */
}

/* What was printed has to have arrived; a reader that left early (`| head`) is no failure. */
static fpc_status finish_output(fpc_ctx *ctx, fpc_status status)
{
    const int error = fpc_print_end();

    if (error && error != EPIPE && !status)
        return fpc_fail(ctx, FPC_EIO, "standard output cannot be written: %s", strerror(error));
    return status;
}

static int exit_code(const fpc_ctx *ctx, fpc_status status)
{
    switch (status) {
    case FPC_OK:
        return 0;
    case FPC_ENAN:
        return 3;
    case FPC_ECANCEL:
        return !caught || caught == SIGUSR1 ? EXIT_AGAIN : 130; /* no signal: run.hours, --until */
    case FPC_EINVAL:
        return 2;
    default:
        return fpc_ctx_recipe_fault(ctx) ? 2 : 1;
    }
}

static void report(fpc_ctx *ctx, fpc_status status)
{
    const char *error = fpc_ctx_error(ctx);

    if (status == FPC_ECANCEL)
        fpc_tell("", *error ? error : "interrupted");
    else if (*error)
        fpc_tell("error: ", error);
    else
        fprintf(stderr, "fpcore: error: something failed (status %d) and gave no reason, which is a bug\n",
                (int)status);
}

int main(int argc, char **argv)
{
    fpc_cmdline cmd = {.ctx = fpc_ctx_new(), .verbs = verbs};
    const fpc_cmd *verb = NULL;
    fpc_status status;
    int code;

    if (!cmd.ctx || !(cmd.arena = fpc_arena_new(cmd.ctx))) {
        fprintf(stderr, "fpcore: error: out of memory\n");
        return 1;
    }
    running = cmd.ctx;
    fpc_ctx_log_sink(cmd.ctx, fpc_tell_log, NULL);
    hear_more(cmd.ctx);
    ignore_signals();
    catch_crashes();
    fpc_print_to(stdout);
    status = fpc_cmdline_read(&cmd, argc, argv, &verb);
    if (!status && verb) {
        catch_signals(verb->interrupted);
        status = verb->run(&cmd);
    }
    status = finish_output(cmd.ctx, status);
    if (status)
        report(cmd.ctx, status);
    code = exit_code(cmd.ctx, status);
    fpc_arena_free(cmd.arena); /* threads and files that verbs opened end here; ctx stays: a signal may still come */
    return code;
}
