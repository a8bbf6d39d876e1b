/* run_json.c: run.json, the manifest of a run: who trained what, where, when, with which command, and how each session
 * ended. All that is not the same for equal trainings (times, hosts, commands) stands here and nowhere else. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/message.h"
#include "record/run_files.h"
#include "train/trainer.h"
#include "base/clock.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static json_t *time_text(void)
{
    const time_t now = time(NULL);
    struct tm utc;
    char text[32];

    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

/* A text that may hold anything: bytes that are no UTF-8 would make jansson refuse it. */
static json_t *any_text(const char *text)
{
    json_t *s = json_string(text);

    return s ? s : json_string("?");
}

static json_t *cpu_name(void)
{
    FILE *info = fopen("/proc/cpuinfo", "r");
    char line[256], *colon;
    json_t *name = NULL;

    while (info && !name && fgets(line, sizeof line, info))
        if (!strncmp(line, "model name", 10) && (colon = strchr(line, ':'))) {
            line[strcspn(line, "\n")] = '\0';
            name = any_text(colon + 1 + strspn(colon + 1, " "));
        }
    if (info)
        fclose(info);
    return name ? name : json_string("unknown");
}

static json_t *session_new(const fpc_trainer *t)
{
    json_t *session = json_object(), *command = json_array();
    struct utsname system;
    char host[256] = "unknown";

    if (gethostname(host, sizeof host - 1))
        snprintf(host, sizeof host, "unknown");
    for (int i = 0; i < t->args->argc; i++)
        json_array_append_new(command, any_text(t->args->argv[i]));
    json_object_set_new(session, "command", command);
    json_object_set_new(session, "host", any_text(host));
    if (!uname(&system))
        json_object_set_new(session, "system",
                            json_sprintf("%s %s %s", system.sysname, system.release, system.machine));
    json_object_set_new(session, "cpu", cpu_name());
    json_object_set_new(session, "processors", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(session, "backend", json_string(t->experiment->backend->inst.plugin->name));
    json_object_set_new(session, "device", any_text(t->experiment->backend->device.name));
    json_object_set_new(session, "fpcore", json_string(FPC_VERSION));
    json_object_set_new(session, "first_epoch", json_integer(t->epoch + 1));
    json_object_set_new(session, "first_step", json_integer(t->step + 1));
    if (t->other)
        json_object_set_new(session, "other_data", any_text(t->other));
    json_object_set_new(session, "started", time_text());
    json_object_set_new(session, "ended", json_null());
    json_object_set_new(session, "status", json_string(fpc_run_end_word(FPC_RUN_RUNNING)));
    return session;
}

static void set_place(fpc_trainer *t, const char *how)
{
    const int known = t->best_epoch >= 0 && isfinite(t->best);

    json_object_set_new(t->log, "status", json_string(how));
    json_object_set_new(t->log, "epochs_done", json_integer(t->epoch));
    json_object_set_new(t->log, "steps_done", json_integer(t->step));
    json_object_set_new(t->log, "best_epoch", t->best_epoch >= 0 ? json_integer(t->best_epoch + 1) : json_null());
    json_object_set_new(t->log, "best_value", known ? json_real(t->best) : json_null());
}

static fpc_status write_log(fpc_trainer *t, const char *folder)
{
    char *text = json_dumps(t->log, JSON_INDENT(2));
    char *path = NULL;
    fpc_status status;

    if (!text || asprintf(&path, "%s/%s", folder, FPC_RUN_MANIFEST) < 0) {
        free(text);
        return fpc_fail(t->ctx, FPC_ENOMEM, "%s/run.json: no memory to write it", folder);
    }
    status = fpc_write_text(t->ctx, path, text);
    free(path);
    free(text);
    return status;
}

static void release(void *arg)
{
    json_decref(arg);
}

static json_t *names_of(const char *const *name, int32_t n)
{
    json_t *names = json_array();

    for (int32_t i = 0; i < n; i++)
        json_array_append_new(names, any_text(name[i]));
    return names;
}

/* Which tensors of run.init_from the run began with. */
static json_t *taken_new(const fpc_taken *taken)
{
    json_t *init = json_object();

    json_object_set_new(init, "file", any_text(taken->file));
    json_object_set_new(init, "tensors", json_integer(taken->n));
    json_object_set_new(init, "numbers", json_integer(taken->numbers));
    json_object_set_new(init, "skipped", names_of(taken->skipped, taken->n_skipped));
    json_object_set_new(init, "fresh", names_of(taken->fresh, taken->n_fresh));
    return init;
}

static json_t *log_new(const fpc_trainer *t)
{
    json_t *log = json_object();

    json_object_set_new(log, "name", any_text(t->experiment->run.name));
    json_object_set_new(log, "abi", json_sprintf("%d.%d", FPC_ABI_MAJOR, FPC_ABI_MINOR));
    json_object_set_new(log, "checkpoint_format", json_integer(FPC_CHECKPOINT_FORMAT));
    json_object_set_new(log, "seed", json_integer(t->experiment->run.seed));
    json_object_set_new(log, "model", json_string(t->experiment->model.plugin->name));
    json_object_set_new(log, "parameters", json_integer(t->experiment->state->n_trainable));
    if (t->taken.file)
        json_object_set_new(log, "init", taken_new(&t->taken));
    json_object_set_new(log, "sessions", json_array());
    return log;
}

/* The manifest is no part of the training: where it is lost or broken, a resumed run begins a new one. */
static json_t *log_read(fpc_trainer *t)
{
    const char *path = fpc_trainer_path(t, FPC_RUN_MANIFEST);
    fpc_ctx *own = fpc_ctx_new();
    json_t *log = NULL;

    if (own && !fpc_json_read(own, path, &log) && !json_is_array(json_object_get(log, "sessions")))
        fpc_fail(own, FPC_EFORMAT, "%s: holds no list of sessions", path);
    if (!own || fpc_ctx_status(own)) {
        fpc_log(t->ctx, FPC_LOG_WARN, "%s; a new one is begun", own ? fpc_ctx_error(own) : path);
        json_decref(log);
        log = log_new(t);
    }
    fpc_ctx_free(own);
    return log;
}

fpc_status fpc_trainer_log_begin(fpc_trainer *t, const char *folder)
{
    json_t *sessions, *last;
    fpc_status status;

    t->log = t->resumed ? log_read(t) : log_new(t);
    if ((status = fpc_arena_defer(t->arena, release, t->log))) {
        t->log = NULL;
        return status;
    }
    sessions = json_object_get(t->log, "sessions");
    last = json_array_get(sessions, json_array_size(sessions) - 1);
    if (last && json_is_null(json_object_get(last, "ended")))
        json_object_set_new(last, "status", json_string(fpc_run_end_word(FPC_RUN_KILLED)));
    json_array_append_new(sessions, session_new(t));
    set_place(t, fpc_run_end_word(FPC_RUN_RUNNING));
    return write_log(t, folder);
}

/* Its metadata val_* are numbers. */
void fpc_trainer_log_swa(fpc_trainer *t, const fpc_st_file *file)
{
    json_t *swa = t->log ? json_object() : NULL;
    const char *epochs = fpc_st_meta_find(file, "epochs.averaged");

    if (!swa)
        return;
    json_object_set_new(swa, "epochs_averaged", json_integer(epochs ? strtoll(epochs, NULL, 10) : 0));
    for (int32_t i = 0; i < file->n_meta; i++)
        if (!strncmp(file->meta[i].key, "val_", 4))
            json_object_set_new(swa, file->meta[i].key, json_real(strtod(file->meta[i].value, NULL)));
    json_object_set_new(t->log, "swa", swa);
}

fpc_status fpc_trainer_log_end(fpc_trainer *t, const char *how, const char *error)
{
    json_t *sessions, *session;

    if (!t->log)
        return FPC_OK;
    sessions = json_object_get(t->log, "sessions");
    session = json_array_get(sessions, json_array_size(sessions) - 1);
    json_object_set_new(session, "ended", time_text());
    json_object_set_new(session, "seconds", json_real(fpc_clock_now() - t->began));
    json_object_set_new(session, "status", json_string(how));
    if (error && *error)
        json_object_set_new(session, "message", any_text(error));
    set_place(t, how);
    return write_log(t, t->folder);
}
