/* A sweep as its sweep.csv has it: from any host, without the configs that it was made of. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/report/report.h"

static const char *cell(const struct csv *c, size_t row, const char *column) {
    for (size_t i = 0; i < c->at[0].n; i++)
        if (strcmp(c->at[0].at[i], column) == 0) return i < c->at[row].n ? c->at[row].at[i] : "";
    return "";
}

static double number(const char *text) {
    char *end;
    double x = strtod(text, &end);
    return *text && !*end && isfinite(x) ? x : NAN;
}

/* Every number by the name of its column: those of settings have other names than figures. */
static void take_figures(struct sweep_figures *f, const struct csv *c, size_t row) {
    for (size_t i = 0; i < c->at[0].n && i < c->at[row].n; i++) {
        double x = number(c->at[row].at[i]);
        if (isnan(x)) continue;
        f->at = mem_grow(f->at, &f->cap, f->name.n + 1, sizeof *f->at);
        f->at[f->name.n] = x;
        strings_add(&f->name, c->at[0].at[i]);
    }
}

static struct report_setting *setting_of(struct report_sweep *s, const struct csv *c, size_t row) {
    const char *label = cell(c, row, "settings");
    if (s->n_settings && strcmp(s->setting[s->n_settings - 1].label, label) == 0)
        return &s->setting[s->n_settings - 1];
    s->setting = mem_grow(s->setting, &s->settings_cap, s->n_settings + 1, sizeof *s->setting);
    double rank = number(cell(c, row, "rank"));
    s->setting[s->n_settings] =
        (struct report_setting){.label = mem_strdup(label),
                                .first = s->n_trials,
                                .rank = rank >= 1 && rank <= SWEEP_MAX_TRIALS ? (size_t)rank : 0,
                                .paper = number(cell(c, row, "paper"))};
    return &s->setting[s->n_settings++];
}

static void add_trial(struct report *r, struct report_sweep *s, const struct csv *c, size_t row,
                      const char *runs) {
    struct report_setting *setting = setting_of(s, c, row);
    struct report_trial t = {.seed = mem_strdup(cell(c, row, "seed")),
                             .state = mem_strdup(cell(c, row, "state")),
                             .objective = number(cell(c, row, "objective")),
                             .run = SIZE_MAX};
    const char *name = cell(c, row, "run");
    take_figures(&t.figures, c, row);
    if (*name && path_is_below(name)) {
        char *dir = path_join(runs, name);
        char *label = mem_format("%s, seed %s", setting->label, t.seed);
        t.run = report_add_run(r, dir, label);
        if (t.run != SIZE_MAX) report_name(r, t.run);
        free(label);
        free(dir);
    }
    setting->n++;
    setting->done += strcmp(t.state, "done") == 0;
    s->trial = mem_grow(s->trial, &s->trials_cap, s->n_trials + 1, sizeof *s->trial);
    s->trial[s->n_trials++] = t;
}

/* "sweep-table3-0123456789ab" -> "table3" */
static char *name_of(const char *dir) {
    const char *base = path_base(dir);
    if (strncmp(base, "sweep-", 6) == 0) base += 6;
    const char *dash = strrchr(base, '-');
    return mem_format("%.*s", dash && dash > base ? (int)(dash - base) : (int)strlen(base), base);
}

static int check(const struct csv *c, const char *path) {
    static const char *const needed[] = {"trial", "settings", "seed", "state", "run"};
    size_t found = 0;
    for (size_t k = 0; k < sizeof needed / sizeof *needed; k++)
        for (size_t i = 0; c->n && i < c->at[0].n; i++)
            if (strcmp(c->at[0].at[i], needed[k]) == 0) {
                found++;
                break;
            }
    if (found == sizeof needed / sizeof *needed && c->n <= SWEEP_MAX_TRIALS + 1) return 0;
    return error_set(
        ERR_DATA, "%s: not the table of a sweep: `ovseg sweep status FILE` writes it anew", path);
}

int report_add_sweep(struct report *r, const char *dir) {
    char *path = path_join(dir, "sweep.csv"), *real = realpath(dir, NULL);
    char *runs = path_dir(real ? real : dir);
    struct csv c = {0};
    int status = 0;
    if (!file_exists(path))
        status =
            error_set(ERR_MISSING, "%s: no table yet: `ovseg sweep status FILE` writes it", path);
    if (!status) status = csv_read(&c, path);
    if (!status) status = check(&c, path);
    if (!status) {
        struct report_sweep s = {.name = name_of(dir), .folder = mem_strdup(path_base(dir))};
        s.metric = mem_strdup(c.n > 1 ? cell(&c, 1, "metric") : "");
        s.paper = mem_strdup(c.n > 1 ? cell(&c, 1, "paper_figure") : "");
        for (size_t row = 1; row < c.n; row++) add_trial(r, &s, &c, row, runs);
        r->sweep = mem_grow(r->sweep, &r->sweeps_cap, r->n_sweeps + 1, sizeof *r->sweep);
        r->sweep[r->n_sweeps++] = s;
    }
    csv_free(&c);
    free(runs);
    free(real);
    free(path);
    return status;
}

struct spread report_spread(const struct report_sweep *s, size_t setting, const char *figure) {
    const struct report_setting *x = &s->setting[setting];
    double *at = mem_alloc(x->n, sizeof *at);
    for (size_t k = 0; k < x->n; k++)
        at[k] = figure ? sweep_figure(&s->trial[x->first + k].figures, figure)
                       : s->trial[x->first + k].objective;
    struct spread found = spread_of(at, x->n);
    free(at);
    return found;
}

struct spread report_gain(const struct report_sweep *s, size_t setting, const char *figure) {
    const struct report_setting *x = &s->setting[setting], *base = &s->setting[0];
    double *at = mem_alloc(x->n, sizeof *at);
    for (size_t k = 0; k < x->n; k++) {
        const struct report_trial *t = &s->trial[x->first + k];
        at[k] = NAN;
        for (size_t i = 0; i < base->n; i++) {
            const struct report_trial *b = &s->trial[base->first + i];
            if (strcmp(b->seed, t->seed) == 0)
                at[k] = sweep_figure(&t->figures, figure) - sweep_figure(&b->figures, figure);
        }
    }
    struct spread found = spread_of(at, x->n);
    free(at);
    return found;
}

const char *report_main_figure(const struct report_sweep *s) {
    for (size_t i = 0; sweep_shown[i]; i++)
        for (size_t k = 0; k < s->n_trials; k++)
            if (!isnan(sweep_figure(&s->trial[k].figures, sweep_shown[i]))) return sweep_shown[i];
    return NULL;
}

void report_sweep_free(struct report_sweep *s) {
    for (size_t i = 0; i < s->n_trials; i++) {
        free(s->trial[i].seed);
        free(s->trial[i].state);
        sweep_figures_free(&s->trial[i].figures);
    }
    for (size_t i = 0; i < s->n_settings; i++) free(s->setting[i].label);
    free(s->trial);
    free(s->setting);
    free(s->name);
    free(s->folder);
    free(s->metric);
    free(s->paper);
}
