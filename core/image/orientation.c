/* orientation.c: which way up a picture is. Cameras store what the sensor saw and say in an EXIF tag (0x0112, CIPA
 * DC-008) how it has to be turned; JPEG holds it in the segment APP1, PNG in the chunk eXIf. The tag is a hint from a
 * file that may be hostile: whatever cannot be read means 1, as stored. */
#include "image/codec.h"
#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY = 12 };

static uint32_t number(const uint8_t *p, int bytes, int big_endian)
{
    uint32_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[big_endian ? i : bytes - 1 - i];
    return v;
}

int fpc_exif_orientation(const uint8_t *tiff, size_t n)
{
    const int big = n >= 8 && !memcmp(tiff, "MM\0*", 4);
    uint32_t at, entries;

    if (n < 8 || (!big && memcmp(tiff, "II*\0", 4)))
        return 1;
    at = number(tiff + 4, 4, big);
    if (at > n - 2)
        return 1;
    entries = number(tiff + at, 2, big);
    at += 2;
    for (uint32_t i = 0; i < entries && n - at >= ENTRY; i++, at += ENTRY)
        if (number(tiff + at, 2, big) == TAG_ORIENTATION) {
            const uint32_t value = number(tiff + at + 8, 2, big);
            return number(tiff + at + 2, 2, big) == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
        }
    return 1;
}

/* Where pixel (x, y) of the turned picture lies in the stored one of w x h. */
static size_t stored_at(int orientation, int32_t x, int32_t y, int32_t w, int32_t h)
{
    const int32_t right = orientation >= 5 ? y : x, down = orientation >= 5 ? x : y; /* 5 to 8 lie on their side */
    const int from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const int from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;

    return (size_t)(from_below ? h - 1 - down : down) * (size_t)w + (size_t)(from_right ? w - 1 - right : right);
}

fpc_status fpc_image_turn(fpc_arena *arena, int orientation, fpc_image *image)
{
    const fpc_image stored = *image;
    const size_t c = (size_t)stored.c;

    if (orientation < 2 || orientation > 8)
        return FPC_OK;
    if (orientation >= 5) {
        image->w = stored.h;
        image->h = stored.w;
    }
    if (!stored.pixel)
        return FPC_OK;
    image->pixel = fpc_alloc(arena, (size_t)stored.w * (size_t)stored.h * c);
    if (!image->pixel)
        return FPC_ENOMEM;
    for (int32_t y = 0; y < image->h; y++)
        for (int32_t x = 0; x < image->w; x++)
            memcpy(image->pixel + ((size_t)y * (size_t)image->w + (size_t)x) * c,
                   stored.pixel + stored_at(orientation, x, y, stored.w, stored.h) * c, c);
    return FPC_OK;
}
