/* terminal.h: what fits on a line, and lines that are written again while work goes on. Thread: [main], but for
 * fpc_tell. */
#ifndef CORE_CMD_LINE_TERMINAL_H
#define CORE_CMD_LINE_TERMINAL_H

#include <stddef.h>
#include <stdint.h>

/* Columns for text on standard output: COLUMNS, else those of the terminal, else 80; 40 to 120. */
int fpc_terminal_width(void);
/* The same for tables and for sentences that belong to them, however wide. */
int fpc_table_width(void);
/* Whether a line on standard error may be written again: it is a terminal, and no TERM=dumb. */
int fpc_terminal_live(void);

/* Prints a help text in lines of at most `width` columns. Lines of a paragraph are joined before they are broken; a
 * line that is indented, or has a column of text behind two blanks ("  --json FILE  the same as JSON"), is broken at
 * its column, and lines that stand there go on with it. "usage:" is not broken within brackets, "example:" not at all.
 */
void fpc_print_flow(const char *text, int width);

/* Bytes of a text that stand on a line of `room` columns, without blanks at their end; rest: what comes behind. Broken
 * at the last blank, or behind a comma or a plus where that blank lies in the first half of the room, so that
 * "(1,32,3)" stays whole; where there is none of them: in the middle (hard 1), or at the first one. */
size_t fpc_piece(const char *text, int room, int hard, const char **rest);
/* A sentence, broken so: `first` stands before its first line, `further` before the others. */
void fpc_print_folded(const char *first, const char *further, const char *text, int width);

/* A line of a verb's output, folded to fpc_table_width; further lines are indented by two more. */
void fpc_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "12 of 300 pictures, left 1:05", where fpc_terminal_live; began: fpc_clock_now before the first. */
void fpc_show_progress(int64_t done, int64_t total, const char *what, double began);
void fpc_end_progress(void);

/* A sentence on standard error, behind "fpcore: " and `word`. On a terminal it takes the place of a bar or a progress
 * line that stands there, which comes back with its next step, and is folded to the width at blanks; a command to copy
 * (": fpcore ...") that ends it stays whole, on a line of its own. Elsewhere it is one line. Any thread. */
void fpc_tell(const char *word, const char *sentence);
/* The program's sink of the log (fpc_ctx_log_sink); arg is not used. */
void fpc_tell_log(void *arg, int level, const char *sentence);

#endif
