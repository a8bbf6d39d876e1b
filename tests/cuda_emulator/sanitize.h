/* sanitize.h: which sanitizer this is compiled under, as gcc says it (clang says it otherwise), and how to close memory
 * to the program where that is the address sanitizer. */
#ifndef TESTS_CUDA_EMULATOR_SANITIZE_H
#define TESTS_CUDA_EMULATOR_SANITIZE_H

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#endif
