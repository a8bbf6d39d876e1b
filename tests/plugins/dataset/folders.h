/* folders.h: what the tests of dataset/folder share: small sets in the test folder, opened, read and refused. They have
 * the 19 classes of faces where the test names no others. */
#ifndef TESTS_PLUGINS_DATASET_FOLDERS_H
#define TESTS_PLUGINS_DATASET_FOLDERS_H

#include "fixture.h"
#include "plugins/pictures.h"
#include <fpcore/dataset.h>

/* n pictures with masks in NAME/train, STEM 00 .. n-1. */
static inline void make_set(bench *b, const char *name, int n, int32_t w, int32_t h)
{
    make_folder(fpc_sprintf(b->arena, "%s/train/images", name));
    make_folder(fpc_sprintf(b->arena, "%s/train/masks", name));
    for (int i = 0; i < n; i++) {
        const fpc_image image = picture(b->arena, w, h, 3, i), mask = picture(b->arena, w, h, 1, i);
        write_png(b, fpc_sprintf(b->arena, "%s/train/images/%02d.png", name, i), &image, NULL, 0);
        write_png(b, fpc_sprintf(b->arena, "%s/train/masks/%02d.png", name, i), &mask, NULL, 0);
    }
}

static inline fpc_status try_set(bench *b, const char *name, const char *more, fpc_instance *inst,
                                 fpc_dataset_info *info)
{
    const char *classes = strstr(more, "classes =") ? "" : "classes = celebamask19\n";
    const char *text = fpc_sprintf(b->arena, "use = folder\nroot = %s\n%s%s", in_folder(name), classes, more);
    *info = (fpc_dataset_info){.size = sizeof *info, .ignore_label = -1};
    const fpc_status status = try_plugin(b, "dataset", text, inst);
    return status ? status : ((const fpc_dataset_vtbl *)inst->vtbl)->open(inst->self, info);
}

static inline fpc_instance open_set(bench *b, const char *name, const char *more, fpc_dataset_info *info)
{
    fpc_instance inst;
    if (try_set(b, name, more, &inst, info))
        fail_msg("%s: %s", name, fpc_ctx_error(b->ctx));
    return inst;
}

static inline void refuse_set(bench *b, const char *name, const char *more, const char *want)
{
    fpc_instance inst;
    fpc_dataset_info info;
    assert_int_not_equal(try_set(b, name, more, &inst, &info), FPC_OK);
    said(b, want);
}

static inline fpc_status read_one(bench *b, const fpc_instance *inst, fpc_part part, int64_t index, fpc_sample *sample)
{
    static uint8_t image[1 << 20], mask[1 << 19];
    static char id[64];
    *sample = (fpc_sample){sizeof *sample, image, mask, id, sizeof id};
    return ((const fpc_dataset_vtbl *)inst->vtbl)->read(inst->self, b->arena, part, index, sample);
}

static inline const char *name_of(const fpc_instance *inst, fpc_part part, int64_t index)
{
    static char id[64];
    assert_int_equal(((const fpc_dataset_vtbl *)inst->vtbl)->name(inst->self, part, index, id, sizeof id), FPC_OK);
    return id;
}

#endif
