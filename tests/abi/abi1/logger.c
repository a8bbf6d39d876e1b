/* old.c: a logger: one line of text per epoch, with every number of the record, into a file of the run folder.
 *
 * A logger is told what happens (logger.h lists the events and their fields) and never changes it. Fields may be
 * missing: look them up by name and do without. A failure is reported and does not stop the training. */
#include <fpcore/logger.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct logger {
    fpc_self self;
    const char *file; /* an option */
    const char *path;
};

static fpc_status write_row(const struct logger *l, const fpc_event *event)
{
    FILE *f = fopen(l->path, "a");
    int bad = !f;

    if (f) {
        bad |= fprintf(f, "epoch=%lld", (long long)event->clock->epoch + 1) < 0;
        for (int32_t i = 0; i < event->n_columns && event->n_rows; i++)
            bad |= fprintf(f, " %s=%.6g", event->column[i], event->value[i][event->n_rows - 1]) < 0;
        bad |= fputc('\n', f) == EOF;
        bad |= fclose(f) != 0;
    }
    if (bad)
        return fpc_fail(l->self.ctx, FPC_EIO, "%s: cannot write %s: %s", l->self.label, l->path, strerror(errno));
    return FPC_OK;
}

static fpc_status event(fpc_self *self, const fpc_event *event)
{
    struct logger *l = (struct logger *)self;

    if (event->what == FPC_RUN_BEGIN) {
        const fpc_field *dir = fpc_event_field(event, "run_dir");
        l->path = dir && dir->type == FPC_OPT_TEXT ? fpc_sprintf(self->arena, "%s/%s", dir->v.s, l->file) : NULL;
    }
    if (event->what == FPC_EPOCH && l->path)
        return write_row(l, event);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_TEXT(struct logger, file, "old.txt", "name of the file in the run folder"),
    {0}};

static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_LOGGER,
                                  .name = "old",
                                  .summary = "One line of text per epoch.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct logger),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
