/* folder_fingerprint.c: what tells the contents of a sample from others without reading them: the size of the picture's
 * file and of the mask's, and the last bytes of each, where a PNG keeps the check sum of its pixels, since two masks
 * that exchange labels may well be equally long; and whether the list `sides` exchanges its labels. Where the files lie
 * has no part in it. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "folder.h"

enum { TAIL = 64 };

/* FNV-1a, going on from h. */
static uint64_t add(uint64_t h, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
    return h;
}

static uint64_t add_number(uint64_t h, uint64_t number)
{
    uint8_t bytes[8]; /* the same on every machine */
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    return add(h, bytes, sizeof bytes);
}

static fpc_status failed(const folder *f, const char *path)
{
    return fpc_fail(f->self.ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: cannot be read: %s", path,
                    strerror(errno));
}

static fpc_status add_file(const folder *f, const char *path, uint64_t *h)
{
    uint8_t tail[TAIL];
    struct stat about;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make it wait */
    if (file < 0)
        return failed(f, path);
    const int known = !fstat(file, &about), plain = known && S_ISREG(about.st_mode);
    const off_t from = plain && about.st_size > TAIL ? about.st_size - TAIL : 0;
    const ssize_t got = plain ? pread(file, tail, sizeof tail, from) : -1;
    fpc_status status = FPC_OK;
    if (known && !plain)
        status = fpc_fail(f->self.ctx, FPC_EFORMAT, "%s: cannot be read: it is no plain file", path);
    else if (got < 0)
        status = failed(f, path);
    close(file);
    if (got >= 0)
        *h = add(add_number(*h, (uint64_t)about.st_size), tail, (size_t)got);
    return status;
}

fpc_status fpc_folder_fingerprint(const fpc_self *self, fpc_part part, int64_t index, uint64_t *out)
{
    const folder *f = (const folder *)self;
    const folder_part *p = &f->part[part];
    const int64_t at = p->index[index], mask = p->masks ? fpc_folder_find(p->masks, p->images->file[at].stem) : -1;
    char path[4096];
    fpc_status status = fpc_folder_file(self, part, index, path, sizeof path);
    *out = 14695981039346656037u;
    if (status == FPC_OK)
        status = add_file(f, path, out);
    if (status != FPC_OK || mask < 0)
        return status;
    const int64_t begin = p->masks->piece ? p->masks->first[mask] : 0,
                  end = p->masks->piece ? p->masks->first[mask + 1] : 1;
    for (int64_t i = begin; i < end && status == FPC_OK; i++) {
        const char *name = p->masks->piece ? p->masks->piece[i].name : p->masks->file[mask].name;
        if (snprintf(path, sizeof path, "%s/%s", p->masks->path, name) >= (int)sizeof path)
            return fpc_fail(self->ctx, FPC_EINVAL, "%s/%s: the path is longer than %zu bytes", p->masks->path, name,
                            sizeof path);
        if (p->masks->piece)
            *out = add_number(*out, (uint64_t)p->masks->piece[i].label);
        status = add_file(f, path, out);
    }
    *out = add_number(*out, p->exchange && p->exchange[at]);
    return status;
}
