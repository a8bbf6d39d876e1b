/* data_options.h: what the core reads in [dataset], beside the plugin's own keys, and the section [augment], which
 * holds what all [augment.NAME] share. */
#ifndef CORE_RECIPE_DATA_OPTIONS_H
#define CORE_RECIPE_DATA_OPTIONS_H

#include "recipe/options.h"

/* Core keys of [dataset], beside the plugin's. */
typedef struct fpc_data_options {
    int64_t batch;     /* 32 */
    int64_t readers;   /* 0: threads that read and draw ahead; 0: as many as it takes */
    int64_t cache_mb;  /* 4096: decoded pictures kept in memory up to this budget, MiB */
    int64_t drop_last; /* on: a last training batch that is not full is left out */
    int64_t shuffle;   /* on */
    int64_t sampler;   /* FPC_SAMPLER_* */
    int64_t cache;     /* FPC_CACHE_*, auto */
} fpc_data_options;
enum { FPC_SAMPLER_SHUFFLED, FPC_SAMPLER_BALANCED };
enum { FPC_CACHE_AUTO, FPC_CACHE_DEVICE, FPC_CACHE_PINNED, FPC_CACHE_STREAM };

/* [augment] */
typedef struct fpc_augment_common {
    int64_t fill;    /* 0 background, 1 ignore */
    int64_t border;  /* an fpc_border */
    int64_t compose; /* on */
    int64_t mix;     /* 0 one_of, 1 all */
} fpc_augment_common;

extern const fpc_option fpc_core_dataset[], fpc_core_augment[];

/* The rows stand here, below the struct that they fill, so that an option is added in one place; recipe/sections.c
 * makes the table of them. */
#ifdef FPC_OPTION_ROWS
static const fpc_choice samplers[] = {
    {"shuffled", FPC_SAMPLER_SHUFFLED, "each picture once an epoch"},
    {"class_balanced", FPC_SAMPLER_BALANCED, "with replacement, pictures that show rare classes more often"},
    {0}};

static const fpc_choice caches[] = {
    {"auto", FPC_CACHE_AUTO, "on the device where they fit beside training, else pinned, else stream"},
    {"device", FPC_CACHE_DEVICE, "on the device, uploaded once"},
    {"pinned", FPC_CACHE_PINNED, "in host memory that the device copies from by itself, within cache_mb"},
    {"stream", FPC_CACHE_STREAM, "each batch is copied as the readers bring it"},
    {0}};
const fpc_option fpc_core_dataset[] = {
    FPC_OPTION_INT(fpc_data_options, batch, "32", 1, 65536, "images", "pictures per (micro-)batch"),
    RESUMABLE_INT(
        fpc_data_options, readers, "0", 0, 64, "threads",
        "threads that read and draw ahead of training; 0: one more each time that training waits for them, up "
        "to the number of processors"),
    RESUMABLE_INT(fpc_data_options, cache_mb, "4096", 0, 1073741824.0, "MiB",
                  "decoded pictures are kept in memory up to this budget"),
    {"cache", "where pictures wait for a backend that has memory of its own", "", "auto", 0, 0, caches, FPC_OPT_CHOICE,
     FPC_OPT_RESUMABLE, FPC_FIELD_(fpc_data_options, cache, int64_t)},
    FPC_OPTION_BOOL(fpc_data_options, drop_last, "on", "leave out a last training batch that is not full"),
    FPC_OPTION_BOOL(fpc_data_options, shuffle, "on", "another order of the training pictures in each epoch"),
    FPC_OPTION_CHOICE(fpc_data_options, sampler, "shuffled", samplers,
                      "how the training pictures of an epoch are drawn"),
    {0}};

static const fpc_choice borders[] = {{"fill", FPC_BORDER_FILL, "black, with the label of `fill`"},
                                     {"reflect", FPC_BORDER_REFLECT, "mirrored about the border pixels, labels too"},
                                     {"edge", FPC_BORDER_EDGE, "the border pixel, label too"},
                                     {0}};
static const fpc_choice mixes[] = {{"one_of", 0, "each batch has one of the mixing sections, drawn with equal chances"},
                                   {"all", 1, "each batch goes through all of them"},
                                   {0}};
static const fpc_choice fills[] = {{"background", 0, "label 0"}, {"ignore", 1, "the label that counts nowhere"}, {0}};

const fpc_option fpc_core_augment[] = {
    FPC_OPTION_CHOICE(fpc_augment_common, fill, "ignore", fills,
                      "label of the area that geometry brings in from outside of the picture, or that is covered"),
    FPC_OPTION_CHOICE(fpc_augment_common, border, "fill", borders, "what lies outside of the picture"),
    FPC_OPTION_BOOL(fpc_augment_common, compose, "on",
                    "all geometry in one resampling; off: a resampling for each section, as other frameworks do"),
    FPC_OPTION_CHOICE(fpc_augment_common, mix, "one_of", mixes, "what happens where several sections mix pictures"),
    {0}};
#endif

#endif
