/* audit_report.c: what an audit found, as text for people and as JSON for programs. */
#include "cmd/line/terminal.h"
#include "base/text.h"
#include "base/file.h"
#include "cmd/inspect/audit.h"
#include "cmd/report/report.h"
#include <fpcore/logger.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/message.h"

enum { SHOWN = 10 }; /* items of a list in the text; the JSON has all */

const char *fpc_part_word(fpc_part part)
{
    static const char *const word[4] = {"", "training", "validation", "test"};
    return word[part >= FPC_TRAIN && part <= FPC_TEST ? part : 0];
}

static int labelled(const fpc_audit *a, int part)
{
    return a->info->count[part] > 0 && !a->info->unlabelled[part];
}

static int64_t flaws_of(const fpc_audit *a, int part)
{
    int64_t n = 0;
    for (int64_t i = 0; i < a->n_flaws; i++)
        n += (int)a->flaw[i].part == part;
    return n;
}

static int64_t pixels_of(const fpc_audit *a, int part)
{
    int64_t n = 0;
    for (int32_t c = 0; c < a->info->classes; c++)
        n += a->pixels[part][c];
    return n;
}

static double percent(int64_t n, int64_t of)
{
    return of > 0 ? 100 * (double)n / (double)of : 0;
}

/* Near-duplicates of which one is in another part than the other. */
static int64_t across_parts(const fpc_audit *a)
{
    int64_t n = 0;
    for (int64_t i = 0; i < a->n_duplicates; i++)
        n += a->sample[a->duplicate[i].a].part != a->sample[a->duplicate[i].b].part;
    return n;
}

/* ---- text ---- */

/* Names are those of files, which may be called anything, a line end included. */
static const char *shown(const fpc_audit *a, const char *name)
{
    return fpc_report_clean(a->arena, name);
}

static fpc_status print_parts(fpc_report *r, const fpc_audit *a)
{
    static const fpc_column column[] = {
        {"part", "part", FPC_AS_TEXT, 0},      {"pictures", "pictures", FPC_AS_COUNT, 0},
        {"usable", "usable", FPC_AS_COUNT, 0}, {"flaws", "flaws", FPC_AS_COUNT, 0},
        {"masks", "", FPC_AS_TEXT, 0},         {0}};
    fpc_table *t = fpc_table_new(r, "parts", column);
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        if (a->info->count[part])
            fpc_report_add(r, t, fpc_cell_text(fpc_part_word((fpc_part)part)),
                           fpc_cell_number((double)a->info->count[part]), fpc_cell_number((double)a->usable[part]),
                           fpc_cell_number((double)flaws_of(a, part)),
                           fpc_cell_text(labelled(a, part) ? "" : "(no masks)"));
    if (flaws_of(a, 0))
        fpc_report_add(r, t, fpc_cell_text("in no part"), fpc_cell_number(NAN), fpc_cell_number(NAN),
                       fpc_cell_number((double)flaws_of(a, 0)), fpc_cell_text(""));
    fpc_print("\n");
    const fpc_status status = fpc_table_print(r->arena, t, "");
    fpc_print("\nsizes of the pictures:");
    for (int64_t i = 0; i < a->n_sizes && i < SHOWN; i++)
        fpc_print("%s %d x %d: %lld", i ? "," : "", a->size[i].w, a->size[i].h, (long long)a->size[i].n);
    if (a->n_sizes > SHOWN)
        fpc_print(", and %lld further", (long long)(a->n_sizes - SHOWN));
    fpc_print("\nmeasured at: %d x %d\n", a->info->w, a->info->h);
    if (a->seen)
        fpc_print(
            "colours of the training pictures, for [model]:\n  mean = %.4f, %.4f, %.4f\n  std = %.4f, %.4f, %.4f\n",
            fpc_audit_mean(a, 0), fpc_audit_mean(a, 1), fpc_audit_mean(a, 2), fpc_audit_std(a, 0), fpc_audit_std(a, 1),
            fpc_audit_std(a, 2));
    return status;
}

/* The table of the classes: a column of shares and one of pictures for each part that has masks. */
static fpc_table *class_table(fpc_report *r, const fpc_audit *a, int n, const int *part)
{
    fpc_column column[12] = {{"index", "index", FPC_AS_COUNT, 0},
                             {"class", "class", FPC_AS_TEXT, 0},
                             {"pixels", "pixels %", FPC_AS_SCORE, 0},
                             {"pictures", "pictures", FPC_AS_COUNT, 0}};
    int64_t all = 0;
    for (int i = 0; i < n; i++) {
        const char *word = fpc_part_word((fpc_part)part[i]), *share = fpc_sprintf(r->arena, "%s %%", word);
        column[4 + i] = (fpc_column){word, share ? share : word, FPC_AS_SCORE, 0};
        column[4 + n + i] = (fpc_column){word, word, FPC_AS_COUNT, 0};
        all += pixels_of(a, part[i]);
    }
    fpc_table *t = fpc_table_new(r, "classes", column);
    for (int32_t c = 0; c < a->info->classes; c++) {
        fpc_cell *cell = fpc_report_row(r, t);
        int64_t pixels = 0, images = 0;
        for (int i = 0; t && i < n; i++) {
            pixels += a->pixels[part[i]][c], images += a->images[part[i]][c];
            cell[4 + i] = fpc_cell_number(percent(a->pixels[part[i]][c], pixels_of(a, part[i])));
            cell[4 + n + i] = fpc_cell_number((double)a->images[part[i]][c]);
        }
        const fpc_cell first[4] = {fpc_cell_number(c), fpc_cell_text(a->info->class_names[c]),
                                   fpc_cell_number(percent(pixels, all)), fpc_cell_number((double)images)};
        memcpy(cell, first, sizeof first);
    }
    return t;
}

static fpc_status print_classes(fpc_report *r, const fpc_audit *a)
{
    const char *absent = NULL;
    int parts[3], n = 0;
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        if (labelled(a, part))
            parts[n++] = part;
    if (!n)
        return FPC_OK;
    fpc_print("\n");
    const fpc_status status = fpc_table_print(r->arena, class_table(r, a, n, parts), "");
    const int64_t ignored = a->ignored[FPC_TRAIN] + a->ignored[FPC_VAL] + a->ignored[FPC_TEST];
    if (ignored)
        fpc_print("pixels that count nowhere: %lld\n", (long long)ignored);
    for (int32_t c = 0; c < a->info->classes && labelled(a, FPC_TRAIN); c++)
        if (!a->images[FPC_TRAIN][c])
            absent = fpc_sprintf(a->arena, "%s%s%s", absent ? absent : "", absent ? ", " : "",
                                 shown(a, a->info->class_names[c]));
    if (absent)
        fpc_say("note: classes that no training picture shows: %s", absent);
    return status;
}

static void print_sides(const fpc_audit *a)
{
    int64_t listed = 0;
    if (!a->info->n_mirror_pairs)
        return;
    fpc_print("\nleft and right, by pairs of labels:\n");
    for (int32_t p = 0; p < a->info->n_mirror_pairs && p < FPC_AUDIT_PAIRS; p++)
        fpc_say("  %s lies to the right of %s in %lld of %lld masks with both",
                shown(a, a->info->class_names[a->info->mirror_pairs[p][0]]),
                shown(a, a->info->class_names[a->info->mirror_pairs[p][1]]), (long long)a->right[p],
                (long long)a->both[p]);
    fpc_print("reversed masks: %lld of %lld decidable (%.1f %%)", (long long)a->exchanged, (long long)a->decidable,
              percent(a->exchanged, a->decidable));
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++) {
        int64_t n = 0;
        for (int64_t i = 0; i < a->n; i++)
            n += a->sample[i].side < 0 && (int)a->sample[i].part == part;
        if (n)
            fpc_print(", %s %lld", fpc_part_word((fpc_part)part), (long long)n);
    }
    fpc_print("\n");
    if (!fpc_audit_sided(a) && a->decidable)
        fpc_say("note: the masks do not agree on a side; the order of a pair says nothing in this data set");
    for (int64_t i = 0; i < a->n && fpc_audit_sided(a); i++)
        if (a->sample[i].side < 0 && listed++ < SHOWN)
            fpc_print("  %s %s\n", fpc_part_word(a->sample[i].part), shown(a, a->sample[i].name));
    if (listed > SHOWN)
        fpc_print("  and %lld further (--json lists all)\n", (long long)(listed - SHOWN));
    if (listed)
        fpc_print("note: --fix-sides FILE writes the list of them; `sides = FILE` in [dataset] then\n"
                  "      exchanges their labels when they are read (dataset/folder)\n");
}

static void print_duplicates(const fpc_audit *a)
{
    const int64_t across = across_parts(a);
    int64_t listed = 0;
    fpc_print("\nnear-duplicates: %lld %s across parts, %lld within a part\n", (long long)across,
              fpc_word(across, "pair", "pairs"), (long long)(a->n_duplicates - across));
    for (int pass = 0; pass < 2;
         pass++) /* those across parts first: validation then measures what was learned by heart */
        for (int64_t i = 0; i < a->n_duplicates && listed < SHOWN; i++) {
            const fpc_near_duplicate *t = &a->duplicate[i];
            const fpc_audit_sample *x = &a->sample[t->a], *y = &a->sample[t->b];
            if ((x->part != y->part) == pass)
                continue;
            listed++;
            fpc_say("  %s %s and %s %s: likeness %.4f, hashes differ in %d of 64 bits%s", fpc_part_word(x->part),
                    shown(a, x->name), fpc_part_word(y->part), shown(a, y->name), t->similarity, t->distance,
                    t->mirrored ? ", mirrored" : "");
        }
    if (a->n_duplicates > listed)
        fpc_print("  and %lld further (--json lists all)\n", (long long)(a->n_duplicates - listed));
}

static void print_notes(const fpc_audit *a)
{
    if (a->n_notes)
        fpc_print("\n");
    for (int64_t i = 0; i < a->n_notes; i++) {
        const fpc_audit_note *n = &a->note[i];
        if (n->n)
            fpc_say("note: %s: %lld, first %s", n->kind, (long long)n->n, n->sentence);
        else
            fpc_say("note: %s", n->sentence);
    }
}

static void print_flaws(const fpc_audit *a)
{
    fpc_print("\nflaws: %lld\n", (long long)a->n_flaws);
    for (int64_t i = 0; i < a->n_flaws; i++) {
        int64_t n = 0, first = 1;
        for (int64_t k = 0; k < a->n_flaws; k++)
            if (!strcmp(a->flaw[k].kind, a->flaw[i].kind)) {
                first &= k >= i;
                n++;
            }
        if (!first)
            continue;
        fpc_print("%s: %lld\n", a->flaw[i].kind, (long long)n);
        for (int64_t k = i; k < a->n_flaws; k++)
            if (!strcmp(a->flaw[k].kind, a->flaw[i].kind))
                fpc_say("  %s", shown(a, a->flaw[k].sentence));
    }
}

fpc_status fpc_audit_print(const fpc_audit *a)
{
    fpc_report r = {.arena = a->arena};
    fpc_status status;
    fpc_print("data set: dataset/%s, %d %s\n", fpc_data_instance(a->data)->plugin->name, a->info->classes,
              fpc_word(a->info->classes, "class", "classes"));
    if ((status = print_parts(&r, a)) || (status = print_classes(&r, a)))
        return status;
    print_sides(a);
    print_duplicates(a);
    print_notes(a);
    print_flaws(a);
    return r.failed ? FPC_ENOMEM : FPC_OK;
}

/* ---- JSON ---- */

static json_t *json_classes(const fpc_audit *a)
{
    json_t *list = json_array();
    for (int32_t c = 0; c < a->info->classes; c++) {
        json_t *one = json_pack("{s:i, s:s}", "index", c, "name", a->info->class_names[c]);
        for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
            if (labelled(a, part))
                json_object_set_new(one, fpc_part_word((fpc_part)part),
                                    json_pack("{s:I, s:I}", "pixels", (json_int_t)a->pixels[part][c], "pictures",
                                              (json_int_t)a->images[part][c]));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *json_parts(const fpc_audit *a)
{
    json_t *all = json_object();
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        json_object_set_new(all, fpc_part_word((fpc_part)part),
                            json_pack("{s:I, s:I, s:I, s:b, s:I}", "pictures", (json_int_t)a->info->count[part],
                                      "usable", (json_int_t)a->usable[part], "flaws", (json_int_t)flaws_of(a, part),
                                      "labelled", labelled(a, part), "ignored_pixels", (json_int_t)a->ignored[part]));
    return all;
}

static json_t *json_sides(const fpc_audit *a)
{
    json_t *pairs = json_array(), *reversed = json_array();
    for (int32_t p = 0; p < a->info->n_mirror_pairs && p < FPC_AUDIT_PAIRS; p++)
        json_array_append_new(pairs, json_pack("{s:s, s:s, s:I, s:I}", "first",
                                               a->info->class_names[a->info->mirror_pairs[p][0]], "second",
                                               a->info->class_names[a->info->mirror_pairs[p][1]], "both",
                                               (json_int_t)a->both[p], "first_is_right", (json_int_t)a->right[p]));
    for (int64_t i = 0; i < a->n; i++)
        if (a->sample[i].side < 0)
            json_array_append_new(
                reversed, json_pack("{s:s, s:s}", "part", fpc_part_word(a->sample[i].part), "name", a->sample[i].name));
    return json_pack("{s:o, s:I, s:b, s:o}", "pairs", pairs, "decidable", (json_int_t)a->decidable, "agree",
                     fpc_audit_sided(a), "reversed", reversed);
}

static json_t *json_duplicates(const fpc_audit *a)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < a->n_duplicates; i++) {
        const fpc_near_duplicate *t = &a->duplicate[i];
        const fpc_audit_sample *x = &a->sample[t->a], *y = &a->sample[t->b];
        json_array_append_new(list,
                              json_pack("{s:[s,s], s:[s,s], s:b, s:i, s:b, s:f}", "names", x->name, y->name, "parts",
                                        fpc_part_word(x->part), fpc_part_word(y->part), "across", x->part != y->part,
                                        "distance", t->distance, "mirrored", t->mirrored, "likeness", t->similarity));
    }
    return list;
}

static json_t *json_flaws(const fpc_audit *a)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < a->n_flaws; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "kind", a->flaw[i].kind, "part",
                                              fpc_part_word(a->flaw[i].part), "name", a->flaw[i].name, "sentence",
                                              a->flaw[i].sentence));
    return list;
}

static json_t *json_notes(const fpc_audit *a)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < a->n_notes; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "kind", a->note[i].kind, "files",
                                              (json_int_t)a->note[i].n, "sentence", a->note[i].sentence));
    return list;
}

fpc_status fpc_audit_json(const fpc_audit *a, const char *path)
{
    json_t *sizes = json_array();
    for (int64_t i = 0; i < a->n_sizes; i++)
        json_array_append_new(sizes, json_pack("{s:i, s:i, s:I}", "w", a->size[i].w, "h", a->size[i].h, "pictures",
                                               (json_int_t)a->size[i].n));
    json_t *all = json_pack("{s:s, s:[i,i], s:[f,f,f], s:[f,f,f], s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "dataset",
                            fpc_data_instance(a->data)->plugin->name, "measured_at", a->info->h, a->info->w, "mean",
                            fpc_audit_mean(a, 0), fpc_audit_mean(a, 1), fpc_audit_mean(a, 2), "std",
                            fpc_audit_std(a, 0), fpc_audit_std(a, 1), fpc_audit_std(a, 2), "parts", json_parts(a),
                            "sizes", sizes, "classes", json_classes(a), "sides", json_sides(a), "near_duplicates",
                            json_duplicates(a), "notes", json_notes(a), "flaws", json_flaws(a));
    char *text = all ? json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    fpc_status status =
        text ? fpc_write_text(a->ctx, path, text)
             : fpc_fail(a->ctx, FPC_ENOMEM, "%s: no memory for the JSON, or a name that is no UTF-8", path);
    free(text);
    json_decref(all);
    return status;
}
