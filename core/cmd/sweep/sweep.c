/* sweep.c: what a sweep consists of and what its folder holds already. A trial's run is known by its name; whether the
 * run may be taken for the trial is decided by the recipes, resolved, key by key. */
#define _GNU_SOURCE
#include "cmd/sweep/sweep.h"
#include "base/digest.h"
#include "base/file.h"
#include "record/run_files.h"
#include "recipe/scan.h"
#include "train/identity.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TRIALS = 10000, MAX_NAME = 160 };

/* ---- the command line's words ---- */

/* Splits at `mark`; blanks around values go. */
static int32_t split(char *text, char mark, const char **out)
{
    int32_t n = 0;

    for (char *next; text; text = next) {
        if ((next = strchr(text, mark)))
            *next++ = '\0';
        text += strspn(text, " \t");
        for (size_t k = strlen(text); k > 0 && (text[k - 1] == ' ' || text[k - 1] == '\t'); k--)
            text[k - 1] = '\0';
        out[n++] = text;
    }
    return n;
}

static size_t parts_of(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == ',' || *text == ';';
    return n;
}

/* Keys that the sweep itself sets for every run, or NULL. */
static const char *own_key(const char *key)
{
    static const char *const own[] = {"run.seed", "run.name", "run.out"};

    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
        if (!strcmp(key, own[k]))
            return own[k];
    return NULL;
}

fpc_status fpc_sweep_axis(fpc_ctx *ctx, fpc_arena *arena, const char *text, fpc_axis *out)
{
    const char *key = fpc_recipe_key(arena, text), *equals = strchr(text, '=');
    char *values = equals ? fpc_strdup(arena, equals + 1) : NULL;

    if (!key || (equals && !values))
        return FPC_ENOMEM;
    if (!equals || !strchr(key, '.'))
        return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: not of the form section.key=VALUE,VALUE...", text);
    if (own_key(key))
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --grid %s: the sweep sets %s by itself; seeds are given with --seeds", text,
                        key);
    *out = (fpc_axis){.key = key, .value = fpc_alloc(arena, parts_of(values) * sizeof *out->value)};
    if (!out->value)
        return FPC_ENOMEM;
    out->n = split(values, strchr(values, ';') ? ';' : ',', out->value);
    for (int32_t i = 0; i < out->n; i++) {
        if (!*out->value[i])
            return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: value %d of %s is empty", text, (int)i + 1, key);
        for (int32_t k = 0; k < i; k++)
            if (!strcmp(out->value[k], out->value[i]))
                return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: %s stands there twice", text, out->value[i]);
    }
    return FPC_OK;
}

static int64_t seed_of(const char *word)
{
    char *end;

    errno = 0;
    const long long v = strtoll(word, &end, 10);
    return *word < '0' || *word > '9' || *end || errno || v > ((int64_t)1 << 53) ? -1 : v;
}

fpc_status fpc_sweep_seeds(fpc_ctx *ctx, fpc_arena *arena, const char *text, int32_t *n, int64_t **out)
{
    char *copy = fpc_strdup(arena, text);
    const char **word = fpc_alloc(arena, parts_of(text) * sizeof *word);
    int64_t count;

    if (!copy || !word)
        return FPC_ENOMEM;
    *n = split(copy, ',', word);
    count = *n == 1 ? seed_of(word[0]) : *n;
    if (count < 1 || count > MAX_TRIALS)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --seeds %s: not a number of seeds from 1 to %d (5: seeds 1 to 5), or seeds like "
                        "3,7",
                        text, (int)MAX_TRIALS);
    if (!(*out = fpc_alloc(arena, (size_t)count * sizeof **out)))
        return FPC_ENOMEM;
    for (int64_t i = 0; i < count; i++) {
        (*out)[i] = *n == 1 ? i + 1 : seed_of(word[i]);
        if ((*out)[i] < 0)
            return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --seeds %s: `%s` is no seed; whole numbers from 0 on are",
                            text, word[i]);
        for (int64_t k = 0; k < i; k++)
            if ((*out)[k] == (*out)[i])
                return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --seeds %s: %lld stands there twice", text,
                                (long long)(*out)[i]);
    }
    *n = (int32_t)count;
    return FPC_OK;
}

/* ---- the plan ---- */

/* The file's name without folder and .ini, numbered where two recipes have the same. */
static const char *stem_of(fpc_sweep *s, int32_t recipe)
{
    const char *slash = strrchr(s->recipe[recipe], '/');
    char *stem = fpc_strdup(s->cmd->arena, slash ? slash + 1 : s->recipe[recipe]);
    const size_t n = stem ? strlen(stem) : 0;
    int same = 1;

    if (n > 4 && !strcmp(stem + n - 4, ".ini"))
        stem[n - 4] = '\0';
    for (int32_t i = 0; stem && i < recipe; i++)
        same += !strcmp(s->stem[i], stem);
    return stem && same > 1 ? fpc_sprintf(s->cmd->arena, "%s-%d", stem, same) : stem;
}

/* What a folder's name may hold everywhere, and a shell takes as it is. */
static void tidy(char *name)
{
    for (char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._=,+-", *c)))
            *c = '_';
    if (*name == '.')
        *name = '_';
}

/* "dice.weight" of "loss.dice.weight"; a key with two parts as it is. */
static const char *short_key(const char *key)
{
    const char *dot = strchr(key, '.');

    return dot && strchr(dot + 1, '.') ? dot + 1 : key;
}

/* Value of an axis in a combination: the last axis turns fastest. */
static const char *value_at(const fpc_sweep *s, int32_t combination, int32_t axis)
{
    for (int32_t a = s->n_axes - 1; a > axis; a--)
        combination /= s->axis[a].n;
    return s->axis[axis].value[combination % s->axis[axis].n];
}

static const char *label_of(const fpc_sweep *s, int32_t recipe, int32_t combination, int32_t group)
{
    fpc_arena *arena = s->cmd->arena;
    char *label = fpc_sprintf(arena, "%s", s->stem[recipe]);

    for (int32_t a = 0; a < s->n_axes && label; a++)
        label = fpc_sprintf(arena, "%s,%s=%s", label, short_key(s->axis[a].key), value_at(s, combination, a));
    if (label && strlen(label) > MAX_NAME)
        label = fpc_sprintf(arena, "%.80s,g%d", s->stem[recipe], (int)group + 1);
    if (!label)
        return NULL;
    tidy(label);
    for (int32_t i = 0; i < group; i++)
        if (!strcmp(s->trial[i * s->n_seeds].label, label)) /* tidied to the same */
            return fpc_sprintf(arena, "%s,g%d", label, (int)group + 1);
    return label;
}

static fpc_status plan_trial(fpc_sweep *s, int32_t recipe, int32_t combination, int32_t group, int32_t k)
{
    fpc_arena *arena = s->cmd->arena;
    fpc_trial *c = &s->trial[group * s->n_seeds + k];

    *c = (fpc_trial){.recipe = recipe, .group = group, .seed = s->seed[k]};
    c->set = fpc_alloc(arena, (size_t)(s->cmd->n_overrides + s->n_axes + 3) * sizeof *c->set);
    c->label = k ? s->trial[group * s->n_seeds].label : label_of(s, recipe, combination, group);
    if (!c->set || !c->label || !(c->name = fpc_sprintf(arena, "%s,s%lld", c->label, (long long)c->seed)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->cmd->n_overrides; i++)
        c->set[c->n_set++] = s->cmd->overrides[i];
    for (int32_t a = 0; a < s->n_axes; a++)
        c->set[c->n_set++] = fpc_sprintf(arena, "%s=%s", s->axis[a].key, value_at(s, combination, a));
    c->set[c->n_set++] = fpc_sprintf(arena, "run.seed=%lld", (long long)c->seed);
    c->set[c->n_set++] = fpc_sprintf(arena, "run.name=%s", c->name);
    c->set[c->n_set++] = fpc_sprintf(arena, "run.out=%s", s->out);
    for (int32_t i = 0; i < c->n_set; i++)
        if (!c->set[i])
            return FPC_ENOMEM;
    return FPC_OK;
}

static fpc_status own_keys(const fpc_sweep *s)
{
    for (int32_t i = 0; i < s->cmd->n_overrides; i++) {
        const char *key = fpc_recipe_key(s->cmd->arena, s->cmd->overrides[i]);
        if (!key)
            return FPC_ENOMEM;
        if (own_key(key))
            return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                            "fpcore sweep: -s %s: the sweep sets that key by itself (--seeds, --out)",
                            s->cmd->overrides[i]);
        for (int32_t a = 0; a < s->n_axes; a++)
            if (!strcmp(s->axis[a].key, key))
                return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                                "fpcore sweep: -s %s: the grid has values for that key too; give it once",
                                s->cmd->overrides[i]);
    }
    for (int32_t a = 0; a < s->n_axes; a++)
        for (int32_t b = 0; b < a; b++)
            if (!strcmp(s->axis[a].key, s->axis[b].key))
                return fpc_fail(s->cmd->ctx, FPC_EINVAL, "fpcore sweep: --grid: %s is given twice", s->axis[a].key);
    return FPC_OK;
}

fpc_status fpc_sweep_plan(fpc_sweep *s)
{
    int64_t combinations = 1, n;
    fpc_status status = own_keys(s);

    if (status)
        return status;
    for (int32_t a = 0; a < s->n_axes && combinations <= MAX_TRIALS; a++)
        combinations *= s->axis[a].n;
    n = combinations * s->n_recipes * s->n_seeds;
    if (combinations > MAX_TRIALS || n > MAX_TRIALS)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL, "fpcore sweep: a grid of more than %d runs", MAX_TRIALS);
    s->n_groups = (int32_t)combinations * s->n_recipes;
    s->stem = fpc_alloc(s->cmd->arena, (size_t)s->n_recipes * sizeof *s->stem);
    s->trial = fpc_alloc(s->cmd->arena, (size_t)n * sizeof *s->trial);
    if (!s->stem || !s->trial)
        return FPC_ENOMEM;
    for (int32_t r = 0; r < s->n_recipes; r++)
        if (!(s->stem[r] = stem_of(s, r)))
            return FPC_ENOMEM;
    if (!s->out && !(s->out = fpc_sprintf(s->cmd->arena, "runs/sweep-%s", s->stem[0])))
        return FPC_ENOMEM;
    for (int32_t g = 0; g < s->n_groups; g++)
        for (int32_t k = 0; k < s->n_seeds && !status; k++)
            status = plan_trial(s, g / (int32_t)combinations, g % (int32_t)combinations, g, k);
    s->n = (int32_t)n;
    return status;
}

/* compare also takes a run's label: its name and the time that it was started. */
static int is_meant(const fpc_trial *c, const char *name)
{
    const size_t n = strlen(c->name);

    return !strcmp(c->name, name) || !strcmp(c->label, name) || (c->folder && !strcmp(c->folder, name)) ||
           (!strncmp(c->name, name, n) && !strncmp(name + n, " (", 2));
}

fpc_status fpc_sweep_baseline(const fpc_sweep *s, const char *name)
{
    enum { LISTED = 6 };
    const char *list = "";
    int32_t n = 0;

    for (int32_t i = 0; i < s->n; i++)
        if (is_meant(&s->trial[i], name))
            return FPC_OK;
    for (int32_t i = 0; i < s->n && list; i += s->n_seeds)
        if (n++ < LISTED)
            list = fpc_sprintf(s->cmd->arena, "%s%s%s", list, i ? ", " : "", s->trial[i].label);
    return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                    "fpcore sweep: --baseline %s: is none of the sweep's recipes, which are %s%s", name,
                    list ? list : "", n > LISTED ? ", ..." : "");
}

/* ---- commands ---- */

const char **fpc_sweep_command(fpc_sweep *s, const fpc_trial *c, const char *program)
{
    const char **word = fpc_alloc(s->cmd->arena, (size_t)(2 * c->n_set + 10) * sizeof *word);
    int32_t n = 0;

    if (!word)
        return NULL;
    word[n++] = program;
    if (s->cmd->plugin_path) {
        word[n++] = "--plugin-path";
        word[n++] = s->cmd->plugin_path;
    }
    word[n++] = "-c";
    word[n++] = s->recipe[c->recipe];
    for (int32_t i = 0; i < c->n_set; i++) {
        word[n++] = "-s";
        word[n++] = c->set[i];
    }
    if (c->folder) {
        word[n++] = "--resume";
        word[n++] = c->folder;
    }
    return word;
}

static int plain_word(const char *w)
{
    return *w && strspn(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=,+-/:@%") == strlen(w);
}

static const char *shell_word(fpc_arena *arena, const char *w)
{
    const char *out = plain_word(w) ? w : "'";

    if (out == w)
        return w;
    for (const char *quote; out && (quote = strchr(w, '\'')); w = quote + 1)
        out = fpc_sprintf(arena, "%s%.*s'\\''", out, (int)(quote - w), w);
    return out ? fpc_sprintf(arena, "%s%s'", out, w) : NULL;
}

const char *fpc_shell_line(fpc_arena *arena, const char *const *word)
{
    const char *line = "", *quoted;

    for (int i = 0; word[i] && line; i++) {
        if (!(quoted = shell_word(arena, word[i])))
            return NULL;
        line = fpc_sprintf(arena, "%s%s%s", line, i ? " " : "", quoted);
    }
    return line;
}

/* ---- what is there ---- */

/* NAME-20260131-093000 or NAME-20260131-093000-2 */
static int is_run_of(const char *entry, const char *name)
{
    const size_t n = strlen(name);
    static const char form[] = "-00000000-000000";

    if (strncmp(entry, name, n))
        return 0;
    entry += n;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? entry[i] < '0' || entry[i] > '9' : entry[i] != form[i])
            return 0;
    entry += sizeof form - 1;
    return !*entry || (*entry == '-' && entry[1] && strspn(entry + 1, "0123456789") == strlen(entry + 1));
}

/* How the run of a folder ended, from its manifest. */
static fpc_trial_state state_of(fpc_ctx *ctx, fpc_arena *arena, const char *folder, int64_t *epochs_done)
{
    const char *path = fpc_sprintf(arena, "%s/%s", folder, FPC_RUN_MANIFEST);
    json_t *log = fpc_json_glance(ctx, path, "how the run ended is unknown");
    const fpc_run_end end = fpc_run_end_of(json_string_value(json_object_get(log, "status")));

    *epochs_done = json_integer_value(json_object_get(log, "epochs_done"));
    json_decref(log);
    return fpc_run_is_done(end) ? FPC_TRIAL_DONE : end == FPC_RUN_DIVERGED ? FPC_TRIAL_DIVERGED : FPC_TRIAL_CUT;
}

/* Of several runs of a trial one that is done, else the latest. A child's own state is known better here. */
static fpc_status take_folder(fpc_sweep *s, fpc_trial *c, const char *entry)
{
    const char *folder = fpc_sprintf(s->cmd->arena, "%s/%s", s->out, entry);
    int64_t done;

    if (!folder)
        return FPC_ENOMEM;
    const fpc_trial_state state = state_of(s->cmd->ctx, s->cmd->arena, folder, &done);
    if (c->folder && (c->state > state || (c->state == state && strcmp(c->folder, folder) > 0)))
        return FPC_OK;
    c->folder = folder;
    c->epochs_done = done;
    if (c->state < FPC_TRIAL_RUNNING)
        c->state = state;
    return FPC_OK;
}

fpc_status fpc_sweep_find(fpc_sweep *s)
{
    DIR *dir = opendir(s->out);
    const struct dirent *entry;
    fpc_status status = FPC_OK;

    if (!dir)
        return errno == ENOENT ? FPC_OK
                               : fpc_fail(s->cmd->ctx, FPC_EIO, "%s: the sweep's folder cannot be read: %s", s->out,
                                          strerror(errno));
    while (!status && (entry = readdir(dir)))
        for (int32_t i = 0; i < s->n && !status; i++)
            if (is_run_of(entry->d_name, s->trial[i].name))
                status = take_folder(s, &s->trial[i], entry->d_name);
    closedir(dir);
    return status;
}

static int64_t number_in(const fpc_recipe *recipe, const char *section, const char *key)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(recipe, section), key);

    return e ? strtoll(e->value, NULL, 10) : 0;
}

/* What may differ where a run is resumed by hand, and not within a sweep: the length of the training. */
static fpc_status same_length(fpc_experiment *experiment, fpc_arena *arena, const fpc_recipe *was)
{
    const fpc_resolved *all;
    int32_t n;
    fpc_status status = fpc_experiment_settings(experiment, arena, &n, &all);

    for (int32_t i = 0; i < n && !status; i++) {
        if (strcmp(all[i].section, "run") || fpc_key_role_of("run", all[i].key) != FPC_KEY_LENGTH)
            continue;
        const int64_t before = number_in(was, "run", all[i].key), wanted = strtoll(all[i].text, NULL, 10);
        if (before != wanted)
            status = fpc_fail(
                experiment->ctx, FPC_EINVAL,
                "%s: the run was made with run.%s = %lld, the sweep wants %lld; give it another folder (--out)",
                was->path, all[i].key, (long long)before, (long long)wanted);
    }
    return status;
}

static fpc_status same_recipe(fpc_sweep *s, fpc_arena *arena, const fpc_trial *c, fpc_experiment *experiment)
{
    const char *path = fpc_sprintf(arena, "%s/%s", c->folder, FPC_RUN_RECIPE), *why;
    fpc_recipe *was;
    const char *classes = fpc_sprintf(arena, "%s/%s", c->folder, FPC_CLASSES_FILE);
    char *text, *table;
    size_t bytes;
    fpc_status status;

    if (!path || !classes)
        return FPC_ENOMEM;
    if ((status = fpc_read_file_why(arena, path, FPC_RECIPE_BYTES, &text, &bytes, &why)))
        return fpc_fail(s->cmd->ctx, status, "%s: %s; remove the folder where the run is not wanted", path, why);
    if ((status = fpc_recipe_parse(s->cmd->ctx, arena, path, text, 0, NULL, &was)) ||
        (status = fpc_identity_agrees(experiment, arena, text, path)))
        return status;
    if (!fpc_read_file_why(arena, classes, FPC_RECIPE_BYTES, &table, &bytes,
                           &why) && /* there is none but for a file's */
        (status = fpc_identity_classes(experiment, arena, table, classes)))
        return status;
    return same_length(experiment, arena, was);
}

/* Whether the backend takes `threads` and the recipe leaves them to the program. */
static int leaves_threads(const fpc_experiment *experiment, fpc_arena *arena)
{
    const fpc_resolved *all, *threads = NULL;
    int32_t n;

    if (!fpc_experiment_settings(experiment, arena, &n, &all))
        threads = fpc_resolved_find(all, n, "backend", "threads");
    return threads && *threads->text == '0';
}

/* A digest of all that the recipe says, but for what the sweep sets by itself. */
static fpc_status find_meaning(fpc_experiment *experiment, fpc_arena *arena, uint64_t *out)
{
    const fpc_resolved *all;
    int32_t n;
    fpc_status status = fpc_experiment_settings(experiment, arena, &n, &all);

    *out = 0;
    for (int32_t i = 0; i < n && !status; i++) {
        const char *key = fpc_sprintf(arena, "%s.%s", all[i].section, all[i].key), *line;

        if (key && own_key(key))
            continue;
        line = fpc_sprintf(arena, "%llx %s = %s", (unsigned long long)*out, key ? key : "",
                           fpc_resolved_meaning(arena, &all[i], all[i].text));
        if (!key || !line)
            return FPC_ENOMEM;
        *out = fpc_digest(line, strlen(line));
    }
    return status;
}

/* The grid has a value twice that is spelt in two ways: the same would be trained twice, and compared with itself. */
static fpc_status check_meanings(const fpc_sweep *s)
{
    for (int32_t i = 0; i < s->n; i += s->n_seeds)
        for (int32_t k = 0; k < i; k += s->n_seeds)
            if (s->trial[k].recipe == s->trial[i].recipe && s->trial[k].meaning == s->trial[i].meaning)
                return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                                "fpcore sweep: --grid: %s and %s mean the same; give each value once",
                                s->trial[k].label, s->trial[i].label);
    return FPC_OK;
}

/* Opens the recipe of a trial as training would, but for data and model. */
static fpc_status look_at(fpc_sweep *s, fpc_trial *c)
{
    fpc_arena *arena = fpc_arena_new(s->cmd->ctx);
    fpc_recipe *recipe;
    fpc_experiment *experiment;
    fpc_status status = arena ? FPC_OK : FPC_ENOMEM;

    if (!status && !(status = fpc_recipe_read(s->cmd->ctx, arena, s->recipe[c->recipe], c->n_set, c->set, &recipe)) &&
        !(status = fpc_experiment_open(s->cmd->ctx, arena, s->cmd->plugin_path, recipe, FPC_OPEN_TRAIN, &experiment))) {
        status = find_meaning(experiment, arena, &c->meaning);
        c->epochs = experiment->run.epochs;
        c->has_threads = leaves_threads(experiment, arena);
        c->column = fpc_sprintf(s->cmd->arena, "val_%s", experiment->run.metric);
        c->sign = experiment->higher ? 1 : -1;
        if (c->folder && !status)
            status = same_recipe(s, arena, c, experiment);
    }
    if (arena)
        fpc_arena_free(arena);
    return status;
}

fpc_status fpc_sweep_look(fpc_sweep *s)
{
    fpc_status status = fpc_sweep_find(s);

    for (int32_t i = 0; i < s->n && !status; i++) {
        fpc_trial *c = &s->trial[i];
        const fpc_trial *first = &s->trial[c->group * s->n_seeds];
        if (c->folder || c == first) {
            status = look_at(s, c);
            continue;
        }
        c->meaning = first->meaning;
        c->epochs = first->epochs, c->has_threads = first->has_threads;
        c->column = first->column, c->sign = first->sign;
    }
    return status ? status : check_meanings(s);
}
