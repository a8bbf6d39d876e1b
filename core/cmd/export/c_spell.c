/* c_spell.c: see c.h. Names of classes and layers come out of files that anybody may have written. */
#include "cmd/export/c.h"
#include <string.h>

/* Whatever the locale says. */
static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *fpc_c_prefix(fpc_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    const int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    char *out = fpc_sprintf(arena, "%s%.*s", is_letter(*name) ? "" : "net_", length, name);

    for (char *c = out; c && *c; c++)
        if (!is_letter(*c) && !is_digit(*c))
            *c = '_';
    return out;
}

/* No slash, star or backslash, so no comment ends or begins and no line is joined to the next one; no question mark,
 * so that there is no trigraph. */
const char *fpc_c_comment(fpc_arena *arena, const char *text)
{
    char *out = fpc_strdup(arena, text);

    for (char *c = out; c && *c; c++)
        if (!is_letter(*c) && !is_digit(*c) && !strchr(" .,:;_-+()[]", *c))
            *c = '_';
    return out;
}

/* What is not plain is three octal digits, which no digit behind them can lengthen. */
const char *fpc_c_string(fpc_arena *arena, const char *text)
{
    const size_t n = strlen(text);
    char *out = fpc_alloc(arena, 4 * n + 3), *to = out;

    if (!out)
        return NULL;
    *to++ = '"';
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= ' ' && c < 0x7f && !strchr("\"\\?", c))
            *to++ = (char)c;
        else {
            *to++ = '\\';
            *to++ = (char)('0' + (c >> 6));
            *to++ = (char)('0' + (c >> 3 & 7));
            *to++ = (char)('0' + (c & 7));
        }
    }
    *to++ = '"';
    *to = 0;
    return out;
}

/* Decimal, since hexadecimal floats are not C++11: nine digits name one float. */
void fpc_c_number(float v, char out[FPC_C_NUMBER])
{
    char digits[FPC_C_NUMBER - 3];

    snprintf(digits, sizeof digits, "%.9g", (double)v);
    snprintf(out, FPC_C_NUMBER, "%s%s", digits, strpbrk(digits, ".e") ? "f" : ".0f");
}
