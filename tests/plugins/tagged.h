/* tagged.h: pictures as cameras write them: with an EXIF orientation, and with a scan header that decoders warn of.
 * Include after fixture.h and pictures.h. */
#ifndef TESTS_PLUGINS_TAGGED_H
#define TESTS_PLUGINS_TAGGED_H

/* An EXIF block with the orientation alone, in either byte order. */
static inline size_t exif(uint8_t out[32], int value, int big)
{
    static const uint8_t little[26] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0};
    static const uint8_t large[26] = {'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1};

    memcpy(out, big ? large : little, 26);
    out[big ? 19 : 18] = (uint8_t)value;
    return 26;
}

static inline size_t read_all(const char *name, uint8_t *data, size_t cap)
{
    FILE *in = fopen(in_folder(name), "rb");
    const size_t n = in ? fread(data, 1, cap, in) : 0;

    assert_true(n > 0 && n < cap && !fclose(in));
    return n;
}

/* NAME with `more` put in behind the first `at` bytes, as "turned.EXT". */
static inline void insert(const char *name, const char *as, size_t at, const uint8_t *more, size_t n)
{
    uint8_t data[16384];
    const size_t size = read_all(name, data, sizeof data - 256);

    assert_true(n <= 256 && at <= size);
    memmove(data + at + n, data + at, size - at);
    memcpy(data + at, more, n);
    write_bytes(as, data, size + n);
}

static inline void tag_png(const char *name, const char *as, int value, int big, int at_end)
{
    uint8_t chunk[64] = {0, 0, 0, 26, 'e', 'X', 'I', 'f'}, data[16384];
    uint32_t crc = 0xffffffffu;

    exif(chunk + 8, value, big);
    for (int i = 4; i < 34; i++) {
        crc ^= chunk[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
    for (int i = 0; i < 4; i++)
        chunk[34 + i] = (uint8_t)(~crc >> (24 - 8 * i));
    /* behind the signature and IHDR, or before IEND */
    insert(name, as, at_end ? read_all(name, data, sizeof data) - 12 : 8 + 25, chunk, 38);
}

static inline void tag_jpeg(const char *name, const char *as, int value, int big)
{
    uint8_t segment[64] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0};

    exif(segment + 10, value, big);
    insert(name, as, 2, segment, 36);
}

/* A JPEG whose scan header says that it has no coefficients but the first, as some phones write; all are there. */
static inline void phone_jpeg(const char *name, const char *as)
{
    uint8_t data[16384];
    const size_t n = read_all(name, data, sizeof data);
    size_t at = 0;

    while (at + 1 < n && !(data[at] == 0xff && data[at + 1] == 0xda))
        at++;
    assert_true(at + 14 < n && data[at + 12] == 63); /* Se, the last coefficient */
    data[at + 12] = 0;
    write_bytes(as, data, n);
}

#endif
