/* text.c: see text.h. */
#include "base/text.h"
#include "base/file.h"

#include <string.h>

const char *fpc_text_clean(fpc_arena *arena, char *text, size_t *bytes)
{
    const char *from = text, *const end = text + *bytes, *nothing;
    char *to = text;

    if (*bytes >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
        return "is text in UTF-16, as some editors on Windows save it; save it as UTF-8";
    nothing = memchr(text, 0, *bytes);
    if (nothing) {
        const char *why = fpc_sprintf(arena, "holds a byte 0 (byte %zu), as text in UTF-16 does; save it as UTF-8",
                                      (size_t)(nothing - text) + 1);
        return why ? why : "holds a byte 0";
    }
    if (*bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        from += 3;
    while (from < end) {
        const char c = *from++;
        *to++ = (char)(c == '\r' ? '\n' : c);
        if (c == '\r' && from < end && *from == '\n')
            from++;
    }
    *to = '\0';
    *bytes = (size_t)(to - text);
    return NULL;
}

char *fpc_trim(char *text)
{
    char *end = text + strlen(text);

    while (*text == ' ' || *text == '\t')
        text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return text;
}

char **fpc_split(fpc_arena *arena, const char *text, int64_t *n)
{
    char *copy = fpc_strdup(arena, text), *rest, **list;
    size_t count = 1;

    *n = 0;
    if (!copy)
        return NULL;
    for (const char *p = text; *p; p++)
        count += *p == ',';
    list = fpc_alloc(arena, count * sizeof *list);
    if (!list || !*fpc_trim(copy))
        return list;
    for (char *item = copy; item; item = rest) {
        rest = strchr(item, ',');
        if (rest)
            *rest++ = '\0';
        list[(*n)++] = fpc_trim(item);
    }
    return list;
}

const char *fpc_grouped(fpc_arena *arena, int64_t v)
{
    return v < 1000 ? fpc_sprintf(arena, "%lld", (long long)v)
                    : fpc_sprintf(arena, "%s,%03d", fpc_grouped(arena, v / 1000), (int)(v % 1000));
}

fpc_status fpc_text_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, size_t most, char **text, size_t *bytes)
{
    const fpc_status status = fpc_read_file(ctx, arena, path, most, text, bytes);
    const char *why = status ? NULL : fpc_text_clean(arena, *text, bytes);

    return why ? fpc_fail(ctx, FPC_EFORMAT, "%s %s", path, why) : status;
}

int fpc_by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}
