/* normalize.c: [model] mean and std: read from the recipe, and the two nodes that a network begins with where they are
 * given. See experiment.h. */
#include "graph/nodes.h"
#include "experiment/step.h"
#include "weights/weights.h"
#include <string.h>

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

int fpc_normalized_key(const char *key)
{
    return !strcmp(key, "mean") || !strcmp(key, "std");
}

/* was: the recipe of the weights; a key that it lacks was not there when they were trained. */
static fpc_status warn_of(fpc_experiment *s, fpc_arena *arena, const char *path, const fpc_recipe *was)
{
    const fpc_resolved *all;
    int32_t n;
    const fpc_status status = fpc_experiment_settings(s, arena, &n, &all);

    for (int32_t i = 0; !status && i < n; i++) {
        if (strcmp(all[i].section, "model") != 0 || !fpc_normalized_key(all[i].key))
            continue;
        const fpc_entry *e = fpc_section_entry(fpc_recipe_section(was, "model"), all[i].key);
        const char *then = fpc_resolved_meaning(arena, &all[i], e ? e->value : ""), *now;
        if (!then || !(now = fpc_resolved_meaning(arena, &all[i], all[i].text)))
            return FPC_ENOMEM;
        if (strcmp(then, now) != 0)
            fpc_log(s->ctx, FPC_LOG_WARN,
                    "run.init_from = %s: those weights were trained with model.%s = %s, and this recipe has %s: they "
                    "will see other numbers than they know",
                    path, all[i].key, *then ? then : "none", *now ? now : "none");
    }
    return status;
}

fpc_status fpc_normalized_warn(fpc_experiment *s, const char *path)
{
    fpc_arena *arena = fpc_arena_new(s->ctx);
    fpc_st_file *file;
    fpc_recipe *was;
    fpc_status status = arena ? fpc_st_read(s->ctx, arena, path, &file) : FPC_ENOMEM;
    const char *text = status ? NULL : fpc_st_meta_find(file, "recipe");

    if (text && !fpc_recipe_parse(s->ctx, arena, path, text, 0, NULL, &was))
        status = warn_of(s, arena, path, was);
    else if (text)
        fpc_ctx_clear(s->ctx); /* weights of another program may call something else so */
    if (arena)
        fpc_arena_free(arena);
    return status;
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
