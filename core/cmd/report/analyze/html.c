/* html.c: the page of an analysis: one file that asks for no other. Tables are written here, so that they are
 * there without a script; curves are drawn by core/cmd/report/page/analyze.js from JSON within the page. Every name is
 * escaped: a run's folder may be called anything. */
#define _GNU_SOURCE
#include "cmd/report/analyze/analyze.h"
#include "cmd/report/page/page.h"
#include "record/run_files.h"
#include <fpcore/logger.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 4000 /* of a curve; longer ones are thinned */ };

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
        }
}

/* ---- tables ---- */

static void put_head(FILE *out, const fpc_column *c)
{
    fprintf(out, "<th scope=\"col\" class=\"%s\" title=\"", c->as == FPC_AS_TEXT ? "text" : "number");
    put_escaped(out, c->help ? c->help : "");
    fputs("\">", out);
    put_escaped(out, c->title);
    fputs("</th>", out);
}

static void put_cell(FILE *out, fpc_arena *arena, const fpc_table *t, int32_t row, int32_t column)
{
    const fpc_cell *cell = &t->cell[(size_t)row * (size_t)t->n_columns + (size_t)column];
    const int text = t->column[column].as == FPC_AS_TEXT, number = !cell->text && isfinite(cell->number);

    fprintf(out, "<td%s", text ? " class=\"text\"" : "");
    if (number)
        fprintf(out, " data-v=\"%.9g\"", cell->number);
    if (number && t->shaded)
        fprintf(out, " style=\"background:rgba(var(--shade),%.3f)\"",
                0.6 * sqrt(fmin(fmax(cell->number, 0), 100) / 100));
    fputc('>', out);
    if (!number || !t->shaded)
        put_escaped(out, fpc_cell_show(arena, &t->column[column], cell));
    else if (cell->number >= 0.1)
        fprintf(out, "%.1f", cell->number);
    fputs("</td>", out);
}

static void put_upright(FILE *out, fpc_arena *arena, const fpc_table *t)
{
    const int32_t half = t->n_columns > 16 ? (t->n_columns + 1) / 2 : t->n_columns;

    fputs("<div class=\"uprights\">", out);
    for (int32_t first = 0; first < t->n_columns; first += half) {
        fputs("<table class=\"upright\"><tbody>", out);
        for (int32_t c = first; c < first + half && c < t->n_columns; c++) {
            fputs("<tr><th scope=\"row\" title=\"", out);
            put_escaped(out, t->column[c].help ? t->column[c].help : "");
            fputs("\">", out);
            put_escaped(out, t->column[c].title);
            fputs("</th>", out);
            put_cell(out, arena, t, 0, c);
            fputs("</tr>", out);
        }
        fputs("</tbody></table>", out);
    }
    fputs("</div>\n", out);
}

static void put_table(FILE *out, fpc_arena *arena, const fpc_table *t)
{
    if (!t->n_rows)
        return;
    fputs("<h3>", out);
    put_escaped(out, t->title);
    fputs("</h3>\n", out);
    if (t->upright) {
        put_upright(out, arena, t);
        return;
    }
    fprintf(out, "<div class=\"scroll\"><table class=\"%s\"><thead><tr>", t->shaded ? "shaded" : "sortable");
    for (int32_t c = 0; c < t->n_columns; c++)
        put_head(out, &t->column[c]);
    fputs("</tr></thead><tbody>\n", out);
    for (int32_t r = 0; r < t->n_rows; r++) {
        fputs("<tr>", out);
        for (int32_t c = 0; c < t->n_columns; c++)
            put_cell(out, arena, t, r, c);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    if (t->note) {
        fputs("<p class=\"note\">", out);
        put_escaped(out, t->note);
        fputs("</p>\n", out);
    }
}

static void put_chapter(FILE *out, fpc_arena *arena, const fpc_chapter *chapter)
{
    if (chapter->n_notes)
        fputs("<ul class=\"findings\">", out);
    for (int32_t i = 0; i < chapter->n_notes; i++) {
        fputs("<li>", out);
        put_escaped(out, chapter->note[i]);
        fputs("</li>", out);
    }
    if (chapter->n_notes)
        fputs("</ul>\n", out);
    for (int32_t i = 0; i < chapter->n_tables; i++)
        put_table(out, arena, chapter->table[i]);
}

/* ---- the curves' numbers ---- */

/* JSON within <script>: "</script>" and "<!--" must not occur, whatever a name says. */
static void put_json_text(FILE *out, fpc_arena *arena, const char *text)
{
    json_t *string = json_string(fpc_report_clean(arena, text));
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

    for (const char *c = quoted ? quoted : "\"\""; *c; c++)
        if (*c == '<')
            fputs("\\u003c", out);
        else
            fputc(*c, out);
    free(quoted);
    json_decref(string);
}

static void put_number(FILE *out, double v)
{
    if (isfinite(v))
        fprintf(out, "%.6g", v);
    else
        fputs("null", out);
}

static void put_curve(FILE *out, const char *key, const double *v, int64_t n, int64_t stride)
{
    fprintf(out, ",\"%s\":[", key);
    for (int64_t i = 0; v && i < n; i += stride) {
        if (i)
            fputc(',', out);
        put_number(out, v[i]);
    }
    fputc(']', out);
}

/* Whether two runs are seeds of one recipe: all keys that decide a result are the same. */
static int same_recipe(const fpc_recipe *a, const fpc_recipe *b)
{
    if (!a || !b || a->n != b->n)
        return 0;
    for (int32_t i = 0; i < a->n; i++) {
        const fpc_section *s = &a->section[i], *t = &b->section[i];
        if (strcmp(s->name, t->name) || s->n != t->n)
            return 0;
        for (int32_t k = 0; k < s->n; k++) {
            const fpc_key_role role = fpc_key_role_of(s->name, s->entry[k].key);
            if (strcmp(s->entry[k].key, t->entry[k].key) ||
                (role != FPC_KEY_REPEAT && role != FPC_KEY_MACHINE && strcmp(s->entry[k].value, t->entry[k].value)))
                return 0;
        }
    }
    return 1;
}

/* A number for the recipe of a run: that of the first run that has it, counted by recipes. */
static int32_t recipe_of(const fpc_analyses *all, int32_t which)
{
    int32_t number = 0;

    for (int32_t i = 0; i <= which; i++) {
        int32_t first = 0;
        while (first < i && !same_recipe(all->run[first].recorded->recipe, all->run[i].recorded->recipe))
            first++;
        if (first == i && i < which && same_recipe(all->run[i].recorded->recipe, all->run[which].recorded->recipe))
            return number;
        number += first == i && i < which;
    }
    return number;
}

static void put_run(FILE *out, fpc_arena *arena, int32_t recipe, const fpc_analysis *a)
{
    const int64_t stride = (a->n + POINTS - 1) / POINTS;

    fputs("{\"label\":", out);
    put_json_text(out, arena, a->recorded->label);
    fprintf(out, ",\"recipe\":%d", (int)recipe);
    fprintf(out, ",\"epochs\":%lld,\"stride\":%lld,\"best_epoch\":%lld,\"best\":", (long long)a->n, (long long)stride,
            (long long)a->best_epoch);
    put_number(out, a->best);
    fputs(",\"restarts\":[", out);
    for (int32_t i = 0; i < a->n_restarts; i++)
        fprintf(out, "%s%lld", i ? "," : "", (long long)a->restart[i].after);
    fputc(']', out);
    put_curve(out, "val", a->val, a->n, stride);
    put_curve(out, "train", a->train, a->n, stride);
    put_curve(out, "val_loss", fpc_recorded_column(a->recorded, "val_loss"), a->n, stride);
    put_curve(out, "train_loss", fpc_recorded_column(a->recorded, "train_loss"), a->n, stride);
    put_curve(out, "rate", a->used, a->n, stride);
    fputs("}", out);
}

/* ---- the page ---- */

static void put_figure(FILE *out, const char *id, int wide, const char *title, const char *detail)
{
    fprintf(out, "<figure id=\"chart-%s\"%s><figcaption>", id, wide ? " class=\"wide\"" : "");
    put_escaped(out, title);
    fprintf(out, " <span class=\"faint\">%s</span></figcaption><svg role=\"img\" aria-label=\"", detail);
    put_escaped(out, title);
    fputs("\"></svg></figure>\n", out);
}

static void put_charts(FILE *out, const fpc_analyses *all)
{
    fputs("<h2>Curves</h2>\n<div id=\"legend\"></div>\n<div class=\"charts\">\n", out);
    if (!all->unranked)
        put_figure(out, "measure", 1, all->run[0].recorded->monitor,
                   "mean of 5 epochs (of runs from 30 epochs on); thin: single epochs, and seeds of one recipe, whose "
                   "mean is bold; point: the best epoch; dashed upright: a restart");
    put_figure(out, "loss", all->unranked, "val_loss", "mean of 5 epochs");
    if (!all->unranked)
        put_figure(out, "gap", 0, "gap", "train - val, absolute; mean of 5 epochs");
    put_figure(out, "rate", 1, "learning rate", "that the epoch was trained with");
    fputs("</div>\n<div id=\"tip\"></div>\n", out);
}

static void put_lines(FILE *out, const char *const *line)
{
    while (*line)
        fputs(*line++, out);
}

static void put_page(FILE *out, const fpc_analyses *all, const fpc_report *r)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" "
          "href=\"data:,\">\n"
          "<title>",
          out);
    put_escaped(out, all->n == 1 ? r->run[0].title : "Runs");
    fputs(" - fpcore analyze</title>\n<style>\n", out);
    put_lines(out, fpc_page_css);
    fputs("</style>\n</head>\n<body>\n<h1>", out);
    put_escaped(out, all->n == 1 ? r->run[0].title : "Runs beside each other");
    fprintf(out, "</h1>\n<p class=\"faint\">%d run%s, best by ", (int)all->n, all->n > 1 ? "s" : "");
    put_escaped(out, all->unranked ? "what each of them watched" : all->run[0].recorded->monitor);
    fputs(". Gaps are train - val; columns explain themselves under the pointer, a click sorts.</p>\n", out);
    put_charts(out, all);
    if (all->n > 1) {
        fputs("<h2>Overview</h2>\n", out);
        put_chapter(out, all->arena, &r->overview);
        fputs("<h2>Each run</h2>\n", out);
    }
    for (int32_t i = 0; i < r->n_runs; i++) {
        fprintf(out, "<details%s><summary>", all->n == 1 ? " open" : "");
        put_escaped(out, r->run[i].title);
        fprintf(out, "<span class=\"faint\">best %.4f in epoch %lld of %lld, ", all->run[i].best,
                (long long)all->run[i].best_epoch, (long long)all->run[i].n);
        put_escaped(out, fpc_report_clean(all->arena, fpc_analysis_ended(&all->run[i])));
        fputs("</span></summary>\n", out);
        put_chapter(out, all->arena, &r->run[i]);
        fputs("</details>\n", out);
    }
    fprintf(out, "<script type=\"application/json\" id=\"data\">{\"smooth\":%d,\"runs\":[", FPC_ANALYZE_SMOOTH);
    for (int32_t i = 0; i < all->n; i++) {
        fputs(i ? ",\n" : "\n", out);
        put_run(out, all->arena, recipe_of(all, i), &all->run[i]);
    }
    fputs("\n]}</script>\n<script>\n", out);
    put_lines(out, fpc_page_js);
    fputs("</script>\n</body>\n</html>\n", out);
}

fpc_status fpc_analyze_html(fpc_analyses *all, const fpc_report *r, const char *path)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    fpc_status status;

    if (!out)
        return fpc_fail(all->ctx, FPC_ENOMEM, "%s: no memory for the page", path);
    put_page(out, all, r);
    const int failed = ferror(out);
    if (fclose(out) || failed || !text) /* the last growth of the text may fail without a word */
        status = fpc_fail(all->ctx, FPC_ENOMEM, "%s: no memory for the page", path);
    else
        status = fpc_write_atomic(all->ctx, path, text, bytes);
    free(text);
    return status;
}
