/* run_files.h: the folder of a run: the names of its files, how the run ended, which keys of its recipe decide its
 * result, and reading what is JSON there. */
#ifndef CORE_RECORD_RUN_FILES_H
#define CORE_RECORD_RUN_FILES_H

#include <fpcore/base.h>

#define FPC_RUN_RECIPE "recipe.ini" /* as it was resolved */
#define FPC_RUN_MANIFEST "run.json" /* who trained what, where, and how each session ended */
#define FPC_RUN_HISTORY "history.json"
#define FPC_RUN_HISTORY_CSV "history.csv"
#define FPC_SWEEP_MANIFEST "sweep.json" /* of a sweep's folder */
#define FPC_RUN_BEST "best.safetensors"
#define FPC_RUN_LAST "last.safetensors" /* all that a resumed run needs */
#define FPC_RUN_SWA "swa.safetensors"
#define FPC_RUN_VALIDATION "validation.safetensors"
#define FPC_RUN_TRAIN_LIST "train.txt"         /* names of the training pictures, in their order */
#define FPC_RUN_VAL_LIST "val.txt"             /* and of those that validate */
#define FPC_RUN_RANKED "best-%lld.safetensors" /* of an epoch, from 1 */

typedef enum fpc_run_end {
    FPC_RUN_UNKNOWN = 0,
    FPC_RUN_RUNNING,
    FPC_RUN_COMPLETE,
    FPC_RUN_STOPPED, /* by patience */
    FPC_RUN_INTERRUPTED,
    FPC_RUN_DIVERGED,
    FPC_RUN_FAILED,
    FPC_RUN_KILLED /* its manifest says that it runs, and nobody trains in its folder */
} fpc_run_end;

/* run.json's "status". */
const char *fpc_run_end_word(fpc_run_end);
fpc_run_end fpc_run_end_of(const char *word); /* NULL and any other word: FPC_RUN_UNKNOWN */
int fpc_run_is_done(fpc_run_end);             /* nothing of it is missing */

/* How the run of a folder ended, by the word of its manifest and by whether somebody trains there now. */
fpc_run_end fpc_run_end_in(const char *folder, const char *word);
/* Locks a run folder for who trains in it: its descriptor, which holds the lock until it is closed; -1: see errno,
 * EWOULDBLOCK where another process trains there. */
int fpc_run_lock(const char *folder);

/* Whether a path is a folder that holds what only a run leaves: its recipe, its manifest or its history. */
int fpc_is_run(const char *folder);

/* The run folders that lie in a folder or in the folders of it (a sweep's folder has its runs in it, and lies where
 * runs lie), by their paths in order; what is within a run is left alone. */
fpc_status fpc_run_folders(fpc_ctx *, fpc_arena *, const char *folder, int32_t *n, const char ***path);

/* What a key of a recipe decides. A key of FPC_KEY_RESULT may still differ where a run is resumed: that is for its
 * option to say (FPC_OPT_RESUMABLE). */
typedef enum fpc_key_role {
    FPC_KEY_RESULT = 0,
    FPC_KEY_LENGTH, /* how long the run trains */
    FPC_KEY_REPEAT, /* the seed, and what the run is called: another run of the same recipe */
    FPC_KEY_MACHINE /* nothing of the result: where files are, how fast it runs */
} fpc_key_role;
fpc_key_role fpc_key_role_of(const char *section, const char *key);

/* A JSON file, a new reference. */
struct json_t;
fpc_status fpc_json_read(fpc_ctx *, const char *path, struct json_t **);
/* A JSON file that only adds to what is known: NULL where there is none, and where it cannot be read; a warning then
 * says that and the consequence (NULL: no warning). */
struct json_t *fpc_json_glance(fpc_ctx *, const char *path, const char *consequence);

#endif
