/* A table that is written as CSV, Markdown and HTML: what one of them says, all say.
 *
 *     struct table t = {.name = "cost", .title = "Cost"};
 *     table_column(&t, COLUMN_TEXT, "run");
 *     table_column(&t, COLUMN_SPAN, "seconds");
 *     table_text(&t, "mpt");
 *     table_number(&t, 17.7);
 *
 * Cells come row by row. Texts may hold anything: each form escapes what it must.
 */
#pragma once

#include <stdbool.h>

#include "base/mem.h"
#include "train/report/spread.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER, /* with one digit behind the point; NaN is a dash */
    COLUMN_COUNT,  /* with none */
    COLUMN_GAIN,   /* with its sign */
    COLUMN_SPAN,   /* seconds, shown as "4 min 05 s" */
    COLUMN_BYTES,
    COLUMN_SPREAD,      /* mean and deviation: two columns in CSV */
    COLUMN_SPREAD_GAIN, /* the same, with the mean's sign, where it shows */
};

struct table_column {
    char *name;
    enum column_kind kind;
    bool best; /* HTML shows the greatest in bold */
};

struct table_cell {
    char *text; /* of COLUMN_TEXT */
    double x, deviation;
};

struct table {
    const char *name; /* of its CSV file, without .csv */
    char *title, *note;
    struct table_column *column;
    size_t n_columns, columns_cap;
    struct table_cell *cell; /* [rows * n_columns] */
    size_t n_cells, cells_cap;
};

void table_open(struct table *t, const char *name, const char *title);
void table_note(struct table *t, const char *note);
void table_column(struct table *t, enum column_kind kind, const char *name);
void table_column_best(struct table *t, enum column_kind kind, const char *name);
void table_text(struct table *t, const char *text);
void table_number(struct table *t, double x);
void table_spread(struct table *t, struct spread s);
void table_free(struct table *t);

size_t table_rows(const struct table *t);

void table_csv(const struct table *t, struct str *out);
void table_markdown(const struct table *t, struct str *out); /* with title and note */
/* Rows from .. end without the first `skip` columns, in a box that scrolls sideways. */
void table_html_part(const struct table *t, size_t from, size_t end, size_t skip, struct str *out);
void table_html(const struct table *t, struct str *out);

/* Text in a cell or paragraph of Markdown, where nothing of it is markup. */
void markdown_text(struct str *out, const char *text);
