/* test_mix.c: the plans of the mixing plugins: shares by their distributions, boxes as the reports have them, one draw
 * for a batch, partners within the batch (also a small one, and one picture alone), a permutation that has every row
 * once, hard and soft targets, refusals. */
#include "draws.h"

static fpc_instance opened(bench *b, const char *text)
{
    return open_plugin(b, "augment.x", text);
}

static fpc_mix mix_at(bench *b, const fpc_instance *inst, uint32_t batch, int32_t row, int32_t rows, int32_t h,
                      int32_t w)
{
    fpc_mix m;
    draw_at(b, inst, (place_in_batch){row, rows, h, w, 1000 * batch + (uint32_t)row, batch}, &m, sizeof m);
    return m;
}

static int is_soft(const fpc_instance *inst)
{
    const fpc_augment_vtbl *v = inst->vtbl;
    return v->soft && v->soft(inst->self);
}

static int mixed(const fpc_mix *m)
{
    return m->layer[0].alpha > 0;
}

/* In batches of every size, row by row: partners are rows of the batch, and each row is the partner of one. */
static void partners(void **state)
{
    bench *b = *state;
    static const char *const text[] = {"use = mixup\nalpha = 1\np = 1\n",
                                       "use = mixup\nalpha = 1\np = 1\nper = image\n", "use = mosaic\np = 1\n",
                                       "use = copy_paste\np = 1\n", "use = class_mix\nshare = 1\np = 1\n"};
    for (int k = 0; k < 5; k++) {
        const fpc_instance inst = opened(b, text[k]);
        int fixed = 0, moved = 0;
        for (int32_t rows = 1; rows < 70; rows += rows < 8 ? 1 : 9) {
            const int first = k == 2, last = k == 2 ? 3 : 0;
            for (int layer = first; layer <= last; layer++) {
                char seen[70] = {0};
                for (int32_t row = 0; row < rows; row++) {
                    const fpc_mix m = mix_at(b, &inst, 5, row, rows, 40, 56);
                    const int32_t partner = m.layer[layer].partner;
                    assert_true(m.layer[layer].alpha > 0);
                    assert_in_range(partner, 0, rows - 1);
                    assert_int_equal(seen[partner]++, 0);
                    fixed += partner == row, moved += partner != row;
                }
            }
        }
        assert_true(moved > 5 * fixed);
    }
}

/* Another permutation in each batch; in mosaics another for each quarter. */
static void permutations_differ(void **state)
{
    bench *b = *state;
    const fpc_instance mixup = opened(b, "use = mixup\nalpha = 1\np = 1\n"),
                       mosaic = opened(b, "use = mosaic\np = 1\n");
    int same = 0, same_quarters = 0;
    for (uint32_t batch = 0; batch < 100; batch++)
        for (int32_t row = 0; row < 16; row++) {
            const fpc_mix here = mix_at(b, &mixup, batch, row, 16, 40, 56),
                          next = mix_at(b, &mixup, batch + 1, row, 16, 40, 56),
                          four = mix_at(b, &mosaic, batch, row, 16, 40, 56);
            same += here.layer[0].partner == next.layer[0].partner;
            same_quarters += four.layer[1].partner == four.layer[2].partner;
            assert_int_equal(four.layer[0].partner, row);
        }
    assert_in_range(same, 50, 150);
    assert_in_range(same_quarters, 50, 150);
}

/* One lambda for a batch, Beta(0.2, 0.2) over batches; the partner's share is what is left. */
static void mixup(void **state)
{
    bench *b = *state;
    const fpc_instance inst = opened(b, "use = mixup\np = 1\n");
    enum { BATCHES = 4000 };
    double sum = 0;
    int below = 0, middle = 0;
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        const fpc_mix m = mix_at(b, &inst, batch, 0, 8, 40, 56), other = mix_at(b, &inst, batch, 5, 8, 40, 56);
        assert_true(m.lambda == other.lambda && m.lambda >= 0 && m.lambda <= 1 && !m.soft);
        assert_true(m.layer[0].alpha == (float)(1 - (double)m.lambda) && m.layer[1].alpha == 0);
        assert_true(m.layer[0].x0 == -1 && m.layer[0].y0 == -1 && m.layer[0].x1 == 1 && m.layer[0].y1 == 1);
        assert_true(all_zero(m.layer[0].classes, sizeof m.layer[0].classes));
        sum += (double)m.lambda, below += m.lambda<0.1f, middle += m.lambda> 0.2f && m.lambda < 0.8f;
    }
    assert_true(fabs(sum / BATCHES - 0.5) < 0.02);
    assert_true(fabs((double)below / BATCHES - 0.33669) < 0.025);  /* the Beta distribution function at 0.1 */
    assert_true(fabs((double)middle / BATCHES - 0.21456) < 0.025); /* from 0.2 to 0.8 */
    assert_int_equal(is_soft(&inst), 0);
    const fpc_instance soft = opened(b, "use = mixup\nlabels = soft\np = 1\n");
    assert_int_equal(is_soft(&soft), 1);
    assert_int_equal(mix_at(b, &soft, 0, 0, 8, 40, 56).soft, 1);
    const fpc_instance never = opened(b, "use = mixup\nalpha = 0\np = 1\nlabels = soft\n");
    const fpc_mix none = mix_at(b, &never, 0, 0, 8, 40, 56);
    assert_true(!mixed(&none) && none.lambda == 1 && !none.soft);
    refuse_plugin(b, "augment.x", "use = mixup\nalpha = -1\n", "augment.x.alpha = -1");
    refuse_plugin(b, "augment.x", "use = mixup\nlabels = smooth\n", "augment.x.labels = smooth");
}

/* p is a batch's: all of its pictures are mixed or none; per = image: each for itself. */
static void chances(void **state)
{
    bench *b = *state;
    static const char *const name[] = {"mixup", "cutmix", "mosaic", "copy_paste", "class_mix"};
    for (int k = 0; k < 5; k++)
        for (int per = 0; per < (k < 2 ? 2 : 1); per++) {
            const fpc_instance inst = opened(b, fpc_sprintf(b->arena, "use = %s\np = 0.3\n%s", name[k],
                                                            k > 1 ? ""
                                                            : per ? "per = image\n"
                                                                  : "per = batch\n"));
            const int together = k < 2 && !per;
            int on = 0, split = 0;
            for (uint32_t batch = 0; batch < 2000; batch++) {
                const fpc_mix m = mix_at(b, &inst, batch, 0, 4, 64, 64), n = mix_at(b, &inst, batch, 3, 4, 64, 64),
                              again = mix_at(b, &inst, batch, 0, 4, 64, 64);
                assert_memory_equal(&m, &again, sizeof m);
                assert_true(mixed(&m) || m.lambda == 1);
                on += mixed(&m), split += mixed(&m) != mixed(&n);
            }
            if (k != 1) /* cutmix's box may be empty */
                assert_in_range(on, 540, 660);
            else
                assert_in_range(on, 500, 640);
            if (together)
                assert_int_equal(split, 0);
            else
                assert_in_range(split, 700, 980);
            const fpc_instance off = opened(b, fpc_sprintf(b->arena, "use = %s\np = 0\n", name[k]));
            const fpc_mix none = mix_at(b, &off, 1, 0, 4, 64, 64);
            assert_true(!mixed(&none) && none.lambda == 1);
        }
}

/* Reference 6.6: sides floor(side sqrt(1 - lambda)), half of them to both sides of a pixel, cut off at the border. With
 * lambda even in 0 .. 1 the share of area before cutting off is even as well. */
static void cutmix(void **state)
{
    bench *b = *state;
    const fpc_instance inst = opened(b, "use = cutmix\np = 1\nlabels = soft\n");
    enum { H = 96, W = 128, BATCHES = 4000 };
    int uncut = 0;
    double share = 0;
    assert_int_equal(is_soft(&inst), 1);
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        const fpc_mix m = mix_at(b, &inst, batch, 2, 8, H, W), other = mix_at(b, &inst, batch, 7, 8, H, W);
        const fpc_mix_layer *l = &m.layer[0];
        if (!mixed(&m))
            continue;
        const double x0 = ((double)l->x0 + 1) * W / 2, x1 = ((double)l->x1 + 1) * W / 2,
                     y0 = ((double)l->y0 + 1) * H / 2, y1 = ((double)l->y1 + 1) * H / 2;
        assert_true(fabs(x0 - rint(x0)) < 1e-4 && fabs(x1 - rint(x1)) < 1e-4 && fabs(y0 - rint(y0)) < 1e-4 &&
                    fabs(y1 - rint(y1)) < 1e-4);
        assert_true(x0 > -1e-4 && y0 > -1e-4 && x1 < W + 1e-4 && y1 < H + 1e-4 && l->alpha == 1);
        assert_true(fabs((double)m.lambda - (1 - (x1 - x0) * (y1 - y0) / (W * H))) < 1e-6 && m.soft);
        assert_memory_equal(&l->x0, &other.layer[0].x0, 4 * sizeof l->x0);
        if (x0 > 0.5 && x1 < W - 0.5 && y0 > 0.5 && y1 < H - 0.5) {
            const int w = (int)rint(x1 - x0), h = (int)rint(y1 - y0);
            assert_true(w % 2 == 0 && h % 2 == 0); /* the picture's sides are 4 : 3, so the box's are, up to floor */
            assert_true(abs(3 * w - 4 * h) <= 8);
            uncut++;
        }
        share += (x1 - x0) * (y1 - y0) / (W * H);
    }
    assert_true(uncut > 200);
    /* E (s - s^2 / 4)^2 with s^2 even in 0 .. 1 is 0.3208; whole pixels take up to one from each side */
    assert_true(share / BATCHES > 0.295 && share / BATCHES < 0.33);
}

/* alpha so large that lambda is 1/2: the box before cutting off is known, and its centre is even over the pixels. */
static void cutmix_centres(void **state)
{
    bench *b = *state;
    const fpc_instance inst = opened(b, "use = cutmix\nalpha = 100\np = 1\n");
    enum { SIDE = 64, BATCHES = 6000 };
    int at_left = 0, uncut = 0;
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        const fpc_mix m = mix_at(b, &inst, batch, 0, 2, SIDE, SIDE);
        const double x0 = ((double)m.layer[0].x0 + 1) * SIDE / 2, x1 = ((double)m.layer[0].x1 + 1) * SIDE / 2;
        at_left += x0<0.5, uncut += x0> 0.5 && x1 < SIDE - 0.5;
        assert_true(!m.soft && x1 - x0 > 18 && x1 - x0 < 56);
    }
    /* half a side is about 22: the box touches the left where the centre is at 0 .. 22 of 64, and is whole where it is
     * at 23 .. 41 */
    assert_true(fabs((double)at_left / BATCHES - 23.0 / 64) < 0.04);
    assert_true(fabs((double)uncut / BATCHES - 19.0 / 64) < 0.06);
}

/* Quarters tile the picture, and each reads within its partner. */
static void mosaic(void **state)
{
    bench *b = *state;
    for (int crop = 0; crop < 2; crop++) {
        const fpc_instance inst = opened(
            b, fpc_sprintf(b->arena, "use = mosaic\np = 1\ncentre = 0.2, 0.6\nfit = %s\n", crop ? "crop" : "scale"));
        double low = 1, high = -1;
        for (uint32_t batch = 0; batch < 500; batch++) {
            const fpc_mix m = mix_at(b, &inst, batch, 1, 6, 40, 56);
            const fpc_mix_layer *l = m.layer;
            assert_true(l[0].x1 == l[1].x0 && l[2].x1 == l[3].x0 && l[0].y1 == l[2].y0 && l[1].y1 == l[3].y0);
            assert_true(l[0].x0 == -1 && l[0].y0 == -1 && l[3].x1 == 1 && l[3].y1 == 1 && l[0].x1 == l[2].x1);
            for (int k = 0; k < 4; k++) {
                const double left = (double)(l[k].sx * l[k].x0 + l[k].tx),
                             right = (double)(l[k].sx * l[k].x1 + l[k].tx);
                const double top = (double)(l[k].sy * l[k].y0 + l[k].ty),
                             bottom = (double)(l[k].sy * l[k].y1 + l[k].ty);
                assert_true(left > -1 - 1e-5 && right < 1 + 1e-5 && top > -1 - 1e-5 && bottom < 1 + 1e-5);
                if (crop)
                    assert_true(l[k].sx == 1 && l[k].sy == 1);
                else
                    assert_true(left < -1 + 1e-5 && right > 1 - 1e-5 && top < -1 + 1e-5 && bottom > 1 - 1e-5);
            }
            low = fmin(low, (double)l[0].x1), high = fmax(high, (double)l[0].x1);
        }
        assert_true(low >= -0.6001 && low < -0.58 && high <= 0.2001 && high > 0.18);
    }
    refuse_plugin(b, "augment.x", "use = mosaic\ncentre = 0, 1\n", "augment.x.centre = 0, 1: is out of range");
}

static void copy_paste(void **state)
{
    bench *b = *state;
    fpc_instance inst = opened(b, "use = copy_paste\nclasses = 0, 18\np = 1\n");
    fpc_mix m = mix_at(b, &inst, 0, 0, 4, 40, 56);
    assert_true(m.layer[0].classes[0] == (1u | 1u << 18) && m.layer[0].alpha == 1 && m.layer[0].sx == 1 &&
                m.layer[0].tx == 0 && m.layer[0].x0 == -1 && m.layer[0].x1 == 1);
    inst = opened(b, "use = copy_paste\np = 1\nscale = 0.5, 0.5\nshift = 0.2, 0.2\n");
    m = mix_at(b, &inst, 0, 0, 4, 40, 56);
    /* at half the size and a fifth of the sides further: the partner's centre is at 0.4, its edges at -0.1 and 0.9 */
    const fpc_mix_layer *l = &m.layer[0];
    assert_true(fabs((double)(l->sx * 0.4f + l->tx)) < 1e-6 && fabs((double)l->x0 + 0.1) < 1e-6 &&
                fabs((double)l->x1 - 0.9) < 1e-6);
    assert_true(l->sy == l->sx && l->ty == l->tx && l->y0 == l->x0 && l->y1 == l->x1);
    assert_true(l->classes[0] == (1u << 3 | 1u << 14 | 1u << 15 | 1u << 16));
    inst = opened(b, "use = copy_paste\nclasses = 3, 19\np = 1\n");
    const fpc_image_info info = {.size = sizeof info, .h = 8, .w = 8, .c = 3, .rows = 1, .classes = CLASSES};
    const fpc_augment_vtbl *v = inst.vtbl;
    assert_int_equal(v->draw(inst.self, (fpc_rng){{1, 2}, 3, 4, 5}, &info, &m), FPC_EINVAL);
    assert_string_equal(fpc_ctx_error(b->ctx),
                        "test.ini:3: augment.x.classes lists 19; the data set's labels are 0 to 18");
    fpc_ctx_clear(b->ctx);
    refuse_plugin(b, "augment.x", "use = copy_paste\nclasses = 256\n", "augment.x.classes");
    refuse_plugin(b, "augment.x", "use = copy_paste\nscale = 1\n", "augment.x.scale = 1: is one number a, which");
}

/* Each class with its chance, each picture for itself, never a class that the data set does not have. */
static void class_mix(void **state)
{
    bench *b = *state;
    const fpc_instance inst = opened(b, "use = class_mix\nshare = 0.25\np = 1\n");
    int taken[CLASSES] = {0}, none = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_mix m;
        draw_of(b, &inst, i, 40, 56, &m, sizeof m);
        none += !mixed(&m);
        assert_true(mixed(&m) || m.layer[0].classes[0] == 0);
        assert_true(m.layer[0].classes[0] >> CLASSES == 0 && all_zero(m.layer[0].classes + 1, 7 * sizeof(uint32_t)));
        for (int c = 0; c < CLASSES; c++)
            taken[c] += (int)(m.layer[0].classes[0] >> c & 1);
    }
    for (int c = 0; c < CLASSES; c++)
        assert_true(fabs((double)taken[c] / MANY - 0.25) < 0.03);
    assert_true(fabs((double)none / MANY - pow(0.75, CLASSES)) < 0.005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(partners), CASE(permutations_differ), CASE(mixup),  CASE(chances),
                                       CASE(cutmix),   CASE(cutmix_centres),      CASE(mosaic), CASE(copy_paste),
                                       CASE(class_mix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
