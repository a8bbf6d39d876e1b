/* old.c: a data set: one disc and one square on noise, drawn by the program: three classes, any size.
 *
 * open() says how many samples there are and what they look like; read() fills one picture and its label mask. read()
 * is called from several threads at once and must give the same sample for the same index. Order, batches, caching
 * and augmentation are the core's. */
#include <fpcore/dataset.h>
#include <fpcore/draw.h>
#include <stdio.h>

struct dataset {
    fpc_self self;
    int64_t size, train, val, seed;
};

static fpc_status open_set(fpc_self *self, fpc_dataset_info *info)
{
    static const char *const names[] = {"background", "disc", "square"};
    static const uint8_t palette[][3] = {{0, 0, 0}, {230, 80, 60}, {60, 140, 230}};
    const struct dataset *d = (const struct dataset *)self;

    if (d->train + d->val == 0)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s: train and val are both 0; there is nothing to read", self->label);
    info->count[FPC_TRAIN] = d->train;
    info->count[FPC_VAL] = d->val;
    info->h = info->w = (int32_t)d->size;
    info->c = 3;
    info->classes = 3;
    info->class_names = names;
    info->palette = palette;
    info->ignore_label = -1;
    return FPC_OK;
}

static fpc_status name(const fpc_self *self, fpc_part part, int64_t index, char *id, size_t id_cap)
{
    (void)self;
    snprintf(id, id_cap, "%s-%lld", part == FPC_TRAIN ? "train" : "val", (long long)index);
    return FPC_OK;
}

/* scratch: memory for decoding, gone after the call. mask and id may be NULL: not wanted. */
static fpc_status read_one(const fpc_self *self, fpc_arena *scratch, fpc_part part, int64_t index, fpc_sample *out)
{
    const struct dataset *d = (const struct dataset *)self;
    const fpc_rng rng = {{(uint32_t)d->seed, (uint32_t)(d->seed >> 32)}, (uint32_t)part, 0, (uint32_t)index};
    const double disc_x = fpc_draw_unit(rng, 0), disc_y = fpc_draw_unit(rng, 1);
    const double square_x = fpc_draw_unit(rng, 2), square_y = fpc_draw_unit(rng, 3);
    const double radius = fpc_draw_between(rng, 4, 0.1, 0.3), half = fpc_draw_between(rng, 5, 0.1, 0.25);

    (void)scratch;
    for (int64_t y = 0; y < d->size; y++)
        for (int64_t x = 0; x < d->size; x++) {
            const int64_t at = y * d->size + x;
            const double fx = ((double)x + 0.5) / (double)d->size, fy = ((double)y + 0.5) / (double)d->size;
            const double dx = fx - disc_x, dy = fy - disc_y, sx = fx - square_x, sy = fy - square_y;
            const int square = sx * sx < half * half && sy * sy < half * half;
            const int label = square ? 2 : dx * dx + dy * dy < radius * radius ? 1 : 0;
            const fpc_u32x4 noise = fpc_philox(rng, 6 + (uint32_t)at);

            for (int c = 0; c < 3; c++)
                out->image[at * 3 + c] = (uint8_t)(noise.v[c] % 96 + (label == c ? 120 : 30));
            if (out->mask)
                out->mask[at] = (uint8_t)label;
        }
    return out->id ? name(self, part, index, out->id, out->id_cap) : FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct dataset, size, "64", 8, 4096, "px", "height and width of the pictures"),
    FPC_OPTION_INT(struct dataset, train, "256", 0, 100000000, "", "number of training pictures"),
    FPC_OPTION_INT(struct dataset, val, "32", 0, 100000000, "", "number of validation pictures"),
    FPC_OPTION_INT(struct dataset, seed, "1", 0, 9e15, "", "another seed, other pictures"),
    {0}};

static const fpc_dataset_vtbl vtbl = {.size = sizeof vtbl, .open = open_set, .read = read_one, .name = name};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_DATASET,
                                  .name = "old",
                                  .summary = "Discs and squares drawn by the program.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct dataset),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
