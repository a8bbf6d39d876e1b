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
    static const char *const name[] = {"none", "equal", "within", "alone", "larger"};

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
                     real(known && v->kind != FPC_VERDICT_EQUAL ? v->d.smallest : NAN), "seeds_a",
                     (int)c->group[v->a].n_finished, "seeds_b", (int)c->group[v->b].n_finished, "seeds_needed",
                     v->seeds_needed > 0 ? json_integer(v->seeds_needed) : json_null());
}

static json_t *sweep_json(fpc_report *r, const fpc_comparison *c)
{
    const fpc_table *t = fpc_compare_by(r, c);

    return t && t->n_rows ? json_pack("{so so}", "key", text(c->by), "rows", fpc_table_json(r, t)) : json_null();
}

fpc_status fpc_compare_print_json(fpc_cmdline *cmd, const fpc_comparison *c)
{
    fpc_report r = {.arena = cmd->arena};
    const fpc_table *runs = fpc_compare_ranking(&r, c), *epochs = fpc_compare_equal_epochs(&r, c);
    json_t *root = json_object(), *groups = json_array(), *verdicts = json_array(), *differing = json_array(),
           *notes = json_array();
    char *out;

    for (int32_t g = 0; g < c->n; g++)
        json_array_append_new(groups, group_json(c, &c->group[g]));
    for (int32_t i = 0; i < c->n_verdicts; i++)
        json_array_append_new(verdicts, verdict_json(c, &c->verdict[i]));
    for (int32_t k = 0; k < c->n_differing; k++)
        json_array_append_new(differing, text(c->differing[k]));
    if (c->measured)
        json_array_append_new(notes, text(c->measured));
    for (int32_t i = 0; i < c->n_notes; i++)
        json_array_append_new(notes, text(c->note[i]));
    json_object_set_new(root, "runs", runs ? fpc_table_json(&r, runs) : NULL);
    json_object_set_new(root, "measure", text(c->measure));
    json_object_set_new(root, "groups", groups);
    json_object_set_new(root, "differing", differing);
    json_object_set_new(root, "equal_epochs", epochs ? fpc_table_json(&r, epochs) : NULL);
    json_object_set_new(root, "sweep", sweep_json(&r, c));
    json_object_set_new(root, "reference", text(c->group[c->reference].label));
    json_object_set_new(root, "pictures", json_integer(c->pictures));
    json_object_set_new(root, "run_spread", real(c->spread));
    json_object_set_new(root, "run_spread_measured", json_boolean(c->spread_df > 0));
    json_object_set_new(root, "verdicts", verdicts);
    json_object_set_new(root, "notes", notes);
    out = r.failed ? NULL : json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    if (!out)
        return fpc_fail(cmd->ctx, FPC_ENOMEM, "the comparison does not fit into memory");
    fpc_print_json(out);
    free(out);
    return FPC_OK;
}
