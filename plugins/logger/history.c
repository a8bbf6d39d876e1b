/* history.c: history.json, an array per column of the record, and history.csv, a row per epoch, each written whole or
 * not at all. The text of finished epochs is kept, so that an epoch costs one row; and since a file grows with the
 * record, it is written after each of the first epochs (EVERY_EPOCH) and then each time that the record has grown by
 * one part in so many, and when a run begins or ends: all writing together is then linear in the number of epochs. No
 * times: equal trainings leave equal files. */
#include "text.h"

#include <jansson.h>

enum { EVERY_EPOCH = 1000 };

struct history {
    fpc_self self;
    int64_t csv;
    const char *json_path, *csv_path;
    int32_t n_columns;
    int64_t rows, written; /* rows in `numbers` and `table`; rows in the files */
    text *numbers;         /* by column: "0.5, 0.25, null" */
    text table;            /* history.csv */
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
    h->out.n = 0;
    text_add(&h->out, h->self.arena, "{");
    for (int32_t c = 0; c < h->n_columns; c++) {
        text_add(&h->out, h->self.arena, "%s", c ? ",\n " : "\n ");
        add_json_string(h, e->column[c]);
        text_add(&h->out, h->self.arena, ": [");
        text_bytes(&h->out, h->self.arena, h->numbers[c].data, h->numbers[c].n);
        text_add(&h->out, h->self.arena, "]");
    }
    text_add(&h->out, h->self.arena, "\n}\n");
    return h->out.failed ? FPC_ENOMEM : fpc_write_atomic(h->self.ctx, h->json_path, h->out.data, h->out.n);
}

/* A name as a field of its own. A spreadsheet takes a cell that begins with = + - @ for a formula, and splits lines at
 * ; or tab in some countries: such a sign at the beginning of a name or of a part of it gets a ' before it, as
 * spreadsheets mark text. */
static void add_csv_name(struct history *h, const char *name)
{
    const size_t from = h->table.n + 2;
    char before = '.';

    text_add(&h->table, h->self.arena, strpbrk(name, ",;\"\n\t") ? ",\"" : ",");
    const int quoted = h->table.n == from;
    for (; *name; before = *name++) {
        if (strchr("=+-@", *name) && strchr(".,; \t\"'", before))
            text_bytes(&h->table, h->self.arena, "'", 1);
        text_bytes(&h->table, h->self.arena, "\"\"", *name == '"');
        text_bytes(&h->table, h->self.arena, name, 1);
    }
    if (quoted)
        text_bytes(&h->table, h->self.arena, "\"", 1);
}

/* Forgets the rows: a run begins, or goes on from an earlier epoch. */
static fpc_status begin_rows(struct history *h, const fpc_event *e)
{
    if ((!h->numbers || h->n_columns != e->n_columns) &&
        !(h->numbers = fpc_alloc(h->self.arena, ((size_t)e->n_columns + 1) * sizeof *h->numbers)))
        return FPC_ENOMEM;
    h->n_columns = e->n_columns;
    h->rows = 0;
    for (int32_t c = 0; c < h->n_columns; c++)
        h->numbers[c].n = 0;
    h->table.n = 0;
    text_add(&h->table, h->self.arena, "epoch");
    for (int32_t c = 0; c < h->n_columns; c++)
        add_csv_name(h, e->column[c]);
    if (!h->table.failed)
        defuse(h->table.data);
    text_add(&h->table, h->self.arena, "\n");
    return FPC_OK;
}

static fpc_status add_rows(struct history *h, const fpc_event *e)
{
    char number[40];

    for (; h->rows < e->n_rows; h->rows++) {
        text_add(&h->table, h->self.arena, "%lld", (long long)h->rows + 1);
        for (int32_t c = 0; c < h->n_columns; c++) {
            const double v = e->value[c][h->rows];
            const char *digits = isfinite(v) ? shortest(number, v) : NULL;
            text_add(&h->numbers[c], h->self.arena, "%s%s", h->rows ? ", " : "", digits ? digits : "null");
            text_add(&h->table, h->self.arena, ",%s", digits ? digits : "");
            if (h->numbers[c].failed)
                return FPC_ENOMEM;
        }
        text_add(&h->table, h->self.arena, "\n");
    }
    return h->table.failed ? FPC_ENOMEM : FPC_OK;
}

static fpc_status write_files(struct history *h, const fpc_event *e)
{
    fpc_status status = write_json(h, e);

    if (!status && h->csv)
        status = fpc_write_atomic(h->self.ctx, h->csv_path, h->table.data, h->table.n);
    if (!status)
        h->written = h->rows;
    return status;
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
        if ((status = begin_rows(h, e)) || (status = add_rows(h, e)))
            return status;
        return write_files(h, e);
    }
    if (!h->json_path || (e->what != FPC_EPOCH && e->what != FPC_RUN_END) || e->n_columns != h->n_columns)
        return FPC_OK;
    if ((status = add_rows(h, e)))
        return status;
    if (h->rows == h->written || (e->what == FPC_EPOCH && h->rows - h->written < 1 + h->rows / EVERY_EPOCH))
        return FPC_OK;
    return write_files(h, e);
}

static const fpc_option options[] = {
    FPC_OPTION_BOOL(struct history, csv, "on", "write history.csv beside history.json"), {0}};
static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event};
static const fpc_plugin history = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOGGER,
    .flags = FPC_PLUGIN_ONCE,
    .name = "history",
    .summary = "Write history.json and history.csv.",
    .detail = "Written after every epoch; from the thousandth on after every thousandth part more, and at the end.\n"
              "history.json holds an array per column, with a number per finished epoch: train_loss, val_loss, one "
              "train_M and val_M for each [metric.M], lr (the rate used in the epoch), then values per class, the mean "
              "norm of "
              "the gradient and the loss terms. null stands where a value does not exist. In history.csv a name\n"
              "that a spreadsheet would take for a formula (it begins with = + - @) has a ' before that sign.",
    .version = "1.1",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct history),
    .vtbl = &vtbl};
FPC_PLUGINS(&history)
