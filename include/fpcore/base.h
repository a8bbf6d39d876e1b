/* base.h: status codes, the run's context, arenas, and the struct that every plugin's own struct begins with.
 *
 * Structs that begin with `uint32_t size` grow at their end within an ABI major: whoever fills one puts sizeof there,
 * and what the other side's shorter struct lacks counts as zero. The others never change.
 *
 * Every fallible function returns fpc_status. The sentence that explains a failure is made where the cause is
 * known, by fpc_fail, and printed once by the program; the first failure of a context wins. */
#ifndef FPCORE_BASE_H
#define FPCORE_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FPC_API __attribute__((visibility("default")))

/* Inline functions of the headers that kernels for a GPU call too. */
#ifdef __CUDACC__
#define FPC_BOTH __host__ __device__ static inline
#else
#define FPC_BOTH static inline
#endif

/* The product's version. */
#define FPCORE_VERSION_MAJOR 0
#define FPCORE_VERSION_MINOR 1
#define FPCORE_VERSION_PATCH 0
#define FPCORE_VERSION "0.1.0"
/* For #if: whether these headers are of version a.b.c or later. */
#define FPC_VERSION_AT_LEAST(a, b, c)                                                                                  \
    (FPCORE_VERSION_MAJOR > (a) ||                                                                                     \
     (FPCORE_VERSION_MAJOR == (a) &&                                                                                   \
      (FPCORE_VERSION_MINOR > (b) || (FPCORE_VERSION_MINOR == (b) && FPCORE_VERSION_PATCH >= (c)))))

/* Major number of the plugin interface. It is part of the name of the one symbol that a plugin exports
 * (FPC_PLUGINS in plugin.h), so a plugin of another major is recognised by a missing symbol.
 * A minor number adds: fields at the ends of structs that have a size, functions, ops, numbers of enums. */
#define FPC_ABI_MAJOR 1
#define FPC_ABI_MINOR 0
#define FPC_ABI (FPC_ABI_MAJOR * 1000 + FPC_ABI_MINOR)

typedef enum fpc_status {
    FPC_OK = 0,
    FPC_EINVAL = -1,     /* a value, a shape or a key that makes no sense; exit code 2 where it is the recipe's */
    FPC_ENOMEM = -2,     /* memory */
    FPC_EIO = -3,        /* the operating system refused a read or a write */
    FPC_EFORMAT = -4,    /* a file is not what it says */
    FPC_ENOENT = -5,     /* a file, a plugin or a name does not exist */
    FPC_EABI = -6,       /* a plugin was built for another fpcore */
    FPC_ENOSUPPORT = -7, /* a kernel, a gradient or a data type is missing */
    FPC_EDEVICE = -8,    /* the accelerator */
    FPC_ENAN = -9,       /* training diverged; exit code 3 */
    FPC_ECANCEL = -10,   /* interrupted; exit code 130 */
    FPC_EINTERNAL = -11  /* a bug in fpcore or in a plugin */
} fpc_status;

typedef struct fpc_ctx fpc_ctx;     /* one per run: first error, log sink, cancel flag; any thread */
typedef struct fpc_arena fpc_arena; /* memory that is freed as a whole; one thread at a time */

/* First member of each plugin's struct; it never grows. The core allocates self_size bytes, zeroed, and fills this and
 * the options before init is called. label: the section's name in the recipe, "loss.dice"; it names the plugin in
 * messages. */
typedef struct fpc_self {
    fpc_ctx *ctx;
    fpc_arena *arena; /* lives as long as the plugin's instance */
    const char *label;
    const void *section; /* what fpc_origin asks; none of a plugin's business */
} fpc_self;

enum { FPC_LOG_ERROR = 1, FPC_LOG_WARN, FPC_LOG_INFO, FPC_LOG_DEBUG };

/* Records a failure and returns its status, so that `return fpc_fail(...)` reads as one thought. The sentence says
 * what is wrong, where (FILE:LINE, section.key, tensor or sample name) and what would be right. Any thread. */
FPC_API fpc_status fpc_fail(fpc_ctx *, fpc_status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Where the recipe states an option of the plugin: "conf/a.ini:12", for messages; "default" where it does not. */
FPC_API const char *fpc_origin(const fpc_self *, const char *key);
/* The folders in which the path of that option was looked for, in this order, for messages that it is not there:
 * "/a/conf, then in /a". beside: the folder of the option that its row names, or NULL. */
FPC_API const char *fpc_looked(const fpc_self *, const char *key, const char *beside);
/* A line for the person who runs the program (stderr and the loggers). Any thread. */
FPC_API void fpc_log(fpc_ctx *, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* How many processors this process may keep busy: those of its affinity mask, or fewer where a control group grants
 * less time; at least 1. Any thread. */
FPC_API int32_t fpc_processors(void);

/* Zeroed memory aligned to 64 bytes, or NULL after FPC_ENOMEM; freed with the arena. */
FPC_API void *fpc_alloc(fpc_arena *, size_t bytes);
FPC_API char *fpc_strdup(fpc_arena *, const char *);
FPC_API char *fpc_sprintf(fpc_arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif
#endif
