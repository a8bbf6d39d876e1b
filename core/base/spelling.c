/* spelling.c: edit distance between words, for "did you mean". */
#include "base/spelling.h"

#include <stddef.h>
#include <string.h>

enum { ONE = 256, MANY }; /* signs of a pattern that are no letters */

/* One sign of a pattern: a letter, any letter, or any letters. Returns where the next one begins. */
static const char *next_sign(const char *at, int wild, int *sign)
{
    const char *end = wild && *at == '[' && at[1] ? strchr(at + 2, ']') : NULL;

    *sign = wild && *at == '*' ? MANY : (wild && *at == '?') || end ? ONE : (unsigned char)*at;
    return end ? end + 1 : at + 1;
}

int32_t fpc_edits(const char *word, int wild, const char *name, int32_t *letters)
{
    const size_t n = strlen(name);
    int32_t row[3][FPC_LONGEST_WORD + 1]; /* the last two rows and this one: a swap of neighbours is one edit */
    int sign = MANY;
    size_t i = 0;

    *letters = 0;
    for (size_t j = 0; j <= n; j++)
        row[0][j] = (int32_t)j;
    while (*word) {
        const int before = sign;
        const int32_t *up = row[i % 3], *upup = row[(i + 2) % 3];
        int32_t *now = row[++i % 3];

        word = next_sign(word, wild, &sign);
        const int32_t step = sign != MANY;
        *letters += sign < ONE;
        now[0] = up[0] + step;
        for (size_t j = 1; j <= n; j++) {
            int32_t best = up[j - 1] + (sign < ONE && sign != (unsigned char)name[j - 1]);

            best = up[j] + step < best ? up[j] + step : best;
            best = now[j - 1] + step < best ? now[j - 1] + step : best;
            if (j > 1 && before == (unsigned char)name[j - 1] && sign == (unsigned char)name[j - 2] &&
                upup[j - 2] + 1 < best)
                best = upup[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[i % 3][n];
}

const char *fpc_nearest(const char *word, int32_t n, const char *const *names)
{
    const size_t length = strlen(word);
    const int32_t allowed = length <= 2 ? 1 : length <= 4 ? 2 : 3;
    const char *best = NULL;
    int32_t best_distance = allowed + 1;

    if (length == 0 || length > 64)
        return NULL;
    for (int32_t i = 0; i < n; i++) {
        const size_t other = names[i] ? strlen(names[i]) : 0;
        int32_t distance, letters;

        if (other == 0 || other > 64)
            continue;
        distance = fpc_edits(word, 0, names[i], &letters);
        if (distance < best_distance && distance < (int32_t)(length > other ? length : other)) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}
