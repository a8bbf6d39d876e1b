/* identity.c: which recipe a run is of: all of it but the keys that change no result. A run goes on, and a sweep takes
 * a run for its own, only where the identities agree. */
#include "train/identity.h"
#include "base/digest.h"
#include "base/message.h"
#include "data/classes.h"
#include "recipe/sections.h"

#include <stdlib.h>
#include <string.h>

/* Splits INI text, as fpcore itself writes it, in place. Returns the number of keys. */
static int32_t split_lines(char *text, fpc_identity_line *line)
{
    const char *section = "";
    int32_t n = 0;

    for (char *at = text, *next; at && *at; at = next) {
        char *equals;
        if ((next = strchr(at, '\n')))
            *next++ = '\0';
        at += strspn(at, " \t");
        if (*at == '[') {
            section = at + 1;
            at[strcspn(at, "]")] = '\0';
        } else if (*at && *at != ';' && *at != '#' && (equals = strchr(at, '='))) {
            char *end = equals;
            while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
            *end = '\0';
            equals++;
            line[n++] = (fpc_identity_line){section, at, equals + strspn(equals, " \t")};
        }
    }
    return n;
}

static int32_t lines_of(fpc_arena *arena, const char *text, fpc_identity_line **out)
{
    char *copy = fpc_strdup(arena, text);
    size_t most = 1;

    for (const char *c = text; *c; c++)
        most += *c == '\n';
    *out = copy ? fpc_alloc(arena, most * sizeof **out) : NULL;
    return *out ? split_lines(copy, *out) : -1;
}

static const char *value_in(const fpc_identity_line *line, int32_t n, const char *section, const char *key)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(line[i].section, section) && !strcmp(line[i].key, key))
            return line[i].value;
    return NULL;
}

/* What is compared: the run's keys and those of the recipe as it is. */
struct sides {
    fpc_arena *arena;
    int32_t n_was, n_is;
    fpc_identity_line *was;
    const fpc_resolved *is;
    int moved; /* to another backend, whose keys are others: draws and order stay, values differ by rounding */
};

static int has_moved(const struct sides *s)
{
    const char *from = value_in(s->was, s->n_was, "backend", "use");
    const fpc_resolved *to = fpc_resolved_find(s->is, s->n_is, "backend", "use");

    return from && to && strcmp(from, to->text) != 0;
}

static int means_the_same(const struct sides *s, const fpc_resolved *is, const char *was)
{
    const char *here = fpc_resolved_meaning(s->arena, is, is->text), *there = fpc_resolved_meaning(s->arena, is, was);

    return here && there && !strcmp(here, there);
}

/* "\n  section.key = here (the run: there)" behind the list, where the run's key is another one now. */
static const char *of_the_run(const struct sides *s, const fpc_identity_line *was, const char *list)
{
    const fpc_resolved *is = fpc_resolved_find(s->is, s->n_is, was->section, was->key);

    if ((s->moved && !strcmp(was->section, "backend")) ||
        (is && (is->resumable || means_the_same(s, is, was->value))) || fpc_section_kind(was->section) == FPC_LOGGER)
        return list;
    return fpc_sprintf(s->arena, "%s\n  %s.%s = %s (the run: %s)", list, was->section, was->key,
                       is ? is->text : "nothing", was->value);
}

/* The same where the run knew nothing of the key: a checkpoint of an older fpcore agrees with the default. */
static const char *of_the_recipe(const struct sides *s, const fpc_resolved *is, const char *list)
{
    if (is->resumable || is->is_default || (s->moved && !strcmp(is->section, "backend")) ||
        value_in(s->was, s->n_was, is->section, is->key))
        return list;
    return fpc_sprintf(s->arena, "%s\n  %s.%s = %s (the run: nothing)", list, is->section, is->key, is->text);
}

fpc_status fpc_identity_agrees(const fpc_experiment *experiment, fpc_arena *arena, const char *recipe,
                               const char *origin)
{
    struct sides s = {.arena = arena};
    const char *list = "";
    fpc_status status;

    if ((status = fpc_experiment_settings(experiment, arena, &s.n_is, &s.is)))
        return status;
    if ((s.n_was = lines_of(arena, recipe, &s.was)) < 0)
        return FPC_ENOMEM;
    s.moved = has_moved(&s);
    for (int32_t i = 0; i < s.n_was && list; i++)
        list = of_the_run(&s, &s.was[i], list);
    for (int32_t i = 0; i < s.n_is && list; i++)
        list = of_the_recipe(&s, &s.is[i], list);
    if (!list)
        return FPC_ENOMEM;
    if (*list)
        return fpc_fail(experiment->ctx, FPC_EINVAL,
                        "%s: the run was made with another recipe; it can go on only where these agree:%s\nTo train "
                        "on otherwise, start a run from its weights: run.init_from, and run.init_optimizer = keep",
                        origin, list);
    return FPC_OK;
}

fpc_status fpc_identity_of(const fpc_experiment *experiment, fpc_arena *arena, const char **recipe,
                           const char **identity, int32_t *n_classes)
{
    const fpc_resolved *all;
    int32_t n;
    fpc_status status;

    if ((status = fpc_experiment_settings(experiment, arena, &n, &all)))
        return status;
    *recipe = fpc_resolved_kept(arena, all, n, 0, 0, n_classes);
    *identity = fpc_resolved_text(arena, all, n, 0, 0);
    return *recipe && *identity ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_identity_classes(const fpc_experiment *experiment, fpc_arena *arena, const char *text,
                                const char *origin)
{
    const char *is = fpc_classes_text(arena, &experiment->info), *difference;
    const fpc_status status =
        is ? fpc_classes_differ(experiment->ctx, arena, origin, text, is, &difference) : FPC_ENOMEM;

    if (status)
        return status;
    return *difference ? fpc_fail(experiment->ctx, FPC_EINVAL,
                                  "%s: the run was made with other classes; it can go on only with its own:\n  %s",
                                  origin, difference)
                       : FPC_OK;
}

/* ---- many against many ---- */

static int by_key(const void *a, const void *b)
{
    const fpc_identity_line *x = a, *y = b;
    const int order = strcmp(x->section, y->section);

    return order ? order : strcmp(x->key, y->key);
}

const fpc_identity_line *fpc_identity_lines(fpc_arena *arena, const char *recipe, int32_t *n)
{
    fpc_identity_line *lines;

    if ((*n = lines_of(arena, recipe, &lines)) < 0)
        return NULL;
    qsort(lines, (size_t)*n, sizeof *lines, by_key);
    return lines;
}

static uint64_t joined(uint64_t digest, const char *text)
{
    const uint64_t both[2] = {digest, text ? fpc_digest(text, strlen(text)) : 0};

    return fpc_digest(both, sizeof both);
}

/* What the digests are of: settings that have to agree, wherever the run is computed. */
static int counts(const fpc_resolved *r)
{
    return !r->resumable && strcmp(r->section, "backend") != 0;
}

uint64_t fpc_identity_tables(const fpc_resolved *all, int32_t n)
{
    uint64_t digest = 0;

    for (int32_t i = 0; i < n; i++)
        if (counts(&all[i])) {
            digest = joined(joined(digest, all[i].section), all[i].key);
            digest = joined(joined(digest, all[i].usual), all[i].items ? "items" : NULL);
        }
    return digest;
}

fpc_status fpc_identity_digest(fpc_arena *arena, const fpc_resolved *all, int32_t n, const fpc_identity_line *lines,
                               int32_t n_lines, uint64_t *out)
{
    *out = 1;
    for (int32_t i = 0; i < n; i++) {
        const fpc_identity_line key = {all[i].section, all[i].key, NULL};
        const fpc_identity_line *line =
            lines && n_lines ? bsearch(&key, lines, (size_t)n_lines, sizeof key, by_key) : NULL;
        const char *text = line ? line->value : lines ? all[i].usual : all[i].text, *meaning;
        if (!counts(&all[i]))
            continue;
        if (!text) {
            *out = 0;
            return FPC_OK;
        }
        if (!(meaning = fpc_resolved_meaning(arena, &all[i], text)))
            return FPC_ENOMEM;
        *out = joined(*out, meaning);
    }
    return FPC_OK;
}
