/* folder_names.c: names of files that look alike. Macs take accents apart (e and an accent), other systems write them
 * as one character, and archives carry names from one to the other, so that a list, a mask and a picture may spell one
 * name in two ways. Both are taken apart here, as Unicode's canonical decomposition does for the scripts in which
 * composed characters are common: Latin letters up to U+017F, kana and Hangul. Others stay as they are. */
#include "folder_files.h"
#include <string.h>

enum { LATIN = 0xc0, LATIN_END = 0x180, MARKS = 0x300, VOICED = 0x3099, SEMI_VOICED = 0x309a };

/* By letter from U+00C0 on: the plain letter, '.' where there is none, and its mark from U+0300 on. */
static const char plain[] =
    "AAAAAA.CEEEEIIII.NOOOOO..UUUUY..aaaaaa.ceeeeiiii.nooooo..uuuuy.yAaAaAaCcCcCcCcDd..EeEeEeEeEe"
    "GgGgGgGgHh..IiIiIiIiI...JjKk.LlLlLl....NnNnNn...OoOoOo..RrRrRrSsSsSsSsTtTt..UuUuUuUuUuUuWwYyYZ"
    "zZzZz.";
static const uint8_t mark[LATIN_END - LATIN] = {
    0, 1, 2, 3, 8,  10, 0,  39, 0,  1,  2,  8,  0,  1,  2,  8,  0, 3, 0,  1,  2,  3,  8,  0,  0,  0,  1,  2,
    8, 1, 0, 0, 0,  1,  2,  3,  8,  10, 0,  39, 0,  1,  2,  8,  0, 1, 2,  8,  0,  3,  0,  1,  2,  3,  8,  0,
    0, 0, 1, 2, 8,  1,  0,  8,  4,  4,  6,  6,  40, 40, 1,  1,  2, 2, 7,  7,  12, 12, 12, 12, 0,  0,  4,  4,
    6, 6, 7, 7, 40, 40, 12, 12, 2,  2,  6,  6,  7,  7,  39, 39, 2, 2, 0,  0,  3,  3,  4,  4,  6,  6,  40, 40,
    7, 0, 0, 0, 2,  2,  39, 39, 0,  1,  1,  39, 39, 12, 12, 0,  0, 0, 0,  1,  1,  39, 39, 12, 12, 0,  0,  0,
    4, 4, 6, 6, 11, 11, 0,  0,  1,  1,  39, 39, 12, 12, 1,  1,  2, 2, 39, 39, 12, 12, 39, 39, 12, 12, 0,  0,
    3, 3, 4, 4, 6,  6,  10, 10, 11, 11, 40, 40, 2,  2,  2,  2,  8, 1, 1,  7,  7,  12, 12, 0};

/* One character of two or three bytes; 1 and the byte itself where it is none of those. */
static int take(const char *text, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)text;

    if ((p[0] & 0xe0) == 0xc0 && (p[1] & 0xc0) == 0x80) {
        *c = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        return 2;
    }
    if ((p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
        *c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        return 3;
    }
    *c = p[0];
    return 1;
}

static char *put(char *to, uint32_t c)
{
    if (c >= 0x800)
        *to++ = (char)(0xe0 | c >> 12);
    if (c >= 0x800)
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    else if (c >= 0x80)
        *to++ = (char)(0xc0 | c >> 6);
    *to++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    return to;
}

/* Kana with a mark of voice: what it is without, and the mark. Hiragana and katakana lie alike, 0x60 apart. */
static uint32_t kana(uint32_t c, uint32_t *of)
{
    const uint32_t h = c >= 0x30a1 ? c - 0x60 : c;

    *of = VOICED;
    if ((h >= 0x304c && h <= 0x3062 && h % 2 == 0) || h == 0x3065 || h == 0x3067 || h == 0x3069)
        return c - 1;
    if (h >= 0x3070 && h <= 0x307d && (h - 0x3070) % 3 < 2) {
        *of = (h - 0x3070) % 3 ? SEMI_VOICED : VOICED;
        return c - 1 - (h - 0x3070) % 3;
    }
    return h == 0x3094 ? c - 0x4e : 0;
}

static char *take_apart(char *to, uint32_t c)
{
    uint32_t of, from;

    if (c >= LATIN && c < LATIN_END && plain[c - LATIN] != '.')
        return put(put(to, (unsigned char)plain[c - LATIN]), (uint32_t)MARKS + mark[c - LATIN]);
    if (c >= 0x3041 && c <= 0x30ff && (from = kana(c, &of)))
        return put(put(to, from), of);
    if (c >= 0xac00 && c <= 0xd7a3) {
        const uint32_t at = c - 0xac00, last = at % 28;
        to = put(put(to, 0x1100 + at / 588), 0x1161 + at % 588 / 28);
        return last ? put(to, 0x11a7 + last) : to;
    }
    return put(to, c);
}

int fpc_folder_look(const char *name, char out[FPC_FOLDER_LOOK])
{
    const char *const end = out + FPC_FOLDER_LOOK - 10; /* a character becomes nine bytes at most */
    char *to = out;
    int plain_text = 1;

    while (*name && to < end) {
        uint32_t c;
        const int n = take(name, &c);
        plain_text &= (unsigned char)*name < 0x80;
        if (n == 1)
            *to++ = *name; /* ASCII, and what is no text */
        else
            to = take_apart(to, c);
        name += n;
    }
    *to = '\0';
    return !plain_text && !*name;
}
