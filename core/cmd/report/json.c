/* json.c: a report as JSON. A table is an array of objects, a row each, under the keys of the columns; one with
 * a single upright row is an object. What has no value is null. */
#include "cmd/report/report.h"

#include <jansson.h>
#include <math.h>

static json_t *cell_of(const fpc_report *r, const fpc_column *column, const fpc_cell *cell)
{
    if (cell->text) { /* quoted, not defused: NULL where it is no UTF-8 */
        json_t *text = json_string(cell->text);
        return text ? text : json_string(fpc_report_clean(r->arena, cell->text));
    }
    if (!isfinite(cell->number))
        return json_null();
    if (column->as == FPC_AS_FLAG)
        return json_boolean(cell->number != 0);
    return column->as == FPC_AS_COUNT ? json_integer((json_int_t)llround(cell->number)) : json_real(cell->number);
}

static json_t *row_of(const fpc_report *r, const fpc_table *t, int32_t row)
{
    json_t *object = json_object();

    for (int32_t c = 0; c < t->n_columns; c++)
        if (*t->column[c].key)
            json_object_set_new(object, t->column[c].key,
                                cell_of(r, &t->column[c], &t->cell[(size_t)row * (size_t)t->n_columns + (size_t)c]));
    return object;
}

json_t *fpc_table_json(const fpc_report *r, const fpc_table *t)
{
    json_t *array;

    if (t->upright)
        return row_of(r, t, 0);
    array = json_array();
    for (int32_t i = 0; i < t->n_rows; i++)
        json_array_append_new(array, row_of(r, t, i));
    return array;
}

static json_t *chapter_of(const fpc_report *r, const fpc_chapter *chapter)
{
    json_t *object = json_object(), *notes = json_array();

    for (int32_t i = 0; i < chapter->n_tables; i++)
        if (chapter->table[i]->n_rows)
            json_object_set_new(object, chapter->table[i]->key, fpc_table_json(r, chapter->table[i]));
    for (int32_t i = 0; i < chapter->n_notes; i++)
        json_array_append_new(notes, json_string(chapter->note[i]));
    json_object_set_new(object, "notes", notes);
    return object;
}

json_t *fpc_report_json(const fpc_report *r)
{
    json_t *root = json_object(), *runs = json_array();

    json_object_set_new(root, "overview", chapter_of(r, &r->overview));
    for (int32_t i = 0; i < r->n_runs; i++)
        json_array_append_new(runs, chapter_of(r, &r->run[i]));
    json_object_set_new(root, "runs", runs);
    return root;
}
