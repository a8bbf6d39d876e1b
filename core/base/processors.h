/* processors.h: what fpc_processors (fpcore/base.h) asks of the system. */
#ifndef CORE_BASE_PROCESSORS_H
#define CORE_BASE_PROCESSORS_H

#include <fpcore/base.h>

/* Processors' worth of time that the control groups of this process grant, rounded up; 0: no limit. root: where the
 * folders proc and sys are, "" outside of tests. */
int32_t fpc_processors_quota(const char *root);

#endif
