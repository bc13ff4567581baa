/* Parts of the page: a sweep, a result, curves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/file.h"
#include "data/image.h"
#include "train/evaluation/result_full.h"
#include "train/report/chart.h"
#include "train/report/html.h"
#include "train/report/report.h"

enum { PICTURE_BYTES = 4 << 20 };

static void paragraph(struct str *out, const char *text) {
    str_add(out, "<p class=\"soft\">");
    html_text(out, text);
    str_add(out, "</p>\n");
}

/* ---- a sweep ---- */

static void sweep_chart(const struct report_sweep *s, const char *figure, struct str *out) {
    struct chart_row *row = mem_alloc(s->n_settings, sizeof *row);
    double *x = mem_alloc(s->n_trials, sizeof *x);
    for (size_t k = 0; k < s->n_trials; k++) x[k] = sweep_figure(&s->trial[k].figures, figure);
    for (size_t i = 0; i < s->n_settings; i++) {
        struct spread spread = report_spread(s, i, figure);
        row[i] = (struct chart_row){.name = s->setting[i].label,
                                    .point = x + s->setting[i].first,
                                    .n = s->setting[i].n,
                                    .mean = spread.mean,
                                    .deviation = spread.deviation};
    }
    char *title = mem_format("%s, percent", figure);
    chart_rows(title, row, s->n_settings, out);
    free(title);
    free(x);
    free(row);
}

static void paper_chart(const struct report_sweep *s, struct str *out) {
    struct chart_row *row = mem_alloc(s->n_settings, sizeof *row);
    size_t n = 0;
    for (size_t i = 0; i < s->n_settings; i++) {
        n += !isnan(s->setting[i].paper);
        row[i] = (struct chart_row){
            .name = s->setting[i].label, .mean = s->setting[i].paper, .deviation = NAN};
    }
    char *title = mem_format("paper: %s", *s->paper ? s->paper : "its figures");
    if (n) chart_rows(title, row, s->n_settings, out);
    free(title);
    free(row);
}

static size_t trials_in(const struct report_sweep *s, const char *state) {
    size_t n = 0;
    for (size_t k = 0; k < s->n_trials; k++) n += strcmp(s->trial[k].state, state) == 0;
    return n;
}

static void trial_states(const struct report_sweep *s, struct str *out) {
    static const char *const states[][2] = {{"done", "done"},
                                            {"failed", "failed"},
                                            {"not run", "failed"},
                                            {"unfinished", "unfinished"},
                                            {"waiting", "unfinished"}};
    str_add(out, "<p>");
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        size_t n = trials_in(s, states[i][0]);
        if (n)
            str_add(out, "<span class=\"state %s\">%zu of %zu trials %s</span>", states[i][1], n,
                    s->n_trials, states[i][0]);
    }
    str_add(out, "</p>\n");
}

void report_sweep_part(const struct report_sweep *s, const struct table *t, struct str *out) {
    const char *figure = report_main_figure(s);
    str_add(out, "<h3>");
    html_text(out, t->title);
    str_add(out, "</h3>\n");
    trial_states(s, out);
    paragraph(out, t->note);
    table_html(t, out);
    str_add(out, "<div class=\"charts\">\n");
    if (figure) sweep_chart(s, figure, out);
    paper_chart(s, out);
    str_add(out, "</div>\n");
}

/* ---- a result ---- */

struct class_bar {
    struct chart_bar bar;
    size_t k;
};

static int by_value(const void *a, const void *b) {
    const struct class_bar *x = a, *y = b;
    double p = isnan(x->bar.value) ? -1 : x->bar.value, q = isnan(y->bar.value) ? -1 : y->bar.value;
    return p != q ? (p < q ? 1 : -1) : x->k < y->k ? -1 : 1;
}

static double class_iou(const cJSON *row, int k) {
    const cJSON *x = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(row, "class_iou"), k);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

/* Rows of a result in a table whose first column is the result. */
static void rows_of(const struct table *t, const char *label, size_t *from, size_t *end) {
    *from = *end = 0;
    for (size_t i = 0; i < table_rows(t); i++) {
        if (strcmp(t->cell[i * t->n_columns].text, label) != 0) continue;
        if (*end == 0) *from = i;
        *end = i + 1;
    }
}

static void class_legend(const char *last, const char *first, bool splits, struct str *out) {
    str_add(out, "<p class=\"legend\"><span><i class=\"c0\"></i>");
    html_text(out, last);
    str_add(out, "%s</span>", splits ? ", seen classes" : "");
    if (splits) {
        str_add(out, "<span><i class=\"c1\"></i>");
        html_text(out, last);
        str_add(out, ", unseen classes</span>");
    }
    if (first) {
        str_add(out, "<span><i class=\"tick\"></i>");
        html_text(out, first);
        str_add(out, "</span>");
    }
    str_add(out, "</p>\n");
}

/* The best and the worst when there are too many. */
static void class_charts(struct chart_bar *bar, size_t n, size_t most, struct str *out) {
    if (n <= most) {
        size_t half = n > 12 ? (n + 1) / 2 : n;
        chart_bars("IoU by class, percent", bar, half, out);
        if (half < n) chart_bars("continued", bar + half, n - half, out);
    } else {
        chart_bars("IoU of the best classes, percent", bar, most / 2, out);
        chart_bars("IoU of the worst classes", bar + n - most / 2, most / 2, out);
    }
}

static void confused_part(const struct table *t, const char *label, size_t pairs, struct str *out) {
    size_t from, end;
    rows_of(t, label, &from, &end);
    if (end == from || !pairs) return;
    str_add(out, "<div><h4>Names taken for others, percent of their pixels</h4>\n");
    table_html_part(t, from, end - from < pairs ? end : from + pairs, 2, out);
    str_add(out, "</div>\n");
}

static void class_part(const struct report_result *x, const struct report_tables *tables,
                       const struct report_look *look, struct str *out) {
    const struct table *t = &tables->classes;
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(x->json, "rows");
    const cJSON *first = cJSON_GetArrayItem(rows, 0);
    const cJSON *last = cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);
    size_t from, end;
    rows_of(t, x->label, &from, &end);
    struct class_bar *all = mem_alloc(end - from, sizeof *all);
    struct chart_bar *bar = mem_alloc(end - from, sizeof *bar);
    bool splits = false;
    for (size_t i = from; i < end; i++) {
        const struct table_cell *c = &t->cell[i * t->n_columns];
        bool unseen = strcmp(c[2].text, "unseen") == 0;
        splits |= unseen;
        all[i - from] = (struct class_bar){
            .k = i,
            .bar = {.name = c[1].text,
                    .value = class_iou(last, (int)(i - from)),
                    .before = first == last ? NAN : class_iou(first, (int)(i - from)),
                    .colour = unseen}};
    }
    if (end > from) qsort(all, end - from, sizeof *all, by_value);
    for (size_t i = from; i < end; i++) bar[i - from] = all[i - from].bar;
    str_add(out, "<div class=\"charts\">\n");
    if (end > from) class_charts(bar, end - from, look->classes, out);
    confused_part(&tables->confused, x->label, look->pairs, out);
    str_add(out, "</div>\n");
    if (end > from)
        class_legend(result_title(result_model(last)),
                     first == last ? NULL : result_title(result_model(first)), splits, out);
    free(all);
    free(bar);
}

/* An overlay of ours, and nothing else. */
static bool put_picture(const char *dir, const char *name, struct str *out) {
    char *path = path_join(dir, name);
    struct bytes file = {0};
    int64_t h = 0, w = 0;
    bool good = !file_read(path, PICTURE_BYTES, &file) && !memcmp(file.at, "\x89PNG", 4) &&
                !image_size(file.at, file.n, path, &h, &w);
    error_clear();
    if (good) {
        str_add(out, "<img width=\"%lld\" height=\"%lld\" alt=\"", (long long)w, (long long)h);
        html_text(out, name);
        str_add(out, ": picture, prediction, truth\" src=\"data:image/png;base64,");
        base64_add(out, file.at, file.n);
        str_add(out, "\"/>\n");
    }
    bytes_free(&file);
    free(path);
    return good;
}

static void picture_part(const char *dir, size_t most, struct str *out) {
    struct strings names = {0};
    struct str pictures = {0};
    size_t n = 0;
    if (dir_list(dir, &names)) error_clear();
    for (size_t i = 0; i < names.n && n < most; i++) {
        size_t length = strlen(names.at[i]);
        if (strncmp(names.at[i], "overlay-", 8) != 0 || length < 13 ||
            strcmp(names.at[i] + length - 4, ".png") != 0)
            continue;
        n += put_picture(dir, names.at[i], &pictures);
    }
    if (n)
        str_add(out,
                "<h4>Pictures: each as it is, what the last model "
                "made of it, and the truth</h4>\n<div class=\"pictures\">%s</div>\n",
                pictures.at);
    str_free(&pictures);
    strings_free(&names);
}

void report_result_part(const struct report *r, size_t result, const struct report_tables *t,
                        const struct report_look *look, struct str *out) {
    const struct report_result *x = &r->result[result];
    str_add(out, "<details%s><summary>", result == 0 || r->n_results < 3 ? " open=\"open\"" : "");
    html_text(out, x->label);
    str_add(out, "</summary>\n");
    class_part(x, t, look, out);
    picture_part(r->run[x->run].look.dir, look->pictures, out);
    str_add(out, "</details>\n");
}
