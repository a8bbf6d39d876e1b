/* c_functions.c: the functions that a network's C file calls, as they stand there. Only those that it needs are in it.
 *
 * All work is in `products`: weights lie in panels of LANES outputs, and four pixels at a time go through a panel, so
 * that a weight is read once for four and sums stay in registers. */
#include "cmd/export/c.h"
#include <string.h>

static const char text_first_at[] =
    "/* The first place o along an axis at which o * stride - pad + tap is `in` at least. */\n"
    "static int first_at(int in, int tap, int stride, int pad)\n"
    "{\n"
    "    const int away = in + pad - tap;\n"
    "\n"
    "    return away > 0 ? (away + stride - 1) / stride : 0;\n"
    "}\n";

static const char text_fill[] = "/* n pixels of c numbers begin as the bias, or as 0. */\n"
                                "static void fill(float *y, int n, const float *bias, int c)\n"
                                "{\n"
                                "    for (int p = 0; p < n; p++, y += c)\n"
                                "        for (int k = 0; k < c; k++)\n"
                                "            y[k] = bias ? bias[k] : 0.0f;\n"
                                "}\n";

static const char text_products[] =
    "/* A panel of LANES outputs for four pixels, dx and dy numbers apart: y += x * w. A loop for each pixel, also "
    "where\n"
    " * sums come and go: what compilers make vectors of. */\n"
    "APART static void panel_of_four(const float *x, int dx, int n_in, const float *RESTRICT w, float *RESTRICT y, int "
    "dy)\n"
    "{\n"
    "    float a[LANES], b[LANES], c[LANES], d[LANES];\n"
    "    float *y2 = y + dy, *y3 = y2 + dy, *y4 = y3 + dy;\n"
    "\n"
    "    for (int k = 0; k < LANES; k++) a[k] = y[k];\n"
    "    for (int k = 0; k < LANES; k++) b[k] = y2[k];\n"
    "    for (int k = 0; k < LANES; k++) c[k] = y3[k];\n"
    "    for (int k = 0; k < LANES; k++) d[k] = y4[k];\n"
    "    for (int i = 0; i < n_in; i++, x++, w += LANES) {\n"
    "        const float p = x[0], q = x[dx], r = x[2 * dx], s = x[3 * dx];\n"
    "        AS_VECTOR for (int k = 0; k < LANES; k++) a[k] += p * w[k];\n"
    "        AS_VECTOR for (int k = 0; k < LANES; k++) b[k] += q * w[k];\n"
    "        AS_VECTOR for (int k = 0; k < LANES; k++) c[k] += r * w[k];\n"
    "        AS_VECTOR for (int k = 0; k < LANES; k++) d[k] += s * w[k];\n"
    "    }\n"
    "    for (int k = 0; k < LANES; k++) y[k] = a[k];\n"
    "    for (int k = 0; k < LANES; k++) y2[k] = b[k];\n"
    "    for (int k = 0; k < LANES; k++) y3[k] = c[k];\n"
    "    for (int k = 0; k < LANES; k++) y4[k] = d[k];\n"
    "}\n"
    "\n"
    "APART static void panel_of_one(const float *x, int n_in, const float *RESTRICT w, float *RESTRICT y)\n"
    "{\n"
    "    float a[LANES];\n"
    "\n"
    "    for (int k = 0; k < LANES; k++) a[k] = y[k];\n"
    "    for (int i = 0; i < n_in; i++, w += LANES)\n"
    "        AS_VECTOR for (int k = 0; k < LANES; k++) a[k] += x[i] * w[k];\n"
    "    for (int k = 0; k < LANES; k++) y[k] = a[k];\n"
    "}\n"
    "\n"
    "/* y[p][o] += sum over i of x[p][i] * w[first + i][o], for n pixels p whose inputs are dx numbers apart and "
    "whose\n"
    " * outputs dy. w is a matrix of `rows` x n_out in panels of LANES outputs, row after row; the last panel is as "
    "wide\n"
    " * as what is left. */\n"
    "APART static void products(const float *x, int dx, int n_in, const float *w, int first, int rows, int n_out, "
    "float *y,\n"
    "                           int dy, int n)\n"
    "{\n"
    "    for (; n_out >= LANES; n_out -= LANES, w += rows * LANES, y += LANES) {\n"
    "        const float *from = x;\n"
    "        float *to = y;\n"
    "        int left = n;\n"
    "        for (; left >= 4; left -= 4, from += 4 * dx, to += 4 * dy)\n"
    "            panel_of_four(from, dx, n_in, w + first * LANES, to, dy);\n"
    "        for (; left > 0; left--, from += dx, to += dy)\n"
    "            panel_of_one(from, n_in, w + first * LANES, to);\n"
    "    }\n"
    "    for (; n_out > 0 && n > 0; n--, x += dx, y += dy)\n"
    "        for (int k = 0; k < n_out; k++) {\n"
    "            const float *at = w + first * n_out + k;\n"
    "            for (int i = 0; i < n_in; i++, at += n_out)\n"
    "                y[k] += x[i] * *at;\n"
    "        }\n"
    "}\n";

static const char text_to_real[] = "APART static void to_real(const uint8_t *x, int n, float *y)\n"
                                   "{\n"
                                   "    for (int i = 0; i < n; i++)\n"
                                   "        y[i] = (float)x[i] / 255.0f;\n"
                                   "}\n";

static const char text_linear[] =
    "/* A linear map of n pixels. */\n"
    "APART static void linear(const float *x, int n, int c, const float *w, const float *bias, float *y, int oc)\n"
    "{\n"
    "    fill(y, n, bias, oc);\n"
    "    products(x, c, c, w, 0, c, oc, y, oc, n);\n"
    "}\n";

static const char text_conv[] =
    "/* A convolution, line by line: of a line of the kernel, inputs of neighbouring taps lie side by side, so it is "
    "one\n"
    " * product; at the borders of those taps that are inside. */\n"
    "APART static void conv(const float *x, int h, int w, int c, const float *weight, const float *bias, int kh, int "
    "kw,\n"
    "                       int stride, int pad, float *y, int oh, int ow, int oc)\n"
    "{\n"
    "    for (int oy = 0; oy < oh; oy++, y += ow * oc) {\n"
    "        fill(y, ow, bias, oc);\n"
    "        for (int ky = 0; ky < kh; ky++) {\n"
    "            const int iy = oy * stride - pad + ky;\n"
    "            for (int ox = 0, n = 1; ox < ow && iy >= 0 && iy < h; ox += n) {\n"
    "                const int ix = ox * stride - pad, from = ix < 0 ? -ix : 0, to = w - ix < kw ? w - ix : kw;\n"
    "                const int more = from || to < kw ? 1 : (w - kw - ix) / stride + 1;\n"
    "                n = more < ow - ox ? more : ow - ox;\n"
    "                if (from < to)\n"
    "                    products(x + (iy * w + ix + from) * c, stride * c, (to - from) * c, weight + ky * kw * c * "
    "oc,\n"
    "                             from * c, kw * c, oc, y + ox * oc, oc, n);\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

static const char text_conv_groups[] =
    "/* A convolution whose output channels see a group of the input channels each, tap by tap. */\n"
    "APART static void conv_groups(const float *x, int h, int w, int c, const float *weight, const float *bias, int "
    "groups,\n"
    "                              int kh, int kw, int stride, int pad, float *y, int oh, int ow, int oc)\n"
    "{\n"
    "    const int in = c / groups, out = oc / groups;\n"
    "\n"
    "    for (int oy = 0; oy < oh; oy++, y += ow * oc) {\n"
    "        fill(y, ow, bias, oc);\n"
    "        for (int tap = 0; tap < kh * kw; tap++) {\n"
    "            const int iy = oy * stride - pad + tap / kw, kx = tap % kw;\n"
    "            const int from = first_at(0, kx, stride, pad), end = first_at(w, kx, stride, pad);\n"
    "            const int to = end < ow ? end : ow;\n"
    "            for (int g = 0; g < groups && iy >= 0 && iy < h && from < to; g++)\n"
    "                products(x + (iy * w + from * stride - pad + kx) * c + g * in, stride * c, in,\n"
    "                         weight + (tap * groups + g) * in * out, 0, in, out, y + from * oc + g * out, oc, to - "
    "from);\n"
    "        }\n"
    "    }\n"
    "}\n";

static const char text_conv_depthwise[] =
    "/* A convolution of each channel for itself. */\n"
    "APART static void conv_depthwise(const float *x, int h, int w, int c, const float *weight, const float *bias, int "
    "kh,\n"
    "                                 int kw, int stride, int pad, float *RESTRICT y, int oh, int ow)\n"
    "{\n"
    "    for (int oy = 0; oy < oh; oy++, y += ow * c) {\n"
    "        fill(y, ow, bias, c);\n"
    "        for (int tap = 0; tap < kh * kw; tap++) {\n"
    "            const int iy = oy * stride - pad + tap / kw, kx = tap % kw;\n"
    "            const int end = first_at(w, kx, stride, pad), to = end < ow ? end : ow;\n"
    "            for (int ox = first_at(0, kx, stride, pad); ox < to && iy >= 0 && iy < h; ox++) {\n"
    "                const float *from = x + (iy * w + ox * stride - pad + kx) * c, *by = weight + tap * c;\n"
    "                float *RESTRICT sum = y + ox * c;\n"
    "                for (int k = 0; k < c; k++)\n"
    "                    sum[k] += from[k] * by[k];\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

static const char text_conv_transposed[] =
    "/* A transposed convolution: each input adds to the outputs that a convolution would make it of. */\n"
    "APART static void conv_transposed(const float *x, int h, int w, int c, const float *weight, const float *bias, "
    "int "
    "groups,\n"
    "                                  int kh, int kw, int stride, int pad, float *y, int oh, int ow, int oc)\n"
    "{\n"
    "    const int in = c / groups, out = oc / groups;\n"
    "\n"
    "    fill(y, oh * ow, bias, oc);\n"
    "    for (int iy = 0; iy < h; iy++)\n"
    "        for (int tap = 0; tap < kh * kw; tap++) {\n"
    "            const int oy = iy * stride - pad + tap / kw, kx = tap % kw;\n"
    "            const int from = first_at(0, kx, stride, pad), end = first_at(ow, kx, stride, pad);\n"
    "            const int to = end < w ? end : w;\n"
    "            for (int g = 0; g < groups && oy >= 0 && oy < oh && from < to; g++)\n"
    "                products(x + (iy * w + from) * c + g * in, c, in, weight + (tap * groups + g) * in * out, 0, in, "
    "out,\n"
    "                         y + (oy * ow + from * stride - pad + kx) * oc + g * out, stride * oc, to - from);\n"
    "        }\n"
    "}\n";

static const char text_layer_norm[] =
    "/* Sum of x - middle, or of its squares, in LANES sums that are added in the end. */\n"
    "static float total(const float *x, int n, float middle, int squares)\n"
    "{\n"
    "    float part[LANES] = {0}, sum = 0;\n"
    "    int i = 0;\n"
    "\n"
    "    for (; i + LANES <= n; i += LANES)\n"
    "        for (int k = 0; k < LANES; k++) {\n"
    "            const float v = x[i + k] - middle;\n"
    "            part[k] += squares ? v * v : v;\n"
    "        }\n"
    "    for (; i < n; i++)\n"
    "        part[i % LANES] += squares ? (x[i] - middle) * (x[i] - middle) : x[i] - middle;\n"
    "    for (int k = 0; k < LANES; k++)\n"
    "        sum += part[k];\n"
    "    return sum;\n"
    "}\n"
    "\n"
    "APART static void layer_norm(const float *x, int n, int c, const float *gain, const float *bias, float eps, float "
    "*y)\n"
    "{\n"
    "    for (int p = 0; p < n; p++, x += c, y += c) {\n"
    "        const float mean = total(x, c, 0.0f, 0) / (float)c;\n"
    "        const float scale = 1.0f / sqrtf(total(x, c, mean, 1) / (float)c + eps);\n"
    "        for (int k = 0; k < c; k++)\n"
    "            y[k] = (x[k] - mean) * scale * gain[k] + bias[k];\n"
    "    }\n"
    "}\n";

static const char text_softmax_of[] = "/* exp(scale * x) of n numbers, so that they add up to 1; y may be x. */\n"
                                      "APART static void softmax_of(const float *x, int n, float scale, float *y)\n"
                                      "{\n"
                                      "    float most = scale * x[0], sum = 0;\n"
                                      "\n"
                                      "    for (int i = 1; i < n; i++)\n"
                                      "        most = scale * x[i] > most ? scale * x[i] : most;\n"
                                      "    for (int i = 0; i < n; i++) {\n"
                                      "        y[i] = expf(scale * x[i] - most);\n"
                                      "        sum += y[i];\n"
                                      "    }\n"
                                      "    for (int i = 0; i < n; i++)\n"
                                      "        y[i] /= sum;\n"
                                      "}\n";

static const char text_softmax[] = "APART static void softmax(const float *x, int n, int c, float *y)\n"
                                   "{\n"
                                   "    for (int p = 0; p < n; p++, x += c, y += c)\n"
                                   "        softmax_of(x, c, 1.0f, y);\n"
                                   "}\n";

static const char text_attention[] =
    "/* The matrix x[i * di + o * dout] in panels, as `products` reads it. */\n"
    "APART static void panels(const float *x, int di, int dout, int n_in, int n_out, float *to)\n"
    "{\n"
    "    for (int first = 0; first < n_out; first += LANES)\n"
    "        for (int i = 0; i < n_in; i++)\n"
    "            for (int o = first; o < first + LANES && o < n_out; o++)\n"
    "                *to++ = x[i * di + o * dout];\n"
    "}\n"
    "\n"
    "/* Every pixel of q looks at all of k and v, each head at its own channels; QUERIES pixels at a time. work: keys "
    "and\n"
    " * values of a head, and the scores. */\n"
    "APART static void attention(const float *q, const float *k, const float *v, int heads, int queries, int keys, int "
    "c,\n"
    "                            float scale, float *work, float *y)\n"
    "{\n"
    "    const int d = c / heads;\n"
    "    float *key = work, *value = key + d * keys, *score = value + d * keys;\n"
    "\n"
    "    for (int head = 0; head < c; head += d) {\n"
    "        panels(k + head, 1, c, d, keys, key);\n"
    "        panels(v + head, c, 1, keys, d, value);\n"
    "        for (int first = 0; first < queries; first += QUERIES) {\n"
    "            const int n = queries - first < QUERIES ? queries - first : QUERIES;\n"
    "            float *to = y + first * c + head;\n"
    "            fill(score, n, NULL, keys);\n"
    "            products(q + first * c + head, c, d, key, 0, d, keys, score, keys, n);\n"
    "            for (int p = 0; p < n; p++) {\n"
    "                softmax_of(score + p * keys, keys, scale, score + p * keys);\n"
    "                for (int i = 0; i < d; i++)\n"
    "                    to[p * c + i] = 0;\n"
    "            }\n"
    "            products(score, keys, keys, value, 0, keys, d, to, c, n);\n"
    "        }\n"
    "    }\n"
    "}\n";

#define BY_NUMBER(name, how)                                                                                           \
    "APART static void " name "(const float *x, int n, float *y)\n"                                                    \
    "{\n"                                                                                                              \
    "    for (int i = 0; i < n; i++)\n"                                                                                \
    "        y[i] = " how ";\n"                                                                                        \
    "}\n"
#define BY_TWO(name, sign)                                                                                             \
    "APART static void " name "(const float *x, const float *z, int n, float *y)\n"                                    \
    "{\n"                                                                                                              \
    "    for (int i = 0; i < n; i++)\n"                                                                                \
    "        y[i] = x[i] " sign " z[i];\n"                                                                             \
    "}\n"
#define BY_CHANNEL(name, sign)                                                                                         \
    "APART static void " name "(const float *x, int n, int c, const float *z, float *y)\n"                             \
    "{\n"                                                                                                              \
    "    for (int p = 0; p < n; p++, x += c, y += c)\n"                                                                \
    "        for (int k = 0; k < c; k++)\n"                                                                            \
    "            y[k] = x[k] " sign " z[k];\n"                                                                         \
    "}\n"

static const char text_channels[] =
    "/* `count` channels of n pixels, from the first-th of x to the at-th of y: concatenations and slices. */\n"
    "APART static void channels(const float *x, int n, int c, int first, int count, float *y, int oc, int at)\n"
    "{\n"
    "    for (int p = 0; p < n; p++)\n"
    "        memcpy(y + p * oc + at, x + p * c + first, (size_t)count * sizeof *y);\n"
    "}\n";

static const char text_place[] =
    "/* Where output o of an axis lies among `in` inputs: behind low, by that share of the way to the next one. "
    "Centres of\n"
    " * pixels are half a pixel from their edges; corners: the first and last ones lie on each other instead. */\n"
    "static float place(int o, int in, int out, int corners, int *low)\n"
    "{\n"
    "    const double at = !corners ? (o + 0.5) * ((double)in / out) - 0.5 : out > 1 ? (double)o * (in - 1) / (out - "
    "1) : 0;\n"
    "\n"
    "    *low = at > 0 ? (int)at : 0;\n"
    "    *low = *low < in - 1 ? *low : in - 1;\n"
    "    return at > 0 && *low < in - 1 ? (float)(at - *low) : 0.0f;\n"
    "}\n";

static const char text_resize_line[] =
    "/* Line oy of a picture of h x w that is made oh x ow, bilinearly. */\n"
    "APART static void resize_line(const float *x, int h, int w, int c, int corners, int oy, int oh, int ow, float "
    "*y)\n"
    "{\n"
    "    int iy, ix;\n"
    "    const float v = place(oy, h, oh, corners, &iy);\n"
    "    const float *upper = x + iy * w * c, *lower = iy + 1 < h ? upper + w * c : upper;\n"
    "\n"
    "    for (int ox = 0; ox < ow; ox++, y += c) {\n"
    "        const float u = place(ox, w, ow, corners, &ix);\n"
    "        const float *p = upper + ix * c, *q = lower + ix * c;\n"
    "        const int next = ix + 1 < w ? c : 0;\n"
    "        for (int k = 0; k < c; k++)\n"
    "            y[k] = (1 - v) * ((1 - u) * p[k] + u * p[next + k]) + v * ((1 - u) * q[k] + u * q[next + k]);\n"
    "    }\n"
    "}\n";

static const char text_resize[] =
    "APART static void resize(const float *x, int h, int w, int c, int corners, float *y, int oh, int ow)\n"
    "{\n"
    "    for (int oy = 0; oy < oh; oy++, y += ow * c)\n"
    "        resize_line(x, h, w, c, corners, oy, oh, ow, y);\n"
    "}\n";

static const char text_pool_sum[] =
    "/* scale times the sum of each channel over n pixels, LANES channels at a time. */\n"
    "APART static void pool(const float *x, int n, int c, double scale, float *y)\n"
    "{\n"
    "    for (int first = 0; first < c; first += LANES) {\n"
    "        const int wide = c - first < LANES ? c - first : LANES;\n"
    "        double sum[LANES] = {0};\n"
    "        for (int p = 0; p < n; p++)\n"
    "            for (int k = 0; k < wide; k++)\n"
    "                sum[k] += (double)x[p * c + first + k];\n"
    "        for (int k = 0; k < wide; k++)\n"
    "            y[first + k] = (float)(sum[k] * scale);\n"
    "    }\n"
    "}\n";

static const char text_broadcast[] =
    "/* One pixel, times scale, n times. */\n"
    "APART static void broadcast(const float *x, int c, float scale, float *y, int n)\n"
    "{\n"
    "    for (int p = 0; p < n; p++, y += c)\n"
    "        for (int k = 0; k < c; k++)\n"
    "            y[k] = scale * x[k];\n"
    "}\n";

static const char text_max_pool[] =
    "APART static void max_pool(const float *x, int w, int c, int size, int stride, float *y, int oh, int ow)\n"
    "{\n"
    "    for (int oy = 0; oy < oh; oy++)\n"
    "        for (int ox = 0; ox < ow; ox++, y += c) {\n"
    "            const float *at = x + (oy * w + ox) * stride * c;\n"
    "            memcpy(y, at, (size_t)c * sizeof *y);\n"
    "            for (int tap = 1; tap < size * size; tap++) {\n"
    "                const float *other = at + (tap / size * w + tap % size) * c;\n"
    "                for (int k = 0; k < c; k++)\n"
    "                    y[k] = other[k] > y[k] ? other[k] : y[k];\n"
    "            }\n"
    "        }\n"
    "}\n";

static const char text_window[] =
    "/* x in a frame of oh x ow, `top` and `left` from its corner, where that is inside; 0 elsewhere. */\n"
    "APART static void window(const float *x, int h, int w, int c, int top, int left, float *y, int oh, int ow)\n"
    "{\n"
    "    for (int oy = 0; oy < oh; oy++)\n"
    "        for (int ox = 0; ox < ow; ox++, y += c) {\n"
    "            const int iy = oy - top, ix = ox - left;\n"
    "            if (iy >= 0 && iy < h && ix >= 0 && ix < w)\n"
    "                memcpy(y, x + (iy * w + ix) * c, (size_t)c * sizeof *y);\n"
    "            else\n"
    "                memset(y, 0, (size_t)c * sizeof *y);\n"
    "        }\n"
    "}\n";

const fpc_c_function fpc_c_functions[] = {
    {"first_at", "", text_first_at},
    {"fill", "", text_fill},
    {"products", "", text_products},
    {"to_real", "", text_to_real},
    {"linear", "fill products ", text_linear},
    {"conv", "fill products ", text_conv},
    {"conv_groups", "first_at fill products ", text_conv_groups},
    {"conv_depthwise", "first_at fill ", text_conv_depthwise},
    {"conv_transposed", "first_at fill products ", text_conv_transposed},
    {"layer_norm", "", text_layer_norm},
    {"softmax_of", "", text_softmax_of},
    {"softmax", "softmax_of ", text_softmax},
    {"attention", "fill products softmax_of ", text_attention},
    {"gelu", "", BY_NUMBER("gelu", "0.5f * x[i] * (1.0f + erff(x[i] * 0.707106781f))")},
    {"relu", "", BY_NUMBER("relu", "x[i] > 0 ? x[i] : 0")},
    {"sigmoid", "", BY_NUMBER("sigmoid", "1.0f / (1.0f + expf(-x[i]))")},
    {"copy", "", BY_NUMBER("copy", "x[i]")},
    {"add", "", BY_TWO("add", "+")},
    {"mul", "", BY_TWO("mul", "*")},
    {"add_channels", "", BY_CHANNEL("add_channels", "+")},
    {"mul_channels", "", BY_CHANNEL("mul_channels", "*")},
    {"channels", "", text_channels},
    {"place", "", text_place},
    {"resize_line", "place ", text_resize_line},
    {"resize", "place resize_line ", text_resize},
    {"pool", "", text_pool_sum},
    {"broadcast", "", text_broadcast},
    {"max_pool", "", text_max_pool},
    {"window", "", text_window},
    {0}};

/* Of a list of names with a blank behind each. */
static int has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);

    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ' ') && at[n] == ' ')
            return 1;
    return 0;
}

void fpc_c_use(fpc_c *x, const char *function)
{
    for (size_t i = 0; fpc_c_functions[i].name; i++)
        if (!strcmp(fpc_c_functions[i].name, function)) {
            x->used |= UINT64_C(1) << i;
            for (size_t k = 0; k < i; k++) /* none needs one that needs others which it does not name itself */
                if (has_word(fpc_c_functions[i].needs, fpc_c_functions[k].name))
                    x->used |= UINT64_C(1) << k;
        }
}
