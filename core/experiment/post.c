/* post.c (experiment): see post.h. */
#include "experiment/post.h"
#include "recipe/recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- reading ---- */

typedef struct reading {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const char *path;
    const fpc_ini *file;
    const fpc_dataset_info *info;
    fpc_post *out;
} reading;

/* What the file calls a class; names that no file can hold are left out by whoever wrote it. */
static const char *name_of(fpc_arena *arena, const fpc_dataset_info *info, int32_t c)
{
    const char *name = info->class_names ? info->class_names[c] : NULL;

    return name && *name && !fpc_recipe_bad_value(name) ? name : fpc_sprintf(arena, "class %d", c);
}

static fpc_status check_sections(const reading *r)
{
    static const char *const known[] = {"post", "post.bias", "post.smallest", "post.sides", "classes"};

    for (int32_t i = 0; i < r->file->n; i++) {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp(r->file->section[i].name, known[k]))
            k++;
        if (k == sizeof known / sizeof *known)
            return fpc_fail(r->ctx, FPC_EFORMAT,
                            "%s: [%s]: a file for --post has [post], [post.bias], [post.smallest], [post.sides] and "
                            "[classes] only",
                            r->file->section[i].origin, r->file->section[i].name);
    }
    return FPC_OK;
}

/* A label, or the name of a class in any case: keys are read in small letters. -1: none. */
static int32_t class_of(const reading *r, const char *text)
{
    char *end;
    const long label = strtol(text, &end, 10);

    if (end != text && !*end)
        return label >= 0 && label < r->info->classes ? (int32_t)label : -1;
    for (int32_t c = 0; c < r->info->classes && r->info->class_names; c++)
        if (!strcasecmp(r->info->class_names[c], text))
            return c;
    return -1;
}

static fpc_status no_class(const reading *r, const char *origin, const char *section, const char *key, const char *what)
{
    return fpc_fail(r->ctx, FPC_EFORMAT,
                    "%s: %s.%s: no class is called %s; the network has the labels 0 (%s) to %d (%s), and either the "
                    "label or the name is wanted",
                    origin, section, key, what, name_of(r->arena, r->info, 0), r->info->classes - 1,
                    name_of(r->arena, r->info, r->info->classes - 1));
}

static fpc_status check_classes(const reading *r)
{
    const fpc_section *s = fpc_ini_section(r->file, "classes");

    if (!s)
        return fpc_fail(r->ctx, FPC_EFORMAT,
                        "%s: no section [classes], which says for which network it was made; fpcore tune writes it",
                        r->path);
    if (s->n != r->info->classes)
        return fpc_fail(r->ctx, FPC_EFORMAT,
                        "%s: made for a network of %d classes, and this one has %d; fpcore tune -w WEIGHTS makes one "
                        "for it",
                        r->path, s->n, r->info->classes);
    for (int32_t c = 0; c < s->n; c++) {
        const char *key = fpc_sprintf(r->arena, "%d", c), *name = name_of(r->arena, r->info, c);
        const fpc_entry *e = key ? fpc_section_entry(s, key) : NULL;
        if (!key || !name)
            return FPC_ENOMEM;
        if (!e)
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: [classes] has no label %d; labels are 0 .. %d, each once",
                            s->origin, c, s->n - 1);
        if (strcmp(e->value, name) != 0)
            return fpc_fail(r->ctx, FPC_EFORMAT,
                            "%s: label %d is %s, and %s in this network; fpcore tune -w WEIGHTS makes one for it",
                            e->origin, c, e->value, name);
    }
    return FPC_OK;
}

static fpc_status number_of(const reading *r, const char *section, const fpc_entry *e, double lo, double hi,
                            double *out)
{
    char *end;

    *out = strtod(e->value, &end);
    if (end == e->value || *end || !(*out >= lo && *out <= hi))
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: %s.%s = %s: not a number from %g to %g", e->origin, section, e->key,
                        e->value, lo, hi);
    return FPC_OK;
}

/* [post.bias] or [post.smallest]: by class; a class twice, by label and by name, would be one that overrules. */
static fpc_status read_classes(const reading *r, const char *section, double lo, double hi, double *to)
{
    const fpc_section *s = fpc_ini_section(r->file, section);
    const char *first[256] = {0};
    fpc_status status = FPC_OK;

    for (int32_t i = 0; s && i < s->n && !status; i++) {
        const fpc_entry *e = &s->entry[i];
        const int32_t c = class_of(r, e->key);
        if (c < 0)
            return no_class(r, e->origin, section, e->key, e->key);
        if (first[c])
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s and %s: %s has the class %d twice", first[c], e->origin, section,
                            c);
        first[c] = e->origin;
        status = number_of(r, section, e, lo, hi, &to[c]);
    }
    return status;
}

static int is_pair(const fpc_dataset_info *info, int32_t a, int32_t b)
{
    for (int32_t i = 0; i < info->n_mirror_pairs; i++)
        if ((info->mirror_pairs[i][0] == a && info->mirror_pairs[i][1] == b) ||
            (info->mirror_pairs[i][0] == b && info->mirror_pairs[i][1] == a))
            return 1;
    return 0;
}

static fpc_status read_sides(const reading *r)
{
    const fpc_section *s = fpc_ini_section(r->file, "post.sides");
    uint8_t seen[256] = {0};

    for (int32_t i = 0; s && i < s->n; i++) {
        const fpc_entry *e = &s->entry[i];
        const int32_t left = class_of(r, e->key), right = class_of(r, e->value);
        if (left < 0 || right < 0)
            return no_class(r, e->origin, "post.sides", e->key, left < 0 ? e->key : e->value);
        if (!is_pair(r->info, left, right) || seen[left]++ || seen[right]++ || r->out->n_sides == FPC_POST_SIDES)
            return fpc_fail(r->ctx, FPC_EFORMAT,
                            "%s: post.sides.%s = %s: a line is `LEFT = RIGHT`, two labels that the network's classes "
                            "have as a mirror pair, each in one line",
                            e->origin, e->key, e->value);
        r->out->side[r->out->n_sides][0] = (uint8_t)left;
        r->out->side[r->out->n_sides++][1] = (uint8_t)right;
    }
    return FPC_OK;
}

static fpc_status read_post(const reading *r)
{
    const fpc_section *s = fpc_ini_section(r->file, "post");
    fpc_status status = FPC_OK;

    for (int32_t i = 0; s && i < s->n && !status; i++) {
        const fpc_entry *e = &s->entry[i];
        status = !strcmp(e->key, "holes")
                     ? number_of(r, "post", e, 0, FPC_POST_SHARE, &r->out->holes)
                     : fpc_fail(r->ctx, FPC_EFORMAT, "%s: post.%s: no such key; there is `holes`", e->origin, e->key);
    }
    return status;
}

fpc_status fpc_post_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, const fpc_dataset_info *info, fpc_post *out)
{
    reading r = {.ctx = ctx, .arena = arena, .path = path, .info = info, .out = out};
    double bias[256] = {0};
    fpc_status status;

    *out = (fpc_post){.classes = info->classes};
    if ((status = fpc_ini_read(ctx, arena, path, &r.file)) || (status = check_sections(&r)) ||
        (status = check_classes(&r)) || (status = read_post(&r)) ||
        (status = read_classes(&r, "post.bias", -FPC_POST_BIAS, FPC_POST_BIAS, bias)) ||
        (status = read_classes(&r, "post.smallest", 0, FPC_POST_SHARE, out->smallest)))
        return status;
    for (int32_t c = 0; c < info->classes; c++) {
        out->bias[c] = (float)bias[c];
        out->biased |= bias[c] != 0;
    }
    return read_sides(&r);
}

/* ---- writing ---- */

/* -0.1, not -0.100000001, where both are read as the same number. */
static double short_form(float v)
{
    const double rounded = round((double)v * 1e6) / 1e6;

    return (float)rounded == v ? rounded : (double)v;
}

static const char *class_lines(fpc_arena *arena, const char *text, const char *section, const fpc_post *p,
                               const char *const *name, int smallest)
{
    int any = 0;

    for (int32_t c = 0; c < p->classes && text; c++) {
        const double value = smallest ? p->smallest[c] : short_form(p->bias[c]);
        if (value == 0)
            continue;
        text = fpc_sprintf(arena, "%s%s%s%s%d = %.9g ; %s\n", text, any ? "" : "\n[", any ? "" : section,
                           any ? "" : "]\n", c, value, name[c]);
        any = 1;
    }
    return text;
}

const char *fpc_post_text(fpc_arena *arena, const fpc_post *p, const fpc_dataset_info *info, const char *notes)
{
    const char *text = fpc_sprintf(arena, FPC_POST_MARK "\n%s", notes), *name[256];

    for (int32_t c = 0; c < p->classes; c++)
        if (!(name[c] = name_of(arena, info, c)))
            return NULL;
    if (text && p->holes > 0)
        text = fpc_sprintf(arena, "%s\n[post]\nholes = %.9g\n", text, p->holes);
    text = class_lines(arena, text, "post.bias", p, name, 0);
    text = class_lines(arena, text, "post.smallest", p, name, 1);
    for (int32_t i = 0; i < p->n_sides && text; i++)
        text = fpc_sprintf(arena, "%s%s%d = %d ; %s lies to the left of %s\n", text, i ? "" : "\n[post.sides]\n",
                           p->side[i][0], p->side[i][1], name[p->side[i][0]], name[p->side[i][1]]);
    for (int32_t c = 0; c < p->classes && text; c++) {
        const char *quoted = fpc_recipe_quote(arena, name[c]);
        text = quoted ? fpc_sprintf(arena, "%s%s%d = %s\n", text, c ? "" : "\n[classes]\n", c, quoted) : NULL;
    }
    return text;
}
