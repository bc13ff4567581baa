#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/commands/cmd_runs.h"
#include "train/evaluation/protocol.h"
#include "train/evaluation/result_full.h"
#include "train/report/report.h"

/* ---- a sweep ---- */

static bool has_paper(const struct report_sweep *s) {
    for (size_t i = 0; i < s->n_settings; i++)
        if (!isnan(s->setting[i].paper)) return true;
    return false;
}

static bool occurs(const struct report_sweep *s, const char *figure) {
    for (size_t k = 0; k < s->n_trials; k++)
        if (!isnan(sweep_figure(&s->trial[k].figures, figure))) return true;
    return false;
}

/* What the seeds let one say of a gain. `paper`: its gain, NaN where it has none. */
static const char *verdict(struct spread gain, double paper) {
    double margin = spread_margin(&gain);
    if (isnan(margin)) return "–";
    if (fabs(gain.mean) <= margin) return "within noise";
    if (isnan(paper) || paper == 0) return gain.mean > 0 ? "better" : "worse";
    return (gain.mean > 0) == (paper > 0) ? "as in the paper" : "the other way";
}

static void sweep_columns(struct table *t, const struct report_sweep *s) {
    const char *main = report_main_figure(s);
    table_column(t, COLUMN_TEXT, "settings");
    table_column(t, COLUMN_TEXT, "seeds done");
    if (main) table_column_best(t, COLUMN_SPREAD, main);
    if (main) {
        char *gain = mem_format("%s, gain over the first", main);
        table_column(t, COLUMN_SPREAD_GAIN, gain);
        free(gain);
    }
    if (has_paper(s)) table_column(t, COLUMN_NUMBER, "paper");
    if (has_paper(s)) table_column(t, COLUMN_GAIN, "paper, gain over the first");
    if (main) table_column(t, COLUMN_TEXT, "the gain is");
    if (*s->metric) table_column(t, COLUMN_COUNT, "rank");
    if (*s->metric) table_column(t, COLUMN_SPREAD, s->metric);
    for (size_t i = 0; sweep_shown[i]; i++)
        if (occurs(s, sweep_shown[i]) && sweep_shown[i] != main)
            table_column_best(t, COLUMN_SPREAD, sweep_shown[i]);
}

static void sweep_row(struct table *t, const struct report_sweep *s, size_t i) {
    const struct report_setting *x = &s->setting[i];
    const char *main = report_main_figure(s);
    char *done = mem_format("%zu of %zu", x->done, x->n);
    table_text(t, x->label);
    table_text(t, done);
    if (main) table_spread(t, report_spread(s, i, main));
    struct spread gain = main && i ? report_gain(s, i, main) : (struct spread){0, NAN, NAN};
    double paper = i ? x->paper - s->setting[0].paper : NAN;
    if (main) table_spread(t, gain);
    if (has_paper(s)) table_number(t, x->paper);
    if (has_paper(s)) table_number(t, paper);
    if (main) table_text(t, verdict(gain, paper));
    if (*s->metric) table_number(t, x->rank ? (double)x->rank : NAN);
    if (*s->metric) table_spread(t, report_spread(s, i, NULL));
    for (size_t k = 0; sweep_shown[k]; k++)
        if (occurs(s, sweep_shown[k]) && sweep_shown[k] != main)
            table_spread(t, report_spread(s, i, sweep_shown[k]));
    free(done);
}

static void sweep_table(struct table *t, const struct report_sweep *s, const char *file) {
    struct str note = {0};
    char *title = mem_format("Sweep %s", s->name);
    table_open(t, file, title);
    str_add(&note, "Mean ± standard deviation over seeds, in percent");
    if (report_main_figure(s))
        str_add(&note, "; gains are of equal seeds, %s",
                "within noise where zero lies in their 95 % interval by Student's t");
    if (has_paper(s))
        str_add(&note, ". Paper: %s, with its data and models",
                *s->paper ? s->paper : "its figures");
    str_add(&note, ".");
    table_note(t, note.at);
    sweep_columns(t, s);
    for (size_t i = 0; i < s->n_settings; i++) sweep_row(t, s, i);
    str_free(&note);
    free(title);
}

/* ---- results ---- */

static const cJSON *rows_of(const struct report_result *x) {
    return cJSON_GetObjectItemCaseSensitive(x->json, "rows");
}

static const struct {
    const char *title, *keys[4];
} figures[] = {
    {"mIoU", {"miou", "all"}},
    {"mIoU seen", {"miou", "seen"}},
    {"mIoU unseen", {"miou", "unseen"}},
    {"hIoU", {"metrics", "hiou"}},
    {"mIoU CLIP alone", {"miou_clip_only", "all"}},
    {"mask accuracy", {"mask_accuracy", "all"}},
    {"accuracy seen", {"mask_accuracy", "seen"}},
    {"accuracy unseen", {"mask_accuracy", "unseen"}},
    {"fwIoU", {"metrics", "all", "fwiou"}},
    {"mACC", {"metrics", "all", "macc"}},
    {"pACC", {"metrics", "all", "pacc"}},
    {"open mIoU", {"open", "all", "miou"}},
};
enum { N_FIGURES = sizeof figures / sizeof *figures };

/* Of the network without CLIP, which has one for all rows. */
static double network_figure(const struct report_result *x, size_t k) {
    if (strcmp(figures[k].keys[0], "miou") == 0)
        return REPORT_NUMBER(x->json, "ensemble", "maskformer_only", figures[k].keys[1]);
    if (strcmp(figures[k].keys[0], "metrics") == 0)
        return REPORT_NUMBER(x->json, "metrics_maskformer_only", figures[k].keys[1],
                             figures[k].keys[2]);
    return NAN;
}

static bool figure_occurs(const struct report *r, size_t k) {
    const cJSON *row;
    for (size_t i = 0; i < r->n_results; i++) cJSON_ArrayForEach(row, rows_of(&r->result[i])) {
            if (!isnan(report_number(row, figures[k].keys))) return true;
        }
    return false;
}

static void results_row(struct table *t, const struct report *r, const struct report_result *x,
                        const cJSON *row) {
    table_text(t, x->label);
    table_text(t, row ? result_title(result_model(row)) : "MaskFormer alone");
    for (size_t k = 0; k < N_FIGURES; k++)
        if (figure_occurs(r, k))
            table_number(t, row ? report_number(row, figures[k].keys) : network_figure(x, k));
}

static void results_table(struct table *t, const struct report *r) {
    const cJSON *row;
    table_open(t, "results", "Results");
    table_note(t, "In percent; of the ensemble, where nothing else is said.");
    table_column(t, COLUMN_TEXT, "result");
    table_column(t, COLUMN_TEXT, "model");
    for (size_t k = 0; k < N_FIGURES; k++)
        if (figure_occurs(r, k)) table_column_best(t, COLUMN_NUMBER, figures[k].title);
    for (size_t i = 0; i < r->n_results; i++) {
        const struct report_result *x = &r->result[i];
        cJSON_ArrayForEach(row, rows_of(x)) results_row(t, r, x, row);
        if (!isnan(network_figure(x, 0))) results_row(t, r, x, NULL);
    }
}

/* ---- classes ---- */

/* "seen", "unseen", by classes.csv; "" where it does not say. */
static const char *split_of(const struct csv *c, const char *class) {
    for (size_t i = 1; i < c->n; i++)
        if (c->at[i].n > 3 && strcmp(c->at[i].at[2], class) == 0) return c->at[i].at[3];
    return "";
}

static void models_of(const struct report *r, struct strings *models) {
    const cJSON *row;
    for (size_t i = 0; i < r->n_results; i++) cJSON_ArrayForEach(row, rows_of(&r->result[i])) {
            bool there = false;
            for (size_t k = 0; k < models->n; k++)
                there |= strcmp(models->at[k], result_model(row)) == 0;
            if (!there) strings_add(models, result_model(row));
        }
}

static const cJSON *row_named(const struct report_result *x, const char *model) {
    const cJSON *row;
    cJSON_ArrayForEach(row, rows_of(x)) {
        if (strcmp(result_model(row), model) == 0) return row;
    }
    return NULL;
}

static void class_rows(struct table *t, const struct report *r, const struct report_result *x,
                       const struct strings *models) {
    const cJSON *class, *classes = cJSON_GetObjectItemCaseSensitive(x->json, "classes");
    char *path = path_join(r->run[x->run].look.dir, "classes.csv");
    struct csv split = {0};
    if (file_exists(path) && csv_read(&split, path)) error_clear();
    int k = 0;
    cJSON_ArrayForEach(class, classes) {
        const char *name = cJSON_IsString(class) ? class->valuestring : "?";
        table_text(t, x->label);
        table_text(t, name);
        table_text(t, split_of(&split, name));
        for (size_t m = 0; m < models->n; m++) {
            const cJSON *iou =
                cJSON_GetObjectItemCaseSensitive(row_named(x, models->at[m]), "class_iou");
            const cJSON *one = cJSON_GetArrayItem(iou, k);
            table_number(t, cJSON_IsNumber(one) ? one->valuedouble : NAN);
        }
        k++;
    }
    csv_free(&split);
    free(path);
}

static void classes_table(struct table *t, const struct report *r) {
    struct strings models = {0};
    models_of(r, &models);
    table_open(t, "classes", "IoU of classes");
    table_column(t, COLUMN_TEXT, "result");
    table_column(t, COLUMN_TEXT, "class");
    table_column(t, COLUMN_TEXT, "split");
    for (size_t i = 0; i < models.n; i++)
        table_column(t, COLUMN_NUMBER, result_title(models.at[i]));
    for (size_t i = 0; i < r->n_results; i++) class_rows(t, r, &r->result[i], &models);
    strings_free(&models);
}

static void confused_table(struct table *t, const struct report *r) {
    table_open(t, "confused", "Names taken for others");
    table_note(t, "Of the last model of each result, in percent of the pixels of the true name.");
    table_column(t, COLUMN_TEXT, "result");
    table_column(t, COLUMN_TEXT, "model");
    table_column(t, COLUMN_TEXT, "true name");
    table_column(t, COLUMN_TEXT, "called");
    table_column(t, COLUMN_NUMBER, "percent");
    for (size_t i = 0; i < r->n_results; i++) {
        const struct report_result *x = &r->result[i];
        const cJSON *rows = rows_of(x), *pair;
        const cJSON *row = cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);
        cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(row, "confused")) {
            const cJSON *truth = cJSON_GetObjectItemCaseSensitive(pair, "truth");
            const cJSON *called = cJSON_GetObjectItemCaseSensitive(pair, "called");
            table_text(t, x->label);
            table_text(t, result_title(result_model(row)));
            table_text(t, cJSON_IsString(truth) ? truth->valuestring : "?");
            table_text(t, cJSON_IsString(called) ? called->valuestring : "?");
            table_number(t, REPORT_NUMBER(pair, "percent_of_truth"));
        }
    }
}

/* ---- protocols ---- */

static void all_keys(const struct string_map *flat, size_t n, struct strings *keys) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < flat[i].names.n; k++) {
            bool there = strcmp(flat[i].names.at[k], "id") == 0;
            for (size_t j = 0; !there && j < keys->n; j++)
                there = strcmp(keys->at[j], flat[i].names.at[k]) == 0;
            if (!there) strings_add(keys, flat[i].names.at[k]);
        }
}

static const char *value_of(const struct string_map *flat, const char *key) {
    const char *value = string_map_get(flat, key);
    return value ? value : "(not said)";
}

static bool differs(const struct string_map *flat, size_t n, const char *key) {
    for (size_t i = 1; i < n; i++)
        if (strcmp(value_of(&flat[i], key), value_of(&flat[0], key)) != 0) return true;
    return false;
}

static const char *shown_key(const char *key) {
    return strncmp(key, "settings.", 9) == 0 ? key + 9 : key;
}

static void protocol_tables(struct report_tables *t, const struct report *r) {
    size_t n = r->n_results;
    struct string_map *flat = mem_alloc(n, sizeof *flat);
    struct strings keys = {0}, different = {0};
    for (size_t i = 0; i < n; i++) protocol_flat(report_protocol(&r->result[i]), &flat[i]);
    all_keys(flat, n, &keys);
    table_open(&t->protocol, "protocol", "Protocol");
    table_open(&t->same, "protocol-same", "The same in all results");
    table_column(&t->protocol, COLUMN_TEXT, "result");
    static const char *const columns[] = {"key", "value", "of a setting, what it says"};
    for (size_t k = 0; k < 3; k++) table_column(&t->same, COLUMN_TEXT, columns[k]);
    str_put(&t->decisive, "", 0);
    for (size_t k = 0; k < keys.n; k++) {
        const char *key = keys.at[k];
        if (differs(flat, n, key)) {
            strings_add(&different, key);
            table_column(&t->protocol, COLUMN_TEXT, shown_key(key));
            if (protocol_decides(key) && strncmp(key, "checkpoints.", 12) != 0)
                str_add(&t->decisive, "%s%s", t->decisive.n ? ", " : "", shown_key(key));
        } else {
            table_text(&t->same, shown_key(key));
            table_text(&t->same, value_of(&flat[0], key));
            table_text(&t->same, shown_key(key) == key ? "" : protocol_meaning(key));
        }
    }
    for (size_t i = 0; different.n && i < n; i++) {
        table_text(&t->protocol, r->result[i].label);
        for (size_t k = 0; k < different.n; k++)
            table_text(&t->protocol, value_of(&flat[i], different.at[k]));
    }
    for (size_t i = 0; i < n; i++) string_map_free(&flat[i]);
    free(flat);
    strings_free(&keys);
    strings_free(&different);
}

/* ---- what it took ---- */

static const char *run_label(const struct report_run *run) {
    return run->label ? run->label : run->look.name;
}

static void cost_row(struct table *t, const struct report *r, size_t named,
                     const struct strings *configs) {
    bool *in = mem_alloc(r->n_runs, sizeof *in);
    double all = 0;
    report_chain(r, named, in);
    table_text(t, run_label(&r->run[named]));
    for (size_t c = 0; c < configs->n; c++) {
        double sum = NAN;
        for (size_t i = 0; i < r->n_runs; i++) {
            double s = r->run[i].look.seconds;
            if (!in[i] || isnan(s) || strcmp(r->run[i].look.config, configs->at[c]) != 0) continue;
            sum = isnan(sum) ? s : sum + s;
        }
        table_number(t, sum);
        all += isnan(sum) ? 0 : sum;
    }
    table_number(t, all);
    free(in);
}

static void cost_table(struct table *t, const struct report *r) {
    struct strings configs = {0};
    for (size_t i = 0; i < r->n_runs; i++) {
        bool there = false;
        for (size_t k = 0; k < configs.n; k++)
            there |= strcmp(configs.at[k], r->run[i].look.config) == 0;
        if (!there) strings_add(&configs, r->run[i].look.config);
    }
    table_open(t, "cost", "Cost");
    table_note(t,
               "Seconds of each stage with all its lives; what is not finished is a dash. Stages "
               "that rows have in common ran once.");
    table_column(t, COLUMN_TEXT, "run");
    for (size_t i = 0; i < configs.n; i++) table_column(t, COLUMN_SPAN, configs.at[i]);
    table_column(t, COLUMN_SPAN, "in all");
    for (size_t i = 0; i < r->n_named; i++) cost_row(t, r, r->named[i], &configs);
    strings_free(&configs);
}

static void runs_row(struct table *t, const struct report *r, const struct report_run *run) {
    struct str from = {0};
    char metric[96] = "-";
    for (size_t k = 0; k < run->n_from; k++)
        str_add(&from, "%s%s", k ? ", " : "", r->run[run->from[k]].look.name);
    metric_text(&run->look, metric);
    table_text(t, run->look.name);
    table_text(t, run->label ? run->label : "");
    table_text(t, run->look.stage);
    table_text(t, run_state_names[run->look.state]);
    table_number(t, run->look.seconds);
    table_text(t, strcmp(metric, "-") == 0 ? "–" : metric);
    table_number(t, (double)run->look.bytes);
    table_text(t, from.at ? from.at : "");
    table_text(t, run->look.failed ? run->look.failed : "");
    str_free(&from);
}

static void runs_table(struct table *t, const struct report *r) {
    table_open(t, "runs", "Runs");
    table_column(t, COLUMN_TEXT, "run");
    table_column(t, COLUMN_TEXT, "trial");
    table_column(t, COLUMN_TEXT, "stage");
    table_column(t, COLUMN_TEXT, "state");
    table_column(t, COLUMN_SPAN, "seconds");
    table_column(t, COLUMN_TEXT, "figure");
    table_column(t, COLUMN_BYTES, "bytes");
    table_column(t, COLUMN_TEXT, "made from");
    table_column(t, COLUMN_TEXT, "error");
    for (size_t i = 0; i < r->n_runs; i++) runs_row(t, r, &r->run[i]);
}

/* ---- all of them ---- */

void report_tables(const struct report *r, struct report_tables *t) {
    *t = (struct report_tables){.n_sweeps = r->n_sweeps,
                                .sweep = mem_alloc(r->n_sweeps, sizeof *t->sweep)};
    for (size_t i = 0; i < r->n_sweeps; i++) strings_add(&t->sweep_file, r->sweep[i].folder);
    for (size_t i = 0; i < r->n_sweeps; i++)
        sweep_table(&t->sweep[i], &r->sweep[i], t->sweep_file.at[i]);
    results_table(&t->results, r);
    report_differences(&t->differences, r);
    classes_table(&t->classes, r);
    confused_table(&t->confused, r);
    protocol_tables(t, r);
    report_retention(&t->retention, r);
    report_blends(&t->blend, r);
    cost_table(&t->cost, r);
    runs_table(&t->runs, r);
}

void report_tables_free(struct report_tables *t) {
    for (size_t i = 0; i < t->n_sweeps; i++) table_free(&t->sweep[i]);
    free(t->sweep);
    strings_free(&t->sweep_file);
    str_free(&t->decisive);
    enum { ONES = 10 };
    struct table *const one[ONES] = {&t->results,   &t->differences, &t->classes,  &t->confused,
                                     &t->cost,      &t->runs,        &t->protocol, &t->same,
                                     &t->retention, &t->blend};
    for (size_t i = 0; i < ONES; i++) table_free(one[i]);
}
