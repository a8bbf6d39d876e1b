/* case.h: cmocka with the headers that it wants first, for C and C++. fixture.h includes it; tests of public headers
 * alone and of the emulation of CUDA need no more than this. */
#ifndef TESTS_CASE_H
#define TESTS_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __cplusplus
extern "C" {
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif

#endif
