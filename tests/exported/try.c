/* try.c: what `fpcore export --c` wrote, as a program uses it: net.c, whose interface is read here and which is
 * compiled for itself. Memory is as large as the file says, to the byte, and full of NaN before each call. try picture
 * IN.ppm OUT.safetensors       the picture for `fpcore probe` try run IN.ppm LABELS SCORES             labels and
 * scores of a picture of the network's size try compare SCORES LABELS PROBED.safetensors MASK  against the logits of
 * `fpcore probe`, labels of `fpcore predict` try any IN.ppm LABELS                    labels of a picture of any size
 *   try near LABELS MASK                     whether at most one pixel in a thousand differs
 *   try together IN.ppm                      two threads
 *   try refusals                             sizes that cannot be
 *   try names OUT                            class names, a NUL behind each; colours
 *   try hostile BYTES                        of BESIDE: weights that are not the file's */
#define NET_INTERFACE
#include "net.c"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H = NET_HEIGHT, W = NET_WIDTH, K = NET_CLASSES };

#ifdef BESIDE
static float *weights;
#define GIVEN weights,
#else
#define GIVEN
#endif

static void fail(const char *what)
{
    fflush(stdout);
    fprintf(stderr, "%s\n", what);
    _Exit(1); /* without a word about memory that is not given back */
}

static void *bytes_of(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    char *all = malloc(1 << 26);

    if (!file || !all)
        fail(path);
    *n = fread(all, 1, 1 << 26, file);
    fclose(file);
    return realloc(all, *n + 1);
}

static void write_bytes(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");

    if (!file || fwrite(data, 1, n, file) != n || fclose(file))
        fail(path);
}

static uint8_t *picture_of(const char *path, int *w, int *h)
{
    FILE *file = fopen(path, "rb");

    if (!file || fscanf(file, "P6 %d %d 255%*c", w, h) != 2)
        fail(path);
    const size_t n = 3 * (size_t)*w * (size_t)*h;
    uint8_t *rgb = malloc(n);
    if (!rgb || fread(rgb, 1, n, file) != n)
        fail(path);
    fclose(file);
    return rgb;
}

static uint8_t *own_picture(const char *path)
{
    int w, h;
    uint8_t *rgb = picture_of(path, &w, &h);

    if (w != W || h != H)
        fail("the picture is not of the network's size");
    return rgb;
}

/* All bits set is a NaN. */
static float *poisoned(size_t floats)
{
    float *arena = malloc(floats * sizeof *arena);

    if (!arena)
        fail("no memory");
    memset(arena, 0xff, floats * sizeof *arena);
    return arena;
}

static void picture(const char *in, const char *out)
{
    uint8_t *rgb = own_picture(in);
    char head[256] = {0};
    const size_t n = (size_t)H * W * 3;
    uint8_t *file = calloc(1, 8 + sizeof head + 4 * n);

    memset(head, ' ', sizeof head - 1);
    head[snprintf(head, sizeof head, "{\"image\":{\"dtype\":\"F32\",\"shape\":[1,3,%d,%d],\"data_offsets\":[0,%zu]}}",
                  H, W, 4 * n)] = ' ';
    head[sizeof head - 1] = ' ';
    file[1] = 1; /* 256, little-endian */
    memcpy(file + 8, head, sizeof head);
    for (size_t i = 0; i < n; i++) {
        const float v = (float)rgb[i] / 255.0f;
        memcpy(file + 8 + sizeof head + 4 * (i % 3 * (n / 3) + i / 3), &v, 4);
    }
    write_bytes(out, file, 8 + sizeof head + 4 * n);
    free(file);
    free(rgb);
}

static void run(const char *in, const char *labels_to, const char *scores_to)
{
    uint8_t *rgb = own_picture(in), *labels = malloc((size_t)H * W);
    float *arena = poisoned(NET_ARENA), *scores = poisoned((size_t)H * W * K);

    net_labels(GIVEN rgb, labels, arena);
    memset(arena, 0xff, NET_ARENA * sizeof *arena);
    net_scores(GIVEN rgb, scores, arena);
    write_bytes(labels_to, labels, (size_t)H * W);
    write_bytes(scores_to, scores, (size_t)H * W * K * sizeof *scores);
    free(rgb);
    free(labels);
    free(arena);
    free(scores);
}

/* The logits that probe wrote, in double or float, (classes,h,w): here as scores lie, (h,w,classes). */
static double *logits_of(const char *path)
{
    size_t n;
    uint8_t *file = bytes_of(path, &n);
    const size_t head = 8 + (size_t)(file[0] | file[1] << 8 | file[2] << 16), count = (size_t)H * W * K;
    file[head - 1] = 0;
    const char *text = (char *)file + 8;
    const char *mine = n > head ? strstr(text, "\"logits\"") : NULL;
    const int wide = mine && strstr(mine, "\"F64\"");
    double *out = malloc(count * sizeof *out);
    if (!mine || !out || n - head != count * (wide ? 8 : 4))
        fail("probe wrote something else");
    for (size_t i = 0; i < count; i++) {
        float v;
        memcpy(&v, file + head + 4 * (wide ? 0 : i), 4);
        double *to = &out[i % ((size_t)H * W) * K + i / ((size_t)H * W)];
        *to = (double)v;
        if (wide)
            memcpy(to, file + head + 8 * i, 8);
    }
    free(file);
    return out;
}

static void compare(const char *scores_from, const char *labels_from, const char *probed, const char *mask_from)
{
    size_t n, unsure = 0, wrong = 0;
    float *scores = bytes_of(scores_from, &n);
    uint8_t *labels = bytes_of(labels_from, &n), *mask = bytes_of(mask_from, &n);
    double *want = logits_of(probed), off = 0, most = 1;

    if (n != (size_t)H * W)
        fail("the mask is of another size");
    for (size_t i = 0; i < (size_t)H * W * K; i++) {
        most = fabs(want[i]) > most ? fabs(want[i]) : most;
        off = fabs(want[i] - (double)scores[i]) > off ? fabs(want[i] - (double)scores[i]) : off;
        if (isnan(scores[i]))
            fail("a score is NaN");
    }
    for (size_t p = 0; p < (size_t)H * W; p++) {
        double first = -INFINITY, second = -INFINITY;
        for (int k = 0; k < K; k++) {
            const double v = want[p * K + (size_t)k];
            second = v > first ? first : v > second ? v : second;
            first = v > first ? v : first;
        }
        unsure += first - second <= 1e-3;
        wrong += first - second > 1e-3 && labels[p] != mask[p];
    }
    fprintf(stdout, "scores are off by %.2g of %.3g, %zu labels differ, %zu of %d are unsure\n", off, most, wrong,
            unsure, H * W);
    if (!(off <= 1e-4 * most) || wrong || unsure * 2 > (size_t)H * W)
        fail("which is too much");
    free(scores);
    free(labels);
    free(mask);
    free(want);
}

static uint8_t *any_labels(const char *in, size_t *pixels)
{
    int w, h;
    uint8_t *rgb = picture_of(in, &w, &h);
    float *arena = poisoned(net_arena(w, h));

    *pixels = (size_t)w * (size_t)h;
    uint8_t *labels = malloc(*pixels);
    if (net_segment(GIVEN rgb, w, h, labels, arena))
        fail("net_segment refuses");
    free(arena);
    free(rgb);
    return labels;
}

static void any(const char *in, const char *out)
{
    size_t n;
    uint8_t *labels = any_labels(in, &n);

    write_bytes(out, labels, n);
    free(labels);
}

static void near(const char *labels_from, const char *mask_from)
{
    size_t n, m, differ = 0;
    uint8_t *labels = bytes_of(labels_from, &n), *mask = bytes_of(mask_from, &m), seen[256] = {0};
    int classes = 0;

    if (n != m || !n)
        fail("not of one size");
    for (size_t i = 0; i < n; i++) {
        differ += labels[i] != mask[i];
        classes += !seen[mask[i]];
        seen[mask[i]] = 1;
    }
    fprintf(stdout, "%zu of %zu differ, %d classes\n", differ, n, classes);
    if (differ * 1000 > n || classes < 2)
        fail("which is too much");
    free(labels);
    free(mask);
}

static void *label_often(void *path)
{
    size_t n;
    uint8_t *first = any_labels(path, &n);

    for (int i = 0; i < 8; i++) {
        uint8_t *again = any_labels(path, &n);
        if (memcmp(first, again, n))
            fail("the labels change");
        free(again);
    }
    return first;
}

static void together(char *path)
{
    pthread_t thread[2];
    void *labels[2];
    size_t n;
    uint8_t *alone = any_labels(path, &n);

    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, label_often, path);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], &labels[i]);
        if (memcmp(alone, labels[i], n))
            fail("two threads disturb each other");
        free(labels[i]);
    }
    free(alone);
}

static void refusals(void)
{
    static const int size[][2] = {{0, 5}, {5, 0}, {-1, 5}, {5, -1}, {16385, 1}, {1, 16385}, {2147483647, 2147483647}};
    uint8_t pixel[3] = {0}, label = 7;
    float nothing = 0;

    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        if (net_arena(size[i][0], size[i][1]) || !net_segment(GIVEN pixel, size[i][0], size[i][1], &label, &nothing))
            fail("a size that cannot be");
    if (label != 7 || !net_arena(1, 1) || !net_arena(16384, 16384))
        fail("sizes that can be");
}

static void names(const char *path)
{
    FILE *file = fopen(path, "wb");

    for (int k = 0; k < K && file; k++) {
        fwrite(net_class_names[k], 1, strlen(net_class_names[k]) + 1, file);
        fprintf(stdout, "%d %d,%d,%d\n", k, net_palette[k][0], net_palette[k][1], net_palette[k][2]);
    }
    if (!file || fclose(file))
        fail(path);
}

#ifdef BESIDE
static void load(const char *path)
{
    size_t n;
    uint8_t *bytes = bytes_of(path, &n);

    if (n != NET_WEIGHTS_BYTES || !(weights = malloc(NET_WEIGHTS * sizeof *weights)) || net_weights(bytes, n, weights))
        fail("the weights are not those of the file");
    free(bytes);
}

/* Cut, lengthened, changed: none is taken. */
static void hostile(const char *path)
{
    size_t n;
    uint8_t *bytes = bytes_of(path, &n);
    const size_t cut[] = {0, 1, 63, 64, n - 1, n + 1};

    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
        if (!net_weights(bytes, cut[i], weights))
            fail("weights that are cut are taken");
    bytes[64 + n / 2] ^= 1;
    if (!net_weights(bytes, n, weights))
        fail("weights that were changed are taken");
    free(bytes);
}
#endif

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

#ifdef BESIDE
    load("net.bin");
    if (!strcmp(what, "hostile") && argc == 3)
        hostile(argv[2]);
    else
#endif
        if (!strcmp(what, "picture") && argc == 4)
        picture(argv[2], argv[3]);
    else if (!strcmp(what, "run") && argc == 5)
        run(argv[2], argv[3], argv[4]);
    else if (!strcmp(what, "compare") && argc == 6)
        compare(argv[2], argv[3], argv[4], argv[5]);
    else if (!strcmp(what, "any") && argc == 4)
        any(argv[2], argv[3]);
    else if (!strcmp(what, "near") && argc == 4)
        near(argv[2], argv[3]);
    else if (!strcmp(what, "together") && argc == 3)
        together(argv[2]);
    else if (!strcmp(what, "refusals"))
        refusals();
    else if (!strcmp(what, "names") && argc == 3)
        names(argv[2]);
    else
        fail("usage: see try.c");
#ifdef BESIDE
    free(weights);
#endif
    return 0;
}
