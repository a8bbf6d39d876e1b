/* zip_archive.c: see zip_archive.h. libzip keeps what it writes in a source in memory, which is read when the archive
 * is closed. */
#include "cmd/submit/zip_archive.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>
#include <zip.h>

enum { MOST_ENTRIES = 1000000, MOST_MIB = 4096 };

static fpc_status failed(fpc_ctx *ctx, const char *what, zip_error_t *e)
{
    const int memory = zip_error_code_zip(e) == ZIP_ER_MEMORY;
    return fpc_fail(ctx, memory ? FPC_ENOMEM : FPC_EFORMAT, "%s: %s", what, zip_error_strerror(e));
}

/* ---- making ---- */

static int add(zip_t *zip, const fpc_zip_entry *e)
{
    zip_source_t *source = zip_source_buffer(zip, e->data, e->bytes, 0);
    if (!source)
        return -1;
    const zip_int64_t at = zip_file_add(zip, e->name, source, ZIP_FL_ENC_UTF_8);
    if (at < 0) {
        zip_source_free(source);
        return -1;
    }
    return zip_set_file_compression(zip, (zip_uint64_t)at, e->store ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0) ||
           zip_file_set_dostime(zip, (zip_uint64_t)at, 0, 0x21, 0); /* 1980-01-01, the first day there is */
}

static fpc_status take(fpc_ctx *ctx, fpc_arena *arena, const char *what, zip_source_t *source, const void **data,
                       size_t *bytes)
{
    zip_stat_t about;
    if (zip_source_stat(source, &about) || !(about.valid & ZIP_STAT_SIZE) || zip_source_open(source))
        return failed(ctx, what, zip_source_error(source));
    uint8_t *to = fpc_alloc(arena, about.size + 1);
    fpc_status status = to ? FPC_OK : FPC_ENOMEM;
    if (!status && zip_source_read(source, to, about.size) != (zip_int64_t)about.size)
        status = failed(ctx, what, zip_source_error(source));
    zip_source_close(source);
    *data = to;
    *bytes = about.size;
    return status;
}

fpc_status fpc_zip_make(fpc_ctx *ctx, fpc_arena *arena, const char *what, const char *comment, int32_t n,
                        const fpc_zip_entry *entry, const void **data, size_t *bytes)
{
    zip_error_t e;
    zip_error_init(&e);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &e);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_TRUNCATE, &e) : NULL;
    if (!zip) {
        const fpc_status status = failed(ctx, what, &e);
        zip_source_free(source);
        zip_error_fini(&e);
        return status;
    }
    zip_error_fini(&e);
    zip_source_keep(source);
    fpc_status status = FPC_OK;
    for (int32_t i = 0; i < n && !status; i++)
        if (add(zip, &entry[i]))
            status = failed(ctx, fpc_sprintf(arena, "%s: %s", what, entry[i].name), zip_get_error(zip));
    if (!status && comment && zip_set_archive_comment(zip, comment, (zip_uint16_t)strlen(comment)))
        status = failed(ctx, what, zip_get_error(zip));
    if (!status && zip_close(zip))
        status = failed(ctx, what, zip_get_error(zip));
    else if (!status)
        zip = NULL;
    if (zip)
        zip_discard(zip);
    if (!status)
        status = take(ctx, arena, what, source, data, bytes);
    zip_source_free(source);
    return status;
}

/* ---- reading ---- */

/* The comment is the end of the file, behind the 22 bytes that end the directory; the last two are its length. */
int fpc_zip_says(const char *path, const char *comment)
{
    unsigned char tail[22 + 64];
    const size_t n = strlen(comment), bytes = 22 + n;
    FILE *file = n <= 64 ? fpc_open_plain(path) : NULL;
    const int read = file && !fseek(file, -(long)bytes, SEEK_END) && fread(tail, 1, bytes, file) == bytes;

    if (file)
        fclose(file);
    return read && !memcmp(tail, "PK\5\6", 4) && tail[20] == n && !tail[21] && !memcmp(tail + 22, comment, n);
}

static fpc_status unpack(fpc_ctx *ctx, fpc_arena *arena, const char *what, zip_t *zip, zip_uint64_t i, size_t *left,
                         fpc_zip_entry *out)
{
    zip_stat_t about;
    if (zip_stat_index(zip, i, 0, &about) || !(about.valid & ZIP_STAT_SIZE) || !(about.valid & ZIP_STAT_NAME))
        return failed(ctx, what, zip_get_error(zip));
    if (about.size > *left)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: %s: the archive unpacks to more than %d MiB", what, about.name,
                        MOST_MIB);
    *left -= about.size;
    uint8_t *to = fpc_alloc(arena, about.size + 1);
    char *name = fpc_strdup(arena, about.name);
    if (!to || !name)
        return FPC_ENOMEM;
    zip_file_t *file = zip_fopen_index(zip, i, 0);
    if (!file)
        return failed(ctx, fpc_sprintf(arena, "%s: %s", what, name), zip_get_error(zip));
    uint8_t end; /* the checksum is compared where the end is met */
    const int whole = zip_fread(file, to, about.size) == (zip_int64_t)about.size && zip_fread(file, &end, 1) == 0;
    const fpc_status status =
        whole ? FPC_OK : failed(ctx, fpc_sprintf(arena, "%s: %s", what, name), zip_file_get_error(file));
    zip_fclose(file);
    *out =
        (fpc_zip_entry){name, to, about.size, about.valid & ZIP_STAT_COMP_METHOD && about.comp_method == ZIP_CM_STORE};
    return status;
}

fpc_status fpc_zip_read(fpc_ctx *ctx, fpc_arena *arena, const char *what, const void *data, size_t bytes, int32_t *n,
                        fpc_zip_entry **entry)
{
    zip_error_t e;
    size_t left = (size_t)MOST_MIB << 20;
    if (!bytes) /* libzip takes that for an archive without entries */
        return fpc_fail(ctx, FPC_EFORMAT, "%s: it is empty", what);
    zip_error_init(&e);
    zip_source_t *source = zip_source_buffer_create(data, bytes, 0, &e);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &e) : NULL;
    if (!zip) {
        const fpc_status status = failed(ctx, what, &e);
        zip_source_free(source);
        zip_error_fini(&e);
        return status;
    }
    zip_error_fini(&e);
    const zip_int64_t count = zip_get_num_entries(zip, 0);
    fpc_status status = count >= 0 && count <= MOST_ENTRIES
                            ? FPC_OK
                            : fpc_fail(ctx, FPC_EFORMAT, "%s: %lld entries", what, (long long)count);
    *n = (int32_t)count;
    if (!status && !(*entry = fpc_alloc(arena, (size_t)(count + 1) * sizeof **entry)))
        status = FPC_ENOMEM;
    for (zip_int64_t i = 0; i < count && !status; i++)
        status = unpack(ctx, arena, what, zip, (zip_uint64_t)i, &left, &(*entry)[i]);
    zip_discard(zip);
    return status;
}

const fpc_zip_entry *fpc_zip_find(int32_t n, const fpc_zip_entry *entry, const char *name)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(entry[i].name, name))
            return &entry[i];
    return NULL;
}
