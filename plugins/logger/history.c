/* history.c: history.json, an array per column of the record, and history.csv, a row per epoch. Both are rewritten
 * whole after each epoch and when a run is resumed, so that they always say what last.safetensors says. No times: equal
 * trainings leave equal files. */
#include "text.h"

#include <jansson.h>

struct history {
    fpc_self self;
    int64_t csv;
    const char *json_path, *csv_path;
    text out;
};

static void add_json_string(struct history *h, const char *s)
{
    json_t *string = json_string(s);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

    text_add(&h->out, h->self.arena, "%s", quoted ? quoted : "\"?\"");
    free(quoted);
    json_decref(string);
}

static fpc_status write_json(struct history *h, const fpc_event *e)
{
    char number[40];

    h->out.n = 0;
    text_add(&h->out, h->self.arena, "{");
    for (int32_t c = 0; c < e->n_columns; c++) {
        text_add(&h->out, h->self.arena, "%s", c ? ",\n " : "\n ");
        add_json_string(h, e->column[c]);
        text_add(&h->out, h->self.arena, ": [");
        for (int64_t r = 0; r < e->n_rows; r++)
            text_add(&h->out, h->self.arena, "%s%s", r ? ", " : "",
                     isfinite(e->value[c][r]) ? shortest(number, e->value[c][r]) : "null");
        text_add(&h->out, h->self.arena, "]");
    }
    text_add(&h->out, h->self.arena, "\n}\n");
    return h->out.failed ? FPC_ENOMEM : fpc_write_atomic(h->self.ctx, h->json_path, h->out.data, h->out.n);
}

static void add_csv_name(struct history *h, const char *name)
{
    if (!strpbrk(name, ",\"\n")) {
        text_add(&h->out, h->self.arena, ",%s", name);
        return;
    }
    text_add(&h->out, h->self.arena, ",\"");
    for (; *name; name++)
        text_add(&h->out, h->self.arena, *name == '"' ? "\"\"" : "%c", *name);
    text_add(&h->out, h->self.arena, "\"");
}

static fpc_status write_csv(struct history *h, const fpc_event *e)
{
    char number[40];

    h->out.n = 0;
    text_add(&h->out, h->self.arena, "epoch");
    for (int32_t c = 0; c < e->n_columns; c++)
        add_csv_name(h, e->column[c]);
    text_add(&h->out, h->self.arena, "\n");
    for (int64_t r = 0; r < e->n_rows; r++) {
        text_add(&h->out, h->self.arena, "%lld", (long long)r + 1);
        for (int32_t c = 0; c < e->n_columns; c++)
            text_add(&h->out, h->self.arena, ",%s", isfinite(e->value[c][r]) ? shortest(number, e->value[c][r]) : "");
        text_add(&h->out, h->self.arena, "\n");
    }
    return h->out.failed ? FPC_ENOMEM : fpc_write_atomic(h->self.ctx, h->csv_path, h->out.data, h->out.n);
}

static fpc_status event(fpc_self *self, const fpc_event *e)
{
    struct history *h = (struct history *)self;
    const char *folder = event_text(e, "run_dir", NULL);
    fpc_status status;

    if (e->what == FPC_RUN_BEGIN && folder) {
        h->json_path = fpc_sprintf(self->arena, "%s/history.json", folder);
        h->csv_path = fpc_sprintf(self->arena, "%s/history.csv", folder);
        if (!h->json_path || !h->csv_path)
            return FPC_ENOMEM;
    } else if (e->what != FPC_EPOCH) {
        return FPC_OK;
    }
    if (!h->json_path)
        return FPC_OK;
    status = write_json(h, e);
    return status || !h->csv ? status : write_csv(h, e);
}

static const fpc_option options[] = {
    FPC_OPTION_BOOL(struct history, csv, "on", "write history.csv beside history.json"), {0}};
static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event};
static const fpc_plugin history = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOGGER,
    .name = "history",
    .summary = "Write history.json and history.csv.",
    .detail = "history.json holds an array per column, with a number per finished epoch: train_loss, val_loss, one "
              "train_M and val_M for each [metric.M], lr (the rate used in the epoch), then values per class, the mean "
              "norm of "
              "the gradient and the loss terms. null stands where a value does not exist.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct history),
    .vtbl = &vtbl};
FPC_PLUGINS(&history)
