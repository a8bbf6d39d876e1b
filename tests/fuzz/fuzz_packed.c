/* fuzz_packed.c: libfpseg's files. Behind the first byte: `p`, the program of a packed network whose tensors are fixed;
 * else the whole header of one. What is accepted has both of its graphs made by then. */
#include "fuzz.h"
#include "fpseg.h"

static const char head[] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3,3,3],\"data_offsets\":[0,216]},\"b\":{\"dtype\":"
                           "\"F32\",\"shape\":[2],\"data_offsets\":[216,224]},\"__metadata__\":{\"fpcore.program\":\"";

/* The text as the inside of a JSON text. */
static size_t put_escaped(char *to, const uint8_t *data, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++)
        if (data[i] == '"' || data[i] == '\\')
            to[n++] = '\\', to[n++] = (char)data[i];
        else
            n += (size_t)sprintf(to + n, data[i] < 0x20 ? "\\u%04x" : "%c", data[i]);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { NUMBERS = 224 };
    char *file = calloc(1, 8 + sizeof head + 6 * size + 8 + NUMBERS), why[200] = "";
    fps_model *m;
    size_t n = 0;

    if (size < 1 || !file) {
        free(file);
        return 0;
    }
    if (*data == 'p') {
        memcpy(file + 8, head, sizeof head - 1);
        n = sizeof head - 1;
        n += put_escaped(file + 8 + n, data + 1, size - 1);
        memcpy(file + 8 + n, "\"}}", 3);
        n += 3;
    } else {
        memcpy(file + 8, data + 1, n = size - 1);
    }
    for (int i = 0; i < 8; i++)
        file[i] = (char)(n >> 8 * i);
    const fps_status status = fps_open_memory(file, 8 + n + NUMBERS, &m, why, sizeof why);
    if (status && (strlen(why) < 10 || m))
        abort();
    fps_close(m);
    free(file);
    return 0;
}
