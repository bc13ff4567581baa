#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/report/html.h"
#include "train/report/report.h"

static void section(struct str *out, const char *id, const char *title) {
    str_add(out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

static void paragraph(struct str *out, const char *class, const char *text) {
    str_add(out, "<p class=\"%s\">", class);
    html_text(out, text);
    str_add(out, "</p>\n");
}

/* ---- the top ---- */

static void tile(struct str *out, const char *value, const char *what) {
    str_add(out, "<div class=\"tile\"><b>");
    html_text(out, value);
    str_add(out, "</b><span>");
    html_text(out, what);
    str_add(out, "</span></div>\n");
}

static void count_tile(struct str *out, size_t n, const char *one, const char *many) {
    char *text = mem_format("%zu", n);
    if (n) tile(out, text, n == 1 ? one : many);
    free(text);
}

/* The best of the first column of figures. */
static void best_tile(const struct table *t, bool many, struct str *out) {
    double best = NAN;
    size_t at = 0;
    for (size_t i = 0; t->n_columns > 2 && i < table_rows(t); i++) {
        double x = t->cell[i * t->n_columns + 2].x;
        if (isfinite(x) && !(x <= best)) {
            best = x;
            at = i;
        }
    }
    if (isnan(best)) return;
    char *value = mem_format("%.1f", best);
    const struct table_cell *row = &t->cell[at * t->n_columns];
    char *what = mem_format("best %s: %s%s%s", t->column[2].name, many ? row[0].text : "",
                            many ? ", " : "", row[1].text);
    tile(out, value, what);
    free(value);
    free(what);
}

static size_t runs_in(const struct report *r, enum run_state state) {
    size_t n = 0;
    for (size_t i = 0; i < r->n_runs; i++) n += r->run[i].look.state == state;
    return n;
}

static void head(const struct report *r, const struct report_tables *t, struct str *out) {
    str_add(out, "<header><h1>ovseg report</h1>\n<p class=\"soft\">");
    for (size_t i = 0; i < r->n_sweeps; i++) {
        str_add(out, "%ssweep ", i ? ", " : "");
        html_text(out, r->sweep[i].name);
    }
    for (size_t i = 0, said = r->n_sweeps; i < r->n_named && said < 12; i++) {
        if (r->run[r->named[i]].label) continue;
        str_add(out, "%s", said++ ? ", " : "");
        html_text(out, r->run[r->named[i]].look.name);
    }
    str_add(out, "</p>\n<div class=\"tiles\">\n");
    best_tile(&t->results, r->n_results > 1, out);
    count_tile(out, r->n_sweeps, "sweep", "sweeps");
    count_tile(out, r->n_results, "evaluation", "evaluations");
    count_tile(out, r->n_runs, "run", "runs");
    count_tile(out, runs_in(r, RUN_RUNNING), "at work", "at work");
    count_tile(out, runs_in(r, RUN_UNFINISHED), "unfinished", "unfinished");
    count_tile(out, runs_in(r, RUN_FAILED), "failed", "failed");
    str_add(out, "</div></header>\n");
}

struct part {
    const char *id, *title;
    bool there;
};
enum { SWEEPS, RESULTS, RETENTION, CLASSES, CURVES, PROTOCOL, COST, RUNS, PARTS };

static void navigation(const struct part *part, struct str *out) {
    str_add(out, "<nav>");
    for (size_t i = 0; i < PARTS; i++)
        if (part[i].there) str_add(out, "<a href=\"#%s\">%s</a> ", part[i].id, part[i].title);
    str_add(out, "</nav>\n");
}

/* ---- the parts ---- */

static void say_protocol(const struct report *r, const struct report_tables *t, struct str *out) {
    if (r->n_results < 2) return;
    if (!t->decisive.n) {
        paragraph(out, "note ok",
                  "Measured in the same way: nothing differs that mIoU may depend on, but for the "
                  "models.");
        return;
    }
    str_add(out, "<p class=\"note bad\">Not all were measured in the same way: what differs is ");
    html_text(out, t->decisive.at);
    str_add(out,
            ". Figures may differ for that alone; see <a href=\"#protocol\">Protocol</a>.</p>\n");
}

static void results_part(const struct report *r, const struct report_tables *t, struct str *out) {
    paragraph(out, "soft", t->results.note);
    say_protocol(r, t, out);
    table_html_part(&t->results, 0, table_rows(&t->results), r->n_results == 1, out);
    if (!table_rows(&t->differences)) return;
    str_add(out, "<h3>%s</h3>\n", t->differences.title);
    paragraph(out, "soft", t->differences.note);
    table_html(&t->differences, out);
}

static void protocol_part(const struct report *r, const struct report_tables *t, struct str *out) {
    if (table_rows(&t->protocol)) {
        paragraph(out, "soft", "What differs:");
        table_html(&t->protocol, out);
    } else if (r->n_results > 1) {
        paragraph(out, "soft", "Nothing differs.");
    }
    str_add(out, "<details%s><summary>%s</summary>\n", r->n_results == 1 ? " open=\"open\"" : "",
            r->n_results == 1 ? "How it was measured" : "The same in all results");
    table_html(&t->same, out);
    str_add(out, "</details>\n");
}

static void states_part(const struct report *r, struct str *out) {
    str_add(out, "<p>");
    for (int k = 0; run_state_names[k]; k++) {
        size_t n = runs_in(r, (enum run_state)k);
        if (n)
            str_add(out, "<span class=\"state %s\">%zu %s</span>", run_state_names[k], n,
                    run_state_names[k]);
    }
    str_add(out, "</p>\n");
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct run_look *x = &r->run[i].look;
        if (x->state != RUN_FAILED) continue;
        str_add(out, "<p class=\"note bad\"><b>");
        html_text(out, x->name);
        str_add(out, "</b> failed, exit %d: ", x->failed_code);
        html_text(out, x->failed ? x->failed : "");
        str_add(out, "</p>\n");
    }
}

static void put_part(const struct report *r, const struct report_tables *t,
                     const struct report_look *look, int part, struct str *out) {
    switch (part) {
    case SWEEPS:
        for (size_t i = 0; i < r->n_sweeps; i++) report_sweep_part(&r->sweep[i], &t->sweep[i], out);
        break;
    case RESULTS: results_part(r, t, out); break;
    case RETENTION: report_retention_part(r, t, out); break;
    case CLASSES:
        for (size_t i = 0; i < r->n_results; i++) report_result_part(r, i, t, look, out);
        break;
    case CURVES: report_curves_part(r, out); break;
    case PROTOCOL: protocol_part(r, t, out); break;
    case COST:
        paragraph(out, "soft", t->cost.note);
        table_html(&t->cost, out);
        break;
    default: states_part(r, out); table_html(&t->runs, out);
    }
}

static bool has_curves(const struct report *r) {
    for (size_t i = 0; i < r->n_runs; i++)
        if (r->run[i].curves.n || r->run[i].pretrain.n) return true;
    return false;
}

/* The policy forbids what the page does not have: scripts, and anything from elsewhere. */
static void before_body(struct str *out) {
    str_add(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'unsafe-inline'; img-src data:\"/>\n<title>ovseg report</title>\n<style>\n");
    for (size_t i = 0; report_style[i]; i++) str_add(out, "%s\n", report_style[i]);
    str_add(out, "</style>\n</head>\n<body>\n");
}

void report_page(const struct report *r, const struct report_tables *t,
                 const struct report_look *look, struct str *out) {
    const struct part parts[PARTS] = {
        [SWEEPS] = {"sweeps", "Ablations", r->n_sweeps},
        [RESULTS] = {"results", "Results", table_rows(&t->results)},
        [RETENTION] = {"retention", "Gained and forgotten",
                       table_rows(&t->retention) || table_rows(&t->blend)},
        [CLASSES] = {"classes", "Classes and pictures", r->n_results},
        [CURVES] = {"curves", "Training", has_curves(r)},
        [PROTOCOL] = {"protocol", "Protocol", table_rows(&t->same) || table_rows(&t->protocol)},
        [COST] = {"cost", "Cost", table_rows(&t->cost)},
        [RUNS] = {"runs", "Runs", r->n_runs},
    };
    before_body(out);
    head(r, t, out);
    navigation(parts, out);
    str_add(out, "<main>\n");
    for (int k = 0; k < PARTS; k++) {
        if (!parts[k].there) continue;
        section(out, parts[k].id, parts[k].title);
        put_part(r, t, look, k, out);
        str_add(out, "</section>\n");
    }
    str_add(out,
            "</main>\n<footer>Written by ovseg report from the folders of the runs; the same "
            "tables lie beside as Markdown and CSV.</footer>\n</body>\n</html>\n");
}

/* ---- files ---- */

static size_t list_tables(const struct report_tables *t, const struct table **list) {
    enum { REST = 10 };
    const struct table *const rest[REST] = {&t->results, &t->differences, &t->retention, &t->blend,
                                            &t->classes, &t->confused,    &t->protocol,  &t->same,
                                            &t->cost,    &t->runs};
    size_t n = 0;
    for (size_t i = 0; i < t->n_sweeps; i++) list[n++] = &t->sweep[i];
    for (size_t i = 0; i < REST; i++) list[n++] = rest[i];
    return n;
}

static int write_file(const char *dir, const char *name, const char *ending,
                      const struct str *text) {
    char *file = mem_format("%s%s", name, ending), *path = path_join(dir, file);
    int status = file_write(path, text->at, text->n);
    free(path);
    free(file);
    return status;
}

static int write_tables(const struct report_tables *t, const char *dir) {
    const struct table **list = mem_alloc(t->n_sweeps + 10, sizeof(struct table *));
    struct str markdown = {0};
    size_t n = list_tables(t, list);
    int status = 0;
    str_add(&markdown, "# ovseg report\n\n");
    for (size_t i = 0; !status && i < n; i++) {
        if (!table_rows(list[i])) continue;
        struct str csv = {0};
        table_csv(list[i], &csv);
        table_markdown(list[i], &markdown);
        status = write_file(dir, list[i]->name, ".csv", &csv);
        str_free(&csv);
    }
    if (!status) status = write_file(dir, "report", ".md", &markdown);
    str_free(&markdown);
    free(list);
    return status;
}

int report_write(const struct report *r, const struct report_look *look, const char *dir) {
    struct report_tables t;
    struct str page = {0};
    if (dir_make(dir)) return error_status();
    report_tables(r, &t);
    report_page(r, &t, look, &page);
    int status = write_tables(&t, dir);
    if (!status) status = write_file(dir, "report", ".html", &page);
    report_tables_free(&t);
    str_free(&page);
    return status;
}
