/* How sure the differences of results are: models of one evaluation against its first, and the last
 * ones of several evaluations against that of the first. */
#include <stdlib.h>

#include "base/error.h"
#include "train/evaluation/difference.h"
#include "train/evaluation/result_full.h"
#include "train/report/report.h"

/* A model of a result. Its pictures are drawn anew once, for all that it is compared with. */
struct side {
    const struct report_result *result;
    const cJSON *row; /* NULL: there is none */
    struct difference_drawn drawn;
    bool usable;
};

static struct side *side_open(const struct report *r, const struct report_result *x,
                              const cJSON *row) {
    struct side *s = mem_alloc(1, sizeof *s);
    *s = (struct side){.result = x, .row = row, .drawn.analysis.file.fd = -1};
    if (!row) return s;
    struct difference_side of = {r->run[x->run].look.dir, result_model(row)};
    s->usable = difference_open(&s->drawn, of) == 0;
    error_clear();
    return s;
}

static void side_close(struct side *s) {
    if (s) difference_close(&s->drawn);
    free(s);
}

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
static void add_pair(struct table *t, struct side *a, struct side *b, const char *against) {
    struct difference d = {0};
    if (!a->usable || !b->usable) return;
    if (difference_between(&d, &a->drawn, &b->drawn, DIFFERENCE_RESAMPLES, DIFFERENCE_SEED))
        error_clear();
    else if (!d.why)
        put_rows(t, b->result, b->row, against, &d);
    difference_free(&d);
}

static const cJSON *row_at(const struct report_result *x, int i) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(x->json, "rows");
    return cJSON_GetArrayItem(rows, i < 0 ? cJSON_GetArraySize(rows) - 1 : i);
}

/* Models of a result against its first; its last one against `closing`, that of the first result,
 * which is NULL before there is one. -> the last one. */
static struct side *add_result(struct table *t, const struct report *r,
                               const struct report_result *x, struct side *closing) {
    struct side *first = side_open(r, x, row_at(x, 0)), *last = first;
    const cJSON *row;
    for (int i = 1; (row = row_at(x, i)); i++) {
        if (last != first) side_close(last);
        last = side_open(r, x, row);
        add_pair(t, first, last, result_title(result_model(first->row)));
    }
    if (closing && closing->row && last->row) {
        char *against =
            mem_format("%s, %s", closing->result->label, result_title(result_model(closing->row)));
        add_pair(t, closing, last, against);
        free(against);
    }
    if (last != first) side_close(first);
    return last;
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
    struct side *closing = NULL;
    for (size_t i = 0; i < r->n_results; i++) {
        struct side *last = add_result(t, r, &r->result[i], closing);
        if (closing)
            side_close(last);
        else
            closing = last;
    }
    side_close(closing);
}
