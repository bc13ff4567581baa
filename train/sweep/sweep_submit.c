#include "train/sweep/sweep_submit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "train/cluster/submit_plan.h"

/* ---- what they ask for ---- */

static double bytes_of(const char *memory) { /* "16G"; without a letter megabytes */
    static const char letters[] = "KMGT";
    char *end;
    double x = strtod(memory, &end);
    const char *letter = *end ? strchr(letters, *end) : letters + 1;
    for (long i = 0; letter && i <= letter - letters; i++) x *= 1024;
    return x;
}

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* The larger of each. */
static int take(struct submission *to, struct resources_options *r,
                const struct resources_options *one, const char *name) {
    r->nodes = most(r->nodes, one->nodes);
    r->gpus = most(r->gpus, one->gpus);
    r->tasks = most(r->tasks, one->tasks);
    r->cpus = most(r->cpus, one->cpus);
    if (bytes_of(one->memory) > bytes_of(r->memory)) r->memory = submission_keep(to, one->memory);
    if (!*one->partition || strcmp(one->partition, r->partition) == 0) return 0;
    if (*r->partition)
        return error_set(ERR_CONFIG,
                         "%s: resources.partition: %s, and other stages of the sweep have %s: its "
                         "jobs have one: give --partition",
                         name, one->partition, r->partition);
    r->partition = submission_keep(to, one->partition);
    return 0;
}

/* In its graph, whose identities are not needed for that. *open: a stage says `device: auto`. */
static int take_trial(const struct sweep *s, size_t trial, const struct submit_flags *f,
                      struct submission *to, struct resources_options *r, bool *open) {
    struct graph g;
    int status = sweep_load(s, trial, &g);
    if (status) error_clear(); /* sweep_build() tells it, with those of the other trials */
    for (size_t i = 0; !status && i < g.n; i++) {
        if (!g.at[i]->stage || g.at[i]->identity) continue; /* a finished run */
        struct resources_options one = submit_resources(&g, g.at[i], &f->resources);
        status = take(to, r, &one, g.at[i]->path);
        *open |= g.at[i]->config.run.device == DEVICE_AUTO;
    }
    graph_close(&g);
    return error_status();
}

/* A flag is for all of the jobs. */
static void take_flags(const struct resource_flags *f, struct resources_options *r) {
    const struct resources_options *o = &f->options;
    if (resource_said(f, "resources.gpus")) r->gpus = o->gpus;
    if (resource_said(f, "resources.cpus")) r->cpus = o->cpus;
    if (resource_said(f, "resources.memory")) r->memory = o->memory;
    if (resource_said(f, "resources.time")) r->time = o->time;
    if (resource_said(f, "resources.partition")) r->partition = o->partition;
}

/* Stages that say `device: auto` work on what the jobs ask for. */
static int say_device(struct sweep *s, const struct resources_options *r, struct strings *given) {
    const char *text = r->gpus ? "device=cuda" : "device=cpu";
    strings_add(given, text);
    return overrides_add(&s->given, text, NULL);
}

int sweep_resources(struct sweep *s, const struct submit_flags *f, struct submission *to,
                    struct resources_options *r, struct strings *given) {
    const struct resources_options *o = &f->resources.options;
    char *none = submission_keep(to, "");
    if (o->nodes > 1 || o->tasks > 1 || o->gpus > 1)
        return error_set(ERR_USAGE,
                         "--nodes, --tasks, --gpus: a trial of a sweep is one process: on one "
                         "node, with one GPU at most");
    *r = (struct resources_options){.nodes = 1, .memory = none, .time = none, .partition = none};
    bool open = false;
    for (size_t t = 0; t < s->n_trials; t++)
        if (take_trial(s, t, f, to, r, &open)) return error_status();
    take_flags(&f->resources, r);
    if (r->nodes > 1 || r->tasks > 1 || r->gpus > 1)
        log_warn(
            "stages of the sweep ask for %lld nodes, %lld GPUs and %lld processes on each; a trial "
            "is one process, on one GPU at most",
            (long long)r->nodes, (long long)r->gpus, (long long)most(r->tasks, r->gpus));
    r->nodes = r->tasks = 1;
    r->gpus = r->gpus > 0;
    return open && !sweep_tries(s, "device") ? say_device(s, r, given) : 0;
}

/* ---- how long they may take ---- */

static char *time_text(struct submission *to, double seconds) {
    char text[24] = "";
    if (seconds > 0) clock_span_text(seconds, text);
    return submission_keep(to, text);
}

/* The longest trial: its own stages, one after the other. */
static double trial_time(const struct sweep *s, const bool *needed) {
    double longest = 0;
    for (size_t t = 0; t < s->n_trials; t++) {
        const struct sweep_trial *trial = &s->trial[t];
        double sum = 0;
        for (size_t k = 0; k < trial->n_stages; k++) {
            const struct sweep_stage *stage = &s->stage[trial->stage[k]];
            if (needed[trial->stage[k]] && stage->n_trials == 1) sum += stage->asks;
        }
        if (sum > longest) longest = sum;
    }
    return longest;
}

/* What several trials need, `jobs` stages at a time, each as soon as those that it needs are done:
 * at most the sum / jobs and (jobs - 1) / jobs of the longest chain of stages (Graham 1966). */
static double shared_time(const struct sweep *s, const bool *needed, int64_t jobs) {
    double *until = mem_alloc(s->n_stages, sizeof *until), sum = 0, longest = 0, n = (double)jobs;
    for (size_t i = 0; i < s->n_stages; i++) { /* those that it needs stand before it */
        const struct sweep_stage *stage = &s->stage[i];
        if (!needed[i] || stage->n_trials < 2) continue;
        for (size_t k = 0; k < stage->inputs.n; k++)
            if (until[stage->need[k]] > until[i]) until[i] = until[stage->need[k]];
        until[i] += stage->asks;
        sum += stage->asks;
        if (until[i] > longest) longest = until[i];
    }
    free(until);
    return sum / n + (n - 1) / n * longest;
}

/* ---- the jobs ---- */

/* Of trials that are not done, as sbatch --array has them; NULL: all are. Owned. */
static char *tasks_of(const struct sweep *s, int64_t together) {
    struct str out = {0};
    for (size_t k = 0; k < s->n_trials; k++) {
        size_t from = k;
        while (k < s->n_trials && !sweep_trial_done(s, k)) k++;
        if (k == from) continue;
        str_add(&out, "%s%zu", out.n ? "," : "", from + 1);
        if (k > from + 1) str_add(&out, "-%zu", k);
    }
    if (out.n && together) str_add(&out, "%%%lld", (long long)together);
    return out.at;
}

static bool lacks_shared(const struct sweep *s, const bool *needed) {
    bool shared = false;
    for (size_t i = 0; i < s->n_stages; i++) shared |= needed[i] && s->stage[i].n_trials > 1;
    return shared;
}

/* ovseg sweep [status] FILE [threads=N] GIVEN... [LAST]; LAST may have the array's index in it. */
static int add_words(const struct sweep *s, struct slurm_job *j, const struct strings *given,
                     const char *status_word, int64_t threads, const char *last) {
    char *own = mem_format("threads=%lld", (long long)threads);
    int status = slurm_word(j, "sweep", NULL);
    if (!status && status_word) status = slurm_word(j, status_word, NULL);
    if (!status) status = slurm_word(j, s->file.path, NULL);
    if (!status && threads && !sweep_tries(s, "threads")) status = slurm_word(j, own, NULL);
    for (size_t i = 0; !status && i < given->n; i++) status = slurm_word(j, given->at[i], NULL);
    if (!status && last) status = slurm_word(j, last, "%a");
    free(own);
    return status;
}

static struct slurm_job *add_job(struct submission *to, const struct sweep *s, const char *suffix,
                                 const char *part, const struct resources_options *r) {
    struct slurm_job *j = submission_add(to);
    j->name = mem_format("ovseg-%s%s", s->file.name, suffix);
    j->resources = *r;
    strings_add(&j->parts, part);
    return j;
}

/* Stages of different seeds do not wait for each other, those of one mostly do. On a GPU one is at
 * work at a time. */
static int add_shared(const struct sweep *s, const bool *needed, const struct resources_options *r,
                      const struct strings *given, struct submission *to) {
    struct slurm_job *j = add_job(to, s, "-shared", "what several trials need", r);
    int64_t seeds = (int64_t)s->file.opt.seeds.n, jobs = r->gpus || r->cpus < 2 ? 1 : r->cpus;
    jobs = jobs > seeds ? seeds : jobs;
    if (jobs < 1) jobs = 1;
    if (!*r->time) j->resources.time = time_text(to, shared_time(s, needed, jobs));
    char *option = mem_format("--jobs=%lld", (long long)jobs);
    int status = add_words(s, j, given, NULL, r->cpus / jobs, "--shared");
    if (!status) status = slurm_word(j, option, NULL);
    free(option);
    return status;
}

static int add_table(const struct sweep *s, const struct resources_options *r,
                     const struct strings *given, struct submission *to) {
    struct resources_options little = {.nodes = 1,
                                       .tasks = 1,
                                       .cpus = r->cpus ? 1 : 0,
                                       .memory = submission_keep(to, ""),
                                       .time = submission_keep(to, *r->time ? "10" : ""),
                                       .partition = r->partition};
    return add_words(s, add_job(to, s, "-table", "the table", &little), given, "status", 0, NULL);
}

int sweep_submit(const struct sweep *s, const struct resources_options *r,
                 const struct strings *given, int64_t together, struct submission *to) {
    char *tasks = tasks_of(s, together);
    struct resources_options each = *r;
    bool *needed = mem_alloc(s->n_stages, sizeof *needed);
    int status = 0;
    sweep_needed(s, needed);
    if (tasks && !*r->time) each.time = time_text(to, trial_time(s, needed));
    if (tasks && lacks_shared(s, needed)) status = add_shared(s, needed, r, given, to);
    free(needed);
    if (!tasks) return 0;
    struct slurm_job *j = add_job(to, s, "", "trials", &each);
    j->array = tasks;
    if (to->n > 1) slurm_link(&j->after, to->n - 2);
    if (!status) status = add_words(s, j, given, NULL, r->cpus, "--trial=%a");
    if (!status) status = add_table(s, &each, given, to);
    slurm_link(&to->job[to->n - 1].after, to->n - 2);
    return status;
}
