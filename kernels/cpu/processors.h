/* processors.h: how many processors this process may keep busy. */
#ifndef KERNELS_CPU_PROCESSORS_H
#define KERNELS_CPU_PROCESSORS_H

#include <stdint.h>

/* Those of its affinity mask, or fewer where a control group grants less time; at least 1. */
int32_t fpc_processors(void);
/* Processors' worth of time that the control groups of this process grant, rounded up; 0: no limit. root: where the
 * folders proc and sys are, "" outside of tests. */
int32_t fpc_processors_quota(const char *root);

#endif
