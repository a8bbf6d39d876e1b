/* plugin.h: the descriptor of a plugin and the one symbol that its .so exports.
 *
 * A plugin file reads: struct (fpc_self first), callbacks, options, vtable, descriptor, FPC_PLUGINS. Compile with
 *   cc -std=c11 -shared -fPIC -fvisibility=hidden mine.c $(pkg-config --cflags --libs fpcore) -o mine.so
 * and put the .so into a folder of FPCORE_PLUGIN_PATH. `fpcore new KIND NAME` writes one to start from. */
#ifndef FPCORE_PLUGIN_H
#define FPCORE_PLUGIN_H

#include <fpcore/base.h>
#include <fpcore/op.h>
#include <fpcore/option.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fpc_kind {
    FPC_MODEL = 1,
    FPC_LOSS,
    FPC_SCHEDULE,
    FPC_OPTIMIZER,
    FPC_AUGMENT,
    FPC_METRIC,
    FPC_DATASET,
    FPC_BACKEND,
    FPC_LOGGER,
    FPC_COMM /* reserved for sums between processes; no plugin of this kind is shipped yet */
} fpc_kind;

typedef struct fpc_plugin {
    uint32_t size, abi, kind, flags; /* sizeof and FPC_ABI as the plugin's compiler saw them: FPC_PLUGIN_HEAD; bits */
    const char *name;                /* lower case, digits, underscores: what `use = ` says */
    const char *summary;             /* one line, for `fpcore -l` */
    const char *detail;              /* paragraphs for `fpcore -h`; may be NULL */
    const char *version, *license;
    const fpc_option *options;       /* ends with {0}; may be NULL */
    uint32_t option_size, self_size; /* sizeof(fpc_option); sizeof the plugin's struct */
    fpc_status (*init)(fpc_self *);  /* [main] after the options are set; may be NULL */
    void (*fini)(fpc_self *);        /* [main] may be NULL */
    const void *vtbl;                /* the kind's table; begins with its own size */
    const fpc_op_def *ops;           /* further ops, ends with a row whose name is NULL; may be NULL */
    const fpc_kernel *kernels;       /* further kernels for host backends, ends with op NULL; may be NULL */
} fpc_plugin;

#define FPC_PLUGIN_HEAD .size = sizeof(fpc_plugin), .abi = FPC_ABI, .option_size = sizeof(fpc_option)

/* flags of fpc_plugin. Bits that this fpcore does not know are refused, so that they can be given a meaning later. */
enum {
    FPC_PLUGIN_ONNX = 1 << 0,    /* what it builds, with ops of its own, has a form in ONNX */
    FPC_PLUGIN_CAPTURE = 1 << 1, /* the graphs that it builds may be recorded once and replayed (backend.h) */
    FPC_PLUGIN_ONCE = 1 << 2     /* a logger whose files have fixed names: a run has one of it */
};

/* FPC_PLUGINS(&a, &b): the only exported symbol. Its name carries the ABI's major number. */
#define FPC_PLUGINS(...)                                                                                               \
    FPC_API const fpc_plugin *const *fpc_plugins_v1(void);                                                             \
    FPC_API const fpc_plugin *const *fpc_plugins_v1(void)                                                              \
    {                                                                                                                  \
        static const fpc_plugin *const list[] = {__VA_ARGS__, NULL};                                                   \
        return list;                                                                                                   \
    }

#ifdef __cplusplus
}
#endif
#endif
