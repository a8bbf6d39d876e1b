/* test_report.c: what stands in a table is the same as text and as JSON; names from elsewhere steer no terminal. */
#define _GNU_SOURCE
#include "fixture.h"
#include "cmd/report/report.h"

#include <jansson.h>
#include <math.h>

static const fpc_column columns[] = {
    {"name", "name", FPC_AS_TEXT, ""}, {"n", "n", FPC_AS_COUNT, ""},   {"f", "F", FPC_AS_SCORE, ""},
    {"d", "d", FPC_AS_DIFF, ""},       {"p", "%", FPC_AS_PERCENT, ""}, {"c", "+%", FPC_AS_CHANGE, ""},
    {"s", "slope", FPC_AS_SLOPE, ""},  {"r", "lr", FPC_AS_RATE, ""},   {0}};
static const double numbers[] = {NAN, 112, 0.68889, 0.0098, 95.983, 1.428, -0.0000012, 7.333e-4};

static fpc_table *fill(bench *b, fpc_report *r, int rows)
{
    fpc_table *t;

    *r = (fpc_report){.arena = b->arena};
    t = fpc_report_table(r, &r->overview, "table", "Table", columns);
    for (int i = 0; i < rows; i++) {
        fpc_cell *c = fpc_report_row(r, t);
        for (int k = 0; k < 8; k++) {
            assert_true(isnan(c[k].number) && !c[k].text);
            c[k] = fpc_cell_number(numbers[k] + (k == 1 ? i : 0));
        }
        c[0] = fpc_cell_text("a\033[31m\n\302\233\377\303\244");
    }
    assert_true(t->n_rows == rows && t->n_columns == 8 && !r->failed);
    return t;
}

static void cells(void **state)
{
    static const char *const want[] = {"a?[31m???\303\244", "112",      "0.6889", "+0.0098", "95.98", "+1.43",
                                       "+0.00000",          "7.333e-04"};
    bench *b = *state;
    fpc_report r;
    const fpc_table *t = fill(b, &r, 1);
    const fpc_cell none = fpc_cell_number(NAN), zero = fpc_cell_count(0);

    for (int k = 0; k < 8; k++)
        assert_string_equal(fpc_cell_show(b->arena, &columns[k], &t->cell[k]), want[k]);
    assert_string_equal(fpc_cell_show(b->arena, &columns[2], &none), "-");
    assert_string_equal(fpc_cell_show(b->arena, &columns[1], &zero), "-");
    assert_string_equal(fpc_report_clean(b->arena, "\355\240\200 \360\237\230\200"), "??? \360\237\230\200");
}

static void grows(void **state)
{
    bench *b = *state;
    fpc_report r;
    const fpc_table *t = fill(b, &r, 100);

    for (int i = 0; i < 100; i++)
        assert_true(t->cell[i * 8 + 1].number == 112 + i);
    for (int i = 1; i < FPC_REPORT_TABLES; i++)
        assert_non_null(fpc_report_table(&r, &r.overview, "more", "More", columns));
    assert_null(fpc_report_table(&r, &r.overview, "more", "More", columns));
    assert_true(r.failed);
    fpc_report_row(&r, NULL)[0] = fpc_cell_text("nowhere");
}

static void as_json(void **state)
{
    bench *b = *state;
    fpc_report r;
    fpc_table *t = fill(b, &r, 2);
    json_t *root;
    const json_t *row;

    fpc_report_note(&r, &r.overview, "%s of %d", "\377", 3);
    root = fpc_report_json(&r);
    row = json_array_get(json_object_get(json_object_get(root, "overview"), "table"), 1);
    assert_int_equal(json_object_size(row), 8);
    assert_true(json_is_integer(json_object_get(row, "n")) && json_integer_value(json_object_get(row, "n")) == 113);
    assert_true(json_real_value(json_object_get(row, "f")) == 0.68889);
    assert_true(json_is_string(json_object_get(row, "name")));
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(json_object_get(root, "overview"), "notes"), 0)), "? of 3");
    json_decref(root);
    t->upright = 1;
    t->cell[2].number = NAN;
    root = fpc_report_json(&r);
    row = json_object_get(json_object_get(root, "overview"), "table");
    assert_true(json_is_object(row) && json_is_null(json_object_get(row, "f")));
    json_decref(root);
}

static void as_text(void **state)
{
    bench *b = *state;
    fpc_report r;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    fill(b, &r, 1)->note = "Beneath.";
    r.n_runs = 2;
    r.run = fpc_alloc(b->arena, 2 * sizeof *r.run);
    r.run[0].title = "first";
    r.run[1].title = "second";
    fpc_print_to(out);
    assert_int_equal(fpc_report_print(&r, 0), FPC_OK);
    fclose(out);
    fpc_print_to(NULL);
    assert_string_equal(text, "\nTable\n"
                              "  name          n       F        d      %     +%     slope         lr\n"
                              "  a?[31m???\303\244  112  0.6889  +0.0098  95.98  +1.43  +0.00000  7.333e-04\n"
                              "  Beneath.\n");
    free(text);
}

/* A column without a title stands in the JSON alone, one without a key in the text alone; what would be blanks at the
 * end of a line is not printed; columns are copied. */
static void one_table(void **state)
{
    fpc_column own[] = {{"", "rank", FPC_AS_COUNT, 0},
                        {"path", NULL, FPC_AS_TEXT, 0},
                        {"done", "done", FPC_AS_FLAG, 0},
                        {"e", "@", FPC_AS_BRIEF, 0},
                        {"", "of", FPC_AS_COUNT, 0},
                        {"remark", "", FPC_AS_TEXT, 0},
                        {0}};
    bench *b = *state;
    fpc_report r = {.arena = b->arena};
    fpc_table *t = fpc_table_new(&r, "one", own);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    memset(own, 0, sizeof own);
    fpc_report_add(&r, t, fpc_cell_number(1), fpc_cell_text("a/b"), fpc_cell_number(1), fpc_cell_number(17.50001),
                   fpc_cell_text("2 of 3"), fpc_cell_maybe("cut"));
    fpc_report_add(&r, t, fpc_cell_number(2), fpc_cell_text("c"), fpc_cell_number(0), fpc_cell_number(NAN),
                   fpc_cell_number(3), fpc_cell_text(""));
    assert_true(t->n_columns == 6 && t->n_rows == 2 && !r.failed);
    fpc_print_to(out);
    assert_int_equal(fpc_table_print(b->arena, t, "> "), FPC_OK);
    fpc_print_to(NULL);
    fclose(out);
    assert_string_equal(text, "> rank  done     @      of\n"
                              ">    1   yes  17.5  2 of 3  cut\n"
                              ">    2    no     -       3\n");
    free(text);
    json_t *rows = fpc_table_json(&r, t), *row = json_array_get(rows, 0);
    assert_int_equal(json_object_size(row), 4);
    assert_true(json_is_true(json_object_get(row, "done")));
    assert_string_equal(json_string_value(json_object_get(row, "remark")), "cut");
    assert_true(json_is_false(json_object_get(json_array_get(rows, 1), "done")));
    assert_true(json_is_null(json_object_get(json_array_get(rows, 1), "e")));
    json_decref(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(cells), CASE(grows), CASE(as_json), CASE(as_text), CASE(one_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
