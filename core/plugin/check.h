/* check.h: what the registry asks of a file before it is opened and of a descriptor before it is used. */
#ifndef CORE_PLUGIN_CHECK_H
#define CORE_PLUGIN_CHECK_H

#include <fpcore/plugin.h>

/* NULL: a shared library of this machine, complete as far as its headers say. Otherwise what it is instead; dlopen of
 * a truncated library would end in SIGBUS. */
const char *fpc_library_bad(fpc_arena *, const char *file);
/* NULL: a descriptor that can be used; *out is a copy of it in this fpcore's sizes, with copies of its options, vtbl,
 * ops and kernels: an older plugin's are shorter, and what they lack is zero. Nothing else has to ask for sizes.
 * *status tells FPC_EABI (another fpcore) from FPC_EFORMAT (a bug in it). */
const char *fpc_plugin_take(fpc_arena *, const fpc_plugin *, fpc_status *status, const fpc_plugin **out);
/* The same for a table of kernels whose rows are `row` bytes apart. NULL: *bad says why. */
const fpc_kernel *fpc_kernels_own(fpc_arena *, const fpc_kernel *, uint32_t row, const char **bad);
/* Whether a word can be a plugin's name: lower case, digits, underscores. */
int fpc_plugin_name_ok(const char *);

#endif
