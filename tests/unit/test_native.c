/* test_native.c: `fpcore eval --native` promises what `fpcore predict` delivers: the masks that predict writes for
 * pictures of many sizes, compared with the labels' files by a count of the test's own, give the numbers of eval. */
#include "tiny.h"
#include "base/print.h"
#include "cmd/cmd.h"
#include "image/image.h"
#include "plugins/pictures.h"
#include "record/validation.h"
#include "weights/weights.h"

enum { N = 9, K = 19, VAL = 5 };

#define NETWORK                                                                                                        \
    TINY_MODEL "dropout = 0\n" TINY_LOSS "[metric.accuracy]\nuse = pixel_accuracy\n[metric.miou]\nuse = miou\n"        \
               "[metric.f_class]\nuse = f1_class\n[metric.f_image]\nuse = fscore_image\n[run]\nmetric = f_image\n"

static char root[400], weights[400], out[400], images[400], kept[400]; /* in the test folder */

/* Pictures higher, wider, larger and smaller than what the network sees, and one of just that size. */
static void make_set(bench *b)
{
    static const int32_t size[N][2] = {{40, 60}, {32, 32}, {97, 51}, {20, 24}, {130, 33},
                                       {64, 64}, {33, 31}, {16, 90}, {57, 57}};

    make_folder("set/train/images");
    make_folder("set/train/masks");
    for (int i = 0; i < N; i++) {
        const fpc_image image = picture(b->arena, size[i][0], size[i][1], 3, i);
        const fpc_image mask = picture(b->arena, size[i][0], size[i][1], 1, i);
        write_png(b, fpc_sprintf(b->arena, "set/train/images/%d.png", i), &image, NULL, 0);
        write_png(b, fpc_sprintf(b->arena, "set/train/masks/%d.png", i), &mask, NULL, 0);
    }
}

/* What a verb prints. */
static const char *run(bench *b, const fpc_cmd *verb, int argc, const char *const *argv)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *printed = open_memstream(&text, &bytes);
    fpc_cmdline cmd = {.ctx = b->ctx, .arena = b->arena, .argc = argc, .argv = (char **)(uintptr_t)argv};

    assert_non_null(printed);
    fpc_print_to(printed);
    has_to_succeed(b, verb->run(&cmd), verb->name);
    fpc_print_to(NULL);
    assert_int_equal(fclose(printed), 0);
    const char *copy = fpc_strdup(b->arena, text);
    free(text);
    return copy;
}

static double value_of(const char *text, const char *name)
{
    char key[64];

    snprintf(key, sizeof key, "\n%s: ", name);
    const char *at = strstr(text, key);
    if (!at)
        fail_msg("no line %s in: %s", name, text);
    return strtod(at + strlen(key), NULL);
}

typedef struct pixels {
    int64_t right[K], said[K], there[K];
} pixels;

static double f_of(const pixels *p, int c)
{
    return 2.0 * (double)p->right[c] / (double)(p->said[c] + p->there[c]);
}

static double mean_f(const pixels *p)
{
    double sum = 0;
    int n = 0;

    for (int c = 0; c < K; c++)
        if (p->there[c]) {
            sum += f_of(p, c);
            n++;
        }
    return sum / n;
}

/* The masks of the validation pictures against the files with their labels. */
static double own_count(bench *b, pixels *all, pixels one[VAL])
{
    double f_image = 0;

    for (int64_t i = 0; i < VAL; i++) {
        char id[64];
        fpc_image said, there;
        assert_int_equal(fpc_data_name(b->s->data, FPC_VAL, i, id, sizeof id), FPC_OK);
        const char *mask = in_folder(fpc_sprintf(b->arena, "out/%s.png", id));
        const char *truth = in_folder(fpc_sprintf(b->arena, "set/train/masks/%s.png", id));
        has_to_succeed(b, fpc_mask_read(b->ctx, b->arena, mask, &said), mask);
        has_to_succeed(b, fpc_mask_read(b->ctx, b->arena, truth, &there), truth);
        assert_true(said.w == there.w && said.h == there.h);
        for (int32_t k = 0; k < said.w * said.h; k++) {
            const int x = said.pixel[k], y = there.pixel[k];
            one[i].right[x] += x == y, all->right[x] += x == y;
            one[i].said[x]++, all->said[x]++;
            one[i].there[y]++, all->there[y]++;
        }
        f_image += mean_f(&one[i]) / VAL;
    }
    return f_image;
}

static void check_written(bench *b, const pixels one[VAL])
{
    fpc_validation *v;

    has_to_succeed(b, fpc_validation_read(b->ctx, b->arena, in_folder("native.safetensors"), &v), "native.safetensors");
    assert_true(v->native && v->images == VAL && v->batch == 2);
    for (int i = 0; i < VAL; i++)
        for (int c = 0; c < K; c++) {
            const int32_t *k = v->counts + (i * K + c) * 3;
            assert_true(k[0] == one[i].right[c] && k[0] + k[1] == one[i].said[c] && k[0] + k[2] == one[i].there[c]);
        }
}

/* The recipe's network with the weights that it begins with, which are saved. */
static void open_network(bench *b, const char *text)
{
    const fpc_st_meta meta[] = {{"recipe", text}};

    bench_experiment(b, text, "", OPEN_ALL);
    has_to_succeed(b, fpc_weights_save(b->ctx, b->s->state, weights, 1, meta), weights);
}

static void promises_what_predict_delivers(void **state)
{
    static const char *const how[] = {"", "--flip", "--tiles=20"};
    char text[2000];
    bench b;

    (void)state;
    snprintf(text, sizeof text,
             "[dataset]\nuse = folder\nroot = %s\nclasses = celebamask19\nsize = 32\nval_split = 0.6\nbatch = 2\n"
             "%s",
             root, NETWORK);
    for (int k = 0; k < 3; k++) { /* the plain prediction, that with mirror images, and that in tiles */
        const char *native[] = {"eval", "-w", weights, "--native", "--write", kept, how[k]};
        const char *plain[] = {"eval", "-w", weights, how[k]},
                   *predict[] = {"predict", "-w", weights, "-o", out, images, how[k]};
        const int more = k > 0;
        pixels all = {0}, one[VAL] = {0};
        int64_t right = 0, n = 0;
        double miou = 0;
        int present = 0;
        open_network(&b, text);
        const char *said = run(&b, &fpc_cmd_eval, 6 + more, native);
        const char *other = run(&b, &fpc_cmd_eval, 3 + (k == 1), plain);
        run(&b, &fpc_cmd_predict, 6 + more, predict);
        const double f_image = own_count(&b, &all, one);
        for (int c = 0; c < K; c++) {
            right += all.right[c];
            n += all.there[c];
            miou += all.there[c] ? (double)all.right[c] / (double)(all.there[c] + all.said[c] - all.right[c]) : 0;
            present += all.there[c] > 0;
        }
        assert_float_equal(value_of(said, "accuracy"), (double)right / (double)n, 1e-6);
        assert_float_equal(value_of(said, "miou"), miou / present, 1e-6);
        assert_float_equal(value_of(said, "f_class"), mean_f(&all), 1e-6);
        assert_float_equal(value_of(said, "f_image"), f_image, 1e-6);
        assert_true(fabs(value_of(other, "accuracy") - (double)right / (double)n) > 1e-6);
        assert_non_null(strstr(said, "\nmeasured at: the size of each picture, on the masks that fpcore predict"));
        assert_non_null(strstr(other, "\nmeasured at: 32 x 32 "));
        assert_null(strstr(said, "\nloss"));
        check_written(&b, one);
        bench_free(&b);
    }
}

/* A set without files of another size has one measure. */
static void is_the_plain_measure_at_one_size(void **state)
{
    bench b;

    (void)state;
    open_network(&b, TINY_DATA NETWORK);
    const char *native = run(&b, &fpc_cmd_eval, 4, (const char *[]){"eval", "-w", weights, "--native"});
    const char *plain = run(&b, &fpc_cmd_eval, 3, (const char *[]){"eval", "-w", weights});
    assert_string_equal(strstr(native, "\naccuracy: "), strstr(plain, "\naccuracy: "));
    bench_free(&b);
}

static int group_open(void **state)
{
    bench b;

    (void)state;
    snprintf(root, sizeof root, "%.300s", in_folder("set"));
    snprintf(images, sizeof images, "%.300s/train/images", root);
    snprintf(weights, sizeof weights, "%.300s", in_folder("w.safetensors"));
    snprintf(out, sizeof out, "%.300s", in_folder("out"));
    snprintf(kept, sizeof kept, "%.300s", in_folder("native.safetensors"));
    if (bench_new(&b))
        return -1;
    make_set(&b);
    bench_free(&b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(promises_what_predict_delivers),
                                       cmocka_unit_test(is_the_plain_measure_at_one_size)};
    return cmocka_run_group_tests(tests, group_open, NULL);
}
