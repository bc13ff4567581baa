/* How sure the differences of results are: models of one evaluation against its first, and the last
 * ones of several evaluations against that of the first. */
#include <stdlib.h>

#include "base/error.h"
#include "train/difference.h"
#include "train/report/report.h"
#include "train/result_full.h"

static void put_rows(struct table *t, const struct report_result *x, const cJSON *row,
                     const char *against, const struct difference *d) {
    static const enum bootstrap_figure shown[] = {FIGURE_MIOU, FIGURE_MIOU_SEEN,
                                                  FIGURE_MIOU_UNSEEN};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct interval *v = &d->figure[shown[i]];
        if (!v->draws) continue;
        table_text(t, x->label);
        table_text(t, result_title(result_model(row)));
        table_text(t, against);
        table_text(t, difference_title(shown[i]));
        table_number(t, interval_gain(v));
        table_number(t, v->low);
        table_number(t, v->high);
        table_number(t, 100 * v->better);
    }
}

/* What cannot be compared is left out, as all that is missing in a report. */
static void add_pair(struct table *t, const struct report *r, const struct report_result *a,
                     const cJSON *row_a, const struct report_result *b, const cJSON *row_b,
                     const char *against) {
    struct difference d;
    struct difference_side x = {r->run[a->run].look.dir, result_model(row_a)};
    struct difference_side y = {r->run[b->run].look.dir, result_model(row_b)};
    if (difference_of(&d, x, y, DIFFERENCE_RESAMPLES, DIFFERENCE_SEED))
        error_clear();
    else if (!d.why)
        put_rows(t, b, row_b, against, &d);
    difference_free(&d);
}

static const cJSON *row_at(const struct report_result *x, int i) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(x->json, "rows");
    return cJSON_GetArrayItem(rows, i < 0 ? cJSON_GetArraySize(rows) - 1 : i);
}

static void add_within(struct table *t, const struct report *r, const struct report_result *x) {
    const cJSON *first = row_at(x, 0), *row;
    for (int i = 1; (row = row_at(x, i)); i++)
        add_pair(t, r, x, first, x, row, result_title(result_model(first)));
}

void report_differences(struct table *t, const struct report *r) {
    table_open(t, "differences", "How sure differences are");
    table_note(t,
               "Gains in percent points, with 95 % intervals: the pictures are drawn anew with "
               "replacement, 10,000 times, and both models counted on the same draws. Where 0 lies "
               "outside, the gain is more than the choice of test pictures; of other seeds of "
               "training it says nothing.");
    table_column(t, COLUMN_TEXT, "result");
    table_column(t, COLUMN_TEXT, "model");
    table_column(t, COLUMN_TEXT, "compared with");
    table_column(t, COLUMN_TEXT, "figure");
    table_column(t, COLUMN_GAIN, "gain");
    table_column(t, COLUMN_GAIN, "from");
    table_column(t, COLUMN_GAIN, "to");
    table_column(t, COLUMN_NUMBER, "better in percent of draws");
    for (size_t i = 0; i < r->n_results; i++) {
        const struct report_result *x = &r->result[i], *first = &r->result[0];
        add_within(t, r, x);
        if (!i || !row_at(x, -1) || !row_at(first, -1)) continue;
        char *against =
            mem_format("%s, %s", first->label, result_title(result_model(row_at(first, -1))));
        add_pair(t, r, first, row_at(first, -1), x, row_at(x, -1), against);
        free(against);
    }
}
