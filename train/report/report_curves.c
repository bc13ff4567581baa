/* Curves of training: a chart for each figure of each stage, runs of one config in one chart. */
#include <stdlib.h>
#include <string.h>

#include "train/report/chart.h"
#include "train/report/html.h"
#include "train/report/report.h"

struct lines {
    struct chart_line *at;
    size_t n, cap;
};

static double *copy(const double *x, size_t n) {
    double *to = mem_alloc(n, sizeof *to);
    memcpy(to, x, n * sizeof *to);
    return to;
}

static void add(struct lines *l, const char *name, const struct run_curve *c) {
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] = (struct chart_line){
        .name = name, .x = copy(c->step, c->n), .y = copy(c->at, c->n), .n = c->n};
}

static void draw(struct lines *l, const char *title, struct str *out) {
    if (l->n) chart_lines(title, l->at, l->n, out);
    for (size_t i = 0; i < l->n; i++) {
        free(l->at[i].x);
        free(l->at[i].y);
    }
    free(l->at);
    *l = (struct lines){0};
}

/* The runs of a config, and which of their two phases. */
struct stage_runs {
    const struct report *report;
    const char *config;
    bool pretrain;
    size_t n; /* that have curves */
};

static const struct run_curves *curves_of(const struct stage_runs *s, size_t run) {
    const struct report_run *x = &s->report->run[run];
    if (strcmp(x->look.config, s->config) != 0) return NULL;
    const struct run_curves *c = s->pretrain ? &x->pretrain : &x->curves;
    return c->n ? c : NULL;
}

static const char *name_of(const struct stage_runs *s, size_t run) {
    const struct report_run *x = &s->report->run[run];
    return x->label ? x->label : x->look.name;
}

static void chart_of(const struct stage_runs *s, const char *kind, const char *name,
                     struct str *out) {
    struct lines lines = {0};
    const char *title = name;
    for (size_t i = 0; i < s->report->n_runs; i++) {
        const struct run_curves *c = curves_of(s, i);
        const struct run_curve *curve = c ? run_curve(c, kind, name) : NULL;
        if (!curve) continue;
        if (!title) title = curve->name;
        if (strcmp(title, curve->name) == 0) add(&lines, name_of(s, i), curve);
    }
    char *whole = mem_format("%s%s", title ? title : "", *kind == 'v' ? ", validation" : "");
    draw(&lines, whole, out);
    free(whole);
}

/* Of a run that is alone all that its validation tells of one measure: mask_accuracy, that of the
 * seen classes, and of the retention probe. */
static void validation_of_one(const struct stage_runs *s, struct str *out) {
    for (size_t i = 0; i < s->report->n_runs; i++) {
        const struct run_curves *c = curves_of(s, i);
        const struct run_curve *first = c ? run_curve(c, "validate", NULL) : NULL;
        struct lines lines = {0};
        if (!first) continue;
        for (size_t k = 0; k < c->n; k++)
            if (strcmp(c->at[k].kind, "validate") == 0 &&
                (strncmp(c->at[k].name, first->name, strlen(first->name)) == 0 ||
                 strcmp(c->at[k].name, "probe_accuracy") == 0))
                add(&lines, c->at[k].name, &c->at[k]);
        char *title = mem_format("%s, validation", first->name);
        draw(&lines, title, out);
        free(title);
    }
}

static void stage_part(struct stage_runs *s, struct str *out) {
    for (size_t i = 0; i < s->report->n_runs; i++) s->n += curves_of(s, i) != NULL;
    if (!s->n) return;
    str_add(out, "<h3>");
    html_text(out, s->config);
    str_add(out, "%s</h3>\n<div class=\"charts\">\n", s->pretrain ? ": first phase" : "");
    chart_of(s, "train", "loss", out);
    if (s->n == 1) {
        validation_of_one(s, out);
    } else {
        chart_of(s, "validate", NULL, out);
        chart_of(s, "validate", "probe_accuracy", out);
    }
    chart_of(s, "train", "lr", out);
    str_add(out, "</div>\n");
}

void report_curves_part(const struct report *r, struct str *out) {
    for (size_t i = 0; i < r->n_runs; i++) {
        const char *config = r->run[i].look.config;
        bool seen = false;
        for (size_t k = 0; k < i; k++) seen |= strcmp(r->run[k].look.config, config) == 0;
        for (int phase = 0; phase < 2 && !seen; phase++) {
            struct stage_runs s = {.report = r, .config = config, .pretrain = phase == 0};
            stage_part(&s, out);
        }
    }
}
