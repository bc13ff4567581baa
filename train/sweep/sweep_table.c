#include "train/sweep/sweep_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

const char *sweep_trial_state(const struct sweep *s, size_t trial) {
    const struct sweep_trial *t = &s->trial[trial];
    bool begun = false;
    if (sweep_trial_done(s, trial)) return "done";
    size_t failed = sweep_trial_failed(s, trial);
    if (failed != SIZE_MAX) {
        for (size_t k = 0; k < t->n_wanted; k++)
            if (t->wanted[k] == failed) return "failed";
        return s->stage[failed].n_trials > 1 ? "not run" : "failed";
    }
    for (size_t k = 0; k < t->n_stages; k++) {
        const struct sweep_stage *stage = &s->stage[t->stage[k]];
        begun |= stage->n_trials == 1 && (stage->state != SWEEP_WAITING || dir_exists(stage->dir));
    }
    return begun ? "unfinished" : "waiting";
}

/* ---- means and ranks ---- */

static void measure(struct sweep_table *t, size_t setting) {
    size_t seeds = t->sweep->file.opt.seeds.n;
    t->line[setting].spread = spread_of(t->objective + setting * seeds, seeds);
}

static bool ranked(const struct sweep_table *t, size_t i) {
    return t->line[i].spread.n == t->sweep->file.opt.seeds.n;
}

struct ranked_line {
    double mean;
    struct sweep_line *line;
};

static int rising(const void *a, const void *b) {
    double x = ((const struct ranked_line *)a)->mean, y = ((const struct ranked_line *)b)->mean;
    return (x > y) - (x < y);
}

/* Equal ones share a rank. */
static void rank(struct sweep_table *t) {
    size_t n = 0, all = t->sweep->settings.n;
    struct ranked_line *of = mem_alloc(all, sizeof *of);
    double sign = t->sweep->file.opt.goal == SWEEP_MIN ? 1 : -1;
    for (size_t i = 0; i < all; i++) {
        t->line[i].rank = 0;
        if (ranked(t, i))
            of[n++] = (struct ranked_line){sign * t->line[i].spread.mean, &t->line[i]};
    }
    if (n) qsort(of, n, sizeof *of, rising);
    for (size_t i = 0; i < n; i++)
        of[i].line->rank = i && of[i].mean == of[i - 1].mean ? of[i - 1].line->rank : i + 1;
    free(of);
}

/* Trials have the same figures in the same order, but for few. */
static void add_columns(struct sweep_table *t, const struct sweep_figures *f) {
    for (size_t i = 0; i < f->name.n; i++) {
        bool there = i < t->columns.n && strcmp(t->columns.at[i], f->name.at[i]) == 0;
        for (size_t k = 0; !there && k < t->columns.n; k++)
            there = strcmp(t->columns.at[k], f->name.at[i]) == 0;
        if (!there) strings_add(&t->columns, f->name.at[i]);
    }
}

static int read_trial(struct sweep_table *t, size_t trial) {
    const struct sweep *s = t->sweep;
    const struct sweep_trial *x = &s->trial[trial];
    const struct sweep_stage *closing = &s->stage[x->closing], *judged = &s->stage[x->judged];
    bool has_judge = *s->file.opt.metric;
    struct sweep_figures f = {0};
    int status = 0;
    t->objective[trial] = NAN;
    sweep_figures_free(&t->of[trial]);
    if (closing->state == SWEEP_DONE) status = sweep_figures_read(&t->of[trial], closing->dir);
    if (!status && has_judge && judged->state == SWEEP_DONE) {
        status = sweep_figures_read(&f, judged->dir);
        t->objective[trial] = sweep_figure(&f, s->file.opt.metric);
        sweep_figures_free(&f);
    }
    t->read[trial] = closing->state == SWEEP_DONE && (!has_judge || judged->state == SWEEP_DONE);
    return status;
}

/* In the order of trials, whichever was whole first. */
static void sum_up(struct sweep_table *t) {
    const struct sweep *s = t->sweep;
    strings_free(&t->columns);
    memset(t->occurs, 0, sizeof t->occurs);
    for (size_t k = 0; k < s->n_trials; k++) {
        add_columns(t, &t->of[k]);
        for (size_t i = 0; sweep_shown[i]; i++)
            t->occurs[i] = t->occurs[i] || !isnan(sweep_figure(&t->of[k], sweep_shown[i]));
    }
    for (size_t i = 0; i < s->settings.n; i++) measure(t, i);
    rank(t);
}

int sweep_table_refresh(struct sweep_table *t) {
    int status = 0;
    for (size_t k = 0; !status && k < t->sweep->n_trials; k++)
        if (!t->read[k]) status = read_trial(t, k);
    sum_up(t);
    return status;
}

int sweep_table_open(struct sweep_table *t, const struct sweep *s) {
    *t = (struct sweep_table){.sweep = s,
                              .of = mem_alloc(s->n_trials, sizeof *t->of),
                              .objective = mem_alloc(s->n_trials, sizeof(double)),
                              .read = mem_alloc(s->n_trials, sizeof *t->read),
                              .line = mem_alloc(s->settings.n, sizeof *t->line)};
    return sweep_table_refresh(t);
}

void sweep_table_close(struct sweep_table *t) {
    for (size_t k = 0; t->of && k < t->sweep->n_trials; k++) sweep_figures_free(&t->of[k]);
    free(t->of);
    free(t->objective);
    free(t->read);
    free(t->line);
    strings_free(&t->columns);
    *t = (struct sweep_table){0};
}

int sweep_table_write(const struct sweep_table *t) {
    const char *dir = t->sweep->dir;
    struct str csv = {0}, md = {0};
    char *csv_path = path_join(dir, "sweep.csv"), *md_path = path_join(dir, "sweep.md");
    int status = dir_make(dir);
    if (!status) {
        sweep_table_csv(t, &csv);
        sweep_table_md(t, &md);
        status = file_write(csv_path, csv.at, csv.n);
    }
    if (!status) status = file_write(md_path, md.at, md.n);
    str_free(&csv);
    str_free(&md);
    free(csv_path);
    free(md_path);
    return status;
}
