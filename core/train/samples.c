/* samples.c: a few validation pictures, their labels and what the model makes of them, for the loggers that show them.
 */
#include "base/message.h"
#include "train/loop.h"

#include <string.h>

fpc_status fpc_samples_read(fpc_experiment *experiment, fpc_arena *arena, int32_t n_samples, fpc_pictures *out)
{
    const fpc_dataset_info *info = fpc_data_info(experiment->data);
    const size_t pixels = (size_t)info->h * (size_t)info->w;
    const fpc_part part = info->count[FPC_VAL] > 0 && !info->unlabelled[FPC_VAL] ? FPC_VAL : FPC_TRAIN;
    const int32_t n = n_samples > info->count[part] ? (int32_t)info->count[part] : n_samples;
    uint8_t *image, *label, *prediction;
    fpc_status status;

    *out = (fpc_pictures){.size = sizeof *out,
                          .h = info->h,
                          .w = info->w,
                          .classes = info->classes,
                          .class_names = info->class_names,
                          .palette = info->palette};
    if (n < 1)
        return FPC_OK;
    image = fpc_alloc(arena, (size_t)n * pixels * 3);
    label = fpc_alloc(arena, (size_t)n * pixels);
    prediction = fpc_alloc(arena, (size_t)n * pixels);
    if (!image || !label || !prediction)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        fpc_batch one;
        if ((status = fpc_data_read(experiment->data, arena, part, i * info->count[part] / n, &one)))
            return status;
        memcpy(image + (size_t)i * pixels * 3, one.image, pixels * 3);
        memcpy(label + (size_t)i * pixels, one.mask, pixels);
    }
    if ((status = fpc_predict_step(experiment, n, info->h, info->w, image, prediction)))
        return status;
    out->n = n;
    out->image = image;
    out->label = label;
    out->prediction = prediction;
    return FPC_OK;
}
