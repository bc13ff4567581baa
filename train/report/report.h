/* `ovseg report`: what is known of runs and sweeps, read from their folders, as a page to look at
 * and tables to compute with.
 *
 *   report_gather.c  runs with all that they were made from, and evaluations
 *   report_sweep.c   sweeps, from their sweep.csv
 *   report_tables.c  the tables; report_differences.c how sure differences of results are
 *   report_retention.c what was gained and what was forgotten
 *   report_page.c    the page; report_parts.c its parts
 *
 * Nothing of it is locked, verified or changed; runs may be unfinished, failed or at work. What is
 * missing is left out, or a dash. No date, path or host stands in the output: the same folders give
 * the same bytes.
 */
#pragma once

#include <cjson/cJSON.h>

#include "data/csv.h"
#include "train/report/table.h"
#include "train/run/run_metrics.h"
#include "train/run/run_settings.h"
#include "train/sweep/sweep_table.h"

struct report_run {
    struct run_look look;
    char *real;                         /* its folder, without links */
    char *label;                        /* of a trial: "FT + MPT, seed 1"; else NULL */
    struct run_curves pretrain, curves; /* the first: of a stage with two phases */
    struct said_settings settings;      /* that it was made with; none: they cannot be read */
    cJSON *blend;                       /* what lies between two models; NULL: that is not known */
    size_t *from, n_from, cap;          /* runs that it was made from, which stand before it */
};

/* An evaluation. */
struct report_result {
    char *label;
    cJSON *json; /* evaluation.json; result.json of a chain whose evaluation is gone */
    size_t run;  /* whose folder has its pictures */
};

struct report_trial {
    char *seed, *state;
    size_t run; /* SIZE_MAX: not begun, or gone */
    double objective;
    struct sweep_figures figures;
};

struct report_setting { /* a combination of settings: trials first .. first + n - 1 */
    char *label;
    size_t first, n, done, rank; /* rank 0: none */
    double paper;                /* NaN: the paper has none */
};

struct report_sweep {
    char *name; /* "table3" */
    char *folder;
    char *metric, *paper; /* what ranks the settings; what the paper's figures are; "" */
    struct report_trial *trial;
    size_t n_trials, trials_cap;
    struct report_setting *setting;
    size_t n_settings, settings_cap;
};

struct report {
    size_t *named, n_named, named_cap; /* runs that were asked for: of sweeps those of the trials */
    struct report_run *run;
    size_t n_runs, runs_cap;
    struct report_result *result;
    size_t n_results, results_cap;
    struct report_sweep *sweep;
    size_t n_sweeps, sweeps_cap;
    struct strings visited; /* folders of runs, while they are gathered */
};

/* Adds what a word names: the folder of a run or of a sweep, or one of `runs` by its name.
 * or the config of one. ERR_USAGE, ERR_MISSING, ERR_DATA, ERR_CONFIG. */
int report_add(struct report *r, const char *word, const char *runs);
void report_free(struct report *r);

/* ---- between its files ---- */

/* A chain leaves its result in the run that was asked for; the evaluation that it is of, with its
 * pictures, is a run beside. Its folder, owned, or NULL. */
char *report_closing(const char *dir, const cJSON *result);
/* A run and what it was made from; SIZE_MAX: there is none. Its evaluation, when it has one,
 * becomes a result with this label (NULL: the run's name). */
size_t report_add_run(struct report *r, const char *dir, const char *label);
cJSON *report_blend(const char *dir);           /* of a run; owned, NULL: none */
void report_name(struct report *r, size_t run); /* it was asked for */
int report_add_sweep(struct report *r, const char *dir);
void report_sweep_free(struct report_sweep *s);

/* in[i]: run i is the run, or one that it was made from. [n_runs], not cleared before. */
void report_chain(const struct report *r, size_t run, bool *in);

/* Of a combination, over its seeds. */
struct spread report_spread(const struct report_sweep *s, size_t setting, const char *figure);
/* The same of the differences to the first combination with the same seed. */
struct spread report_gain(const struct report_sweep *s, size_t setting, const char *figure);
/* The first figure of sweep_shown that a trial has; NULL. */
const char *report_main_figure(const struct report_sweep *s);

/* Numbers of a result by their keys, NULL ends them; NaN. */
double report_number(const cJSON *json, const char *const *keys);
#define REPORT_NUMBER(json, ...) report_number(json, (const char *const[]){__VA_ARGS__, NULL})
const cJSON *report_protocol(const struct report_result *x);

/* ---- its tables, and its page ---- */

struct report_tables {
    struct table *sweep; /* [n_sweeps] */
    size_t n_sweeps;
    struct strings sweep_file; /* names of theirs */
    struct table results, differences, classes, confused, cost, runs;
    struct table retention, blend;
    struct table protocol, same; /* what differs among results, and what does not */
    struct str decisive;         /* what differs that mIoU may depend on, "" when nothing does */
};
void report_differences(struct table *t, const struct report *r);
void report_retention(struct table *t, const struct report *r);
void report_blends(struct table *t, const struct report *r);
void report_tables(const struct report *r, struct report_tables *t);
void report_tables_free(struct report_tables *t);

struct report_look {
    size_t pictures, classes, pairs; /* of each result, at most */
};
void report_page(const struct report *r, const struct report_tables *t,
                 const struct report_look *look, struct str *out);
/* report.html, report.md and NAME.csv of every table that has rows. ERR_IO. */
int report_write(const struct report *r, const struct report_look *look, const char *dir);

/* Parts of the page. */
void report_sweep_part(const struct report_sweep *s, const struct table *t, struct str *out);
void report_result_part(const struct report *r, size_t result, const struct report_tables *t,
                        const struct report_look *look, struct str *out);
void report_retention_part(const struct report *r, const struct report_tables *t, struct str *out);
void report_curves_part(const struct report *r, struct str *out);
extern const char *const report_style[]; /* ends with NULL */
