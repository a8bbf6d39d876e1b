/* test_groups.c: parameters that are frozen, that do not decay, whose rate is another: what is frozen keeps its bytes
 * whatever else happens, factors of 1 are as none. */
#define _GNU_SOURCE
#include "training_files.h"

#include "experiment/groups.h"
#include "experiment/experiment.h"

#include <math.h>

/* How many tensors of `name` in file, behind `prefix`, are and are not those of `was`. */
static void compare(const fpc_st_file *was, const fpc_st_file *is, const char *prefix, const char *front, int *same,
                    int *other)
{
    *same = *other = 0;
    for (int32_t i = 0; i < was->n; i++) {
        const fpc_st_tensor *x = &was->tensor[i];
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix, x->name);
        const fpc_st_tensor *y = fpc_st_find(is, name);
        if (strncmp(x->name, front, strlen(front)) || (*prefix && !y))
            continue;
        assert_non_null(y);
        *(memcmp(x->data, y->data, (size_t)x->count * (x->dtype == FPC_I64 ? 8 : 4)) ? other : same) += 1;
    }
}

static void never_moved(bench *b, const fpc_st_file *was, const char *folder, const char *name, const char *prefix)
{
    const fpc_st_file *is = read_file(b, folder, name);
    int same, other;

    compare(was, is, prefix, "decoder.", &same, &other);
    if (other || same < 10)
        fail_msg("%s of %s: %d frozen tensors moved, %d did not", prefix, name, other, same);
    compare(was, is, prefix, "block1.", &same, &other);
    assert_true(other > 10);
}

/* The decoder has a batch norm, so its statistics are tested too. */
static void frozen_bytes_never_move(bench *b, const char *optimizer, const char *precision)
{
    const char *overrides[] = {NULL,
                               "optimizer.freeze=decoder.*",
                               "optimizer.freeze_stats=on",
                               "optimizer.no_decay=*.bias",
                               "optimizer.weight_decay=0.3",
                               "optimizer.sam=0.05",
                               "run.ema=0.9",
                               "run.swa_start=1",
                               "run.epochs=2",
                               "run.accumulate=2",
                               optimizer,
                               precision};
    char from[1200], whole[1024], cut[1024];

    snprintf(from, sizeof from, "run.init_from=%s/best.safetensors", folder_of("first"));
    overrides[0] = from;
    succeeds("whole", 12, overrides, NULL);
    snprintf(whole, sizeof whole, "%s", folder_of("whole"));
    const fpc_st_file *was = read_file(b, folder_of("first"), "best.safetensors");
    never_moved(b, was, whole, "best.safetensors", "");
    never_moved(b, was, whole, "last.safetensors", "");
    never_moved(b, was, whole, "last.safetensors", "average.");
    never_moved(b, was, whole, "last.safetensors", "swa.");
    never_moved(b, was, whole, "swa.safetensors", "");

    cancel_at_event = 5;
    assert_int_equal(run_in_child("cut", 12, overrides, NULL), FPC_ECANCEL);
    clear_points();
    snprintf(cut, sizeof cut, "%s", folder_of("cut"));
    succeeds("cut", 12, overrides, cut);
    same_results(whole, cut, "resumed", 0);
    remove_tree("whole");
    remove_tree("cut");
}

static void frozen_stays_frozen(void **state)
{
    bench *b = *state;
    static const char *const one[] = {"run.epochs=1"};

    assert_true(*test_folder()); /* before children make one of their own */
    succeeds("first", 1, one, NULL);
    frozen_bytes_never_move(b, "optimizer.use=adamw", "backend.use=ref");
    frozen_bytes_never_move(b, "optimizer.use=adam", "backend.use=cpu");
    frozen_bytes_never_move(b, "optimizer.use=sgd", "backend.use=ref");
    frozen_bytes_never_move(b, "optimizer.use=lion", "backend.use=cpu");
}

/* Without a decay its factor is nothing, so the way by factors of the rate, all 1, has to give what the way without any
 * gives. */
static void factors_of_one_change_no_number(void **state)
{
    bench *b = *state;
    static const char *const use[] = {"backend.use=ref", "backend.use=cpu"};

    assert_true(*test_folder());
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {"run.epochs=1", "optimizer.weight_decay=0", use[i], "optimizer.no_decay=*.bias"};
        int same, other;
        succeeds("plain", 3, overrides, NULL);
        succeeds("ones", 4, overrides, NULL);
        compare(read_file(b, folder_of("plain"), "last.safetensors"),
                read_file(b, folder_of("ones"), "last.safetensors"), "", "", &same, &other);
        assert_true(same > 100 && other == 0);
        remove_tree("plain");
        remove_tree("ones");
    }
}

#define TINY "[model]\nuse = microsegformer\ndims = 4,8\ndepths = 1,1\nsr_ratios = 2,1\nheads = 1,1\ndecoder_dim = 8\n"

static fpc_experiment *with(bench *b, const char *optimizer)
{
    return open_experiment(b, fpc_sprintf(b->arena, "%s%s[optimizer]\n%s\n", SMALL_RECIPE, TINY, optimizer),
                           FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
}

static const fpc_grouped_param *param(const fpc_experiment *s, const char *name)
{
    for (int32_t i = 0; i < s->groups.n; i++)
        if (!strcmp(s->groups.param[i].name, name))
            return &s->groups.param[i];
    fail_msg("there is no %s", name);
    return NULL;
}

static void patterns_make_groups(void **state)
{
    bench *b = *state;
    const fpc_experiment *s = with(b, "freeze = patch_embed1.*\nno_decay = *.bias\nlr_scale = decoder.*: 1, *: 0.25");
    const fpc_grouped_param *frozen = param(s, "patch_embed1.proj.weight"), *slow = param(s, "block1.0.attn.q.weight"),
                            *bias = param(s, "block1.0.attn.q.bias"), *plain = param(s, "decoder.conv_seg.weight");

    assert_true(frozen->rate == 0 && frozen->decay == 0);
    assert_true(slow->rate == 0.25 && slow->decay == 1);
    assert_true(bias->rate == 0.25 && bias->decay == 0);
    assert_true(plain->rate == 1 && plain->decay == 1 && plain->group == 0);
    assert_int_equal(s->groups.n_groups, 4); /* and biases of the decoder */
    assert_int_equal(with(b, "")->groups.n_groups, 0);
    assert_null(with(b, "")->state->factors);
}

static int32_t backward_nodes(fpc_experiment *s)
{
    const fpc_probe_args args = {.n = 2, .h = 32, .w = 32, .training = 1, .backward = 1, .loss = 1};
    fpc_program *p;
    int32_t n = 0;

    assert_int_equal(fpc_experiment_probe(s, &args, &p), FPC_OK);
    for (int32_t i = 0; i < fpc_program_graph(p)->n_nodes; i++)
        n += fpc_program_graph(p)->node[i].backward;
    return n;
}

static void what_serves_only_frozen_is_not_computed(void **state)
{
    bench *b = *state;
    const int32_t all = backward_nodes(with(b, "")), first = backward_nodes(with(b, "freeze = patch_embed1.*")),
                  most = backward_nodes(with(b, "freeze = patch_embed*, block*, norm*"));

    assert_true(first < all);
    assert_true(most > 0 && most < all / 2);
}

/* One step at a rate, with all gradients 0.5: how far a number of the parameter goes. */
static double moved(bench *b, fpc_experiment *s, const char *name)
{
    fpc_state *state = s->state;
    const fpc_state_entry *e = fpc_state_find(state, name);
    double *before = fpc_alloc(b->arena, (size_t)e->count * 8), *after = fpc_alloc(b->arena, (size_t)e->count * 8),
           norm;

    for (int32_t i = 0; i < state->n; i++)
        if (state->entry[i].kind == FPC_STATE_GRAD) {
            float *half = fpc_alloc(b->arena, (size_t)state->entry[i].count * 4);
            for (int64_t k = 0; k < state->entry[i].count; k++)
                half[k] = 0.5f;
            assert_int_equal(fpc_state_set(state, &state->entry[i], half), FPC_OK);
        }
    assert_int_equal(fpc_state_read(state, e, FPC_F64, before), FPC_OK);
    assert_int_equal(fpc_experiment_update(s, 1, 0.01, &norm), FPC_OK);
    assert_int_equal(fpc_state_read(state, e, FPC_F64, after), FPC_OK);
    return before[0] - after[0];
}

static void a_rate_is_scaled(void **state)
{
    bench *b = *state;
    static const char *const use[] = {"use = adamw\nweight_decay = 0\n", "use = adam\n", "use = sgd\n",
                                      "use = lion\nweight_decay = 0\n"};
    const char *name = "block1.0.attn.q.weight";

    for (int i = 0; i < 4; i++) {
        const double plain = moved(b, with(b, use[i]), name),
                     slow = moved(b, with(b, fpc_sprintf(b->arena, "%slr_scale = block*: 0.25", use[i])), name);
        assert_true(plain > 0);
        assert_float_equal(slow, plain / 4, 1e-6);
    }
}

static void decay_goes_where_it_is_named(void **state)
{
    bench *b = *state;
    static const char *const use[] = {"use = adamw", "use = sgd", "use = lion"};
    const char *name = "block1.0.attn.q.weight";

    for (int i = 0; i < 3; i++) {
        const double none = moved(b, with(b, fpc_sprintf(b->arena, "%s\nweight_decay = 0", use[i])), name),
                     off = moved(b, with(b, fpc_sprintf(b->arena, "%s\nweight_decay = 0.5\nno_decay = *.q.*", use[i])),
                                 name),
                     on = moved(b, with(b, fpc_sprintf(b->arena, "%s\nweight_decay = 0.5", use[i])), name);
        assert_true(off == none && on != none);
    }
}

static void refused(bench *b, const char *optimizer, const char *why)
{
    refuse_experiment(b, fpc_sprintf(b->arena, "%s%s[optimizer]\n%s\n", SMALL_RECIPE, TINY, optimizer),
                      FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, why);
}

static void slips_are_refused(void **state)
{
    bench *b = *state;

    refused(b, "no_decay = *.nrom*", "optimizer.no_decay: *.nrom* matches none of the ");
    refused(b, "no_decay = *.nrom*", "; the nearest name is patch_embed1.norm.");
    refused(b, "freeze = *", "optimizer.freeze leaves none of the ");
    refused(b, "lr_scale = *: 1, decoder.*: 2",
            "decoder.* has no effect: the patterns before it match all that it does");
    refused(b, "lr_scale = decoder.*", "`decoder.*` is not PATTERN: FACTOR");
    refused(b, "lr_scale = decoder.*: 0", "`decoder.*: 0` is not PATTERN: FACTOR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(frozen_stays_frozen), CASE(factors_of_one_change_no_number),         CASE(patterns_make_groups),
        CASE(a_rate_is_scaled),    CASE(what_serves_only_frozen_is_not_computed), CASE(decay_goes_where_it_is_named),
        CASE(slips_are_refused)};
    return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
