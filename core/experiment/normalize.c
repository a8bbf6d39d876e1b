/* normalize.c: [model] mean and std: read from the recipe, and the two nodes that a network begins with where they are
 * given. See experiment.h. */
#include "graph/nodes.h"
#include "experiment/step.h"

/* Number c of a list that has one for all channels, or one a channel. */
static double of_channel(fpc_reals list, int32_t c, double otherwise)
{
    return list.n ? list.v[list.n == 1 ? 0 : c] : otherwise;
}

static fpc_status check_count(fpc_experiment *s, const char *key, fpc_reals list)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(s->recipe, "model"), key);

    if (list.n <= 1 || list.n == FPC_CHANNELS)
        return FPC_OK;
    return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                           "%s: model.%s has %lld numbers; pictures have %d channels (red, green, blue), so give %d "
                           "numbers, or one for all",
                           e ? e->origin : "default", key, (long long)list.n, FPC_CHANNELS, FPC_CHANNELS);
}

fpc_status fpc_normalized_read(fpc_experiment *s, const fpc_model_common *o)
{
    fpc_normalized *to = &s->normalized;
    fpc_status status;

    if ((status = check_count(s, "mean", o->mean)) || (status = check_count(s, "std", o->std)))
        return status;
    to->on = o->mean.n || o->std.n;
    for (int32_t c = 0; c < FPC_CHANNELS; c++) {
        to->minus_mean[c] = 0 - of_channel(o->mean, c, 0);
        to->over_std[c] = 1 / of_channel(o->std, c, 1);
    }
    return FPC_OK;
}

fpc_val fpc_normalized_build(const fpc_experiment *s, fpc_graph *g, fpc_val image)
{
    const fpc_shape row = fpc_vector(FPC_CHANNELS);

    if (!s->normalized.on)
        return image;
    fpc_enter(g, "normalize");
    image = fpc_add(g, image, fpc_const(g, row, s->normalized.minus_mean));
    image = fpc_mul(g, image, fpc_const(g, row, s->normalized.over_std));
    fpc_leave(g);
    return image;
}
