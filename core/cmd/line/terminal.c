/* terminal.c: help in lines that fit, and the line that tells how far work has come (terminal.h). */
#define _GNU_SOURCE
#include "cmd/line/terminal.h"
#include "base/clock.h"
#include "base/message.h"
#include "base/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NARROWEST = 40, WIDEST = 120, USUAL = 80, BLOCK = 4000 };

static int width_of(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    long n = columns ? strtol(columns, NULL, 10) : 0;

    if (n < NARROWEST && isatty(fd) && !ioctl(fd, TIOCGWINSZ, &size))
        n = size.ws_col;
    return n < 1 ? USUAL : n < NARROWEST ? NARROWEST : n > 9999 ? 9999 : (int)n;
}

int fpc_table_width(void)
{
    return width_of(STDOUT_FILENO);
}

int fpc_terminal_width(void)
{
    const int n = fpc_table_width();

    return n > WIDEST ? WIDEST : n;
}

int fpc_terminal_live(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
}

/* ---- help texts ---- */

typedef struct block {
    char text[BLOCK]; /* of one paragraph or item, its first line's indentation included */
    size_t n;
    int hang;  /* columns before its further lines */
    int whole; /* brackets are not broken */
    int width;
} block;

static int is_more(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80; /* a further byte of a character */
}

/* Bytes of the text that fit into `room` columns, broken at a blank; all up to the first blank where none fits. */
static size_t fitting(const block *b, const char *text, int room)
{
    size_t best = 0;
    int columns = 0, depth = 0;

    for (size_t i = 0;; i++) {
        if ((text[i] == ' ' && depth <= 0) || !text[i])
            if (columns <= room || !best)
                best = i;
        if (!text[i] || (columns > room && best))
            return best;
        depth += b->whole ? (text[i] == '[') - (text[i] == ']') : 0;
        columns += !is_more(text[i]);
    }
}

static void put_block(block *b)
{
    const char *at = b->text;
    const size_t indent = strspn(at, " ");
    int room = b->width - (int)indent, first = 1;

    while (b->n && (at += strspn(at, " "), *at)) {
        /* The blanks of an item's columns are kept: only those at a break go. */
        const size_t n = fitting(b, at, room);
        fpc_print("%*s%.*s\n", first ? (int)indent : b->hang, "", (int)n, at);
        at += n;
        room = b->width - b->hang;
        first = 0;
    }
    b->n = 0;
    b->text[0] = '\0';
}

static void add(block *b, const char *text, size_t n)
{
    if (b->n + n + 2 > BLOCK)
        put_block(b);
    if (n + 2 > BLOCK) { /* no help text has such a line; a plugin of somebody else's may */
        fpc_print("%.*s\n", (int)n, text);
        return;
    }
    if (b->n && b->text[b->n - 1] != ' ')
        b->text[b->n++] = ' ';
    memcpy(b->text + b->n, text, n);
    b->n += n;
    b->text[b->n] = '\0';
}

/* Where the text behind an item's name begins, or the indentation of a line without one. */
static int column_of(const char *line, size_t n)
{
    const size_t indent = strspn(line, " ");

    if (!strncmp(line, "usage: ", 7) || (indent && !strncmp(line + indent, "fpcore ", 7))) {
        const size_t from = indent ? indent : 7;
        size_t i = from;
        for (int words = 0; i < n && words < 2; i++)
            words += line[i] == ' ';
        return i < n ? (int)i : (int)from;
    }
    for (size_t i = indent; indent && i + 2 < n; i++)
        if (line[i] == ' ' && line[i + 1] == ' ')
            return (int)(i + strspn(line + i, " "));
    return (int)indent;
}

void fpc_print_flow(const char *text, int width)
{
    static block b; /* [main] */

    b.n = 0;
    while (*text) {
        const size_t n = strcspn(text, "\n"), indent = strspn(text, " ");
        const int usage = !strncmp(text, "usage:", 6), example = !strncmp(text, "example:", 8);
        if (!n || example) {
            put_block(&b);
            fpc_print("%.*s\n", (int)n, text);
        } else if (b.n && !usage && (int)indent == b.hang && text[indent] != '-') {
            add(&b, text + indent, n - indent);
        } else {
            put_block(&b);
            b.hang = column_of(text, n);
            b.whole = usage || (b.whole && b.hang > (int)indent);
            b.width = width;
            add(&b, text, n);
        }
        text += n + (text[n] == '\n');
    }
    put_block(&b);
}

size_t fpc_piece(const char *text, int room, int hard, const char **rest)
{
    size_t blank = 0, comma = 0, i = 0;
    int columns = 0, at = 0;

    for (; text[i]; i++) {
        if (!is_more(text[i]) && columns++ >= room && (blank || comma || hard))
            break;
        if (columns > room && (blank || comma))
            break;
        if (text[i] == ' ') {
            blank = i + 1;
            at = columns;
        } else if ((text[i] == ',' || text[i] == '+') && columns <= room)
            comma = i + 1;
    }
    const size_t best = comma > blank && at <= room / 2 ? comma : blank;
    size_t n = !text[i] ? i : best ? best : i;
    *rest = text + n;
    *rest += strspn(*rest, " ");
    while (n && text[n - 1] == ' ')
        n--;
    return n;
}

void fpc_print_folded(const char *first, const char *further, const char *text, int width)
{
    const char *margin = first;

    do {
        const char *rest;
        const size_t n = fpc_piece(text, width - (int)strlen(margin), 0, &rest);
        fpc_print("%s%.*s\n", margin, (int)n, text);
        text = rest;
        margin = further;
    } while (*text);
}

void fpc_say(const char *fmt, ...)
{
    char *text = NULL;
    va_list list;
    int n;

    va_start(list, fmt);
    n = vasprintf(&text, fmt, list);
    va_end(list);
    if (n < 0)
        return;
    const int indent = (int)strspn(text, " "), most = indent < 24 ? indent : 24;
    char first[32], further[32];
    snprintf(first, sizeof first, "%*s", most, "");
    snprintf(further, sizeof further, "%*s", most + 2, "");
    fpc_print_folded(first, further, text + indent, fpc_table_width());
    free(text);
}

/* ---- progress ---- */

void fpc_show_progress(int64_t done, int64_t total, const char *what, double began)
{
    static double shown;
    const double now = fpc_clock_now(), passed = now - began;
    const int64_t left = done > 0 ? (int64_t)(passed / (double)done * (double)(total - done)) : 0;

    if (!fpc_terminal_live() || (done < total && now - shown < 0.1))
        return;
    shown = now;
    fprintf(stderr, "\r%lld of %lld %s", (long long)done, (long long)total, what);
    if (done > 0 && done < total && passed > 1)
        fprintf(stderr, left < 3600 ? ", left %lld:%02lld" : ", left %lld:%02lld h",
                (long long)(left < 3600 ? left / 60 : left / 3600),
                (long long)(left < 3600 ? left % 60 : left / 60 % 60));
    fputs("\033[K", stderr);
}

void fpc_end_progress(void)
{
    if (fpc_terminal_live())
        fprintf(stderr, "\r\033[K");
}

/* ---- sentences on standard error ---- */

/* Puts a line end in the place of blanks, so that no line is wider than `width`; a word that is stays whole. What is
 * behind `whole` is not broken. */
static void fold(char *text, const char *whole, int width)
{
    char *blank = NULL;
    int columns = 0;

    for (char *c = text; *c; c++) {
        if (*c == '\n') {
            columns = 0;
            blank = NULL;
            continue;
        }
        columns += !is_more(*c);
        if (columns > width && blank) {
            *blank = '\n';
            columns = 0;
            for (const char *d = blank + 1; d <= c; d++)
                columns += !is_more(*d);
            blank = NULL;
        }
        if (*c == ' ' && (!whole || c < whole))
            blank = c;
    }
}

void fpc_tell(const char *word, const char *sentence)
{
    char *text = NULL;

    if (!isatty(STDERR_FILENO) || asprintf(&text, "fpcore: %s%s", word, sentence) < 0) {
        fprintf(stderr, "fpcore: %s%s\n", word, sentence);
        return;
    }
    const char *command = strstr(text, ": fpcore ");
    fold(text, command ? command + 2 : NULL, width_of(STDERR_FILENO));
    fprintf(stderr, "%s%s\n", fpc_terminal_live() ? "\r\033[K" : "", text);
    free(text);
}

void fpc_tell_log(void *arg, int level, const char *sentence)
{
    (void)arg;
    fpc_tell(level == FPC_LOG_ERROR ? "error: " : level == FPC_LOG_WARN ? "warning: " : "", sentence);
}
