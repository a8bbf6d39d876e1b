/* json.c: a comparison for programs: everything that the text has, all pairs, all epochs that are common. */
#define _GNU_SOURCE
#include "cmd/report/compare/compare.h"
#include "base/message.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *text(const char *s)
{
    json_t *v = s ? json_string(s) : json_null();

    return v ? v : json_string("?"); /* no UTF-8 */
}

static json_t *run_json(const fpc_comparison *c, const fpc_compared_run *r)
{
    const fpc_run_summary *s = &r->summary;

    return json_pack("{so so so so so sb so sI sI so so so so so so so so so sI so}", "path", text(r->recorded->path),
                     "label", text(r->recorded->label), "group", text(c->group[r->group].label), "seed",
                     text(*r->seed ? r->seed : NULL), "metric", text(r->recorded->monitor), "finished", r->finished,
                     "remark", text(r->remark), "epochs", (json_int_t)r->recorded->epochs, "best_epoch",
                     (json_int_t)s->best_epoch, "best", real(s->best), "train_at_best", real(s->train), "gap",
                     real(s->gap), "last", real(s->last), "drop", real(s->drop), "mean_after_best", real(s->after),
                     "last10", real(s->last10), "top5", real(s->top5), "best5", real(s->window), "best5_end",
                     (json_int_t)s->window_end, "change_sigma", real(s->jitter));
}

static json_t *group_json(const fpc_comparison *c, const fpc_run_group *g)
{
    json_t *settings = json_object(), *runs = json_array();

    for (int32_t k = 0; k < c->n_differing; k++)
        json_object_set_new(settings, c->differing[k], text(fpc_compare_value(g, c->differing[k])));
    for (int32_t k = 0; k < g->n; k++)
        json_array_append_new(runs, text(g->run[k]->recorded->label));
    return json_pack("{so so si so so so so so so so}", "label", text(g->label), "name", text(g->name), "finished",
                     (int)g->n_finished, "runs", runs, "best", real(g->best), "best_sd", real(g->best_sd), "score",
                     real(g->score), "score_sd", real(g->score_sd), "unfit", text(g->unfit), "settings", settings);
}

static const char *kind_name(fpc_verdict_kind kind)
{
    static const char *const name[] = {"none", "equal", "within", "pictures", "larger"};

    return name[kind];
}

static json_t *verdict_json(const fpc_comparison *c, const fpc_verdict *v)
{
    const int known = v->kind != FPC_VERDICT_NONE;

    return json_pack("{so so ss so so so so so so so so so si si so}", "a", text(c->group[v->a].label), "b",
                     text(c->group[v->b].label), "call", kind_name(v->kind), "text", text(fpc_verdict_text(c, v)),
                     "difference", real(known ? v->d.value : NAN), "lo", real(known ? v->d.lo : NAN), "hi",
                     real(known ? v->d.hi : NAN), "se", real(known ? v->d.se : NAN), "df", real(known ? v->d.df : NAN),
                     "p", real(known ? v->d.p : NAN), "p_corrected", real(known ? v->corrected : NAN), "smallest",
                     real(known ? v->d.smallest : NAN), "seeds_a", (int)c->group[v->a].n_finished, "seeds_b",
                     (int)c->group[v->b].n_finished, "seeds_needed",
                     v->seeds_needed > 0 ? json_integer(v->seeds_needed) : json_null());
}

static json_t *sweep_json(const fpc_comparison *c)
{
    fpc_sweep_row *row;
    const int32_t n = c->by ? fpc_compare_sweep(c, &row) : 0;
    json_t *list = json_array();

    for (int32_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{so so si so so so so so so so so so}", "value", text(row[i].value),
                                              "group", text(c->group[row[i].group].label), "runs", (int)row[i].runs,
                                              "best", real(row[i].best), "best_sd", real(row[i].best_sd), "best_epoch",
                                              real(row[i].best_epoch), "train_at_best", real(row[i].train), "gap",
                                              real(row[i].gap), "last", real(row[i].last), "drop", real(row[i].drop),
                                              "share", real(row[i].share), "score", real(row[i].score)));
    return n ? json_pack("{so so}", "key", text(c->by), "rows", list) : (json_decref(list), json_null());
}

/* At the quarters of the epochs that both have. */
static json_t *epochs_json(const fpc_comparison *c)
{
    const fpc_run_group *ref = &c->group[c->reference];
    json_t *list = json_array();

    for (int32_t g = 0; g < c->n; g++) {
        int64_t epoch[4];
        const int32_t n = g == c->reference ? 0 : fpc_compare_epochs(&c->group[g], ref, epoch);
        for (int32_t i = 0; i < n; i++) {
            double value[2], best[2];
            fpc_compare_at(&c->group[g], epoch[i], &value[0], &best[0]);
            fpc_compare_at(ref, epoch[i], &value[1], &best[1]);
            json_array_append_new(list, json_pack("{so so sI so so so so}", "a", text(c->group[g].label), "b",
                                                  text(ref->label), "epoch", (json_int_t)epoch[i], "value_a",
                                                  real(value[0]), "value_b", real(value[1]), "best_a", real(best[0]),
                                                  "best_b", real(best[1])));
        }
    }
    return list;
}

fpc_status fpc_compare_print_json(fpc_cmdline *cmd, const fpc_comparison *c)
{
    json_t *root = json_object(), *runs = json_array(), *groups = json_array(), *verdicts = json_array(),
           *differing = json_array(), *notes = json_array();
    char *out;

    for (int32_t i = 0; i < c->n_runs; i++)
        json_array_append_new(runs, run_json(c, &c->run[i]));
    for (int32_t g = 0; g < c->n; g++)
        json_array_append_new(groups, group_json(c, &c->group[g]));
    for (int32_t i = 0; i < c->n_verdicts; i++)
        json_array_append_new(verdicts, verdict_json(c, &c->verdict[i]));
    for (int32_t k = 0; k < c->n_differing; k++)
        json_array_append_new(differing, text(c->differing[k]));
    for (int32_t i = 0; i < c->n_notes; i++)
        json_array_append_new(notes, text(c->note[i]));
    json_object_set_new(root, "runs", runs);
    json_object_set_new(root, "groups", groups);
    json_object_set_new(root, "differing", differing);
    json_object_set_new(root, "equal_epochs", epochs_json(c));
    json_object_set_new(root, "sweep", sweep_json(c));
    json_object_set_new(root, "reference", text(c->group[c->reference].label));
    json_object_set_new(root, "pictures", json_integer(c->pictures));
    json_object_set_new(root, "run_spread", real(c->spread));
    json_object_set_new(root, "run_spread_measured", json_boolean(c->spread_df > 0));
    json_object_set_new(root, "verdicts", verdicts);
    json_object_set_new(root, "notes", notes);
    out = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    if (!out)
        return fpc_fail(cmd->ctx, FPC_ENOMEM, "the comparison does not fit into memory");
    fpc_print("%s\n", out);
    free(out);
    return FPC_OK;
}
