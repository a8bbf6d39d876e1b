/* spelling.c: edit distance between words, for "did you mean". */
#include "base/spelling.h"

#include <stddef.h>
#include <string.h>

static int32_t levenshtein(const char *a, size_t na, const char *b, size_t nb)
{
    int32_t row[3][66]; /* the last two rows and this one: a swap of neighbours counts as one edit */

    for (size_t j = 0; j <= nb; j++)
        row[0][j] = (int32_t)j;
    for (size_t i = 1; i <= na; i++) {
        int32_t *now = row[i % 3], *up = row[(i + 2) % 3], *upup = row[(i + 1) % 3];

        now[0] = (int32_t)i;
        for (size_t j = 1; j <= nb; j++) {
            int32_t best = up[j - 1] + (a[i - 1] != b[j - 1]);

            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && upup[j - 2] + 1 < best)
                best = upup[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[na % 3][nb];
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
        int32_t distance;

        if (other == 0 || other > 64)
            continue;
        distance = levenshtein(word, length, names[i], other);
        if (distance < best_distance && distance < (int32_t)(length > other ? length : other)) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}
