/* conform.h: what the parts of fpcore-conform share. A plugin is opened from its file, instances are made from its own
 * option table with defaults, and each check prints one line: `ok KIND/NAME: what` or `not ok KIND/NAME: what: why`. */
#ifndef TESTS_CONFORM_CONFORM_H
#define TESTS_CONFORM_CONFORM_H

#include <stdarg.h>

#include "graph/nodes.h"
#include "base/message.h"
#include "runtime/program.h"
#include "plugin/registry.h"

typedef struct conform {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_registry *registry;
    const char *file;
    const fpc_plugin *plugin;
    int32_t n_settings;
    char **setting; /* KEY=VALUE of the command line, for the plugin's section */
    fpc_self *self; /* the instance, or NULL */
    fpc_op_table *ops;
    int32_t failed;
} conform;

/* Prints the line; the reason is the context's first error where there is one, else fmt. Clears the context. Returns
 * whether all is well. */
int check(conform *, int ok, const char *what, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void skip(conform *, const char *what, const char *why);

/* symbols.c: what the file exports */
void check_symbols(conform *);
/* descriptor.c: the plugin's own fields, options, ops and kernels; 0: nothing further can be tried */
int check_descriptor(conform *, const fpc_found *);
/* A further instance with the settings, or NULL with the context's error. */
fpc_self *make_instance(conform *);
/* Once the instance has been used. */
void check_options_stay(conform *);

/* plain.c: kinds that compute on the host */
void check_schedule(conform *);
void check_metric(conform *);
void check_logger(conform *);
/* draws.c */
void check_augment(conform *);
void check_dataset(conform *);
/* networks.c: kinds that build graphs */
void check_model(conform *);
void check_loss(conform *);
void check_optimizer(conform *);
/* machine.c */
void check_backend(conform *);

/* eval.c: runs a graph node by node in double, with the plugin's kernels and those of the backend `ref`. */
typedef struct eval {
    conform *c;
    fpc_graph *g;
    fpc_backend *backend;
    fpc_tensor *value; /* by id; memory of inputs, parameters and buffers is zeroed and the caller's to fill */
} eval;
/* NULL where there is no backend `ref` in the search path; the context is then clear. */
fpc_backend *eval_backend(conform *);
fpc_status eval_open(conform *, fpc_backend *, fpc_graph *, eval *);
fpc_status eval_run(eval *);

/* A number in [-1, 1) that depends on i alone. */
double noise(uint32_t i);

#endif
