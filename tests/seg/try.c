/* try.c: libfpseg as a program uses it, for tests/cli/pack.sh: fpseg.h and libc alone.
 *   try labels FILE.fps PICTURE.ppm LABELS THREADS     labels as bytes
 *   try about FILE.fps                                 what the model is
 *   try memory FILE.fps PICTURE.ppm                    allocations of a second and third call: none
 *   try together FILE.fps PICTURE.ppm                  two sessions in two threads: the labels of one alone
 *   try hostile FILE.fps PICTURE.ppm                   cut and changed files: a sentence, never a crash
 *   try programs tests/fuzz/packed.json                what a program may not say
 *   try refusals FILE.fps                              arguments that make no sense */
#define _GNU_SOURCE
#include <fpseg.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_long allocations;

/* Everything that takes memory comes through here; sanitizers have their own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
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

static char why[300];

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

typedef struct picture {
    int w, h;
    uint8_t *rgb;
} picture;

static uint8_t *get(size_t n)
{
    uint8_t *p = malloc(n ? n : 1);

    if (!p)
        fail("memory");
    return p;
}

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

static uint8_t *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;

    if (!f || fseek(f, 0, SEEK_END))
        fail(path);
    *n = (size_t)ftell(f);
    rewind(f);
    data = get(*n);
    if (fread(data, 1, *n, f) != *n)
        fail(path);
    fclose(f);
    return data;
}

static fps_session *begin(fps_model *m, int threads)
{
    const fps_options o = {.size = sizeof o, .threads = threads};
    fps_session *s;

    if (fps_session_new(m, &o, &s, why, sizeof why))
        fail("session");
    return s;
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
    printf("%s %ld %ld\n", COUNTS ? "allocations" : "uncounted", own, allocations - first);
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

static uint32_t seed = 12345;
static uint32_t draw(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
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

/* ---- programs ---- */

/* A packed file of two tensors, w (2,3,3,3) and b (2), with that program, in which `from` is `to`. */
static uint8_t *make_file(const char *program, const char *from, const char *to, size_t *n)
{
    static const char head[] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3,3,3],\"data_offsets\":[0,216]},"
                               "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[216,224]},"
                               "\"__metadata__\":{\"fpcore.program\":\"";
    const char *hit = *from ? strstr(program, from) : NULL;
    char *text = (char *)get(strlen(program) + strlen(to) + 1);
    uint8_t *file = get(8 + sizeof head + 2 * strlen(program) + 2 * strlen(to) + 3 + 224);
    size_t at = 8 + sizeof head - 1;

    if (*from && !hit)
        fail(from);
    if (hit)
        sprintf(text, "%.*s%s%s", (int)(hit - program), program, to, hit + strlen(from));
    else
        strcpy(text, program);
    memcpy(file + 8, head, sizeof head - 1);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            file[at++] = '\\';
        file[at++] = (uint8_t)*c;
    }
    memcpy(file + at, "\"}}", 3);
    at += 3;
    for (int k = 0; k < 8; k++)
        file[k] = (uint8_t)((at - 8) >> 8 * k);
    for (int i = 0; i < 56; i++)
        memcpy(file + at + 4 * i, &(float){0.01f * (float)i}, 4);
    *n = at + 224;
    free(text);
    return file;
}

/* tests/fuzz/packed.json is taken; each change of it is refused with its sentence. */
static void programs(const char *json)
{
    static const struct {
        const char *from, *to, *says;
    } bad[] = {
        {"\"in\":[4,1,2]", "\"in\":[0,1,2]", "reads numbers of another type than the op takes: conv2d"},
        {"\"in\":[4,1,2]", "\"in\":[9,1,2]", "reads what is not made before it: conv2d"},
        {"\"in\":[4,1,2]", "\"in\":[4.5,1,2]", "reads what is not made before it"},
        {"\"in\":[4,1,2]", "\"in\":[]", "a node without a list of inputs"},
        {"\"in\":[4,1,2]", "\"in\":[4,1,4]", "bias of 1x8x8x3 for 2 outputs"},
        {"\"in\":[4,1,2]", "\"in\":[4,1,2,2]", "takes 2 to 3 inputs, not 4"},
        {"\"in\":[5,3,2]", "\"in\":[5,1,2]", "for 2 channels"},
        {"\"op\":\"gelu\"", "\"op\":\"adamw\"", "an op that no prediction has: adamw"},
        {"\"stride\":1", "\"stride\":0", "stride 0"},
        {"\"stride\":1", "\"stride\":-1", "stride -1"},
        {"\"stride\":1", "\"stride\":1.5", "an attribute is missing or impossible: stride"},
        {"\"stride\":1", "\"stride\":1e300", "an attribute is missing or impossible: stride"},
        {"\"stride\":1,", "", "an attribute is missing or impossible: stride"},
        {"\"stride\":1", "\"stride\":1,\"more\":1", "attributes that the op does not have"},
        {"\"eps\":1e-5", "\"eps\":1e-5e", "neither a comma nor the end of a list"},
        {"\"eps\":1e-5", "\"eps\":0x1", "neither a comma nor the end of a list"},
        {"\"eps\":1e-5", "\"eps\":1e999", "a number that is too large"},
        {"[2,3,3,3]", "[2,3,3,4]", "a parameter that the file does not hold in that shape: w"},
        {"[2,3,3,3]", "[2,3,3]", "a value without a shape of 4 sizes"},
        {"[2,3,3,3]", "[0,3,3,3]", "a value without a shape of 4 sizes"},
        {"\"rank\":4", "\"rank\":5", "a parameter without a rank from 0 to 4: w"},
        {"\"rank\":4", "\"rank\":2", "a parameter that the file does not hold in that shape: w"},
        {"\"param\":\"w\"", "\"param\":\"$w\"", "a value that is no parameter"},
        {"\"const\":[1,0.5]", "\"const\":[1]", "a constant of another shape than its numbers have"},
        {"\"const\":[1,0.5]", "\"const\":[1,\"x\"]", "a constant that is no number"},
        {"[1,8,8,3]", "[1,8,9,3]", "no picture of the network's size"},
        {"\"output\":10", "\"output\":9", "its output is not of the network's size and classes"},
        {"\"output\":10", "\"output\":11", "its output is not of the network's size and classes"},
        {"\"format\":1", "\"format\":2", "packed in format 2; this libfpseg reads 1"},
        {"\"height\":8", "\"height\":0", "no height and width"},
        {"\"height\":8", "\"fit\":\"crop\",\"height\":8", "neither squeeze nor pad"},
        {"\"precision\":\"fp32\"", "\"precision\":\"fp8\"", "neither fp32 nor bf16"},
        {"[\"a\",\"b\"]", "[]", "no list of 1 to 256 names"},
        {"[\"a\",\"b\"]", "[\"a\",\"b\",\"c\"]", "not as many colours as classes"},
        {"[255,0,1]", "[256,0,1]", "a colour is not three numbers from 0 to 255"},
        {"[255,0,1]", "[255,0]", "a colour is not three numbers from 0 to 255"},
        {"\"logits\":", "\"logit\":", "lacks one of the graphs"},
        {"\"name\":\"net\"", "\"name\":\"\\u0000\"", "an escape that JSON does not have, or of a zero byte"},
        {"\"name\":\"net\"", "\"name\":\"\\ud800\"", "an escape that JSON does not have"},
        {"\"name\":\"net\"", "\"name\":\"\xff\"", "no UTF-8"},
        {"\"name\":\"net\"", "\"name\":\"net", "at byte"},
        {"\"name\":\"net\"", "\"name\":01", "neither a value nor a number"},
        {"\"name\":\"net\"", "\"name\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "lists within lists, too many"},
    };
    size_t n, m;
    uint8_t *text = read_file(json, &n), *program = get(n + 1), *file, l[64];
    const uint8_t rgb[192] = {9, 200, 30};
    fps_model *model;
    fps_session *s;
    fps_about a = {.size = sizeof a};

    memcpy(program, text, n);
    while (n && program[n - 1] == '\n') /* a text in JSON has no line ends */
        n--;
    program[n] = 0;
    file = make_file((char *)program, "\"name\":\"net\"", "\"name\":\"n\\u00e9\\ud83d\\ude00\\n\"", &m);
    if (fps_open_memory(file, m, &model, why, sizeof why))
        fail("the program as it stands");
    fps_model_about(model, &a);
    if (strcmp(a.name, "n\xc3\xa9\xf0\x9f\x98\x80\n") || a.classes != 2 || a.height != 8 || a.parameters != 56 ||
        a.palette[1][2] != 1)
        fail("what it says of itself");
    s = begin(model, 1);
    if (fps_segment(s, rgb, 8, 8, 0, l, 0))
        fail(fps_session_error(s));
    fps_session_free(s);
    fps_close(model);
    free(file);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        file = make_file((char *)program, bad[i].from, bad[i].to, &m);
        if (fps_open_memory(file, m, &model, why, sizeof why) != FPS_EFORMAT || !strstr(why, bad[i].says)) {
            printf("%s -> %s: wanted: %s\n", bad[i].from, bad[i].to, bad[i].says);
            fail("another sentence");
        }
        free(file);
    }
    file = make_file((char *)program, "\"pad\":1", "\"pad\":16777216", &m); /* a sum of 2^51 numbers */
    if (fps_open_memory(file, m, &model, why, sizeof why) ||
        fps_session_new(model, NULL, &s, why, sizeof why) != FPS_ENOMEM || !strstr(why, "no memory for"))
        fail("a network that no memory holds");
    fps_close(model);
    free(file);
    printf("%zu programs are refused\n", sizeof bad / sizeof *bad);
    free(program), free(text);
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
    else if (!strcmp(verb, "programs"))
        programs(argv[2]);
    else if (!strcmp(verb, "refusals"))
        refusals(argv[2]);
    else
        return 2;
    return 0;
}
