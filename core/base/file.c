/* file.c: writes files whole or not at all. The bytes go to a new file in the same folder, are synced, and take the
 * place of PATH by rename; then the folder is synced. A crash or a full disk at any moment leaves the former file. The
 * new file is PATH.tmp, which a training that goes on removes from its folder where a killed one left it; a file that
 * has this name already may be anybody's, and another name is taken. And reads them whole. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
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

/* O_EXCL: what has the name already, a link too, is left alone. */
static int create(const char *name)
{
    return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

int fpc_create_beside(const char *path, char **name)
{
    enum { MOST_TRIES = 1000 };
    static atomic_uint made; /* of this process: several threads may write into one folder */
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash + 1 - path) : 0;

    *name = NULL;
    if (asprintf(name, "%s.tmp", path) < 0) {
        *name = NULL;
        return -1;
    }
    int fd = create(*name);
    /* the other names are not made of the file's: that may be as long as names can be */
    for (int i = 0; fd < 0 && (errno == EEXIST || errno == ENAMETOOLONG) && i < MOST_TRIES; i++) {
        free(*name);
        if (asprintf(name, "%.*s.fpcore-%ld-%u.tmp", folder, path, (long)getpid(), atomic_fetch_add(&made, 1)) < 0) {
            *name = NULL;
            return -1;
        }
        fd = create(*name);
    }
    if (fd >= 0)
        return fd;
    const int err = errno;
    free(*name);
    *name = NULL;
    errno = err;
    return -1;
}

/* The new file with these bytes on the disk; an errno, and then there is none. */
static int write_beside(const char *path, int32_t n, const fpc_part_of_file *part, char **name)
{
    int err = 0;
    const int fd = fpc_create_beside(path, name);

    if (fd < 0)
        return errno;
    for (int32_t i = 0; i < n && !err; i++)
        err = write_all(fd, part[i].data, part[i].bytes);
    if (!err && fsync(fd))
        err = errno;
    if (close(fd) && !err)
        err = errno;
    if (err) {
        unlink(*name);
        free(*name);
    }
    return err;
}

static fpc_status not_written(fpc_ctx *ctx, const char *path, int err)
{
    struct stat st;

    return fpc_fail(ctx, err == ENOMEM ? FPC_ENOMEM : FPC_EIO, "%s: cannot be written: %s; %s", path, strerror(err),
                    stat(path, &st) ? "nothing was left behind" : "the former file stays as it was");
}

fpc_status fpc_write_parts(fpc_ctx *ctx, const char *path, int32_t n, const fpc_part_of_file *part)
{
    char *name;
    int err = write_beside(path, n, part, &name);

    if (err)
        return not_written(ctx, path, err);
    if (rename(name, path)) {
        err = errno;
        unlink(name);
    }
    free(name);
    if (!err)
        err = sync_folder(path);
    return err ? not_written(ctx, path, err) : FPC_OK;
}

fpc_status fpc_write_beside(fpc_ctx *ctx, fpc_arena *arena, const char *path, const void *data, size_t bytes,
                            const char **beside)
{
    const fpc_part_of_file part = {data, bytes};
    char *name;
    const int err = write_beside(path, 1, &part, &name);

    *beside = NULL;
    if (err)
        return not_written(ctx, path, err);
    if (!(*beside = fpc_strdup(arena, name)))
        unlink(name);
    free(name);
    return *beside ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_write_atomic(fpc_ctx *ctx, const char *path, const void *data, size_t bytes)
{
    const fpc_part_of_file part = {data, bytes};

    return fpc_write_parts(ctx, path, 1, &part);
}

/* ---- reading ---- */

static fpc_status read_open(fpc_arena *arena, int fd, size_t most, char **text, size_t *bytes, const char **why)
{
    struct stat st;
    size_t used = 0;

    if (fstat(fd, &st)) {
        *why = fpc_sprintf(arena, "cannot be read: %s", strerror(errno));
        return FPC_EIO;
    }
    if (!S_ISREG(st.st_mode)) {
        *why = S_ISDIR(st.st_mode) ? fpc_sprintf(arena, "cannot be read: %s", strerror(EISDIR)) : "is no plain file";
        return S_ISDIR(st.st_mode) ? FPC_EIO : FPC_EFORMAT;
    }
    if ((uint64_t)st.st_size > most) {
        *why = fpc_sprintf(arena, "is larger than %zu bytes, the most that is read", most);
        return FPC_EFORMAT;
    }
    const size_t size = (size_t)st.st_size;
    if (!(*text = fpc_alloc(arena, size + 1)))
        return FPC_ENOMEM;
    while (used <= size) {
        const ssize_t got = read(fd, *text + used, size + 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            *why = fpc_sprintf(arena, "cannot be read: %s", strerror(errno));
            return FPC_EIO;
        }
        if (got == 0)
            break;
        used += (size_t)got;
    }
    if (used > size) {
        *why = "grew while it was read";
        return FPC_EIO;
    }
    (*text)[used] = '\0';
    *bytes = used;
    return FPC_OK;
}

FILE *fpc_open_plain(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    FILE *file = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) ? fdopen(fd, "rb") : NULL;

    if (fd >= 0 && !file)
        close(fd);
    return file;
}

fpc_status fpc_read_file_why(fpc_arena *arena, const char *path, size_t most, char **text, size_t *bytes,
                             const char **why)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const int error = errno;

    *why = NULL;
    if (fd < 0) {
        *why = fpc_sprintf(arena, "cannot be read: %s", strerror(error));
        return error == ENOENT ? FPC_ENOENT : FPC_EIO;
    }
    const fpc_status status = read_open(arena, fd, most, text, bytes, why);
    close(fd);
    if (!*why)
        *why = "cannot be read: no memory for it";
    return status;
}

fpc_status fpc_read_file(fpc_ctx *ctx, fpc_arena *arena, const char *path, size_t most, char **text, size_t *bytes)
{
    const char *why;
    const fpc_status status = fpc_read_file_why(arena, path, most, text, bytes, &why);

    return status ? fpc_fail(ctx, status, "%s: %s", path, why) : FPC_OK;
}

fpc_status fpc_write_text(fpc_ctx *ctx, const char *path, const char *text)
{
    const size_t n = strlen(text);
    const fpc_part_of_file part[] = {{text, n}, {"\n", 1}};

    return fpc_write_parts(ctx, path, n && text[n - 1] == '\n' ? 1 : 2, part);
}

/* What hinders the making of the folder `path`, an errno, or 0: it is made, or there already. */
static int make_folder(const char *path)
{
    struct stat about;
    const int why = mkdir(path, 0777) ? errno : 0;

    if (!why || (!stat(path, &about) && S_ISDIR(about.st_mode)))
        return 0;
    return why == EEXIST ? ENOTDIR : why;
}

/* The same without making it. *end: it is not there, and its parent lets one be made. A link to nowhere is there. */
static int look_at_folder(const char *path, const char *parent, int *end)
{
    struct stat about;

    if (!stat(path, &about))
        return S_ISDIR(about.st_mode) ? 0 : ENOTDIR;
    if (errno == ENOENT && !lstat(path, &about))
        return ENOTDIR;
    *end = errno == ENOENT && !access(*parent ? parent : *path == '/' ? "/" : ".", W_OK | X_OK);
    return *end ? 0 : errno;
}

static fpc_status each_folder(fpc_ctx *ctx, const char *what, const char *path, int make)
{
    char *copy = strdup(path), *parent = strdup(path), *slash = copy;
    fpc_status status = copy && parent ? FPC_OK : fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for a folder's name", what);
    int end = 0;

    if (parent)
        *parent = '\0';
    while (!status && !end && *slash) {
        slash += *slash == '/';
        slash += strcspn(slash, "/");
        const char was = *slash;
        *slash = '\0';
        const int why = make ? make_folder(copy) : look_at_folder(copy, parent, &end);
        if (why)
            status = fpc_fail(ctx, FPC_EIO, "%s: the folder %s cannot be made: %s", what, copy, strerror(why));
        memcpy(parent, copy, strlen(copy) + 1);
        *slash = was;
    }
    free(copy);
    free(parent);
    return status;
}

fpc_status fpc_make_folders(fpc_ctx *ctx, const char *what, const char *path)
{
    return each_folder(ctx, what, path, 1);
}

fpc_status fpc_check_folders(fpc_ctx *ctx, const char *what, const char *path)
{
    return each_folder(ctx, what, path, 0);
}

/* Whether standard input has something to read, or its end, before `until` is cancelled. A signal that cancels may be
 * caught in another thread than this one, which nothing wakes then: so it looks up from time to time. */
static int comes(const fpc_ctx *until)
{
    enum { MILLISECONDS = 50 };
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    while (!fpc_ctx_cancelled(until)) {
        const int ready = poll(&input, 1, MILLISECONDS);
        if (ready > 0 || (ready < 0 && errno != EINTR && errno != EAGAIN)) /* what stands in the way, read will say */
            return 1;
    }
    return 0;
}

fpc_status fpc_read_stdin(fpc_ctx *ctx, const fpc_ctx *until, fpc_arena *arena, size_t most, char **data, size_t *bytes)
{
    size_t room = 1 << 16;
    char *text = malloc(room), *more = text;

    for (*bytes = 0; more;) {
        if (!comes(until)) {
            free(text);
            return fpc_fail(ctx, FPC_ECANCEL, "standard input: interrupted before its end");
        }
        const ssize_t got = read(STDIN_FILENO, text + *bytes, room - *bytes);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0 || *bytes + (size_t)got > most) {
            const int error = errno;
            free(text);
            return got < 0 ? fpc_fail(ctx, FPC_EIO, "standard input cannot be read: %s", strerror(error))
                           : fpc_fail(ctx, FPC_EFORMAT, "standard input: more than %zu bytes", most);
        }
        if (got == 0)
            break;
        *bytes += (size_t)got;
        if (*bytes == room && (more = realloc(text, room *= 2)))
            text = more;
    }
    if ((*data = more ? fpc_alloc(arena, *bytes + 1) : NULL))
        memcpy(*data, text, *bytes);
    free(text);
    return *data ? FPC_OK : fpc_fail(ctx, FPC_ENOMEM, "no memory for standard input");
}
