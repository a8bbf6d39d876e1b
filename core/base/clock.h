/* clock.h: time for people and for measurements. It never enters a result. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

double fpc_clock_now(void);  /* seconds of a clock that only goes forward */
double fpc_clock_unix(void); /* seconds since 1970 */

#endif
