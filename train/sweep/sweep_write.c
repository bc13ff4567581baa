#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "data/csv.h"
#include "train/report/table.h"
#include "train/sweep/sweep_table.h"

/* ---- sweep.csv ---- */

static void put_number(struct str *out, double x) {
    char text[32] = "";
    if (!isnan(x)) json_number(text, x);
    csv_put(out, text, false);
}

static void put_count(struct str *out, int64_t x, bool first) {
    char *text = mem_format("%lld", (long long)x);
    csv_put(out, text, first);
    free(text);
}

/* Settings that any combination names. */
static void columns_of(const struct sweep *s, struct strings *out) {
    for (size_t i = 0; i < s->settings.n; i++) {
        const struct strings *names = &s->settings.at[i].columns.names;
        for (size_t k = 0; k < names->n; k++) {
            bool there = false;
            for (size_t c = 0; !there && c < out->n; c++)
                there = strcmp(out->at[c], names->at[k]) == 0;
            if (!there) strings_add(out, names->at[k]);
        }
    }
}

static void csv_head(const struct sweep_table *t, const struct strings *settings, struct str *out) {
    static const char *const before[] = {"trial", "settings", "seed", "state", "run"};
    static const char *const behind[] = {"objective",  "rank",   "mean",  "deviation",
                                         "seeds_done", "metric", "paper", "paper_figure"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) csv_put(out, before[i], i == 0);
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) csv_put(out, behind[i], false);
    for (size_t i = 0; i < settings->n; i++) csv_put(out, settings->at[i], false);
    for (size_t i = 0; i < t->columns.n; i++) csv_put(out, t->columns.at[i], false);
    str_add(out, "\n");
}

/* "miou.all on validation" */
static void put_metric(const struct sweep *s, struct str *out) {
    const struct sweep_options *o = &s->file.opt;
    char *text =
        *o->metric ? mem_format("%s on %s", o->metric, o->on == SWEEP_TEST ? "test" : "validation")
                   : mem_strdup("");
    csv_put(out, text, false);
    free(text);
}

/* `guess`: where it stands in most trials. */
static double exact(const struct sweep_figures *f, const char *name, size_t guess) {
    if (guess < f->name.n && strcmp(f->name.at[guess], name) == 0) return f->at[guess];
    for (size_t i = 0; i < f->name.n; i++)
        if (strcmp(f->name.at[i], name) == 0) return f->at[i];
    return NAN;
}

static void csv_line(const struct sweep_table *t, size_t trial, const struct strings *settings,
                     struct str *out) {
    const struct sweep *s = t->sweep;
    const struct sweep_trial *x = &s->trial[trial];
    const struct sweep_setting *c = &s->settings.at[x->setting];
    const struct sweep_line *line = &t->line[x->setting];
    put_count(out, (int64_t)trial + 1, true);
    csv_put(out, c->label, false);
    put_count(out, x->seed, false);
    csv_put(out, sweep_trial_state(s, trial), false);
    csv_put(out, path_base(s->stage[x->closing].dir), false);
    put_number(out, t->objective[trial]);
    put_number(out, line->rank ? (double)line->rank : NAN);
    put_number(out, line->spread.mean);
    put_number(out, line->spread.deviation);
    put_count(out, (int64_t)line->spread.n, false);
    put_metric(s, out);
    put_number(out, c->paper);
    csv_put(out, s->file.opt.paper, false);
    for (size_t i = 0; i < settings->n; i++) {
        const char *value = string_map_get(&c->columns, settings->at[i]);
        csv_put(out, value ? value : "", false);
    }
    for (size_t i = 0; i < t->columns.n; i++)
        put_number(out, exact(&t->of[trial], t->columns.at[i], i));
    str_add(out, "\n");
}

void sweep_table_csv(const struct sweep_table *t, struct str *out) {
    struct strings settings = {0};
    columns_of(t->sweep, &settings);
    csv_head(t, &settings, out);
    for (size_t k = 0; k < t->sweep->n_trials; k++) csv_line(t, k, &settings, out);
    strings_free(&settings);
}

/* ---- sweep.md, and what is printed ---- */

const char *const sweep_shown[SWEEP_SHOWN + 1] = {"miou.all",           "miou.seen",
                                                  "miou.unseen",        "mask_accuracy.all",
                                                  "mask_accuracy.seen", "mask_accuracy.unseen",
                                                  "mask_accuracy",      NULL};

static void put_mean(struct spread s, int digits, struct str *out) {
    if (!s.n)
        str_add(out, "-");
    else if (isnan(s.deviation))
        str_add(out, "%.*f", digits, s.mean);
    else
        str_add(out, "%.*f ± %.*f", digits, s.mean, digits, s.deviation);
}

/* Mean and deviation of a figure over the seeds of a combination. */
static void put_spread(const struct sweep_table *t, size_t setting, const char *name,
                       struct str *out) {
    size_t seeds = t->sweep->file.opt.seeds.n;
    double *x = mem_alloc(seeds, sizeof *x);
    for (size_t k = 0; k < seeds; k++) x[k] = sweep_figure(&t->of[setting * seeds + k], name);
    put_mean(spread_of(x, seeds), 1, out);
    free(x);
}

static void put_seeds(const struct sweep *s, struct str *out) {
    for (size_t i = 0; i < s->file.opt.seeds.n; i++)
        str_add(out, "%s%lld", i ? ", " : "", (long long)s->file.opt.seeds.at[i]);
}

static bool has_paper(const struct sweep *s) {
    for (size_t i = 0; i < s->settings.n; i++)
        if (!isnan(s->settings.at[i].paper)) return true;
    return false;
}

static void md_head(const struct sweep_table *t, struct str *out) {
    const struct sweep *s = t->sweep;
    const struct sweep_options *o = &s->file.opt;
    str_add(out, "# Sweep %s\n\nWritten by `ovseg sweep`. Seeds ", s->file.name);
    put_seeds(s, out);
    str_add(out, "; mean ± standard deviation over seeds.\n");
    if (*o->metric)
        str_add(out, "Ranked by %s on %s, %s first.\n", o->metric,
                o->on == SWEEP_TEST ? "the test set: the best is flattered" : "validation",
                o->goal == SWEEP_MIN ? "the least" : "the greatest");
    if (has_paper(s))
        str_add(out, "Paper: %s, its data and models.\n",
                *s->file.opt.paper ? s->file.opt.paper : "its figures");
    str_add(out, "\n| settings | seeds done |%s", *o->metric ? " rank | objective |" : "");
    size_t columns = *o->metric ? 4 : 2;
    for (size_t i = 0; sweep_shown[i]; i++)
        if (t->occurs[i]) {
            str_add(out, " %s |", sweep_shown[i]);
            columns++;
        }
    if (has_paper(s)) {
        str_add(out, " paper |");
        columns++;
    }
    str_add(out, "\n|");
    for (size_t i = 0; i < columns; i++) str_add(out, "---|");
    str_add(out, "\n");
}

static size_t seeds_done(const struct sweep *s, size_t setting) {
    size_t seeds = s->file.opt.seeds.n, n = 0;
    for (size_t k = setting * seeds; k < (setting + 1) * seeds; k++) n += sweep_trial_done(s, k);
    return n;
}

static void md_line(const struct sweep_table *t, size_t i, bool paper, struct str *out) {
    const struct sweep *s = t->sweep;
    str_add(out, "| ");
    markdown_text(out, s->settings.at[i].label);
    str_add(out, " | %zu of %zu |", seeds_done(s, i), s->file.opt.seeds.n);
    if (*s->file.opt.metric) {
        str_add(out, t->line[i].rank ? " %zu | " : " - | ", t->line[i].rank);
        put_mean(t->line[i].spread, 2, out);
        str_add(out, " |");
    }
    for (size_t k = 0; sweep_shown[k]; k++) {
        if (!t->occurs[k]) continue;
        str_add(out, " ");
        put_spread(t, i, sweep_shown[k], out);
        str_add(out, " |");
    }
    double x = s->settings.at[i].paper;
    if (paper) str_add(out, isnan(x) ? " - |" : " %.1f |", x);
    str_add(out, "\n");
}

static void md_trials(const struct sweep *s, struct str *out) {
    str_add(out, "\n| trial | settings | seed | state | run |\n|---|---|---|---|---|\n");
    for (size_t k = 0; k < s->n_trials; k++) {
        const struct sweep_trial *x = &s->trial[k];
        str_add(out, "| %zu | ", k + 1);
        markdown_text(out, s->settings.at[x->setting].label);
        str_add(out, " | %lld | %s | %s |\n", (long long)x->seed, sweep_trial_state(s, k),
                path_base(s->stage[x->closing].dir));
    }
}

static void md_failures(const struct sweep *s, struct str *out) {
    bool first = true;
    for (size_t i = 0; i < s->n_stages; i++) {
        const struct sweep_stage *stage = &s->stage[i];
        if (stage->state != SWEEP_FAILED) continue;
        str_add(out, "%s", first ? "\n| failed run | exit | why |\n|---|---|---|\n" : "");
        first = false;
        str_add(out, "| %s | %d | ", path_base(stage->dir), stage->code);
        markdown_text(out, stage->message ? stage->message : "");
        str_add(out, " |\n");
    }
}

void sweep_table_md(const struct sweep_table *t, struct str *out) {
    bool paper = has_paper(t->sweep);
    md_head(t, out);
    for (size_t i = 0; i < t->sweep->settings.n; i++) md_line(t, i, paper, out);
    md_trials(t->sweep, out);
    md_failures(t->sweep, out);
}

void sweep_table_print(const struct sweep_table *t, struct str *out) {
    const struct sweep *s = t->sweep;
    for (size_t i = 0; i < s->settings.n; i++) {
        str_add(out, "%-40s %zu of %zu", s->settings.at[i].label, seeds_done(s, i),
                s->file.opt.seeds.n);
        if (*s->file.opt.metric) {
            str_add(out, t->line[i].rank ? "   rank %zu   " : "            ", t->line[i].rank);
            put_mean(t->line[i].spread, 2, out);
        } else if (t->occurs[0]) {
            str_add(out, "   ");
            put_spread(t, i, sweep_shown[0], out);
        }
        str_add(out, "\n");
    }
}
