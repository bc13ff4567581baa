#include "train/submit_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/run.h"

static struct settings_table flags_table(void) {
    static const struct setting_group group = {"resources", resources_rows,
                                               sizeof resources_rows / sizeof *resources_rows, 0};
    return (struct settings_table){&group, 1};
}

void resource_flag(struct resource_flags *f, const char *key, const char *value) {
    struct override o = {.key = mem_format("resources.%s", key), .value = mem_strdup(value)};
    if (!f->said.path && settings_parse(&f->said, "command line", "{}")) return;
    settings_override(&f->said, &o); /* its error is kept for resource_flags_check */
    override_free(&o);
}

int resource_flags_check(struct resource_flags *f) {
    struct problems p = {0};
    problems_take_error(&p);
    if (!f->said.path && settings_parse(&f->said, "command line", "{}")) return error_status();
    settings_assign(&f->said, flags_table(), flags_table(), "ovseg submit", &f->options, &p);
    if (!p.n) resources_check(&f->said, &f->options, "", &p);
    return problems_close(&p, ERR_USAGE);
}

void resource_flags_free(struct resource_flags *f) {
    settings_free(flags_table(), &f->options);
    settings_doc_free(&f->said);
}

/* What a stage asks for. */
struct place {
    bool needed, array;
    struct resources_options resources;
    int level; /* jobs that come before its own, at least */
    size_t job;
};

static struct resources_options resources_of(const struct graph *g, const struct node *n,
                                             const struct resource_flags *f) {
    struct resources_options r = n->config.resources;
    struct settings_table t = flags_table();
    for (size_t i = 0; i < t.at->n; i++) {
        const struct setting *s = &t.at->rows[i];
        char key[SETTING_MAX_KEY];
        setting_key(t.at, s, key);
        if (!settings_find(&f->said, key)) continue;
        if (n != g->named && settings_find(&n->doc, key)) continue;
        size_t size = s->type == SET_INT ? sizeof(int64_t) : sizeof(char *);
        memcpy((char *)&r + s->offset, (const char *)&f->options + s->offset, size);
    }
    return r;
}

static bool same_resources(const struct resources_options *a, const struct resources_options *b) {
    return a->nodes == b->nodes && a->gpus == b->gpus && a->tasks == b->tasks &&
           a->cpus == b->cpus && strcmp(a->memory, b->memory) == 0 &&
           strcmp(a->time, b->time) == 0 && strcmp(a->partition, b->partition) == 0;
}

static bool same_kind(const struct place *a, const struct place *b) {
    return a->array == b->array && same_resources(&a->resources, &b->resources);
}

/* Whether `from` must be done before `n`: as an input, or as what the closing stage follows. */
static bool waits_for(const struct graph *g, const struct node *n, const struct node *from) {
    if (g->named->then == n && from == g->named) return true;
    for (size_t k = 0; k < n->n_inputs; k++)
        if (n->input[k].node == from) return true;
    return false;
}

static bool is_array(const struct node *n, const struct graph *other) {
    for (size_t i = 0; i < other->n; i++)
        if (strcmp(other->at[i]->path, n->path) == 0) return strcmp(other->at[i]->dir, n->dir) != 0;
    return true;
}

/* A stage comes at least one job after those that it waits for and that ask for something else:
 * with levels as they are here no two jobs can wait for each other. */
static void find_levels(const struct graph *g, struct place *at) {
    for (bool changed = true; changed;) { /* `then` may stand before what it follows */
        changed = false;
        for (size_t i = 0; i < g->n; i++)
            for (size_t k = 0; at[i].needed && k < g->n; k++) {
                if (!at[k].needed || !waits_for(g, g->at[i], g->at[k])) continue;
                int level = at[k].level + !same_kind(&at[i], &at[k]);
                if (level <= at[i].level) continue;
                at[i].level = level;
                changed = true;
            }
    }
}

/* A name that --only understands. */
static const char *name_of(const struct graph *g, const struct node *n) {
    size_t same = 0;
    for (size_t i = 0; i < g->n; i++) same += strcmp(g->at[i]->name, n->name) == 0;
    return same > 1 ? n->path : n->name;
}

static void add_stage(struct submission *s, const struct graph *g, struct place *at, size_t i,
                      size_t level_begin) {
    size_t k = level_begin;
    while (k < s->n && !(s->job[k].array == at[i].array &&
                         same_resources(&s->job[k].resources, &at[i].resources)))
        k++;
    if (k == s->n) {
        s->job = mem_grow(s->job, &s->cap, s->n + 1, sizeof *s->job);
        s->job[s->n++] = (struct slurm_job){.resources = at[i].resources, .array = at[i].array};
    }
    at[i].job = k;
    strings_add(&s->job[k].stages, name_of(g, g->at[i]));
    if (!at[i].array) strings_add(&s->job[k].folders, g->at[i]->dir);
}

static void add_jobs(struct submission *s, const struct graph *g, struct place *at) {
    int top = 0;
    for (size_t i = 0; i < g->n; i++)
        if (at[i].needed && at[i].level > top) top = at[i].level;
    for (int level = 0; level <= top; level++) {
        size_t begin = s->n;
        for (size_t i = 0; i < g->n; i++)
            if (at[i].needed && at[i].level == level) add_stage(s, g, at, i, begin);
    }
}

static void link_jobs(struct submission *s, const struct graph *g, const struct place *at) {
    for (size_t j = 0; j < s->n; j++) {
        bool *needs = mem_alloc(s->n, sizeof *needs);
        for (size_t i = 0; i < g->n; i++)
            for (size_t k = 0; at[i].needed && at[i].job == j && k < g->n; k++)
                if (at[k].needed && at[k].job != j && waits_for(g, g->at[i], g->at[k]))
                    needs[at[k].job] = true;
        s->job[j].needs = mem_alloc(s->n, sizeof *s->job[j].needs);
        for (size_t k = 0; k < s->n; k++)
            if (needs[k]) s->job[j].needs[s->job[j].n_needs++] = k;
        free(needs);
    }
}

/* The last job is called after the config, others also after their last stage; one job alone needs
 * no list of its stages. */
static void name_jobs(struct submission *s, const struct graph *g) {
    for (size_t j = 0; j < s->n; j++) {
        struct slurm_job *job = &s->job[j];
        const char *last = path_base(job->stages.at[job->stages.n - 1]);
        job->name = j + 1 == s->n ? mem_format("ovseg-%s", g->named->name)
                                  : mem_format("ovseg-%s-%s", g->named->name, last);
    }
    if (s->n == 1) strings_free(&s->job[0].stages);
}

static int check_times(const struct submission *s) {
    enum { EARLY = 60 }; /* seconds by which Slurm's signal may be early */
    for (size_t j = 0; s->margin && j < s->n; j++) {
        double time = slurm_job_time(s, &s->job[j]);
        if (time > 0 && time < (double)(s->margin + 2 * EARLY))
            return error_set(ERR_CONFIG,
                             "%s: a time of %.0f s leaves too little beside the margin of %lld s, "
                             "with which SIGUSR1 may come up to %d s early: raise --time, or lower "
                             "--margin",
                             s->job[j].name, time, (long long)s->margin, EARLY);
    }
    return 0;
}

/* Of an array one task is looked at: that its run is done says nothing of the others. */
static void forget_done(struct graph *g, const struct graph *other) {
    for (size_t i = 0; i < g->n; i++)
        if (is_array(g->at[i], other)) g->at[i]->done = false;
}

int submit_plan(struct graph *g, const struct graph *other, const struct resource_flags *f,
                struct submission *s) {
    if (other) forget_done(g, other);
    struct place *at = mem_alloc(g->n, sizeof *at);
    bool *needed = mem_alloc(g->n, sizeof *needed), arrays = false;
    graph_needed(g, needed);
    for (size_t i = 0; i < g->n; i++) {
        at[i].needed = needed[i];
        if (!needed[i]) continue;
        at[i].resources = resources_of(g, g->at[i], f);
        at[i].array = other && is_array(g->at[i], other);
        arrays |= at[i].array;
    }
    find_levels(g, at);
    add_jobs(s, g, at);
    link_jobs(s, g, at);
    name_jobs(s, g);
    free(needed);
    free(at);
    if (other && s->n && !arrays)
        return error_set(ERR_USAGE,
                         "--array: every task would be the same run: write %%a, its "
                         "index, into a setting: seed=%%a");
    return check_times(s);
}
