/* loss.c: what --check finds in the sum that is minimised: terms that count nothing, class weights that let one
 * class outweigh all others, smoothing and weights that disagree, limits that are not watched. */
#include "cmd/lint/lint_private.h"
#include "cmd/submit/submit.h"
#include <fpcore/ops.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int counts_nothing(const fpc_curve *c)
{
    for (int64_t i = 0; i < c->n; i++)
        if (c->value[i] != 0)
            return 0;
    return 1;
}

static void idle_losses(lint *l)
{
    for (int32_t i = 0; i < l->s->n_losses; i++)
        if (counts_nothing(&l->s->loss[i].curve))
            fpc_lint_found(l, "%s: this term counts nothing; `use = none` removes it",
                           fpc_lint_where(l, l->s->loss[i].inst.self->label, "weight"));
}

/* Smallest (above 0) and largest of a list. */
static void ends_of(fpc_reals list, int64_t *least, int64_t *most)
{
    *least = *most = -1;
    for (int64_t i = 0; i < list.n; i++) {
        if (list.v[i] > 0 && (*least < 0 || list.v[i] < list.v[*least]))
            *least = i;
        if (*most < 0 || list.v[i] > list.v[*most])
            *most = i;
    }
}

static const char *class_name(const lint *l, int64_t c)
{
    return l->s->info.class_names && c < l->s->info.classes ? l->s->info.class_names[c] : "?";
}

static void wide_class_weights(lint *l)
{
    for (int32_t i = 0; i < l->s->n_losses; i++) {
        const fpc_instance *inst = &l->s->loss[i].inst;
        fpc_reals w;
        int64_t least, most;

        if (!fpc_lint_reals(inst, "class_weights", &w) || w.n == 0)
            continue;
        ends_of(w, &least, &most);
        if (least >= 0 && w.v[most] > 100 * w.v[least])
            fpc_lint_found(l,
                           "%s: one pixel of %s counts as much as %.0f of %s; the reports' run with such weights lost "
                           "7.7 points. Their square roots span %.0f; class_weight_preset = median is milder",
                           fpc_lint_where(l, inst->self->label, "class_weights"), class_name(l, most),
                           w.v[most] / w.v[least], class_name(l, least), sqrt(w.v[most] / w.v[least]));
    }
}

/* The weight that a preset gives a class of `n` pixels in `images` pictures, up to a common factor; the presets are in
 * the order of their options: inverse, sqrt, median, effective (Cui et al. 2019). */
static double preset_weight(int64_t preset, double beta, double n, double images)
{
    switch (preset) {
    case 2:
        return 1 / sqrt(n);
    case 3:
        return images / n;
    case 4:
        return (1 - beta) / -expm1(n * log(beta));
    default:
        return 1 / n;
    }
}

/* Counts the training masks where a recipe asks for a preset, as training will. */
static void wide_presets(lint *l)
{
    for (int32_t i = 0; l->s->data && i < l->s->n_losses; i++) {
        const fpc_instance *inst = &l->s->loss[i].inst;
        const int64_t *pixels, *images;
        int64_t preset = 0;
        int32_t least = -1, most = -1;
        double beta = 0, w[FPC_MAX_CLASSES];

        if (!fpc_lint_int(inst, "class_weight_preset", &preset) || !preset || !fpc_lint_real(inst, "beta", &beta) ||
            fpc_data_label_counts(l->s->data, &pixels, &images, NULL))
            continue;
        for (int32_t c = 0; c < l->s->classes; c++) {
            if (!pixels[c])
                continue;
            w[c] = preset_weight(preset, beta, (double)pixels[c], (double)images[c]);
            least = least < 0 || w[c] < w[least] ? c : least;
            most = most < 0 || w[c] > w[most] ? c : most;
        }
        if (most >= 0 && w[most] > 100 * w[least])
            fpc_lint_found(
                l, "%s: on these masks one pixel of %s counts as much as %.0f of %s; `sqrt` would make it %.0f",
                fpc_lint_where(l, inst->self->label, "class_weight_preset"), class_name(l, most), w[most] / w[least],
                class_name(l, least), sqrt((double)pixels[least] / (double)pixels[most]));
    }
}

static int has_class_weights(const fpc_instance *inst)
{
    fpc_reals w = {0, NULL};
    int64_t preset = 0;

    return (fpc_lint_reals(inst, "class_weights", &w) && w.n > 0) ||
           (fpc_lint_int(inst, "class_weight_preset", &preset) && preset);
}

/* One term is told that rare classes matter more, another that labels are not to be trusted. */
static void smoothing_and_weights(lint *l)
{
    for (int32_t i = 0; i < l->s->n_losses; i++)
        for (int32_t k = 0; k < l->s->n_losses; k++) {
            const fpc_instance *a = &l->s->loss[i].inst, *b = &l->s->loss[k].inst;
            double smooth = 0;

            if (i == k || !fpc_lint_real(a, "label_smoothing", &smooth) || smooth == 0 || has_class_weights(a) ||
                !has_class_weights(b))
                continue;
            fpc_lint_found(l,
                           "%s: this term smooths labels and [%s] weights classes: the two pull rare classes in "
                           "opposite directions; give both keys to one term",
                           fpc_lint_where(l, a->self->label, "label_smoothing"), b->self->label);
        }
}

/* Dice over absent classes is a constant; nothing to warn of. A network close to a limit that nobody set is. */
static void no_budget(lint *l)
{
    if (l->s->state && !l->s->max_params && l->s->state->n_trainable >= FPC_SUBMIT_LIMIT)
        fpc_lint_found(l,
                       "%s: the model has %" PRId64 " parameters, and no limit is set; the contest of the reports "
                       "allows fewer than %d",
                       fpc_lint_where(l, "model", "max_params"), l->s->state->n_trainable, FPC_SUBMIT_LIMIT);
}

lint_fn *const fpc_lints_of_loss[] = {idle_losses,           wide_class_weights, wide_presets,
                                      smoothing_and_weights, no_budget,          NULL};
