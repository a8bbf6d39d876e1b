/* hparams.h: messages of TensorBoard's plugin hparams (tensorboard/plugins/hparams/plugin_data.proto, api.proto): what
 * a run is made of, that it began, and how it ended. Each function writes one HParamsPluginData in place of what `out`
 * held. */
#ifndef PLUGINS_LOGGER_HPARAMS_H
#define PLUGINS_LOGGER_HPARAMS_H

#include "protobuf.h"

/* Buffers that are used again. */
typedef struct hparams_room {
    text a, b, c;
} hparams_room;

/* The keys of a recipe (INI text as fpcore writes it: section.key, but for loggers) with their types, and the tag of
 * the scalar that is shown beside them. */
void hparams_experiment(text *out, hparams_room *, fpc_arena *, const char *recipe, const char *metric);
/* The keys with their values. */
void hparams_start(text *out, hparams_room *, fpc_arena *, const char *recipe, double now);
/* status: that of FPC_RUN_END. */
void hparams_end(text *out, hparams_room *, fpc_arena *, const char *status, double now);

#endif
