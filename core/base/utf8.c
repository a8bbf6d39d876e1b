/* utf8.c: which bytes are text, by the table of the Unicode standard (no overlong forms, no surrogates). */
#include "base/utf8.h"

int fpc_utf8_character(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    const int n = *c < 0x80                 ? 1
                  : *c >= 0xc2 && *c < 0xe0 ? 2
                  : *c >= 0xe0 && *c < 0xf0 ? 3
                  : *c >= 0xf0 && *c < 0xf5 ? 4
                                            : 0;

    for (int i = 1; i < n; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if (n == 1 && (*c < ' ' || *c == 0x7f))
        return 0;
    if ((n == 2 && *c == 0xc2 && c[1] < 0xa0) ||
        (n == 3 && ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] >= 0xa0))) ||
        (n == 4 && ((*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] >= 0x90))))
        return 0;
    return n;
}
