/* What trainings gained on their validation and what they forgot, by the retention probe; and what
 * lies between the CLIP that they began with and theirs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/clip_blend.h"
#include "train/report/chart.h"
#include "train/report/html.h"
#include "train/report/report.h"

/* ---- before and after ---- */

/* The curve of a figure that was measured before the first step, too; NULL. */
static const struct run_curve *whole_curve(const struct report_run *run, const char *figure) {
    const struct run_curve *c = run_curve(&run->curves, "validate", figure);
    return c && c->n > 1 && c->step[0] == 0 ? c : NULL;
}

/* A setting as the run's settings.yaml has it; "" when it does not say. */
static const char *setting_of(const struct report_run *run, const char *key) {
    const struct said_settings *s = &run->settings;
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->at[i].key, key) == 0) return s->at[i].value;
    return "";
}

static bool same_setting(const struct report_run *a, const struct report_run *b, const char *key) {
    return strcmp(setting_of(a, key), setting_of(b, key)) == 0;
}

/* The run of the chain's CLIP that a run went on from, when it was measured in the same way. */
static const struct report_run *begun_from(const struct report *r, const struct report_run *run,
                                           const char *figure, const char *key) {
    for (size_t i = 0; i < run->look.n_inputs; i++) {
        const struct run_input *in = &run->look.input[i];
        if (!in->run || strcmp(in->name, "clip") != 0) continue;
        for (size_t k = 0; k < run->n_from; k++) {
            const struct report_run *from = &r->run[run->from[k]];
            char *real = realpath(in->path, NULL);
            bool is = real && strcmp(real, from->real) == 0;
            free(real);
            if (is && whole_curve(from, figure) && same_setting(run, from, key)) return from;
        }
    }
    return NULL;
}

/* The name of a set, or of the probe's file without its folders: a page is of no machine. */
static char *measured_on(const struct report_run *run, const char *key) {
    char *name = mem_strdup(path_base(setting_of(run, key)));
    size_t n = strlen(name);
    if (n && name[n - 1] == '"') name[n - 1] = '\0'; /* of a quoted path */
    return name;
}

static void add_row(struct table *t, const struct report *r, const struct report_run *run,
                    const char *figure, const char *key, const char *what) {
    const struct run_curve *c = whole_curve(run, figure);
    if (!c) return;
    const struct report_run *first = run, *next;
    for (int k = 0; k < 16 && (next = begun_from(r, first, figure, key)); k++) first = next;
    double after = c->at[c->n - 1], start = whole_curve(first, figure)->at[0];
    char *set = measured_on(run, key), *on = mem_format("%s%s", what, set);
    table_text(t, run->label ? run->label : run->look.name);
    table_text(t, on);
    table_number(t, c->at[0]);
    table_number(t, after);
    table_number(t, after - c->at[0]);
    table_number(t, after - start);
    free(on);
    free(set);
}

void report_retention(struct table *t, const struct report *r) {
    table_open(t, "retention", "Gained and forgotten");
    table_note(
        t,
        "Accuracy on true masks, percent, before the first step and after the last: of the "
        "held-out set, and of the retention probe, whose pictures and names are the same for "
        "every run. Where the first rises and the second falls, something was forgotten.");
    table_column(t, COLUMN_TEXT, "run");
    table_column(t, COLUMN_TEXT, "measured on");
    table_column(t, COLUMN_NUMBER, "before");
    table_column(t, COLUMN_NUMBER, "after");
    table_column(t, COLUMN_GAIN, "change");
    table_column(t, COLUMN_GAIN, "since the chain began");
    for (size_t i = 0; i < r->n_runs; i++) {
        add_row(t, r, &r->run[i], "mask_accuracy", "validate.set", "validation: ");
        add_row(t, r, &r->run[i], "probe_accuracy", "validate.probe", "probe: ");
    }
}

/* ---- between two models ---- */

static double number_in(const cJSON *point, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(point, key);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

static const char *text_in(const cJSON *json, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    return text ? text : "?";
}

cJSON *report_blend(const char *dir) {
    cJSON *json = run_json(dir, blend_file);
    if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "points"))) return json;
    cJSON_Delete(json);
    return NULL;
}

static const struct {
    const char *key, *title;
} shown[] = {{"mask_accuracy", "validation"}, {"probe_accuracy", "probe"}};
enum { SHOWN = sizeof shown / sizeof *shown };

void report_blends(struct table *t, const struct report *r) {
    table_open(t, "blend", "Between two models");
    table_note(t,
               "Accuracy on true masks, percent, of models whose weights are (1 - alpha) of the "
               "first and alpha of the second.");
    table_column(t, COLUMN_TEXT, "from");
    table_column(t, COLUMN_TEXT, "to");
    table_column(t, COLUMN_NUMBER, "alpha");
    for (int k = 0; k < SHOWN; k++) table_column(t, COLUMN_NUMBER, shown[k].title);
    for (size_t i = 0; i < r->n_runs; i++) {
        const cJSON *json = r->run[i].blend, *point;
        cJSON_ArrayForEach(point, cJSON_GetObjectItemCaseSensitive(json, "points")) {
            table_text(t, text_in(json, "from"));
            table_text(t, text_in(json, "to"));
            table_number(t, number_in(point, "alpha"));
            for (int k = 0; k < SHOWN; k++) table_number(t, number_in(point, shown[k].key));
        }
    }
}

static void draw(const cJSON *json, struct str *out) {
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(json, "points"), *point;
    size_t n = (size_t)cJSON_GetArraySize(points), k = 0, lines = 0;
    double *x = mem_alloc(SHOWN * (n + 1), sizeof *x), *y = mem_alloc(SHOWN * (n + 1), sizeof *y);
    struct chart_line line[SHOWN];
    cJSON_ArrayForEach(point, points) {
        for (size_t i = 0; i < SHOWN; i++) {
            x[i * n + k] = number_in(point, "alpha");
            y[i * n + k] = number_in(point, shown[i].key);
        }
        k++;
    }
    for (size_t i = 0; i < SHOWN; i++) {
        bool any = false;
        for (k = 0; k < n; k++) any |= isfinite(y[i * n + k]);
        if (any) line[lines++] = (struct chart_line){shown[i].title, x + i * n, y + i * n, n};
    }
    char *title =
        mem_format("mask accuracy from %s to %s", text_in(json, "from"), text_in(json, "to"));
    if (lines) chart_lines(title, line, lines, out);
    free(title);
    free(x);
    free(y);
}

void report_retention_part(const struct report *r, const struct report_tables *t, struct str *out) {
    struct str charts = {0};
    if (table_rows(&t->retention)) {
        str_add(out, "<p class=\"soft\">");
        html_text(out, t->retention.note);
        str_add(out, "</p>\n");
        table_html(&t->retention, out);
    }
    for (size_t i = 0; i < r->n_runs; i++)
        if (r->run[i].blend) draw(r->run[i].blend, &charts);
    if (charts.n) {
        str_add(out, "<h3>%s</h3>\n<p class=\"soft\">", t->blend.title);
        html_text(out, t->blend.note);
        str_add(out, "</p>\n<div class=\"charts\">\n%s</div>\n", charts.at);
    }
    str_free(&charts);
}
