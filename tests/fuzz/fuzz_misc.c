/* fuzz_misc.c: the smaller readers; the input's first byte chooses one: validation.safetensors, a ZIP archive, a mask
 * in memory, values of the command line (--grid, --seeds, -s), the event file that a resumed run appends to. */
#include "fuzz.h"
#include "cmd/submit/zip_archive.h"
#include "cmd/sweep/sweep.h"
#include "image/image.h"
#include "record/validation.h"
#include "train/trainer.h"
#include <fpcore/logger.h>

#include <sys/stat.h>

typedef struct job {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const uint8_t *data;
    size_t size;
} job;

static void silent(void *arg, int level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

/* What is accepted can be asked everything. */
static void validation(job *j)
{
    const fuzz_file f = fuzz_open(j->data, j->size);
    fpc_validation *v;
    const fpc_status status = fpc_validation_read(j->ctx, j->arena, f.path, &v);
    fuzz_judge(j->ctx, status);
    for (int64_t i = 0; !status && i < v->images && i < 1000; i++)
        (void)fpc_validation_f_image(v, i);
    for (int64_t i = 0; !status && i < fpc_validation_batches(v) && i < 1000; i++)
        (void)fpc_validation_f_batch(v, i);
    for (int32_t c = 0; !status && c < v->classes; c++) {
        double precision, recall;
        (void)fpc_validation_f_class(v, c);
        fpc_validation_pr_class(v, c, &precision, &recall);
    }
    close(f.fd);
}

static void archive(job *j)
{
    fpc_zip_entry *entry;
    int32_t n;
    fuzz_judge(j->ctx, fpc_zip_read(j->ctx, j->arena, "archive", j->data, j->size, &n, &entry));
}

static void mask(job *j)
{
    static uint8_t palette[256][3];
    fpc_image image;
    int32_t n;
    fuzz_judge(j->ctx, fpc_mask_decode(j->ctx, j->arena, "mask", j->data, j->size, &image, palette, &n));
}

static void words(job *j)
{
    static const char recipe_text[] = "[run]\nepochs = 1\n[loss.a]\nuse = dice\n";
    const char *text = fpc_sprintf(j->arena, "%.*s", (int)j->size, (const char *)j->data);
    fpc_axis axis;
    int64_t *seed;
    int32_t n;
    fpc_recipe *recipe;
    fuzz_judge(j->ctx, fpc_sweep_axis(j->ctx, j->arena, text, &axis));
    fpc_ctx_clear(j->ctx);
    fuzz_judge(j->ctx, fpc_sweep_seeds(j->ctx, j->arena, text, &n, &seed));
    fpc_ctx_clear(j->ctx);
    fuzz_judge(j->ctx, fpc_recipe_parse(j->ctx, j->arena, "test.ini", recipe_text, 1, &text, &recipe));
}

/* The logger tensorboard, linked into this program. */
const fpc_plugin *const *fpc_plugins_v1(void);

static void events(job *j)
{
    static char folder[64], path[128];
    static const double loss[] = {4, 3, 2, 1};
    const double *const value[] = {loss};
    const char *const name[] = {"loss"};
    const fpc_plugin *plugin = fpc_plugins_v1()[0];
    fpc_self *self = fpc_alloc(j->arena, plugin->self_size);
    if (!*folder) {
        strcpy(folder, access("/dev/shm", W_OK) ? "/tmp/fpcore-fuzz-XXXXXX" : "/dev/shm/fpcore-fuzz-XXXXXX");
        if (!mkdtemp(folder))
            abort();
        snprintf(path, sizeof path, "%s/events.out.tfevents.1.fpcore", folder);
    }
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(j->data, 1, j->size, f) != j->size || fclose(f))
        abort();
    const fpc_field field[] = {fpc_field_text("run_dir", folder), fpc_field_int("resumed", 1),
                               fpc_field_real("unix_time", 5)};
    const fpc_event event = {.size = sizeof event,
                             .what = FPC_RUN_BEGIN,
                             .n = 3,
                             .field = field,
                             .n_columns = 1,
                             .n_rows = 4,
                             .column = name,
                             .value = value};
    self->ctx = j->ctx;
    self->arena = j->arena;
    self->label = "logger.tensorboard";
    fuzz_judge(j->ctx, ((const fpc_logger_vtbl *)plugin->vtbl)->event(self, &event));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const reader[])(job *) = {validation, archive, mask, words, events};
    if (size < 2)
        return 0;
    job j = {.ctx = fpc_ctx_new(), .data = data + 1, .size = size - 1};
    j.arena = fpc_arena_new(j.ctx);
    fpc_ctx_log_sink(j.ctx, silent, NULL);
    reader[data[0] % 5](&j);
    fpc_arena_free(j.arena);
    fpc_ctx_free(j.ctx);
    return 0;
}
