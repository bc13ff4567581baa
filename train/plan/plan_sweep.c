#include "train/plan/plan_sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "train/run/run.h"
#include "train/sweep/sweep_join.h"

enum { PROBED_MAX = 64 };

/* A kind of work: what was found out about it. */
struct work {
    uint64_t kind;
    struct plan_probe probe; /* owns its `why` */
};

struct planner {
    struct plan_sweep *to;
    struct plan_options options; /* of the trial that is looked at */
    char *dir;                   /* of the probes */
    struct work work[PROBED_MAX];
    size_t n_work;
};

/* ---- kinds of work ---- */

/* Facts of an identity that do not say how much there is to do. Steps are counted apart. */
static bool costs_nothing(const char *line) {
    static const char *const free_of_cost[] = {"seed=", "optim.", "input ", "eval.lambda="};
    for (size_t i = 0; i < sizeof free_of_cost / sizeof *free_of_cost; i++)
        if (strncmp(line, free_of_cost[i], strlen(free_of_cost[i])) == 0) return true;
    return false;
}

/* Of its settings and of what it is made from, whatever seeds and rates. */
static uint64_t recipe_of(const struct node *n) {
    struct str text = {0};
    for (const char *line = n->identity; *line;) {
        size_t length = strcspn(line, "\n");
        if (!costs_nothing(line)) str_add(&text, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    for (size_t i = 0; i < n->n_inputs; i++) {
        char hex[17];
        const struct node_input *in = &n->input[i];
        hash_hex(in->node ? recipe_of(in->node) : in->hash, hex);
        str_add(&text, "%s %s\n", in->name, hex);
    }
    uint64_t recipe = hash_string(text.at);
    str_free(&text);
    return recipe;
}

/* An input that is done is probed at its full size, others are made small. */
static uint64_t kind_of(const struct node *n) {
    struct str text = {0};
    char hex[17];
    hash_hex(recipe_of(n), hex);
    str_add(&text, "%s %s", n->name, hex);
    for (size_t i = 0; i < n->n_inputs; i++)
        if (n->input[i].node && n->input[i].node->reused) str_add(&text, " %s", n->input[i].name);
    uint64_t kind = hash_string(text.at);
    str_free(&text);
    return kind;
}

static struct work *find(struct planner *p, uint64_t kind) {
    for (size_t i = 0; i < p->n_work; i++)
        if (p->work[i].kind == kind) return &p->work[i];
    return NULL;
}

static void keep(struct planner *p, const struct plan_stage *s) {
    uint64_t kind = kind_of(s->node);
    if (s->reused || find(p, kind) || p->n_work == PROBED_MAX) return;
    struct work *w = &p->work[p->n_work++];
    *w = (struct work){.kind = kind, .probe = s->probe};
    w->probe.why = s->probe.why     ? mem_strdup(s->probe.why)
                   : s->probe.there ? NULL
                                    : mem_strdup("needs one that was not probed");
    p->to->probes += s->probe.there;
}

static void recall(struct planner *p, struct plan_stage *s) {
    const struct work *w = s->reused ? NULL : find(p, kind_of(s->node));
    free(s->probe.why);
    s->probe = w ? w->probe : (struct plan_probe){0};
    if (s->probe.why) s->probe.why = mem_strdup(s->probe.why);
}

/* ---- a trial ---- */

static size_t stage_of(const struct sweep *s, const struct node *n) {
    for (size_t i = 0; i < s->n_stages; i++)
        if (strcmp(s->stage[i].dir, n->dir) == 0) return i;
    return SIZE_MAX;
}

/* Stages of this graph that no earlier one had. */
static bool is_new(const struct planner *p, const struct node *n) {
    size_t i = stage_of(p->to->sweep, n);
    return i != SIZE_MAX && p->to->needed[i] && !p->to->stage[i].known;
}

static void want(const struct planner *p, const struct graph *g, const struct node *n,
                 bool *wanted) {
    for (size_t i = 0; i < g->n; i++) {
        if (g->at[i] != n || wanted[i] || n->done || plan_is_made(p->dir, n)) continue;
        wanted[i] = true;
        for (size_t k = 0; k < n->n_inputs; k++)
            if (n->input[k].node) want(p, g, n->input[k].node, wanted);
    }
}

/* What is probed already gives inputs to what is not: it is made small again when it is another
 * run. */
static int probe(struct planner *p, struct plan *plan) {
    struct graph *g = plan->graph;
    bool *wanted = mem_alloc(g->n, sizeof *wanted), any = false;
    for (size_t i = 0; i < g->n; i++) {
        if (!is_new(p, g->at[i]) || find(p, kind_of(g->at[i]))) continue;
        want(p, g, g->at[i], wanted);
        any = true;
    }
    int status =
        any && p->n_work < PROBED_MAX ? plan_measure_in(plan, &p->options, p->dir, wanted) : 0;
    for (size_t i = 0; !status && i < plan->n; i++)
        for (size_t k = 0; k < g->n; k++)
            if (wanted[k] && g->at[k] == plan->at[i].node) keep(p, &plan->at[i]);
    free(wanted);
    return status;
}

static void take(struct planner *p, const struct plan *plan) {
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_stage *from = &plan->at[i];
        if (from->reused || !is_new(p, from->node)) continue;
        struct plan_sweep_stage *to = &p->to->stage[stage_of(p->to->sweep, from->node)];
        *to = (struct plan_sweep_stage){.known = true,
                                        .gpu = plan_on_gpu(from->node),
                                        .seconds = from->seconds,
                                        .memory = from->memory,
                                        .disk = from->disk,
                                        .threads = run_threads(from->node)};
        if (from->probe.why) to->why = mem_strdup(from->probe.why);
    }
    p->to->room = plan->room;
    p->to->free_memory = plan->free_memory;
}

static bool has_new(const struct planner *p, size_t trial) {
    const struct sweep *s = p->to->sweep;
    const struct sweep_trial *t = &s->trial[trial];
    for (size_t k = 0; k < t->n_stages; k++)
        if (p->to->needed[t->stage[k]] && !p->to->stage[t->stage[k]].known) return true;
    return false;
}

static int look_at(struct planner *p, size_t trial, bool judged) {
    struct graph g;
    struct plan plan = {0};
    p->options.trial = (int64_t)trial + 1;
    p->options.judged = judged;
    int status = plan_sweep_graph(p->to->sweep, p->options.trial, judged, p->options.threads, &g);
    if (!status) {
        plan_open(&plan, &g);
        if (p->options.probe) status = probe(p, &plan);
        for (size_t i = 0; i < plan.n; i++) recall(p, &plan.at[i]);
        if (!status) plan_forecast(&plan, &p->options);
        if (!status) take(p, &plan);
        plan_close(&plan);
    }
    graph_close(&g);
    return status;
}

int plan_sweep_graph(const struct sweep *s, int64_t trial, bool judged, int64_t threads,
                     struct graph *g) {
    int status = sweep_graph(s, (size_t)trial - 1, judged, g);
    for (size_t i = 0; i < g->n; i++)
        if (!g->at[i]->config.run.threads) g->at[i]->config.run.threads = threads;
    return status;
}

/* ---- all of them, side by side ---- */

struct clockwork {
    double *end; /* of a stage; 0: not begun */
    double *free_at;
    size_t jobs;
};

static bool is_ready(const struct plan_sweep *p, const struct clockwork *c, size_t i, double now) {
    const struct sweep_stage *stage = &p->sweep->stage[i];
    if (!p->needed[i] || c->end[i] > 0) return false;
    for (size_t k = 0; k < stage->inputs.n; k++) {
        size_t in = stage->need[k];
        if (p->needed[in] && !(c->end[in] > 0 && c->end[in] <= now)) return false;
    }
    return true;
}

/* As sweep_run() starts them: the first one that is ready, whenever there is room. */
static double wall_of(const struct plan_sweep *p, size_t jobs) {
    static const double LEAST = 1e-6; /* a stage that began has an end */
    size_t n = p->sweep->n_stages;
    struct clockwork c = {mem_alloc(n, sizeof *c.end), mem_alloc(jobs, sizeof *c.free_at), jobs};
    double now = 0, last = 0;
    for (bool more = true; more;) {
        double next = INFINITY;
        for (size_t w = 0; w < jobs; w++) {
            size_t i = 0;
            while (c.free_at[w] <= now && i < n && !is_ready(p, &c, i, now)) i++;
            if (c.free_at[w] <= now && i < n) {
                double s = p->stage[i].seconds;
                c.free_at[w] = c.end[i] = now + (s > LEAST ? s : LEAST);
            }
            if (c.free_at[w] > now && c.free_at[w] < next) next = c.free_at[w];
        }
        more = isfinite(next);
        if (more) last = now = next;
    }
    free(c.end);
    free(c.free_at);
    return last;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The largest that may be at work together. */
static double memory_of(const struct plan_sweep *p, size_t jobs) {
    size_t n = 0;
    double *all = mem_alloc(p->sweep->n_stages, sizeof *all), sum = 0;
    for (size_t i = 0; i < p->sweep->n_stages; i++)
        if (p->needed[i] && !isnan(p->stage[i].memory)) all[n++] = p->stage[i].memory;
    qsort(all, n, sizeof *all, compare);
    for (size_t i = 0; i < n && i < jobs; i++) sum += all[i];
    free(all);
    return sum;
}

static void add_up(struct plan_sweep *p, size_t jobs) {
    p->whole = true;
    for (size_t i = 0; i < p->sweep->n_stages; i++) {
        const struct plan_sweep_stage *s = &p->stage[i];
        if (!p->needed[i]) continue;
        p->gpu |= s->gpu;
        p->whole &= !isnan(s->seconds);
        if (!isnan(s->disk)) p->disk += s->disk;
        if (isnan(s->seconds)) continue;
        p->seconds += s->seconds;
        *(s->gpu ? &p->gpu_seconds : &p->core_seconds) += s->seconds * (s->gpu ? 1 : s->threads);
    }
    p->memory = memory_of(p, jobs);
    p->wall = wall_of(p, jobs);
}

int plan_sweep_open(struct plan_sweep *p, const struct sweep *s, const struct plan_options *o) {
    struct planner in = {.to = p, .options = *o};
    bool made_runs = false;
    *p = (struct plan_sweep){.sweep = s,
                             .needed = mem_alloc(s->n_stages, sizeof *p->needed),
                             .stage = mem_alloc(s->n_stages, sizeof *p->stage)};
    int64_t share = run_cores() / o->jobs;
    in.options.threads = share > 0 ? share : 1;
    sweep_needed(s, p->needed);
    int status = o->probe ? plan_folder(s->output_dir, &in.dir, &made_runs) : 0;
    for (size_t t = 0; !status && t < s->n_trials; t++) {
        if (has_new(&in, t)) status = look_at(&in, t, false);
        if (!status && has_new(&in, t)) status = look_at(&in, t, true); /* what ranks it */
    }
    if (in.n_work == PROBED_MAX)
        log_warn("%d kinds of work were timed, others were not: the sums are too small",
                 PROBED_MAX);
    if (!status) add_up(p, (size_t)o->jobs);
    for (size_t i = 0; i < in.n_work; i++) free(in.work[i].probe.why);
    int removed = plan_folder_remove(s->output_dir, in.dir, made_runs);
    return status ? status : removed;
}

void plan_sweep_close(struct plan_sweep *p) {
    for (size_t i = 0; p->stage && i < p->sweep->n_stages; i++) free(p->stage[i].why);
    free(p->stage);
    free(p->needed);
    *p = (struct plan_sweep){0};
}
