/* tensorboard.c: an event file for TensorBoard: TFRecord framing (length, masked CRC-32C of it, data, masked CRC-32C)
 * around Event messages of protocol buffers: one per epoch with a scalar per column, behind it those of its picture and
 * histograms. A resumed run appends to its file: torn or later records at the end are cut off, missing epochs' scalars
 * are added from the record. */
#define _GNU_SOURCE
#include "hparams.h"
#include "sheet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct tensorboard {
    fpc_self self;
    const char *path;
    int64_t pictures, histograms; /* every so many epochs; 0: never */
    int64_t written;              /* epochs in the file */
    char best[256];               /* tag of the best value; "": the run does not tell what that is of */
    text png, inner, value, category, metadata, summary, event, record;
    hparams_room room;
};

/* ---- TFRecord ---- */

static uint32_t crc32c(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

static uint32_t masked(const void *data, size_t n)
{
    const uint32_t crc = crc32c(data, n);

    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* ---- protocol buffers ---- */

enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_IMAGE = 4, VALUE_HISTOGRAM = 5 };
enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLOURS = 3, IMAGE_BYTES = 4 };
enum { VALUE_TENSOR = 8, VALUE_METADATA = 9, METADATA_PLUGIN = 1, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum { TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRINGS = 8, TYPE_FLOAT = 1, TYPE_STRING = 7 };
enum { LAYOUT_VERSION = 1, LAYOUT_CATEGORY = 2, CATEGORY_TITLE = 1, CATEGORY_CHART = 2 };
enum { CHART_TITLE = 1, CHART_LINES = 2, LINES_TAG = 1 };
enum { HISTO_MIN = 1, HISTO_MAX, HISTO_COUNT, HISTO_SUM, HISTO_SQUARES, HISTO_LIMITS, HISTO_COUNTS };

static void put_scalar(struct tensorboard *b, const char *tag, double v)
{
    const size_t length = strlen(tag), inner = 1 + varint_size(length) + length + 5;
    const float value = (float)v;
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_key(&b->summary, b->self.arena, SUMMARY_VALUE, BYTES);
    put_varint(&b->summary, b->self.arena, inner);
    put_block(&b->summary, b->self.arena, VALUE_TAG, tag, length);
    put_key(&b->summary, b->self.arena, VALUE_SIMPLE, FIXED32);
    put_fixed(&b->summary, b->self.arena, bits, 4);
}

static void put_reals(text *t, fpc_arena *arena, int field, const fpc_field *list)
{
    const int64_t n = list && list->type == FPC_OPT_REALS ? list->v.list.n : 0;

    put_key(t, arena, field, BYTES);
    put_varint(t, arena, 8 * (uint64_t)n);
    for (int64_t i = 0; i < n; i++)
        put_double(t, arena, list->v.list.v[i]);
}

/* The message in `inner` becomes field `kind` of a value with that tag, the only one of the summary. */
static void put_tagged(struct tensorboard *b, const char *tag, int kind)
{
    b->value.n = b->summary.n = 0;
    put_block(&b->value, b->self.arena, VALUE_TAG, tag, strlen(tag));
    put_block(&b->value, b->self.arena, kind, b->inner.data, b->inner.n);
    put_block(&b->summary, b->self.arena, SUMMARY_VALUE, b->value.data, b->value.n);
}

static void begin_event(struct tensorboard *b, double wall_time)
{
    uint64_t bits;

    memcpy(&bits, &wall_time, sizeof bits);
    b->event.n = 0;
    put_key(&b->event, b->self.arena, EVENT_WALL_TIME, FIXED64);
    put_fixed(&b->event, b->self.arena, bits, 8);
}

static void end_event(struct tensorboard *b)
{
    text *r = &b->record;
    const size_t at = r->n;

    put_fixed(r, b->self.arena, b->event.n, 8);
    if (!r->failed)
        put_fixed(r, b->self.arena, masked(r->data + at, 8), 4);
    text_bytes(r, b->self.arena, b->event.data, b->event.n);
    put_fixed(r, b->self.arena, masked(b->event.data, b->event.n), 4);
}

/* ---- the file ---- */

static fpc_status io_failed(struct tensorboard *b)
{
    return fpc_fail(b->self.ctx, FPC_EIO, "%s: cannot be written: %s", b->path, strerror(errno));
}

static fpc_status append(struct tensorboard *b)
{
    const char *at = b->record.data;
    size_t left = b->record.n;
    int fd, bad = 0;

    if (b->record.failed || b->event.failed || b->summary.failed || b->value.failed || b->inner.failed ||
        b->category.failed || b->metadata.failed || b->png.failed)
        return FPC_ENOMEM;
    if ((fd = open(b->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
        return io_failed(b);
    while (left && !bad) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        bad = n < 0;
        at += bad ? 0 : n;
        left -= bad ? 0 : (size_t)n;
    }
    if (close(fd))
        bad = 1;
    b->record.n = 0;
    return bad ? io_failed(b) : FPC_OK;
}

/* The step of an event that this logger wrote: behind the wall time. 0: the version record; -1: something else. */
static int64_t step_of(const uint8_t *data, size_t n)
{
    uint64_t step = 0;

    if (n < 11 || data[0] != (EVENT_WALL_TIME << 3 | FIXED64))
        return -1;
    if (data[9] == (EVENT_FILE_VERSION << 3 | BYTES))
        return 0;
    if (data[9] != (EVENT_STEP << 3 | VARINT))
        return -1;
    for (size_t i = 10; i < n && i < 19; i++) {
        step |= (uint64_t)(data[i] & 127) << (7 * (i - 10));
        if (data[i] < 128)
            return (int64_t)step;
    }
    return -1;
}

/* Reads the next record at *at into b->event, and its step. 0: there is none that is whole. */
static int next_record(struct tensorboard *b, FILE *in, int64_t size, int64_t at, int64_t *step)
{
    uint8_t head[12], tail[4];
    uint64_t length;

    if (size - at < 16 || fread(head, 1, sizeof head, in) != sizeof head || masked(head, 8) != get_fixed(head + 8, 4))
        return 0;
    length = get_fixed(head, 8);
    b->event.n = 0;
    if (length > (uint64_t)(size - at - 16) || !text_room(&b->event, b->self.arena, (size_t)length) ||
        fread(b->event.data, 1, (size_t)length, in) != length || fread(tail, 1, sizeof tail, in) != sizeof tail ||
        masked(b->event.data, (size_t)length) != get_fixed(tail, 4))
        return 0;
    b->event.n = (size_t)length;
    *step = step_of((const uint8_t *)b->event.data, b->event.n);
    return *step >= 0;
}

/* Finds the end of the records that are whole and tell of at most `rows` epochs, and how many epochs these are. What
 * follows the scalars of an epoch has the same step. Record by record, so that a file of any size is read. */
static fpc_status good_part(struct tensorboard *b, FILE *in, int64_t size, int64_t rows, int64_t *good)
{
    int64_t step;

    *good = b->written = 0;
    while (next_record(b, in, size, *good, &step) && step <= rows && (step == b->written || step == b->written + 1)) {
        b->written = step;
        *good += 16 + (int64_t)b->event.n;
    }
    return b->event.failed ? FPC_ENOMEM : ferror(in) ? io_failed(b) : FPC_OK;
}

static fpc_status reopen(struct tensorboard *b, int64_t rows)
{
    struct stat st;
    int64_t good = 0;
    fpc_status status;
    const int fd = open(b->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    FILE *in = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) ? fdopen(fd, "r+b") : NULL;

    if (!in) {
        if (fd >= 0)
            close(fd);
        return io_failed(b);
    }
    status = good_part(b, in, (int64_t)st.st_size, rows, &good);
    if (!status && good < (int64_t)st.st_size && ftruncate(fd, (off_t)good))
        status = io_failed(b);
    fclose(in);
    return status ? status : good ? FPC_OK : FPC_EFORMAT;
}

/* Whether a file of that name is of this logger: those of other programs in the folder are left alone. */
static int is_ours(const char *name)
{
    const size_t n = strlen(name);

    return n > 27 && !strncmp(name, "events.out.tfevents.", 20) && !strcmp(name + n - 7, ".fpcore");
}

/* The run's latest event file, or NULL. */
static const char *find_file(struct tensorboard *b, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char best[256] = "";

    while (dir && (entry = readdir(dir)))
        if (is_ours(entry->d_name) && strcmp(entry->d_name, best) > 0)
            snprintf(best, sizeof best, "%s", entry->d_name);
    if (dir)
        closedir(dir);
    return *best ? fpc_sprintf(b->self.arena, "%s/%s", folder, best) : NULL;
}

/* An event of the summary for an epoch counted from 1; 0: for the run as a whole. */
static void put_event(struct tensorboard *b, double now, int64_t epoch)
{
    begin_event(b, now);
    put_int(&b->event, b->self.arena, EVENT_STEP, (uint64_t)epoch);
    put_block(&b->event, b->self.arena, EVENT_SUMMARY, b->summary.data, b->summary.n);
    end_event(b);
}

/* ---- tags ---- */

/* TensorBoard groups tags by what stands before the first slash: train_loss is loss/train, val_loss.dice loss/dice/val,
 * and val_f1.skin, which training does not have, f1/skin. Others keep their name. */
static const char *tag_of(const fpc_event *e, int32_t column, char out[256])
{
    const char *name = e->column[column];
    const int train = !strncmp(name, "train_", 6), val = !strncmp(name, "val_", 4);
    char other[256], *dot;

    if (!train && !val)
        return name;
    name += train ? 6 : 4;
    snprintf(other, sizeof other, "%s%s", train ? "val_" : "train_", name);
    if (strchr(name, '.') && column_of(e, other) < 0)
        snprintf(out, 256, "%s", name);
    else
        snprintf(out, 256, "%s/%s", name, train ? "train" : "val");
    if ((dot = strchr(out, '.')))
        *dot = '/';
    return out;
}

/* Adds the value of a plugin of TensorBoard's: a tensor, and in its metadata what the plugin reads (content NULL: it
 * reads the tensor). */
static void add_series(struct tensorboard *b, const char *tag, const char *plugin, const text *content,
                       const text *tensor)
{
    fpc_arena *arena = b->self.arena;

    b->metadata.n = b->png.n = b->value.n = 0;
    put_block(&b->png, arena, PLUGIN_NAME, plugin, strlen(plugin));
    if (content)
        put_block(&b->png, arena, PLUGIN_CONTENT, content->data, content->n);
    put_block(&b->metadata, arena, METADATA_PLUGIN, b->png.data, b->png.n);
    put_block(&b->value, arena, VALUE_TAG, tag, strlen(tag));
    put_block(&b->value, arena, VALUE_METADATA, b->metadata.data, b->metadata.n);
    put_block(&b->value, arena, VALUE_TENSOR, tensor->data, tensor->n);
    put_block(&b->summary, arena, SUMMARY_VALUE, b->value.data, b->value.n);
}

/* A chart with both lines, training and validation, for the column train_... of that index. */
static void put_chart(struct tensorboard *b, const fpc_event *e, int32_t train, int32_t val)
{
    char tag[256];
    const char *title = e->column[train] + 6;
    text *lines = &b->inner, *chart = &b->value;

    lines->n = chart->n = 0;
    tag_of(e, train, tag);
    put_block(lines, b->self.arena, LINES_TAG, tag, strlen(tag));
    tag_of(e, val, tag);
    put_block(lines, b->self.arena, LINES_TAG, tag, strlen(tag));
    put_block(chart, b->self.arena, CHART_TITLE, title, strlen(title));
    put_block(chart, b->self.arena, CHART_LINES, lines->data, lines->n);
    put_block(&b->category, b->self.arena, CATEGORY_CHART, chart->data, chart->n);
}

/* The layout of the tab "Custom Scalars" (tensorboard/plugins/custom_scalar/layout.proto): training and validation of
 * each measure in one chart. */
static void put_layout(struct tensorboard *b, const fpc_event *e, double now)
{
    static const char title[] = "training and validation", tag[] = "custom_scalars__config__";
    fpc_arena *arena = b->self.arena;
    char other[256];
    int charts = 0;

    b->category.n = 0;
    put_block(&b->category, arena, CATEGORY_TITLE, title, sizeof title - 1);
    for (int32_t c = 0; c < e->n_columns; c++) {
        if (strncmp(e->column[c], "train_", 6))
            continue;
        snprintf(other, sizeof other, "val_%s", e->column[c] + 6);
        if (column_of(e, other) >= 0)
            put_chart(b, e, c, column_of(e, other)), charts++;
    }
    if (!charts)
        return;
    b->inner.n = 0; /* the layout */
    put_int(&b->inner, arena, LAYOUT_VERSION, 0);
    put_block(&b->inner, arena, LAYOUT_CATEGORY, b->category.data, b->category.n);
    b->category.n = 0; /* the tensor: one string */
    put_int(&b->category, arena, TENSOR_TYPE, TYPE_STRING);
    put_block(&b->category, arena, TENSOR_SHAPE, "", 0);
    put_block(&b->category, arena, TENSOR_STRINGS, b->inner.data, b->inner.n);
    b->summary.n = 0;
    add_series(b, tag, "custom_scalars", NULL, &b->category);
    put_event(b, now, 0);
}

/* The tag of the value that the tab HPARAMS shows beside the recipe: best/f_score for the column val_f_score. */
static void name_best(struct tensorboard *b, const fpc_event *e)
{
    const char *monitor = event_text(e, "monitor", NULL);

    *b->best = '\0';
    if (monitor)
        snprintf(b->best, sizeof b->best, "best/%s", strncmp(monitor, "val_", 4) ? monitor : monitor + 4);
}

/* An event of the plugin hparams, whose message is in `inner`. */
static void put_hparams(struct tensorboard *b, const char *tag, double now)
{
    static const char empty[] = {
        TENSOR_TYPE << 3 | VARINT, TYPE_FLOAT, TENSOR_SHAPE << 3 | BYTES, 2, 2 << 3 | BYTES, 0};
    const text tensor = {.data = (char *)empty, .n = sizeof empty};

    add_series(b, tag, "hparams", &b->inner, &tensor);
    put_event(b, now, 0);
    b->summary.n = 0;
}

/* What the run is made of: for the tab HPARAMS. */
static void put_recipe(struct tensorboard *b, const fpc_event *e, double now)
{
    const char *recipe = event_text(e, "recipe", NULL);

    if (!recipe || !*b->best)
        return;
    b->summary.n = 0;
    hparams_experiment(&b->inner, &b->room, b->self.arena, recipe, b->best);
    put_hparams(b, "_hparams_/experiment", now);
    hparams_start(&b->inner, &b->room, b->self.arena, recipe, now);
    put_hparams(b, "_hparams_/session_start_info", now);
}

/* How it ended. The step 0 lets a resumed run cut this off: it ends anew. */
static fpc_status write_end(struct tensorboard *b, const fpc_event *e)
{
    const double now = event_real(e, "unix_time", 0), best = event_real(e, "best_value", NAN);
    const char *folder = event_text(e, "run_dir", NULL);

    if (!folder || !*folder || !*b->best)
        return FPC_OK;
    b->summary.n = 0;
    if (isfinite(best))
        put_scalar(b, b->best, best);
    hparams_end(&b->inner, &b->room, b->self.arena, event_text(e, "status", ""), now);
    put_hparams(b, "_hparams_/session_end_info", now);
    return append(b);
}

static fpc_status write_rows(struct tensorboard *b, const fpc_event *e)
{
    char tag[256];
    const double now = event_real(e, "unix_time", 0);

    if (b->written >= e->n_rows)
        return FPC_OK;
    for (; b->written < e->n_rows; b->written++) {
        b->summary.n = 0;
        for (int32_t c = 0; c < e->n_columns; c++)
            if (isfinite(e->value[c][b->written]))
                put_scalar(b, tag_of(e, c, tag), e->value[c][b->written]);
        put_event(b, now, b->written + 1);
    }
    return append(b);
}

static fpc_status on_begin(struct tensorboard *b, const fpc_event *e)
{
    const char *folder = event_text(e, "run_dir", NULL);
    const double now = event_real(e, "unix_time", 0);

    b->written = 0;
    b->path = NULL;
    name_best(b, e);
    if (!folder)
        return FPC_OK;
    b->path = event_int(e, "resumed", 0) ? find_file(b, folder) : NULL;
    if (b->path) {
        const fpc_status status = reopen(b, e->n_rows);
        if (!status)
            return write_rows(b, e);
        if (status != FPC_EFORMAT)
            return status;
    } else if (!(b->path = fpc_sprintf(b->self.arena, "%s/events.out.tfevents.%.0f.fpcore", folder, now))) {
        return FPC_ENOMEM;
    }
    begin_event(b, now);
    put_block(&b->event, b->self.arena, EVENT_FILE_VERSION, "brain.Event:2", 13);
    end_event(b);
    put_layout(b, e, now);
    put_recipe(b, e, now);
    {
        const fpc_status status = append(b);
        return status ? status : write_rows(b, e);
    }
}

/* ---- pictures and histograms ---- */

/* Width and height stand in the PNG's first chunk. */
static uint32_t big_endian(const char *at)
{
    const uint8_t *p = (const uint8_t *)at;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static fpc_status write_picture(struct tensorboard *b, const fpc_event *e)
{
    fpc_status status;

    if (!e->pictures || e->clock->epoch + 1 != b->written)
        return FPC_OK;
    if ((status = sheet_png(b->self.ctx, b->self.arena, e->pictures, &b->png)))
        return status;
    b->inner.n = 0;
    put_int(&b->inner, b->self.arena, IMAGE_HEIGHT, big_endian(b->png.data + 20));
    put_int(&b->inner, b->self.arena, IMAGE_WIDTH, big_endian(b->png.data + 16));
    put_int(&b->inner, b->self.arena, IMAGE_COLOURS, 3);
    put_block(&b->inner, b->self.arena, IMAGE_BYTES, b->png.data, b->png.n);
    put_tagged(b, event_text(e, "tag", "picture"), VALUE_IMAGE);
    put_event(b, event_real(e, "unix_time", 0), e->clock->epoch + 1);
    return append(b);
}

static fpc_status write_histogram(struct tensorboard *b, const fpc_event *e)
{
    text *t = &b->inner;

    if (e->clock->epoch + 1 != b->written)
        return FPC_OK;
    t->n = 0;
    put_real(t, b->self.arena, HISTO_MIN, event_real(e, "min", 0));
    put_real(t, b->self.arena, HISTO_MAX, event_real(e, "max", 0));
    put_real(t, b->self.arena, HISTO_COUNT, (double)event_int(e, "count", 0));
    put_real(t, b->self.arena, HISTO_SUM, event_real(e, "sum", 0));
    put_real(t, b->self.arena, HISTO_SQUARES, event_real(e, "sum_squares", 0));
    put_reals(t, b->self.arena, HISTO_LIMITS, fpc_event_field(e, "limits"));
    put_reals(t, b->self.arena, HISTO_COUNTS, fpc_event_field(e, "counts"));
    put_tagged(b, event_text(e, "tag", "histogram"), VALUE_HISTOGRAM);
    put_event(b, event_real(e, "unix_time", 0), e->clock->epoch + 1);
    return append(b);
}

static int wants(const fpc_self *self, uint32_t what, const fpc_clock *clock)
{
    const struct tensorboard *b = (const struct tensorboard *)self;
    const int64_t every = what == FPC_PICTURE ? b->pictures : what == FPC_HISTOGRAM ? b->histograms : 0;

    return every > 0 && (clock->epoch == 0 || (clock->epoch + 1) % every == 0 || clock->epoch + 1 == clock->epochs);
}

static fpc_status event(fpc_self *self, const fpc_event *e)
{
    struct tensorboard *b = (struct tensorboard *)self;

    if (e->what == FPC_RUN_BEGIN)
        return on_begin(b, e);
    if (!b->path)
        return FPC_OK;
    return e->what == FPC_EPOCH       ? write_rows(b, e)
           : e->what == FPC_PICTURE   ? write_picture(b, e)
           : e->what == FPC_RUN_END   ? write_end(b, e)
           : e->what == FPC_HISTOGRAM ? write_histogram(b, e)
                                      : FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INT(
        struct tensorboard, pictures, "10", 0, 1000000, "epochs",
        "validation pictures with labels and predictions, of the first and the last epoch and every so many; 0: none"),
    FPC_OPTION_INT(
        struct tensorboard, histograms, "10", 0, 1000000, "epochs",
        "histograms of every parameter and gradient, of the first and the last epoch and every so many; 0: none"),
    {0}};
static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event, .wants = wants};
static const fpc_plugin tensorboard = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOGGER,
    .flags = FPC_PLUGIN_ONCE,
    .name = "tensorboard",
    .summary = "Write an event file for TensorBoard.",
    .detail =
        "events.out.tfevents.* in the run folder: a scalar per column of history.json and epoch (train_loss is\n"
        "loss/train; the tab Custom Scalars shows training and validation in one chart), pictures, and histograms\n"
        "of parameters and of the gradients of the last step; the tab HPARAMS shows the recipe and the best value. "
        "`tensorboard --logdir runs` shows them.",
    .version = "1.3",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct tensorboard),
    .vtbl = &vtbl};
FPC_PLUGINS(&tensorboard)
