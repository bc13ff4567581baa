#include "train/report/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "data/csv.h"
#include "train/commands/cmd_runs.h"
#include "train/report/html.h"

void table_open(struct table *t, const char *name, const char *title) {
    *t = (struct table){.name = name, .title = mem_strdup(title)};
}

void table_note(struct table *t, const char *note) {
    free(t->note);
    t->note = mem_strdup(note);
}

void table_column(struct table *t, enum column_kind kind, const char *name) {
    REQUIRE(!t->n_cells, "columns come before cells");
    t->column = mem_grow(t->column, &t->columns_cap, t->n_columns + 1, sizeof *t->column);
    t->column[t->n_columns++] = (struct table_column){mem_strdup(name), kind, false};
}

void table_column_best(struct table *t, enum column_kind kind, const char *name) {
    table_column(t, kind, name);
    t->column[t->n_columns - 1].best = true;
}

static void put(struct table *t, struct table_cell cell) {
    t->cell = mem_grow(t->cell, &t->cells_cap, t->n_cells + 1, sizeof *t->cell);
    t->cell[t->n_cells++] = cell;
}

static enum column_kind next_kind(const struct table *t) {
    return t->column[t->n_cells % t->n_columns].kind;
}

void table_text(struct table *t, const char *text) {
    REQUIRE(next_kind(t) == COLUMN_TEXT, "a text in a column of numbers");
    put(t, (struct table_cell){.text = mem_strdup(text)});
}

void table_number(struct table *t, double x) {
    REQUIRE(next_kind(t) != COLUMN_TEXT, "a number in a column of texts");
    put(t, (struct table_cell){.x = x, .deviation = NAN});
}

void table_spread(struct table *t, struct spread s) {
    REQUIRE(next_kind(t) >= COLUMN_SPREAD, "a spread where there is no column of it");
    put(t, (struct table_cell){.x = s.mean, .deviation = s.deviation});
}

void table_free(struct table *t) {
    for (size_t i = 0; i < t->n_columns; i++) free(t->column[i].name);
    for (size_t i = 0; i < t->n_cells; i++) free(t->cell[i].text);
    free(t->column);
    free(t->cell);
    free(t->title);
    free(t->note);
    *t = (struct table){0};
}

size_t table_rows(const struct table *t) { return t->n_columns ? t->n_cells / t->n_columns : 0; }

static const struct table_cell *cell_at(const struct table *t, size_t row, size_t column) {
    return &t->cell[row * t->n_columns + column];
}

/* As people read it. */
static void say_cell(enum column_kind kind, const struct table_cell *c, struct str *out) {
    char text[16];
    if (!isfinite(c->x)) {
        str_add(out, "–");
        return;
    }
    switch (kind) {
    case COLUMN_TEXT: break;
    case COLUMN_COUNT: str_add(out, "%.0f", c->x); break;
    case COLUMN_SPAN:
        clock_span(c->x, text);
        str_add(out, "%s", text);
        break;
    case COLUMN_BYTES:
        bytes_text((int64_t)c->x, text);
        str_add(out, "%s", text);
        break;
    case COLUMN_NUMBER:
    case COLUMN_SPREAD: str_add(out, "%.1f", c->x); break;
    case COLUMN_GAIN: str_add(out, "%+.1f", c->x); break;
    case COLUMN_SPREAD_GAIN: /* rounding is no direction */
        str_add(out, fabs(c->x) < 0.05 ? "%.1f" : "%+.1f", fabs(c->x) < 0.05 ? 0 : c->x);
        break;
    }
    if (kind >= COLUMN_SPREAD && isfinite(c->deviation)) str_add(out, " ± %.1f", c->deviation);
}

/* ---- CSV ---- */

static void csv_number(struct str *out, double x, bool first) {
    char text[32] = "";
    if (isfinite(x)) json_number(text, x);
    csv_put(out, text, first);
}

void table_csv(const struct table *t, struct str *out) {
    for (size_t k = 0; k < t->n_columns; k++) {
        csv_put(out, t->column[k].name, k == 0);
        if (t->column[k].kind < COLUMN_SPREAD) continue;
        char *name = mem_format("%s deviation", t->column[k].name);
        csv_put(out, name, false);
        free(name);
    }
    str_add(out, "\n");
    for (size_t i = 0; i < table_rows(t); i++) {
        for (size_t k = 0; k < t->n_columns; k++) {
            const struct table_cell *c = cell_at(t, i, k);
            if (t->column[k].kind == COLUMN_TEXT)
                csv_put(out, c->text, k == 0);
            else
                csv_number(out, c->x, k == 0);
            if (t->column[k].kind >= COLUMN_SPREAD) csv_number(out, c->deviation, false);
        }
        str_add(out, "\n");
    }
}

/* ---- Markdown ---- */

void markdown_text(struct str *out, const char *text) {
    for (; *text; text++) {
        if (*text == '<')
            str_add(out, "&lt;");
        else if (*text == '&')
            str_add(out, "&amp;");
        else if (strchr("|\\`*[]", *text))
            str_add(out, "\\%c", *text);
        else
            str_add(out, "%c", (unsigned char)*text < ' ' ? ' ' : *text);
    }
}

void table_markdown(const struct table *t, struct str *out) {
    str_add(out, "## ");
    markdown_text(out, t->title);
    str_add(out, "\n\n");
    if (t->note) {
        markdown_text(out, t->note);
        str_add(out, "\n\n");
    }
    for (size_t k = 0; k < t->n_columns; k++) {
        str_add(out, "| ");
        markdown_text(out, t->column[k].name);
        str_add(out, " ");
    }
    str_add(out, "|\n");
    for (size_t k = 0; k < t->n_columns; k++)
        str_add(out, t->column[k].kind == COLUMN_TEXT ? "|---" : "|---:");
    str_add(out, "|\n");
    for (size_t i = 0; i < table_rows(t); i++) {
        for (size_t k = 0; k < t->n_columns; k++) {
            const struct table_cell *c = cell_at(t, i, k);
            str_add(out, "| ");
            if (c->text)
                markdown_text(out, c->text);
            else
                say_cell(t->column[k].kind, c, out);
            str_add(out, " ");
        }
        str_add(out, "|\n");
    }
    str_add(out, "\n");
}

/* ---- HTML ---- */

static double best_of(const struct table *t, size_t column) {
    double best = NAN;
    size_t n = 0;
    for (size_t i = 0; t->column[column].best && i < table_rows(t); i++) {
        double x = cell_at(t, i, column)->x;
        n += isfinite(x);
        if (isfinite(x) && !(x <= best)) best = x;
    }
    return n > 1 ? best : NAN;
}

/* The first column of a row is its name. */
static void html_cell(const struct table *t, size_t row, size_t column, size_t skip,
                      struct str *out) {
    const struct table_cell *c = cell_at(t, row, column);
    const char *tag = column == skip ? "th" : "td";
    bool is_text = t->column[column].kind == COLUMN_TEXT;
    bool best = !is_text && c->x == best_of(t, column);
    str_add(out, "<%s%s>", tag,
            column == skip ? " scope=\"row\""
            : is_text      ? ""
            : best         ? " class=\"n best\""
                           : " class=\"n\"");
    if (is_text)
        html_text(out, c->text);
    else
        say_cell(t->column[column].kind, c, out);
    str_add(out, "</%s>", tag);
}

void table_html_part(const struct table *t, size_t from, size_t end, size_t skip, struct str *out) {
    str_add(out, "<div class=\"scroll\"><table><thead><tr>");
    for (size_t k = skip; k < t->n_columns; k++) {
        str_add(out, "<th scope=\"col\"%s>",
                t->column[k].kind == COLUMN_TEXT ? "" : " class=\"n\"");
        html_text(out, t->column[k].name);
        str_add(out, "</th>");
    }
    str_add(out, "</tr></thead><tbody>\n");
    for (size_t i = from; i < end; i++) {
        str_add(out, "<tr>");
        for (size_t k = skip; k < t->n_columns; k++) html_cell(t, i, k, skip, out);
        str_add(out, "</tr>\n");
    }
    str_add(out, "</tbody></table></div>\n");
}

void table_html(const struct table *t, struct str *out) {
    table_html_part(t, 0, table_rows(t), 0, out);
}
