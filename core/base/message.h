/* message.h: the context of a run: its first error, its log, its cancel flag. And arenas. */
#ifndef CORE_BASE_MESSAGE_H
#define CORE_BASE_MESSAGE_H

#include <fpcore/base.h>

fpc_ctx *fpc_ctx_new(void); /* NULL without memory */
void fpc_ctx_free(fpc_ctx *);
/* The first failure since the last clear: its status (FPC_OK: none) and its sentence (""), which a clear frees. */
fpc_status fpc_ctx_status(const fpc_ctx *);
const char *fpc_ctx_error(const fpc_ctx *);
void fpc_ctx_clear(fpc_ctx *);
/* fpc_fail for what is wrong with the command line, the recipe or a plugin that it names, whatever the status: the
 * program then ends with exit code 2. FPC_EINVAL means that in any case. */
fpc_status fpc_fail_recipe(fpc_ctx *, fpc_status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int fpc_ctx_recipe_fault(const fpc_ctx *);
/* Highest level that reaches the sink; default FPC_LOG_INFO. The default sink writes "fpcore: warning: ..." to stderr.
 */
void fpc_ctx_log_level(fpc_ctx *, int level);
void fpc_ctx_log_sink(fpc_ctx *, void (*sink)(void *arg, int level, const char *line), void *arg);
/* fpc_log, but a line that this context has told already is not told again: for what is opened several times. */
void fpc_log_once(fpc_ctx *, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Names and values come from files that may be hostile: what would steer a terminal (control characters of C0 and C1,
 * DEL) and what is no UTF-8 becomes "?", in place; kept: the control characters that may stay, like "\n\t". Failures,
 * the log and fpc_print do so; a name that may hold a line end is defused before it is printed. */
void fpc_defuse(char *text, const char *kept);
/* Set from a signal handler or any thread; the trainer looks between steps. */
void fpc_ctx_cancel(fpc_ctx *);
int fpc_ctx_cancelled(const fpc_ctx *);
/* The folder of the training under way, for what is said when a signal ends it at once; NULL: none. The text stays
 * until another is given. It may be asked for in a signal handler. */
void fpc_ctx_training(fpc_ctx *, const char *folder);
const char *fpc_ctx_trains_in(const fpc_ctx *);

/* Arenas: blocks that grow; everything is freed at once. ctx gets the failure when memory runs out. */
fpc_arena *fpc_arena_new(fpc_ctx *);
void fpc_arena_free(fpc_arena *);
/* Forgets everything allocated but keeps the memory (per-step, per-sample use). */
void fpc_arena_reset(fpc_arena *);
/* Calls fn(arg) when the arena is freed or reset, latest first (files to close, libraries' handles). */
fpc_status fpc_arena_defer(fpc_arena *, void (*fn)(void *), void *arg);

#endif
