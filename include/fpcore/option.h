/* option.h: a plugin's options stand once, in a table next to the struct that they fill. Parsing, range checks,
 * `fpcore -h`, `fpcore -l`, `--check`, the resolved recipe and the manual are all made from that table.
 *
 * Defaults are text and go through the same parser as the recipe. A table ends with {0}. A plugin reads these fields
 * and leaves them as they are: a run's recipe is written from them. What it makes of one has a field of its own. */
#ifndef FPCORE_OPTION_H
#define FPCORE_OPTION_H

#include <fpcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fpc_opt_type {
    FPC_OPT_END = 0,
    FPC_OPT_BOOL,   /* int64_t; on off true false yes no 1 0 */
    FPC_OPT_INT,    /* int64_t; suffixes k M G (powers of 1024) for bytes are not taken: give the unit's number */
    FPC_OPT_REAL,   /* double */
    FPC_OPT_TEXT,   /* const char *, never NULL */
    FPC_OPT_PATH,   /* const char *; see below */
    FPC_OPT_CHOICE, /* int64_t: the value of the choice named */
    FPC_OPT_FLAGS,  /* int64_t: the values of the choices named, or-ed; comma separated */
    FPC_OPT_INTS,   /* fpc_ints; comma separated */
    FPC_OPT_REALS,  /* fpc_reals; comma separated */
    FPC_OPT_RANGE,  /* fpc_range: "lo, hi", or one number a meaning -a, a */
    FPC_OPT_CURVE,  /* fpc_curve: "1.3 @1, 1.5 @51": each value from its epoch on; one number: always */
    FPC_OPT_SIZE    /* fpc_extent: "512", as high as wide, or "384x512", height x width */
} fpc_opt_type;

enum {
    FPC_OPT_REQUIRED = 1 << 0,   /* the recipe must give it; def is ignored */
    FPC_OPT_DEPRECATED = 1 << 1, /* still read; --check warns with the help text */
    FPC_OPT_RESUMABLE = 1 << 2,  /* may differ between a run and its resumption (paths, threads, epochs) */
    FPC_OPT_EXPERT = 1 << 3,     /* left out of the short help */
    FPC_OPT_HERE = 1 << 4,       /* a path for what is written: as it is given, so relative to the shell's folder */
    FPC_OPT_CLASSES = 1 << 5, /* a path of a file of classes (dataset.h): runs and archives keep a copy, classes.ini */
    FPC_OPT_ITEMS = 1 << 6,   /* a text of items with commas between, whose order and blanks mean nothing */
    FPC_OPT_COLUMNS = 1 << 7  /* of a logger, a text: columns of the record, with commas between; one that starts with
                                 val_ also without that. A name that no column has is refused before the run */
};

typedef struct fpc_choice {
    const char *name; /* NULL ends the list */
    int64_t value;
    const char *help;
} fpc_choice;

typedef struct fpc_ints {
    int64_t n;
    const int64_t *v;
} fpc_ints;
typedef struct fpc_reals {
    int64_t n;
    const double *v;
} fpc_reals;
typedef struct fpc_range {
    double lo, hi;
} fpc_range;
/* A number that changes between epochs: value[i] from epoch[i] on. Epochs count from 1 and rise; epoch[0] is 1. */
typedef struct fpc_curve {
    int64_t n;
    const int64_t *epoch;
    const double *value;
} fpc_curve;
/* Its value in an epoch counted from 0, as fpc_clock does. */
static inline double fpc_curve_at(const fpc_curve *c, int64_t epoch)
{
    int64_t i = c->n;

    while (i > 1 && c->epoch[i - 1] > epoch + 1)
        i--;
    return c->n > 0 ? c->value[i - 1] : 0;
}

/* Of a picture. Both are the option's smallest number where that stands for something else ("0: as the files are"). */
typedef struct fpc_extent {
    int32_t h, w;
} fpc_extent;

/* min and max bound numbers, list elements, the values of a curve, both ends of a range and both sides of a size; min >
 * max means unbounded. unit: "deg", "px", "epochs", "prob", "MiB", or "". offset: of the field in the plugin's struct.
 * A path is absolute when the plugin gets it. A relative one is looked for beside the file that states it (-s: in the
 * shell's folder), in the folder of the path option that `unit` names, if any, which stands above it in the table, and
 * in the shell's folder, then with a note; where nothing is there, it is the first of these. A text that is one of
 * `choices` is no path and stays as it is. */
typedef struct fpc_option {
    const char *name, *help, *unit, *def;
    double min, max;
    const fpc_choice *choices;
    uint16_t type, flags;
    uint32_t offset;
} fpc_option;

#ifndef __cplusplus
/* The _Generic turns a field of another type into a compile error. */
#define FPC_FIELD_(T, field, type) ((uint32_t)(offsetof(T, field) + 0 * sizeof(_Generic(((T *)0)->field, type : 1))))
#define FPC_OPTION_REAL(T, field, def_, min_, max_, unit_, help_)                                                      \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, FPC_OPT_REAL, 0, FPC_FIELD_(T, field, double)                    \
    }
#define FPC_OPTION_INT(T, field, def_, min_, max_, unit_, help_)                                                       \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, FPC_OPT_INT, 0, FPC_FIELD_(T, field, int64_t)                    \
    }
#define FPC_OPTION_BOOL(T, field, def_, help_)                                                                         \
    {                                                                                                                  \
#field, help_, "", def_, 0, 1, NULL, FPC_OPT_BOOL, 0, FPC_FIELD_(T, field, int64_t)                            \
    }
#define FPC_OPTION_TEXT(T, field, def_, help_)                                                                         \
    {                                                                                                                  \
#field, help_, "", def_, 1, 0, NULL, FPC_OPT_TEXT, 0, FPC_FIELD_(T, field, const char *)                       \
    }
#define FPC_OPTION_PATH(T, field, def_, help_)                                                                         \
    {                                                                                                                  \
#field, help_, "", def_, 1, 0, NULL, FPC_OPT_PATH, FPC_OPT_RESUMABLE, FPC_FIELD_(T, field, const char *)       \
    }
/* One that may also lie in the folder of another option. */
#define FPC_OPTION_PATH_BESIDE(T, field, def_, beside_, help_)                                                         \
    {                                                                                                                  \
#field, help_, beside_, def_, 1, 0, NULL, FPC_OPT_PATH, FPC_OPT_RESUMABLE, FPC_FIELD_(T, field, const char *)  \
    }
#define FPC_OPTION_CHOICE(T, field, def_, choices_, help_)                                                             \
    {                                                                                                                  \
#field, help_, "", def_, 1, 0, choices_, FPC_OPT_CHOICE, 0, FPC_FIELD_(T, field, int64_t)                      \
    }
#define FPC_OPTION_INTS(T, field, def_, min_, max_, unit_, help_)                                                      \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, FPC_OPT_INTS, 0, FPC_FIELD_(T, field, fpc_ints)                  \
    }
#define FPC_OPTION_REALS(T, field, def_, min_, max_, unit_, help_)                                                     \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, FPC_OPT_REALS, 0, FPC_FIELD_(T, field, fpc_reals)                \
    }
#define FPC_OPTION_RANGE(T, field, def_, min_, max_, unit_, help_)                                                     \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, FPC_OPT_RANGE, 0, FPC_FIELD_(T, field, fpc_range)                \
    }
#define FPC_OPTION_CURVE(T, field, def_, min_, max_, unit_, help_)                                                     \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, FPC_OPT_CURVE, 0, FPC_FIELD_(T, field, fpc_curve)                \
    }
#define FPC_OPTION_SIZE(T, field, def_, min_, max_, unit_, help_)                                                      \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, FPC_OPT_SIZE, 0, FPC_FIELD_(T, field, fpc_extent)                \
    }
#endif

#ifdef __cplusplus
}
#endif
#endif
