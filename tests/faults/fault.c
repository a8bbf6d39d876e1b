/* fault.c: preloaded (LD_PRELOAD) into fpcore, makes one call of its own code fail: FAULT_CALL says which function, by
 * name, or `alloc` for all that give memory; FAULT_AT its how manieth call, 0: none; FAULT_ON=1: all later ones, too;
 * FAULT_ERRNO with which error. FAULT_TELL: a file that gets the number of such calls at the end. Calls from libraries
 * of others (iniparser, jansson, libpng, cairo, fontconfig) do not count: what they do without memory is theirs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long count;
static const char *which;
static long at;
static int on, error, ready;

static long number(const char *name, long absent)
{
    const char *text = getenv(name);
    return text ? atol(text) : absent;
}

static void begin(void)
{
    which = getenv("FAULT_CALL");
    at = number("FAULT_AT", 0);
    on = (int)number("FAULT_ON", 0);
    error = (int)number("FAULT_ERRNO", EIO);
    ready = 1;
}

/* fpcore, its library, its plugins. */
static int ours(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname &&
           (strstr(info.dli_fname, "/.libs/") || strstr(info.dli_fname, "fpcore"));
}

static int fails(const char *call, const void *caller)
{
    if (!ready)
        begin();
    if (!which || strcmp(which, call) || !ours(caller))
        return 0;
    const long n = atomic_fetch_add(&count, 1) + 1;
    if (!at || n < at || (n > at && !on))
        return 0;
    errno = error;
    return 1;
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("FAULT_TELL");
    char text[32];
    if (!path || !count)
        return;
    const int length = snprintf(text, sizeof text, "%ld\n", (long)count);
    const long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd >= 0 && syscall(SYS_write, fd, text, length) != length)
        abort();
}

/* The function that this one stands before. */
static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}
#define REAL(name) ((__typeof__(&(name)))next(#name))
#define FAILS(call) fails(call, __builtin_return_address(0))

/* ---- memory: glibc's own names, as dlsym itself asks for memory ---- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

void *malloc(size_t n)
{
    return FAILS("alloc") ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return FAILS("alloc") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return FAILS("alloc") ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return FAILS("alloc") ? NULL : __libc_memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    if (FAILS("alloc"))
        return ENOMEM;
    *out = __libc_memalign(alignment, n);
    return *out ? 0 : ENOMEM;
}

/* ---- files ---- */

ssize_t write(int fd, const void *data, size_t n)
{
    return fd > 2 && FAILS("write") ? -1 : REAL(write)(fd, data, n);
}

ssize_t read(int fd, void *data, size_t n)
{
    return FAILS("read") ? -1 : REAL(read)(fd, data, n);
}

int fsync(int fd)
{
    return FAILS("fsync") ? -1 : REAL(fsync)(fd);
}

int close(int fd)
{
    const int bad = fd > 2 && FAILS("close"), result = REAL(close)(fd);
    if (bad)
        errno = error;
    return bad ? -1 : result;
}

int rename(const char *from, const char *to)
{
    return FAILS("rename") ? -1 : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return FAILS("mkdir") ? -1 : REAL(mkdir)(path, mode);
}

void *mmap(void *where, size_t n, int protection, int flags, int fd, off_t offset)
{
    return fd >= 0 && FAILS("mmap") ? MAP_FAILED : REAL(mmap)(where, n, protection, flags, fd, offset);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return FAILS("open") ? -1 : REAL(open)(path, flags, mode);
}

DIR *opendir(const char *path)
{
    return FAILS("opendir") ? NULL : REAL(opendir)(path);
}

FILE *fopen(const char *path, const char *mode)
{
    return FAILS("fopen") ? NULL : REAL(fopen)(path, mode);
}

int fclose(FILE *file)
{
    const int bad = FAILS("fclose"), result = REAL(fclose)(file);
    if (bad)
        errno = error;
    return bad ? EOF : result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *arg)
{
    return FAILS("pthread_create") ? EAGAIN : REAL(pthread_create)(thread, how, run, arg);
}
