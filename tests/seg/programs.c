/* programs.c: what the program in a packed file may not say, and what nothing but memory stands against; for
 * tests/cli/pack.sh.
 *   programs tests/fuzz/packed.json */
#define _GNU_SOURCE
#include "common.h"
#include <pthread.h>

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

/* ---- programs that nothing but memory or time stands against ---- */

/* Nodes are taken with the ids that they have behind `n` values: the picture, b of that kind, and whatever else
 * `values` holds. Each graph begins with the first two channels of the picture, which are value n + 2. */
static uint8_t *network(const char *kind, const char *values, int n, const char *nodes, int last, size_t *bytes)
{
    const size_t room = strlen(values) + strlen(nodes) + 1000;
    char *graph = (char *)get(room), *text = (char *)get(2 * room + 1000);

    snprintf(graph, room,
             "{\"values\":[{\"input\":\"image\",\"shape\":[1,8,8,3]},"
             "{\"%s\":\"b\",\"rank\":1,\"shape\":[1,1,1,2]}%s],\"nodes\":[{\"op\":\"to_real\",\"in\":[0]},"
             "{\"op\":\"slice\",\"in\":[%d],\"attr\":{\"first\":0,\"count\":2,\"total\":3}},"
             "{\"op\":\"add_bcast\",\"in\":[%d,1]}%s",
             kind, values, n, n + 1, nodes);
    sprintf(text,
            "{\"format\":1,\"height\":8,\"width\":8,\"precision\":\"fp32\",\"classes\":[\"a\",\"b\"],\"graphs\":{"
            "\"labels\":%s,{\"op\":\"seg_argmax\",\"in\":[%d],\"attr\":{\"h\":8,\"w\":8,\"align_corners\":0}}],"
            "\"output\":%d},\"logits\":%s],\"output\":%d}}}",
            graph, last, last + 1, graph, last);
    uint8_t *file = make_file(text, "", "", bytes);
    free(graph), free(text);
    return file;
}

/* A session cannot be had, and why. */
static void no_memory(uint8_t *file, size_t n, const char *says)
{
    fps_model *model;
    fps_session *s;

    if (fps_open_memory(file, n, &model, why, sizeof why) ||
        fps_session_new(model, NULL, &s, why, sizeof why) != FPS_ENOMEM || !strstr(why, says))
        fail(says);
    fps_close(model);
    free(file);
}

/* Packed weights of as many phases as the square of a stride: 2^64 bytes for vectors of 16, which is 0. */
static void wide_stride(int groups)
{
    const int k = 3 * groups;
    char *values = (char *)get(4 * (size_t)k + 200), nodes[400], *at = values;
    size_t n;

    for (int list = 0; list < 2; list++) {
        at += sprintf(at, ",{\"const\":[0");
        for (int i = 1; i < k; i++)
            at += sprintf(at, ",0");
        at += sprintf(at, list ? "],\"shape\":[1,1,1,%d]}" : "],\"shape\":[%d,1,1,1]}", k);
    }
    sprintf(nodes,
            ",{\"op\":\"conv2d_grad_x\",\"name\":\"far\",\"in\":[3,2],\"attr\":{\"kh\":1,\"kw\":1,\"stride\":16777216,"
            "\"pad\":0,\"groups\":%d,\"h\":1,\"w\":1}},"
            "{\"op\":\"slice\",\"in\":[7],\"attr\":{\"first\":0,\"count\":2,\"total\":%d}},"
            "{\"op\":\"add_bcast\",\"in\":[6,8]}",
            groups, groups);
    uint8_t *file = network("param", values, 4, nodes, 9, &n);
    no_memory(file, n, "no memory for far");
    free(values);
}

/* One after the other, so many that calls within calls would not fit the stack. */
static void *long_chain(void *arg)
{
    enum { LINKS = 30000 };
    char *nodes = (char *)get((size_t)LINKS * 40), *at = nodes;
    const uint8_t rgb[192] = {9, 200, 30};
    uint8_t l[64], *file;
    fps_model *model;
    size_t n;

    for (int i = 0; i < LINKS; i++)
        at += sprintf(at, ",{\"op\":\"relu\",\"in\":[%d]}", 4 + i);
    file = network("param", "", 2, nodes, 4 + LINKS, &n);
    if (fps_open_memory(file, n, &model, why, sizeof why))
        fail("a long chain");
    fps_session *s = begin(model, 1);
    if (fps_segment(s, rgb, 8, 8, 0, l, 0))
        fail(fps_session_error(s));
    fps_session_free(s);
    fps_close(model);
    free(file), free(nodes);
    return arg;
}

/* Two tensors in the same bytes: with more of them a small file would take any memory. */
static void overlaps(const char *program)
{
    static const char was[] = "\"shape\":[2],\"data_offsets\":[216,224]",
                      is[] = "\"shape\":[54],\"data_offsets\":[0, 216]";
    size_t n;
    uint8_t *file = make_file(program, "", "", &n);
    fps_model *model;

    memcpy(strstr((char *)file + 8, was), is, sizeof is - 1);
    if (fps_open_memory(file, n, &model, why, sizeof why) != FPS_EFORMAT || !strstr(why, "tensor b: tensors overlap"))
        fail("tensors that overlap");
    free(file);
}

/* The pixels of the largest picture, by which batch norms are told how many rows they have. */
static void many_rows(const char *program)
{
    size_t n;
    uint8_t *file = make_file(program, "\"rows\":0", "\"rows\":67108864", &n);
    fps_model *model;

    if (fps_open_memory(file, n, &model, why, sizeof why))
        fail("as many rows as a picture can have pixels");
    fps_close(model);
    free(file);
}

static void no_parameters(void)
{
    size_t n;
    uint8_t *file = network("buffer", "", 2, "", 4, &n);
    fps_model *model;

    if (fps_open_memory(file, n, &model, why, sizeof why) != FPS_EFORMAT || !strstr(why, "it has no parameters"))
        fail("a network without parameters");
    free(file);
}

static void extremes(const char *program)
{
    pthread_attr_t small;
    pthread_t thread;
    size_t n;
    uint8_t *file = make_file(program, "\"pad\":1", "\"pad\":16777216", &n); /* a sum of 2^51 numbers */

    no_memory(file, n, "no memory for");
    for (int groups = 256; groups <= 1024; groups *= 2) /* vectors of 16, 8 and 4 */
        wide_stride(groups);
    overlaps(program);
    no_parameters();
    many_rows(program);
    pthread_attr_init(&small);
    if (pthread_attr_setstacksize(&small, 512 << 10) || pthread_create(&thread, &small, long_chain, NULL))
        fail("a thread with a small stack");
    pthread_join(thread, NULL);
    pthread_attr_destroy(&small);
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
        {"\"rows\":0", "\"rows\":1e16", "an attribute is missing or impossible: rows"},
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
        {"\"name\":\"l\",\"in\":[9]", "\"name\":\"l\",\"in\":[4]",
         "its output is not of the network's size and classes"},
        {"{\"input\":\"image\",\"shape\":[1,8,8,3]}", "{\"const\":[1],\"shape\":[1,1,1,1]}",
         "a node reads numbers of another type than the op takes: to_real"},
        {"{\"param\":\"b\"", "{\"buffer\":\"b\"", "graph logits: a parameter that graph labels has not as it is: b"},
        {"\"height\":8,\"width\":8", "\"height\":16384,\"width\":16384", "no height and width, or impossible ones"},
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
    extremes((char *)program);
    printf("%zu programs are refused\n", sizeof bad / sizeof *bad);
    free(program), free(text);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    programs(argv[1]);
    return 0;
}
