/* series.h: small pure statistics over one column of a record, a value per epoch. NAN is an epoch without a value and
 * is passed over. Best is the first extreme; sigma is that of the population. */
#ifndef CORE_RECORD_SERIES_H
#define CORE_RECORD_SERIES_H

#include <stdint.h>

/* Index of the first best value, or -1 where there is none. */
int64_t fpc_series_best(int64_t n, const double *, int higher);
/* NAN where nothing can be taken a mean of. */
double fpc_series_mean(int64_t n, const double *);
double fpc_series_sigma(int64_t n, const double *);
/* Mean of the last k, of the k best: NAN where there are fewer than k. */
double fpc_series_last(int64_t n, const double *, int64_t k);
double fpc_series_top(int64_t n, const double *, int64_t k, int higher);
/* The best mean of k epochs in a row without a gap; *end: index of its last epoch, the first where several are equal.
 */
double fpc_series_window(int64_t n, const double *, int64_t k, int higher, int64_t *end);
/* Sigma of the changes from one epoch to the next, both of which lie in the series. */
double fpc_series_change_sigma(int64_t n, const double *);
/* The largest of them, without its sign; *at: index of the epoch that it leads to. NAN where there is none. */
double fpc_series_largest_change(int64_t n, const double *, int64_t *at);
/* Slope per epoch of the straight line of least squares. */
double fpc_series_trend(int64_t n, const double *);
/* out[i]: mean of the k values around i, of those of them that there are at the ends; k is odd. */
void fpc_series_smooth(int64_t n, const double *, int64_t k, double *out);

#endif
