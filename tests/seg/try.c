/* try.c: libfpseg as a program uses it, for tests/cli/pack.sh: fpseg.h and libc alone.
 *   try labels FILE.fps PICTURE.ppm LABELS THREADS     labels as bytes
 *   try about FILE.fps                                 what the model is
 *   try memory FILE.fps PICTURE.ppm                    allocations of a second and third call: none
 *   try together FILE.fps PICTURE.ppm                  two sessions in two threads: the labels of one alone
 *   try hostile FILE.fps PICTURE.ppm                   cut and changed files: a sentence, never a crash
 *   try refusals FILE.fps                              arguments that make no sense */
#define _GNU_SOURCE
#include "common.h"
#include <pthread.h>
#include <stdatomic.h>

static atomic_long allocations;

/* Everything that takes memory comes through here; sanitizers and other C libraries have their own. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS 1
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);
void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n)
{
    allocations++;
    return __libc_memalign(align, n);
}
int posix_memalign(void **out, size_t align, size_t n)
{
    allocations++;
    *out = __libc_memalign(align, n);
    return *out ? 0 : 12;
}
#else
#define COUNTS 0
#endif

static uint32_t seed = 12345;
static uint32_t draw(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

typedef struct picture {
    int w, h;
    uint8_t *rgb;
} picture;

static picture read_picture(const char *path)
{
    picture p = {0};
    FILE *f = fopen(path, "rb");

    if (!f || fscanf(f, "P6 %d %d 255%*c", &p.w, &p.h) != 2 || p.w < 1 || p.h < 1)
        fail(path);
    p.rgb = get(3 * (size_t)p.w * (size_t)p.h);
    if (fread(p.rgb, 3, (size_t)p.w * (size_t)p.h, f) != (size_t)p.w * (size_t)p.h)
        fail(path);
    fclose(f);
    return p;
}

static fps_model *open_model(const char *path)
{
    fps_model *m;

    if (fps_open(path, &m, why, sizeof why))
        fail("open");
    return m;
}

/* Rows with gaps on both sides, which must stay as they are. */
static void labels(const char *file, const char *ppm, const char *to, int threads)
{
    picture p = read_picture(ppm);
    fps_model *m = open_model(file);
    fps_session *s = begin(m, threads);
    const ptrdiff_t wide = 3 * p.w + 7, out = p.w + 5;
    uint8_t *gaps = get((size_t)wide * (size_t)p.h), *l = get((size_t)out * (size_t)p.h),
            *dense = get((size_t)p.w * (size_t)p.h);
    FILE *f = fopen(to, "wb");

    memset(l, 0xee, (size_t)out * (size_t)p.h);
    for (int y = 0; y < p.h; y++)
        memcpy(gaps + y * wide, p.rgb + (ptrdiff_t)3 * p.w * y, 3 * (size_t)p.w);
    if (fps_segment(s, gaps, p.w, p.h, wide, l, out) || fps_segment(s, p.rgb, p.w, p.h, 0, dense, 0))
        fail(fps_session_error(s));
    for (int y = 0; y < p.h; y++) {
        if (memcmp(l + y * out, dense + (ptrdiff_t)y * p.w, (size_t)p.w))
            fail("a picture with gaps between its rows has other labels");
        for (ptrdiff_t x = p.w; x < out; x++)
            if (l[y * out + x] != 0xee)
                fail("bytes between the rows were written");
    }
    if (!f || fwrite(dense, 1, (size_t)p.w * (size_t)p.h, f) != (size_t)p.w * (size_t)p.h || fclose(f))
        fail(to);
    fps_session_free(s);
    fps_close(m);
    free(gaps), free(l), free(dense), free(p.rgb);
}

static void about(const char *file)
{
    fps_model *m = open_model(file);
    fps_about a = {.size = sizeof a};

    fps_model_about(m, &a);
    printf("%s %s %dx%d %d classes %lld parameters\n", fps_version(), a.name, a.height, a.width, a.classes,
           (long long)a.parameters);
    for (int c = 0; c < a.classes; c++)
        printf("%d %s %d,%d,%d\n", c, a.class_names[c], a.palette ? a.palette[c][0] : -1,
               a.palette ? a.palette[c][1] : -1, a.palette ? a.palette[c][2] : -1);
    fps_close(m);
}

/* Allocations of pictures of all sizes and kinds of rows behind the largest. */
static long smaller(fps_session *s, const fps_about *a)
{
    enum { MOST = 700, GAP = 9 };
    uint8_t *rgb = get((3 * MOST + GAP) * MOST), *l = get((MOST + GAP) * MOST);
    float *p = (float *)(void *)get(sizeof(float) * (size_t)a->height * (size_t)a->width * (size_t)a->classes);
    long before = 0;

    memset(rgb, 99, (3 * MOST + GAP) * MOST);
    for (int i = 0; i < 300; i++) {
        const int w = i ? 1 + (int)draw(MOST) : MOST, h = i ? 1 + (int)draw(MOST) : MOST, gaps = i ? (int)draw(4) : 3;
        const ptrdiff_t stride = gaps & 1 ? 3 * w + GAP : 0;
        if (i == 1)
            before = allocations;
        if (fps_segment(s, rgb, w, h, stride, l, gaps & 2 ? w + GAP : 0) ||
            (i % 3 == 0 && fps_probabilities(s, rgb, w, h, stride, p)))
            fail(fps_session_error(s));
    }
    before = allocations - before;
    free(rgb), free(l), free(p);
    return before;
}

static void memory(const char *file, const char *ppm)
{
    picture p = read_picture(ppm);
    fps_model *m = open_model(file);
    fps_session *s = begin(m, 1);
    fps_about a = {.size = sizeof a};
    uint8_t *l = get((size_t)p.w * (size_t)p.h);

    fps_model_about(m, &a);
    const long before = allocations;
    if (fps_segment(s, p.rgb, a.width, a.height, 0, l, 0)) /* of the network's size: never any */
        fail(fps_session_error(s));
    const long own = allocations - before;
    if (fps_segment(s, p.rgb, p.w, p.h, 0, l, 0)) /* larger: the first may */
        fail(fps_session_error(s));
    const long first = allocations;
    for (int i = 0; i < 3; i++)
        if (fps_segment(s, p.rgb, p.w, p.h - i, 0, l, 0))
            fail(fps_session_error(s));
    const long repeated = allocations - first;
    printf("%s %ld %ld %ld\n", COUNTS ? "allocations" : "uncounted", own, repeated, smaller(s, &a));
    fps_session_free(s);
    fps_close(m);
    free(l), free(p.rgb);
}

struct task {
    fps_model *m;
    picture p;
    uint8_t *l;
    int bad;
};

static void *work(void *arg)
{
    struct task *t = arg;
    fps_session *s;

    if ((t->bad = fps_session_new(t->m, NULL, &s, NULL, 0)))
        return NULL;
    for (int i = 0; i < 3 && !t->bad; i++)
        t->bad = fps_segment(s, t->p.rgb, t->p.w, t->p.h, 0, t->l, 0);
    fps_session_free(s);
    return NULL;
}

static void together(const char *file, const char *ppm)
{
    picture p = read_picture(ppm);
    const size_t n = (size_t)p.w * (size_t)p.h;
    fps_model *m = open_model(file);
    struct task t[3];
    pthread_t id[2];

    for (int i = 0; i < 3; i++)
        t[i] = (struct task){m, p, get(n), 0};
    for (int i = 0; i < 2; i++)
        if (pthread_create(&id[i], NULL, work, &t[i]))
            fail("thread");
    for (int i = 0; i < 2; i++)
        pthread_join(id[i], NULL);
    work(&t[2]);
    if (t[0].bad || t[1].bad || t[2].bad || memcmp(t[0].l, t[2].l, n) || memcmp(t[1].l, t[2].l, n))
        fail("two at once");
    for (int i = 0; i < 3; i++)
        free(t[i].l);
    fps_close(m);
    free(p.rgb);
}

/* Opens what may be damaged and, where that works, uses it. 1: it failed, with a sentence. */
static int refused(const uint8_t *data, size_t n, const picture *p, uint8_t *l)
{
    fps_model *m;
    fps_session *s;

    why[0] = 0;
    if (fps_open_memory(data, n, &m, why, sizeof why)) {
        if (!why[0] || m)
            fail("a failure without a sentence");
        return 1;
    }
    if (fps_session_new(m, NULL, &s, why, sizeof why)) {
        if (!why[0])
            fail("a session that failed without a sentence");
    } else {
        (void)fps_segment(s, p->rgb, p->w, p->h, 0, l, 0);
        fps_session_free(s);
    }
    fps_close(m);
    return 0;
}

/* A copy of exactly n bytes, so that a sanitizer sees what lies behind. */
static int refused_copy(const uint8_t *data, size_t n, const picture *p, uint8_t *l)
{
    uint8_t *copy = get(n);

    memcpy(copy, data, n);
    const int r = refused(copy, n, p, l);
    free(copy);
    return r;
}

static void hostile(const char *file, const char *ppm, int rounds)
{
    static const char *const word[] = {"0",          "1",    "-1", "1e9", "16777216",
                                       "2147483647", "null", "[]", "{}",  "\\\"x\\\""};
    picture p = read_picture(ppm);
    uint8_t *l = get((size_t)p.w * (size_t)p.h);
    size_t n, header = 0;
    uint8_t *data = read_file(file, &n);
    int whole = 0;

    for (int i = 7; i >= 0; i--)
        header = header << 8 | data[i];
    for (int i = 0; i < 100; i++)
        if (!refused_copy(data, i < 50 ? (size_t)i * (header + 8) / 50 : n - 1 - (size_t)(i - 50), &p, l))
            fail("a file that was cut was taken");
    for (int i = 0; i < rounds; i++) { /* a byte of the header */
        const size_t at = 8 + draw((uint32_t)header);
        const uint8_t was = data[at];
        data[at] = (uint8_t)draw(256);
        whole += !refused(data, n, &p, l);
        data[at] = was;
    }
    for (int i = 0; i < rounds; i++) { /* a number of the header becomes something else */
        size_t at = 8 + draw((uint32_t)header), end;
        while (at < header && !(data[at] >= '0' && data[at] <= '9'))
            at++;
        for (end = at; end < header + 8 && data[end] >= '0' && data[end] <= '9'; end++)
            ;
        const char *put = word[draw(sizeof word / sizeof *word)];
        const size_t m = n - (end - at) + strlen(put), size = header - (end - at) + strlen(put);
        uint8_t *other = get(m);
        memcpy(other, data, at);
        memcpy(other + at, put, strlen(put));
        memcpy(other + at + strlen(put), data + end, n - end);
        for (int k = 0; k < 8; k++)
            other[k] = (uint8_t)(size >> 8 * k);
        whole += !refused(other, m, &p, l);
        free(other);
    }
    printf("%d of %d were taken\n", whole, 2 * rounds);
    free(data), free(l), free(p.rgb);
}

static void refusals(const char *file)
{
    fps_model *m = NULL;
    fps_session *s = NULL;
    uint8_t dot[3] = {0}, l[1];
    const fps_options bad = {.size = sizeof bad, .threads = -1};

#define SAYS(call, status)                                                                                             \
    do {                                                                                                               \
        strcpy(why, "");                                                                                               \
        const fps_status got = (call);                                                                                 \
        printf("%s: %d %s\n", #call, (int)got, *why ? why : fps_session_error(s));                                     \
        if (got != (status))                                                                                           \
            fail("another status");                                                                                    \
    } while (0)
    SAYS(fps_open(NULL, &m, why, sizeof why), FPS_EINVAL);
    SAYS(fps_open("/nowhere", &m, why, sizeof why), FPS_EIO);
    SAYS(fps_open("/", &m, why, sizeof why), FPS_EFORMAT);
    SAYS(fps_open(file, NULL, why, sizeof why), FPS_EINVAL);
    SAYS(fps_open_memory("none", 4, &m, why, sizeof why), FPS_EFORMAT);
    SAYS(fps_session_new(NULL, NULL, &s, why, sizeof why), FPS_EINVAL);
    m = open_model(file);
    SAYS(fps_session_new(m, &bad, &s, why, sizeof why), FPS_EINVAL);
    s = begin(m, 1);
    SAYS(fps_segment(s, NULL, 1, 1, 0, l, 0), FPS_EINVAL);
    SAYS(fps_segment(s, dot, 1, 1, 0, NULL, 0), FPS_EINVAL);
    SAYS(fps_segment(s, dot, 0, 1, 0, l, 0), FPS_EINVAL);
    SAYS(fps_segment(s, dot, 20000, 1, 0, l, 0), FPS_EINVAL);
    SAYS(fps_segment(s, dot, 1, 1, 2, l, 0), FPS_EINVAL);
    if (fps_segment(s, dot, 1, 1, 0, l, 0))
        fail(fps_session_error(s));
    fps_session_free(s);
    fps_session_free(NULL);
    fps_close(m);
    fps_close(NULL);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 2 ? argv[1] : "";

    if (!strcmp(verb, "labels") && argc == 6)
        labels(argv[2], argv[3], argv[4], atoi(argv[5]));
    else if (!strcmp(verb, "about"))
        about(argv[2]);
    else if (!strcmp(verb, "memory") && argc == 4)
        memory(argv[2], argv[3]);
    else if (!strcmp(verb, "together") && argc == 4)
        together(argv[2], argv[3]);
    else if (!strcmp(verb, "hostile") && argc == 5)
        hostile(argv[2], argv[3], atoi(argv[4]));
    else if (!strcmp(verb, "refusals"))
        refusals(argv[2]);
    else
        return 2;
    return 0;
}
