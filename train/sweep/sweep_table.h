/* What the trials of a sweep found: sweep.csv, a line a trial, and sweep.md, a line for each
 * combination of settings with mean and deviation over its seeds. docs/sweeps.md has the columns.
 */
#pragma once

#include "train/report/spread.h"
#include "train/sweep/sweep.h"

/* Figures by name, in the order of the file that they come from. */
struct sweep_figures {
    struct strings name;
    double *at; /* [name.n] */
    size_t cap;
};

/* What a finished stage measured: numbers of evaluation.json as "ROW.miou.all", or of the last
 * validation in metrics.jsonl. Nothing where there is nothing; ERR_DATA: a damaged file. */
int sweep_figures_read(struct sweep_figures *f, const char *run);
void sweep_figures_free(struct sweep_figures *f);
/* Of that name; or of the last row, when the name is without one. NAN: there is none. */
double sweep_figure(const struct sweep_figures *f, const char *name);

/* The table, in memory. */
struct sweep_line {       /* a combination of settings */
    struct spread spread; /* of the objective, over the seeds that have it */
    size_t rank;          /* from 1 on, of those whose seeds are all there; 0: none */
};
enum { SWEEP_SHOWN = 7 };
struct sweep_table {
    const struct sweep *sweep;
    struct sweep_figures *of; /* [n_trials] */
    double *objective;        /* [n_trials] NAN: none yet */
    bool *read;               /* [n_trials] both are final */
    struct sweep_line *line;  /* [settings.n] */
    struct strings columns;   /* all figures that occur, */
    bool occurs[SWEEP_SHOWN]; /* and which of sweep_shown */
};
int sweep_table_open(struct sweep_table *t, const struct sweep *s);
/* Takes what became whole since: a finished run is read once. */
int sweep_table_refresh(struct sweep_table *t);
void sweep_table_close(struct sweep_table *t);

/* The figures that people compare, ends with NULL: of an evaluation its two measures, of a training
 * all. Of each the last model's (sweep_figure). */
extern const char *const sweep_shown[SWEEP_SHOWN + 1];

const char *sweep_trial_state(const struct sweep *s, size_t trial); /* done, failed, ... */

void sweep_table_csv(const struct sweep_table *t, struct str *out);
void sweep_table_md(const struct sweep_table *t, struct str *out);
void sweep_table_print(const struct sweep_table *t, struct str *out); /* for a terminal */

/* Both files, in the folder of the sweep; t is fresh. Their time grows with the trials alone. */
int sweep_table_write(const struct sweep_table *t);
