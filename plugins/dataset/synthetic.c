/* synthetic.c: faces drawn by the program itself, with all 19 classes of CelebAMask-HQ at roughly its frequencies, so
 * that training can be tried, tested and measured without any data. A sample is a pure function of (seed, part, index):
 * no state, no file, any number of readers. The face is drawn by synthetic_*.c. */
#include "synthetic.h"
#include <stdio.h>

struct synthetic {
    fpc_self self;
    int64_t size, train, val, test, seed;
};

static fpc_status describe(fpc_self *self, fpc_dataset_info *info)
{
    const struct synthetic *s = (const struct synthetic *)self;
    info->h = info->w = (int32_t)s->size;
    info->c = 3;
    info->ignore_label = -1;
    return fpc_classes_open(self, "celebamask19", info);
}

static fpc_status open_set(fpc_self *self, fpc_dataset_info *info)
{
    const struct synthetic *s = (const struct synthetic *)self;
    info->count[FPC_TRAIN] = s->train;
    info->count[FPC_VAL] = s->val;
    info->count[FPC_TEST] = s->test;
    return describe(self, info);
}

static fpc_status sample_name(const fpc_self *self, fpc_part part, int64_t index, char *id, size_t cap)
{
    static const char *const parts[] = {"", "train", "val", "test"};
    (void)self;
    if (id && cap)
        snprintf(id, cap, "%s%06lld", parts[part], (long long)index);
    return FPC_OK;
}

static fpc_status read_sample(const fpc_self *self, fpc_arena *scratch, fpc_part part, int64_t index, fpc_sample *out)
{
    const struct synthetic *s = (const struct synthetic *)self;
    const size_t pixels = (size_t)(s->size * s->size);
    face f;
    canvas c = {(int32_t)s->size, fpc_alloc(scratch, pixels * sizeof(rgb)), out->mask};
    if (!c.label)
        c.label = fpc_alloc(scratch, pixels);
    if (!c.pixel || !c.label)
        return FPC_ENOMEM;
    fpc_face_draw(
        &f, (fpc_rng){{(uint32_t)s->seed, (uint32_t)((uint64_t)s->seed >> 32)}, 0, (uint32_t)part, (uint32_t)index},
        c.n);
    fpc_face_ground(&c, &f);
    fpc_face_hair_behind(&c, &f);
    fpc_face_body(&c, &f);
    fpc_face_ears(&c, &f);
    fpc_face_head(&c, &f);
    fpc_face_brows(&c, &f);
    fpc_face_eyes(&c, &f);
    fpc_face_mouth(&c, &f);
    fpc_face_glasses(&c, &f);
    fpc_face_hair(&c, &f);
    fpc_face_earrings(&c, &f);
    fpc_face_hat(&c, &f);
    fpc_face_occluder(&c, &f);
    fpc_face_finish(&c, &f, out->image);
    return sample_name(self, part, index, out->id, out->id_cap);
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct synthetic, size, "128", 16, 4096, "px", "width and height of the pictures"),
    FPC_OPTION_INT(struct synthetic, train, "512", 0, 4294967295.0, "images", "pictures to train on"),
    FPC_OPTION_INT(struct synthetic, val, "128", 0, 4294967295.0, "images", "pictures to validate on"),
    FPC_OPTION_INT(struct synthetic, test, "64", 0, 4294967295.0, "images", "pictures of the test part"),
    FPC_OPTION_INT(struct synthetic, seed, "1", 0, 9007199254740992.0, "", "another seed, other faces"),
    {0}};
static const fpc_dataset_vtbl vtbl = {
    .size = sizeof vtbl, .open = open_set, .describe = describe, .read = read_sample, .name = sample_name};
static const fpc_plugin synthetic = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_DATASET,
    .name = "synthetic",
    .summary = "Faces drawn by the program: 19 classes of CelebAMask-HQ, no files needed.",
    .detail =
        "Every picture is a function of (seed, part, index): pose, light, skin, hair, expression, glasses, hats,\n"
        "earrings, necklaces, clothes, things in front of the face and the background are drawn anew each time, at\n"
        "about the frequencies of CelebAMask-HQ. Left and right are the person's own, as there.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct synthetic),
    .vtbl = &vtbl};
FPC_PLUGINS(&synthetic)
