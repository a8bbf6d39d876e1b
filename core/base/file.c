/* file.c: writes files whole or not at all. The bytes go to PATH.tmp in the same folder, are synced, and take the place
 * of PATH by rename; then the folder is synced. A crash or a full disk at any moment leaves the former file. The
 * temporary name is fixed, so that what a killed process left is overwritten by the next one. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const void *data, size_t bytes)
{
    const char *p = data;

    while (bytes > 0) {
        ssize_t done = write(fd, p, bytes < (1u << 30) ? bytes : (1u << 30));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno;
        p += done;
        bytes -= (size_t)done;
    }
    return 0;
}

static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    int fd, err = 0;

    if (!folder)
        return ENOMEM;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) && errno != EINVAL)) /* EINVAL: a file system without it */
        err = errno;
    if (fd >= 0)
        close(fd);
    free(folder);
    return err;
}

static int write_and_rename(const char *path, const char *temp, int32_t n, const fpc_part_of_file *part)
{
    int err = 0;
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);

    if (fd < 0)
        return errno;
    for (int32_t i = 0; i < n && !err; i++)
        err = write_all(fd, part[i].data, part[i].bytes);
    if (!err && fsync(fd))
        err = errno;
    if (close(fd) && !err)
        err = errno;
    if (!err && rename(temp, path))
        err = errno;
    if (err)
        unlink(temp);
    return err;
}

fpc_status fpc_write_parts(fpc_ctx *ctx, const char *path, int32_t n, const fpc_part_of_file *part)
{
    char *temp = NULL;
    struct stat st;
    int err;

    if (asprintf(&temp, "%s.tmp", path) < 0)
        return fpc_fail(ctx, FPC_ENOMEM, "%s: no memory to write it", path);
    err = write_and_rename(path, temp, n, part);
    free(temp);
    if (!err)
        err = sync_folder(path);
    if (err)
        return fpc_fail(ctx, FPC_EIO, "%s: cannot be written: %s; %s", path, strerror(err),
                        stat(path, &st) ? "nothing was left behind" : "the former file stays as it was");
    return FPC_OK;
}

fpc_status fpc_write_atomic(fpc_ctx *ctx, const char *path, const void *data, size_t bytes)
{
    const fpc_part_of_file part = {data, bytes};

    return fpc_write_parts(ctx, path, 1, &part);
}
