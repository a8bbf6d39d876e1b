/* pattern.c: patterns over names, and what somebody may have meant by one that matches nothing. */
#define _GNU_SOURCE
#include "base/pattern.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

enum { LONGEST = 255 /* letters of a pattern or a name that are compared for likeness */ };

/* Takes the blanks off both ends, in place. */
static char *trim(char *text)
{
    char *end = text + strlen(text);

    while (*text == ' ' || *text == '\t')
        text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return text;
}

fpc_status fpc_patterns_read(fpc_arena *arena, const char *text, fpc_patterns *out)
{
    char *copy = fpc_strdup(arena, text);
    size_t most = 1;

    for (const char *c = text; *c; c++)
        most += *c == ',';
    *out = (fpc_patterns){0, fpc_alloc(arena, most * sizeof *out->v)};
    if (!copy || !out->v)
        return FPC_ENOMEM;
    for (char *item = copy, *rest; item; item = rest) {
        if ((rest = strchr(item, ',')))
            *rest++ = '\0';
        item = trim(item);
        if (*item)
            out->v[out->n++] = item;
    }
    return FPC_OK;
}

int fpc_pattern_matches(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, 0) == 0;
}

int32_t fpc_patterns_find(const fpc_patterns *p, const char *name)
{
    for (int32_t i = 0; i < p->n; i++)
        if (fpc_pattern_matches(p->v[i], name))
            return i;
    return -1;
}

/* One sign of a pattern: a letter, or 1 for any letter, or 2 for any letters. Returns where the next one begins. */
static const char *next_sign(const char *at, int *sign)
{
    const char *end = *at == '[' && at[1] ? strchr(at + 2, ']') : NULL;

    *sign = *at == '*' ? 2 : *at == '?' || end ? 1 : (unsigned char)*at;
    return end ? end + 1 : at + 1;
}

/* Letters to put in, take out, exchange, or swap with their neighbour, until the pattern matches; *letters: those of
 * the pattern. */
static int32_t misses(const char *pattern, const char *name, int32_t *letters)
{
    const size_t n = strlen(name);
    int32_t row[3][LONGEST + 1]; /* the last two rows and this one */
    int sign = 0;
    size_t i = 0;

    *letters = 0;
    for (size_t j = 0; j <= n; j++)
        row[0][j] = (int32_t)j;
    while (*pattern) {
        const int before = sign;
        const int32_t *up = row[i % 3], *upup = row[(i + 2) % 3];
        int32_t *now = row[++i % 3];

        pattern = next_sign(pattern, &sign);
        *letters += sign > 2;
        now[0] = up[0] + (sign != 2);
        for (size_t j = 1; j <= n; j++) {
            const int32_t step = sign != 2;
            int32_t best = up[j - 1] + (sign > 2 && sign != (unsigned char)name[j - 1]);

            best = up[j] + step < best ? up[j] + step : best;
            best = now[j - 1] + step < best ? now[j - 1] + step : best;
            if (before > 2 && j > 1 && sign == (unsigned char)name[j - 2] && before == (unsigned char)name[j - 1] &&
                upup[j - 2] + 1 < best)
                best = upup[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[i % 3][n];
}

const char *fpc_pattern_nearest(const char *pattern, int32_t n, const char *const *names)
{
    const char *best = NULL;
    int32_t least = LONGEST, letters;

    for (int32_t i = 0; i < n && strlen(pattern) <= LONGEST; i++) {
        if (strlen(names[i]) > LONGEST)
            continue;
        const int32_t missed = misses(pattern, names[i], &letters);
        if (missed < least && missed <= (letters + 1) / 2) {
            least = missed;
            best = names[i];
        }
    }
    return best;
}
