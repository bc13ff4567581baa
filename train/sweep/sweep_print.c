#include "train/sweep/sweep_print.h"

#include <stdlib.h>
#include <string.h>

#include "train/sweep/sweep_table.h"

static void print_trials(const struct sweep *s, bool states, struct str *out) {
    for (size_t k = 0; k < s->n_trials; k++) {
        const struct sweep_trial *t = &s->trial[k];
        str_add(out, "%5zu  seed %-6lld %-10s %s\n", k + 1, (long long)t->seed,
                states || sweep_trial_done(s, k) ? sweep_trial_state(s, k) : "run",
                s->settings.at[t->setting].label);
    }
}

void sweep_print_plan(const struct sweep *s, struct str *out) {
    size_t n_run = 0, n_shared = 0;
    bool *needed = mem_alloc(s->n_stages, sizeof *needed);
    sweep_needed(s, needed);
    for (size_t i = 0; i < s->n_stages; i++) {
        n_run += needed[i];
        n_shared += s->stage[i].n_trials > 1;
    }
    str_add(out,
            "%zu trials of %zu settings with %zu seed%s: %zu stages, %zu of them shared, %zu "
            "to run\n",
            s->n_trials, s->settings.n, s->file.opt.seeds.n, s->file.opt.seeds.n == 1 ? "" : "s",
            s->n_stages, n_shared, n_run);
    print_trials(s, false, out);
    str_add(out, "\n");
    for (size_t i = 0; i < s->n_stages; i++) {
        const struct sweep_stage *stage = &s->stage[i];
        const char *what = stage->state == SWEEP_DONE ? "reuse" : needed[i] ? "run" : "not needed";
        str_add(out, "%-10s %-14s %-14s %3zu trial%s  %s\n", what, stage->name, stage->kind,
                stage->n_trials, stage->n_trials == 1 ? " " : "s", stage->dir);
    }
    str_add(out, "\ntable: %s/sweep.md\n", s->dir);
    free(needed);
}

/* Stages that wait for one that failed. */
static bool waits_for_failed(const struct sweep *s, size_t i) {
    for (size_t k = 0; k < s->stage[i].inputs.n; k++) {
        size_t in = s->stage[i].need[k];
        if (s->stage[in].state == SWEEP_DONE) continue;
        if (s->stage[in].state == SWEEP_FAILED || waits_for_failed(s, in)) return true;
    }
    return false;
}

static void print_failures(const struct sweep *s, struct str *out) {
    bool *needed = mem_alloc(s->n_stages, sizeof *needed);
    sweep_needed(s, needed);
    for (size_t i = 0; i < s->n_stages; i++) {
        const struct sweep_stage *stage = &s->stage[i];
        if (stage->state == SWEEP_FAILED && needed[i]) {
            char *log = sweep_log(s, stage);
            str_add(out, "failed   %s: exit %d: %s (%s)\n", stage->dir, stage->code,
                    stage->message ? stage->message : "", log);
            free(log);
        }
    }
    for (size_t i = 0; i < s->n_stages; i++)
        if (needed[i] && s->stage[i].state == SWEEP_WAITING && waits_for_failed(s, i))
            str_add(out, "not run  %s: it needs one that failed\n", s->stage[i].dir);
    free(needed);
}

void sweep_print_states(const struct sweep *s, struct str *out) {
    print_trials(s, true, out);
    print_failures(s, out);
}
