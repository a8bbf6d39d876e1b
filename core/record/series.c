/* series.c: statistics over a column of a record (series.h). Sums run from the first epoch to the last, in double. */
#include "record/series.h"

#include <math.h>

static int better(double a, double than, int higher)
{
    return higher ? a > than : a < than;
}

int64_t fpc_series_best(int64_t n, const double *v, int higher)
{
    int64_t best = -1;

    for (int64_t i = 0; i < n; i++)
        if (!isnan(v[i]) && (best < 0 || better(v[i], v[best], higher)))
            best = i;
    return best;
}

double fpc_series_mean(int64_t n, const double *v)
{
    double sum = 0;
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        if (!isnan(v[i])) {
            sum += v[i];
            count++;
        }
    return count ? sum / (double)count : NAN;
}

double fpc_series_sigma(int64_t n, const double *v)
{
    const double mean = fpc_series_mean(n, v);
    double sum = 0;
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        if (!isnan(v[i])) {
            sum += (v[i] - mean) * (v[i] - mean);
            count++;
        }
    return count ? sqrt(sum / (double)count) : NAN;
}

double fpc_series_last(int64_t n, const double *v, int64_t k)
{
    return n < k ? NAN : fpc_series_mean(k, v + (n - k));
}

/* k is small: each round looks for the next best behind the one that it found before. */
double fpc_series_top(int64_t n, const double *v, int64_t k, int higher)
{
    int64_t last = -1;
    double sum = 0;

    for (int64_t round = 0; round < k; round++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++) {
            if (isnan(v[i]) || i == last)
                continue;
            if (last >= 0 && (better(v[i], v[last], higher) || (i < last && v[i] == v[last])))
                continue; /* taken */
            if (best < 0 || better(v[i], v[best], higher))
                best = i;
        }
        if (best < 0)
            return NAN;
        sum += v[best];
        last = best;
    }
    return k > 0 ? sum / (double)k : NAN;
}

double fpc_series_window(int64_t n, const double *v, int64_t k, int higher, int64_t *end)
{
    double best = NAN;

    *end = -1;
    for (int64_t i = k - 1; k > 0 && i < n; i++) {
        double sum = 0;
        for (int64_t j = i - k + 1; j <= i; j++)
            sum += v[j];
        if (!isnan(sum) && (isnan(best) || better(sum / (double)k, best, higher))) {
            best = sum / (double)k;
            *end = i;
        }
    }
    return best;
}

double fpc_series_change_sigma(int64_t n, const double *v)
{
    double mean = 0, sum = 0;
    int64_t count = 0;

    for (int64_t i = 1; i < n; i++)
        if (!isnan(v[i] - v[i - 1])) {
            mean += v[i] - v[i - 1];
            count++;
        }
    if (!count)
        return NAN;
    mean /= (double)count;
    for (int64_t i = 1; i < n; i++) {
        const double d = v[i] - v[i - 1] - mean;
        if (!isnan(d))
            sum += d * d;
    }
    return sqrt(sum / (double)count);
}

double fpc_series_largest_change(int64_t n, const double *v, int64_t *at)
{
    double largest = NAN;

    *at = -1;
    for (int64_t i = 1; i < n; i++) {
        const double d = fabs(v[i] - v[i - 1]);
        if (!isnan(d) && (isnan(largest) || d > largest)) {
            largest = d;
            *at = i;
        }
    }
    return largest;
}

double fpc_series_trend(int64_t n, const double *v)
{
    double x = 0, sxx = 0, sxy = 0;
    const double y = fpc_series_mean(n, v);
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        if (!isnan(v[i])) {
            x += (double)i;
            count++;
        }
    if (count < 2)
        return NAN;
    x /= (double)count;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(v[i])) {
            sxx += ((double)i - x) * ((double)i - x);
            sxy += ((double)i - x) * (v[i] - y);
        }
    return sxy / sxx;
}

void fpc_series_smooth(int64_t n, const double *v, int64_t k, double *out)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t first = i > k / 2 ? i - k / 2 : 0, end = n - i > k / 2 ? i + k / 2 + 1 : n;
        out[i] = fpc_series_mean(end - first, v + first);
    }
}
