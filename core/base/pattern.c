/* pattern.c: patterns over names, and what somebody may have meant by one that matches nothing. */
#define _GNU_SOURCE
#include "base/pattern.h"
#include "base/spelling.h"
#include "base/text.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

fpc_status fpc_patterns_read(fpc_arena *arena, const char *text, fpc_patterns *out)
{
    int64_t n;
    char **item = fpc_split(arena, text, &n);

    *out = (fpc_patterns){0, fpc_alloc(arena, ((size_t)n + 1) * sizeof *out->v)};
    if (!item || !out->v)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        if (*item[i])
            out->v[out->n++] = item[i];
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

const char *fpc_pattern_nearest(const char *pattern, int32_t n, const char *const *names)
{
    const char *best = NULL;
    int32_t least = FPC_LONGEST_WORD, letters;

    for (int32_t i = 0; i < n && strlen(pattern) <= FPC_LONGEST_WORD; i++) {
        if (strlen(names[i]) > FPC_LONGEST_WORD)
            continue;
        const int32_t missed = fpc_edits(pattern, 1, names[i], &letters);
        if (missed < least && missed <= (letters + 1) / 2) {
            least = missed;
            best = names[i];
        }
    }
    return best;
}
