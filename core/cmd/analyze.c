/* analyze.c: `fpcore analyze`: what recorded runs did, as text, as JSON and as a page. docs/analysis.md says what
 * the columns mean. */
#include "base/text.h"
#include "base/file.h"
#include "cmd/report/analyze/analyze.h"
#include "cmd/report/compare/compare.h"
#include "weights/weights.h"
#include "cmd/args.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    fpc_analyze_options what;
    const char *stages, *epochs, *at, *metric, *lr, *json, *html;
    int details;
} options;

/* ---- ranges of epochs ---- */

static int64_t number(const char **text)
{
    char *end;

    if (**text < '0' || **text > '9')
        return 0;
    errno = 0;
    const long long v = strtoll(*text, &end, 10);
    *text = end;
    return errno || v > FPC_RECORDED_EPOCHS ? 0 : v;
}

/* "1-30,31-60" or "5,60,92"; returns how many, -1 after a failure. */
static int32_t read_spans(fpc_cmdline *cmd, const char *option, const char *text, int32_t most, fpc_span *out)
{
    const char *at = text;
    int32_t n = 0;

    while (n < most) {
        out[n].from = out[n].to = number(&at);
        if (*at == '-') {
            at++;
            out[n].to = number(&at);
        }
        if (out[n].from < 1 || out[n].to < out[n].from || (*at && *at != ','))
            break;
        n++;
        if (!*at++)
            return n;
    }
    if (n == most)
        fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore analyze: %s %s: at most %d %s", option, text, (int)most,
                 most == 1 ? "range of epochs" : "are taken");
    else
        fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore analyze: %s %s: epochs count from 1 and a range rises, like %s", option,
                 text, most == 1 ? "61-112" : "1-30,31-60");
    return -1;
}

static fpc_status read_ranges(fpc_cmdline *cmd, options *o)
{
    fpc_span at[FPC_ANALYZE_SPANS];
    fpc_analyze_options *w = &o->what;

    if (o->stages && (w->n_stages = read_spans(cmd, "--stages", o->stages, FPC_ANALYZE_SPANS, w->stage)) < 0)
        return FPC_EINVAL;
    if (o->epochs && read_spans(cmd, "--epochs", o->epochs, 1, &w->epochs) < 0)
        return FPC_EINVAL;
    if (o->at && (w->n_at = read_spans(cmd, "--at", o->at, FPC_ANALYZE_SPANS, at)) < 0)
        return FPC_EINVAL;
    for (int32_t i = 0; i < w->n_at; i++)
        w->at[i] = at[i].from;
    if (o->lr && strcmp(o->lr, "used") && strcmp(o->lr, "next"))
        return fpc_fail(
            cmd->ctx, FPC_EINVAL,
            "fpcore analyze: --lr %s: `used` (a rate stands with the epoch that it trained) or `next` (with "
            "the epoch before) is needed",
            o->lr);
    return FPC_OK;
}

/* ---- the runs ---- */

/* -c: what a lone history file was trained with. */
static fpc_status give_recipe(fpc_cmdline *cmd, int32_t n, fpc_recorded **recorded)
{
    fpc_recipe *recipe;
    fpc_status status;

    if (!cmd->recipe && cmd->n_overrides)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore analyze: -s %s: changes the recipe of -c, which is missing",
                        cmd->overrides[0]);
    if (!cmd->recipe)
        return FPC_OK;
    if (n != 1 || recorded[0]->folder)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore analyze: -c %s: gives one lone history file its recipe; %s",
                        cmd->recipe, n == 1 ? "a run folder has its own" : "several runs were named");
    if ((status = fpc_recipe_read(cmd->ctx, cmd->arena, cmd->recipe, cmd->n_overrides, cmd->overrides, &recipe)))
        return status;
    recorded[0]->recipe = recipe;
    return FPC_OK;
}

/* What a folder holds need not have the column; what was named must. */
static int left_out(fpc_analyses *all, const char *metric, const fpc_recorded *recorded, int32_t n,
                    const char *const *operand)
{
    if (metric ? fpc_recorded_has(recorded, metric) : recorded->watched != NULL)
        return 0;
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(operand[i], recorded->path))
            return 0;
    if (metric)
        fpc_log(all->ctx, FPC_LOG_WARN, "%s: has no column %s (--metric); left out", recorded->path, metric);
    else
        fpc_log(all->ctx, FPC_LOG_WARN, "%s: no column says which epoch is the best; left out", recorded->path);
    all->unreadable++;
    return 1;
}

/* One measure for all: the one that was asked for, or one that all have. */
static fpc_status choose_measure(fpc_cmdline *cmd, const options *o, fpc_analyses *all, int32_t n,
                                 fpc_recorded **recorded)
{
    fpc_status status = FPC_OK;
    int ranked;

    for (int32_t i = 0; i < n && o->metric && !status; i++)
        status = fpc_recorded_check(cmd->ctx, cmd->arena, "fpcore analyze", o->metric, recorded[i]);
    for (int32_t i = 0; i < n && !o->metric; i++)
        if (!recorded[i]->watched) /* named by itself: fpc_analyze has the sentence */
            return FPC_OK;
    if (status || (status = fpc_recorded_common(cmd->arena, n, recorded, o->metric, &all->measure, &ranked)))
        return status;
    all->unranked = !ranked;
    return FPC_OK;
}

static int by_label(const void *a, const void *b)
{
    const fpc_analysis *x = a, *y = b;

    return strcmp(x->recorded->label, y->recorded->label);
}

static int by_best(const void *a, const void *b)
{
    const fpc_analysis *x = a, *y = b;

    if (x->higher != y->higher)
        return y->higher - x->higher;
    if (x->best != y->best)
        return (x->higher ? x->best < y->best : x->best > y->best) ? 1 : -1;
    return strcmp(x->recorded->label, y->recorded->label);
}

static fpc_status nothing_found(fpc_cmdline *cmd, const fpc_analyses *all)
{
    return fpc_fail(cmd->ctx, FPC_ENOENT, "fpcore analyze: none of the %d %s found has a history that can be read",
                    (int)(all->without_history + all->unreadable),
                    fpc_word(all->without_history + all->unreadable, "run", "runs"));
}

static fpc_status analyze(fpc_cmdline *cmd, const options *o, int32_t n, const char *const *operand, fpc_analyses *all)
{
    fpc_recorded **recorded;
    fpc_status status;
    int32_t found, kept = 0;

    *all = (fpc_analyses){.ctx = cmd->ctx, .arena = cmd->arena, .o = &o->what};
    if ((status = fpc_analyze_find(cmd->ctx, cmd->arena, n, operand, &found, &recorded, &all->without_history,
                                   &all->unreadable)))
        return status;
    if (!found)
        return nothing_found(cmd, all);
    if (!(all->run = fpc_alloc(cmd->arena, (size_t)found * sizeof *all->run)))
        return FPC_ENOMEM;
    if ((status = give_recipe(cmd, found, recorded)))
        return status;
    for (int32_t i = 0; i < found; i++)
        if (!left_out(all, o->metric, recorded[i], n, operand))
            recorded[kept++] = recorded[i];
    if (!kept)
        return nothing_found(cmd, all);
    status = choose_measure(cmd, o, all, kept, recorded);
    for (int32_t i = 0; i < kept && !status; i++) {
        if (o->lr)
            recorded[i]->lr_is_next = !strcmp(o->lr, "next");
        fpc_recorded_judge(recorded[i]);
        status = fpc_analyze(cmd->ctx, cmd->arena, recorded[i], &all->run[all->n++]);
    }
    if (status)
        return status;
    qsort(all->run, (size_t)all->n, sizeof *all->run, all->unranked ? by_label : by_best);
    if (o->what.against &&
        (all->against = fpc_analyze_named(all, "--against", o->what.against, strlen(o->what.against))) < 0)
        return FPC_EINVAL;
    return FPC_OK;
}

/* ---- output ---- */

static fpc_status write_json(fpc_cmdline *cmd, const fpc_report *r, const char *path)
{
    json_t *root = fpc_report_json(r);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) : NULL;
    fpc_status status = FPC_OK;

    json_decref(root);
    if (!text)
        return fpc_fail(cmd->ctx, FPC_ENOMEM, "fpcore analyze: no memory for the JSON");
    if (strcmp(path, "-"))
        status = fpc_write_text(cmd->ctx, path, text);
    else
        fpc_print_json(text);
    free(text);
    return status;
}

/* "A: lmsa_v1": the letter that a verdict's sentence names it by; where recipes share a name, that of its first run,
 * which has the time that it was started. */
static const char *recipe_name(const fpc_comparison *c, int32_t g)
{
    const fpc_run_group *group = &c->group[g];
    int shared = 0;

    for (int32_t i = 0; i < c->n; i++)
        shared |= i != g && !strcmp(c->group[i].name, group->name);
    return fpc_sprintf(c->arena, "%s: %s", group->label, shared ? group->run[0]->recorded->label : group->name);
}

/* The verdicts of `fpcore compare` on the same runs. What keeps runs from being compared is said there; here a
 * comparison that cannot be made is left out. */
static void add_verdicts(fpc_analyses *all, fpc_report *r)
{
    enum { MOST = 60 /* runs: pairs of recipes grow with their square */ };
    static const fpc_column column[] = {
        {"recipe", "recipe", FPC_AS_TEXT, "runs that differ in seed and name alone"},
        {"reference", "against", FPC_AS_TEXT, "the best recipe"},
        {"difference", "difference", FPC_AS_DIFF, "of the mean F per validation picture"},
        {"lo", "from", FPC_AS_DIFF, "95 % interval"},
        {"hi", "to", FPC_AS_DIFF, "95 % interval"},
        {"verdict", "verdict", FPC_AS_TEXT, "whether the difference is more than the noise: docs/compare.md"},
        {0}};
    fpc_ctx *own = all->n > 1 && all->n <= MOST ? fpc_ctx_new() : NULL;
    fpc_comparison c = {.ctx = own, .arena = all->arena};
    const char **path = fpc_alloc(all->arena, (size_t)all->n * sizeof *path);

    for (int32_t i = 0; path && i < all->n; i++)
        path[i] = all->run[i].recorded->path;
    if (own && path)
        fpc_ctx_log_level(own, FPC_LOG_ERROR);
    if (own && path && !fpc_compare_read(&c, all->n, path, NULL) && c.n_runs > 1 && !fpc_compare_runs(&c, NULL, NULL) &&
        c.n > 1) {
        fpc_table *t = fpc_report_table(r, &r->overview, "verdicts", "Verdicts of fpcore compare", column);
        for (int32_t i = 0; i < c.n_verdicts; i++) {
            fpc_verdict v = c.verdict[i];
            if (v.a != c.reference && v.b != c.reference)
                continue;
            if (v.a == c.reference) {
                const fpc_difference d = v.d;
                v.a = v.b, v.b = c.reference;
                v.d.value = -d.value, v.d.lo = -d.hi, v.d.hi = -d.lo;
            }
            const int known = v.kind != FPC_VERDICT_NONE;
            fpc_report_add(r, t, fpc_cell_text(recipe_name(&c, v.a)), fpc_cell_text(recipe_name(&c, v.b)),
                           fpc_cell_number(known ? v.d.value : NAN), fpc_cell_number(known ? v.d.lo : NAN),
                           fpc_cell_number(known ? v.d.hi : NAN), fpc_cell_text(fpc_verdict_text(&c, &v)));
        }
    }
    fpc_ctx_free(own);
}

static fpc_status build(fpc_analyses *all, fpc_report *r)
{
    fpc_status status = FPC_OK;

    *r = (fpc_report){.arena = all->arena, .n_runs = all->n};
    if (!(r->run = fpc_alloc(all->arena, (size_t)all->n * sizeof *r->run)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < all->n && !status; i++)
        status = fpc_analyze_run(all, r, &r->run[i], &all->run[i]);
    if (!status)
        status = fpc_analyze_overview(all, r);
    if (!status)
        add_verdicts(all, r);
    return !status && r->failed ? fpc_fail(all->ctx, FPC_ENOMEM, "fpcore analyze: no memory for the tables") : status;
}

static fpc_status run(fpc_cmdline *cmd)
{
    options o = {.details = 0};
    const char **operand;
    int32_t n;
    fpc_analyses all;
    fpc_report report;
    const fpc_arg table[] = {
        {"stages", 0, FPC_ARG_TEXT, 0, &o.stages},   {"epochs", 0, FPC_ARG_TEXT, 0, &o.epochs},
        {"at", 0, FPC_ARG_TEXT, 0, &o.at},           {"against", 0, FPC_ARG_TEXT, 0, &o.what.against},
        {"metric", 0, FPC_ARG_TEXT, 0, &o.metric},   {"lr", 0, FPC_ARG_TEXT, 0, &o.lr},
        {"test", 0, FPC_ARG_TEXTS, 0, &o.what.test}, {"mark", 0, FPC_ARG_TEXTS, 0, &o.what.mark},
        {"details", 0, FPC_ARG_FLAG, 0, &o.details}, {"json", 0, FPC_ARG_TEXT, 0, &o.json},
        {"html", 0, FPC_ARG_TEXT, 0, &o.html},       {0}};
    fpc_status status = fpc_args_read(cmd, table, &n, &operand);

    if (status || (status = read_ranges(cmd, &o)))
        return status;
    if (!n)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore analyze: a run folder or a history.json is needed; `fpcore analyze --help` shows how");
    if ((status = analyze(cmd, &o, n, operand, &all)) || (status = build(&all, &report)))
        return status;
    if (o.json && (status = write_json(cmd, &report, o.json)))
        return status;
    if (o.html && (status = fpc_analyze_html(&all, &report, o.html)))
        return status;
    return o.json && !strcmp(o.json, "-") ? FPC_OK : fpc_report_print(&report, o.details || all.n == 1);
}

const fpc_cmd fpc_cmd_analyze = {
    .name = "analyze",
    .place = 120,
    .no_plugins = 1,
    .summary = "Tell what recorded runs did: ranking, stages, gaps, restarts, classes.",
    .run = run,
    .help =
        "usage: fpcore analyze RUN|HISTORY.json|FOLDER... [options]\n"
        "\n"
        "RUN is a run folder, HISTORY.json the record of one, FOLDER holds several of either. One run is shown\n"
        "in detail; several are ranked and set beside each other. docs/analysis.md explains the columns.\n"
        "\n"
        "  --html FILE         one self-contained page with the curves and all tables\n"
        "  --json FILE|-       all numbers; - prints them instead of the text\n"
        "  --details           the details of every run, where there are several\n"
        "  --stages A-B,...    stages of the stage table; else warm-up, thirds up to the best epoch, the rest\n"
        "  --epochs A-B        epochs of the volatility; else the last half\n"
        "  --at E,...          single epochs to show; else first, end of warm-up, quarters, best, last\n"
        "  --against NAME      run that the others are held against; else the best\n"
        "  --metric COLUMN     column that picks the best epoch and ranks; else the recipe's, and of several runs the\n"
        "                      first that all have\n"
        "  --lr used|next      whether `lr` is the rate used in its epoch or in the next one; else: next for\n"
        "                      records of other programs\n"
        "  --test NAME=SCORE   score of a run on the test set; repeatable\n"
        "  --mark WHEN=TEXT    a change, for the best scores in the order of time: 20251005_222500=new metric\n"
        "  -c RECIPE [-s ...]  recipe of one lone history file: tells a record that is cut from one that is not\n"
        "\n"
        "example: fpcore analyze runs/lmsa_v1-20251007-153857 --html lmsa_v1.html\n"};
