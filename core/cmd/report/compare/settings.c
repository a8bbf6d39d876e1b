/* settings.c: which settings differ between groups of runs, and by which key a sweep table is made. Keys stand
 * in the resolved recipes, so a default that is written out equals one that is not. */
#include "cmd/report/compare/compare.h"
#include "base/text.h"
#include "recipe/options.h"
#include "base/spelling.h"

#include <stdlib.h>
#include <string.h>

const char *fpc_compare_value(const fpc_run_group *g, const char *key)
{
    const fpc_compared_run *r = g->run[0];

    for (int32_t i = 0; i < r->n_settings; i++)
        if (!strcmp(r->setting[i].key, key))
            return r->setting[i].value;
    return NULL;
}

/* Every key of every group, once, sorted. */
static fpc_status all_keys(const fpc_comparison *c, int32_t *n, const char ***out)
{
    size_t most = 1;
    const char **key;
    int32_t m = 0;

    for (int32_t g = 0; g < c->n; g++)
        most += (size_t)c->group[g].run[0]->n_settings;
    if (!(key = fpc_alloc(c->arena, most * sizeof *key)))
        return FPC_ENOMEM;
    for (int32_t g = 0; g < c->n; g++)
        for (int32_t i = 0; i < c->group[g].run[0]->n_settings; i++)
            key[m++] = c->group[g].run[0]->setting[i].key;
    qsort(key, (size_t)m, sizeof *key, fpc_by_text);
    *n = 0;
    for (int32_t i = 0; i < m; i++)
        if (i == 0 || strcmp(key[i - 1], key[i]))
            key[(*n)++] = key[i];
    *out = key;
    return FPC_OK;
}

/* A group without a recipe says nothing of its settings. */
static int differs(const fpc_comparison *c, const char *key)
{
    const char *first = NULL;
    int known = 0;

    for (int32_t g = 0; g < c->n; g++) {
        const char *v = fpc_compare_value(&c->group[g], key);
        if (!c->group[g].run[0]->n_settings)
            continue;
        if (known++ == 0)
            first = v;
        else if (!v != !first || (v && strcmp(v, first)))
            return 1;
    }
    return 0;
}

fpc_status fpc_compare_settings(fpc_comparison *c, const char *by)
{
    const char **key;
    int32_t n, i = 0;
    const fpc_status status = all_keys(c, &n, &key);

    if (status)
        return status;
    if (!(c->differing = fpc_alloc(c->arena, ((size_t)n + 1) * sizeof *c->differing)))
        return FPC_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        if (differs(c, key[k]))
            c->differing[c->n_differing++] = key[k];
    if (!by) {
        c->by = c->n_differing == 1 ? c->differing[0] : NULL;
        return FPC_OK;
    }
    while (i < n && strcmp(key[i], by))
        i++;
    if (i == n) {
        const char *near = fpc_nearest(by, n, key);
        return fpc_fail(c->ctx, FPC_EINVAL, "fpcore compare: --by %s: no recipe of these runs has that key%s%s%s", by,
                        near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    c->by = key[i];
    return FPC_OK;
}
