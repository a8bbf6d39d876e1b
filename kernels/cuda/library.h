/* library.h: CUDA's large libraries are opened when a GPU is, and not linked: cuBLASLt and cuDNN are a gigabyte,
 * `fpcore -l` needs neither, and a machine without them still trains with the kernels of our own. A file that uses one
 * lists the functions once, as a macro that says X(cublasLtCreate) and so on, makes a struct of pointers of their own
 * types from it, and calls through that. */
#ifndef KERNELS_CUDA_LIBRARY_H
#define KERNELS_CUDA_LIBRARY_H

#include <dlfcn.h>
#include <stdio.h>

#define FPC_CUDA_TEXT_OF(x) #x
#define FPC_CUDA_TEXT(x) FPC_CUDA_TEXT_OF(x)
/* Members of the struct, and rows of the list of their names, from a macro LIST(X) that says X(function) for each. */
#define FPC_CUDA_MEMBER(function) decltype(&::function) function;
#define FPC_CUDA_NAME_OF(function) #function,

/* Opens `file` (found by the loader, or beside the folders that configure found) and finds the n functions of `names`
 * one after the other into `to`. NULL: *error says why, until the next call. */
static inline void *fpc_cuda_library(const char *file, const char *const *names, int n, void **to, const char **error)
{
    static char text[400];
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const char *missing = handle ? NULL : file;
    for (int i = 0; i < n && !missing; i++)
        if (!(to[i] = dlsym(handle, names[i])))
            missing = names[i];
    if (!missing)
        return handle;
    const char *why = dlerror();
    snprintf(text, sizeof text, "%s", why ? why : missing);
    *error = text;
    if (handle)
        dlclose(handle);
    return NULL;
}

#endif
