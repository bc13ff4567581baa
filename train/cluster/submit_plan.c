#include "train/cluster/submit_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "train/cluster/slurm_text.h"
#include "train/device.h"
#include "train/run/run.h"

static const char INDEX[] = "%a"; /* Slurm's own mark for it, in names of files */

/* What a stage asks for. */
struct place {
    bool needed, array;
    struct resources_options resources;
    int level; /* jobs that come before its own, at least */
    size_t job;
};

/* A plan in the making. */
struct planner {
    const struct graph *g;
    const struct submit_array *array;
    const struct submit_request *r;
    struct place *at; /* [g->n] */
    struct submission *s;
};

struct resources_options submit_resources(const struct graph *g, const struct node *n,
                                          const struct resource_flags *f) {
    struct resources_options r = n->config.resources;
    struct settings_table t = resource_table();
    for (size_t i = 0; i < t.at->n; i++) {
        const struct setting *s = &t.at->rows[i];
        char key[SETTING_MAX_KEY];
        setting_key(t.at, s, key);
        if (!resource_said(f, key)) continue;
        if (n != g->named && settings_find(&n->doc, key)) continue;
        size_t size = s->type == SET_INT ? sizeof(int64_t) : sizeof(char *);
        memcpy((char *)&r + s->offset, (const char *)&f->options + s->offset, size);
    }
    return r;
}

/* ---- devices ---- */

static const char *device_name(int device) { return device == DEVICE_CUDA ? "cuda" : "cpu"; }

static bool is_config(const struct node *n) { return n->stage && !n->identity; }

/* NAME: must mean one stage. */
static int add_device(const struct graph *g, const struct node *n, struct strings *settings) {
    for (size_t i = 0; i < g->n; i++)
        if (g->at[i] != n && is_config(g->at[i]) && strcmp(g->at[i]->name, n->name) == 0)
            return error_set(ERR_CONFIG,
                             "%s: resources.gpus: this stage and %s have one name, and their jobs "
                             "different devices: rename a file",
                             n->path, g->at[i]->path);
    char *text = mem_format("%s:device=%s", n->name, device_name(n->config.run.device));
    strings_add(settings, text);
    free(text);
    return 0;
}

int submit_devices(struct graph *g, const struct resource_flags *f, struct strings *settings) {
    int status = 0, *given = &g->named->config.run.device;
    if (*given == DEVICE_AUTO) {
        bool gpu = submit_resources(g, g->named, f).gpus > 0;
        *given = gpu ? DEVICE_CUDA : DEVICE_CPU;
        char *text = mem_format("device=%s", device_name(*given));
        strings_add(settings, text);
        free(text);
    }
    for (size_t i = 0; !status && i < g->n; i++) {
        struct node *n = g->at[i];
        int *device = &n->config.run.device;
        if (n == g->named || !is_config(n) || *device != DEVICE_AUTO) continue;
        if (!config_computes(n->config.run.stage)) continue;
        const struct setting_entry *own = settings_find(&n->doc, "device");
        *device = submit_resources(g, n, f).gpus > 0 ? DEVICE_CUDA : DEVICE_CPU;
        if (*device != *given || (own && !own->inherited)) status = add_device(g, n, settings);
    }
    return status;
}

static void check_device(const struct node *n, const struct resources_options *r) {
    bool gpu = strcmp(device_kind(n), "cuda") == 0;
    if (gpu && !r->gpus)
        log_warn("%s: its device is cuda, and its job asks for no GPU (resources.gpus)", n->name);
    else if (!gpu && r->gpus && n->config.run.device == DEVICE_CPU &&
             config_computes(n->config.run.stage))
        log_warn("%s: its device is cpu, and its job asks for GPUs (resources.gpus)", n->name);
}

/* ---- which job ---- */

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

/* A stage comes at least one job after those that it waits for and that ask for something else:
 * with levels as they are here no two jobs can wait for each other. */
static void find_levels(const struct planner *p) {
    struct place *at = p->at;
    for (bool changed = true; changed;) { /* `then` may stand before what it follows */
        changed = false;
        for (size_t i = 0; i < p->g->n; i++)
            for (size_t k = 0; at[i].needed && k < p->g->n; k++) {
                if (!at[k].needed || !waits_for(p->g, p->g->at[i], p->g->at[k])) continue;
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

static void add_stage(const struct planner *p, size_t i, size_t level_begin) {
    struct submission *s = p->s;
    struct place *at = &p->at[i];
    size_t k = level_begin;
    while (k < s->n && !(!s->job[k].array == !at->array &&
                         same_resources(&s->job[k].resources, &at->resources)))
        k++;
    struct slurm_job *j = k < s->n ? &s->job[k] : submission_add(s);
    if (!j->parts.n) {
        j->resources = at->resources;
        j->array = at->array ? mem_strdup(p->r->array) : NULL;
    }
    at->job = k;
    strings_add(&j->parts, name_of(p->g, p->g->at[i]));
    if (!at->array) strings_add(&j->folders, p->g->at[i]->dir);
}

static void add_jobs(const struct planner *p) {
    int top = 0;
    for (size_t i = 0; i < p->g->n; i++)
        if (p->at[i].needed && p->at[i].level > top) top = p->at[i].level;
    for (int level = 0; level <= top; level++) {
        size_t begin = p->s->n;
        for (size_t i = 0; i < p->g->n; i++)
            if (p->at[i].needed && p->at[i].level == level) add_stage(p, i, begin);
    }
}

static void link_jobs(const struct planner *p) {
    const struct place *at = p->at;
    const struct graph *g = p->g;
    for (size_t j = 0; j < p->s->n; j++)
        for (size_t before = 0; before < j; before++) /* in order */
            for (size_t i = 0; i < g->n; i++)
                for (size_t k = 0; at[i].needed && at[i].job == j && k < g->n; k++)
                    if (at[k].needed && at[k].job == before && waits_for(g, g->at[i], g->at[k]))
                        slurm_link(&p->s->job[j].needs, before);
}

/* The last job is called after the config, others also after their last stage. */
static void name_jobs(const struct planner *p) {
    for (size_t j = 0; j < p->s->n; j++) {
        struct slurm_job *job = &p->s->job[j];
        const char *last = path_base(job->parts.at[job->parts.n - 1]), *name = p->g->named->name;
        job->name =
            j + 1 == p->s->n ? mem_format("ovseg-%s", name) : mem_format("ovseg-%s-%s", name, last);
    }
}

/* Stages of a job run one after the other, each as long as it says. --time is for the job: it may
 * be less than the sum, for the job goes on when it is run again, but not less than a stage has. */
static void sum_times(const struct planner *p, const struct resource_flags *f,
                      struct slurm_job *j) {
    double one, limit;
    char text[24];
    if (j->parts.n < 2 || !clock_parse_span(j->resources.time, &one)) return;
    double sum = one * (double)j->parts.n;
    if (resource_said(f, "resources.time") && clock_parse_span(f->options.time, &limit) &&
        limit < sum)
        sum = limit;
    if (sum <= one) return;
    clock_span_text(sum, text);
    j->resources.time = submission_keep(p->s, text);
}

/* ---- what it is told ---- */

/* What all tasks of an array share is made once, as of the first. */
static int add_override(const struct submit_request *r, struct slurm_job *j, const char *text) {
    if (!r->array || j->array) return slurm_word(j, text, r->array ? INDEX : NULL);
    char *first = mem_format("%ld", r->first), *with = slurm_replace(text, INDEX, first);
    int status = slurm_word(j, with, NULL);
    free(first);
    free(with);
    return status;
}

/* An array that is the last job, and the only array, does all that is left: the names of its stages
 * need not be the same for all indices then. Nor has one job alone others to leave something to. */
static bool does_the_rest(const struct planner *p, const struct slurm_job *j) {
    size_t arrays = 0;
    for (size_t i = 0; i < p->s->n; i++) arrays += p->s->job[i].array != NULL;
    return p->s->n == 1 || (arrays == 1 && j->array && j == &p->s->job[p->s->n - 1]);
}

/* With cores to itself a process is told how many: it would count those of the machine. The user's
 * own word comes later and wins. */
static int add_words(const struct planner *p, struct slurm_job *j) {
    const struct submit_request *r = p->r;
    char *threads = mem_format("threads=%lld", (long long)j->resources.cpus);
    int status = slurm_word(j, "train", NULL);
    if (!status) status = slurm_word(j, r->config, NULL);
    if (!status && j->resources.cpus) status = slurm_word(j, threads, NULL);
    for (size_t i = 0; !status && i < r->overrides.n; i++)
        status = add_override(r, j, r->overrides.at[i]);
    for (size_t i = 0; !status && i < r->devices.n; i++)
        status = slurm_word(j, r->devices.at[i], NULL);
    for (size_t i = 0; !status && !does_the_rest(p, j) && i < j->parts.n; i++) {
        char *only = mem_format("--only=%s", j->parts.at[i]);
        status = slurm_word(j, only, NULL);
        free(only);
    }
    free(threads);
    return status;
}

/* ---- */

static int check_array(const struct planner *p) {
    size_t arrays = 0;
    for (size_t j = 0; j < p->s->n; j++) {
        const struct slurm_job *job = &p->s->job[j];
        arrays += job->array != NULL;
        if (job->array && p->array->others && !does_the_rest(p, job))
            return error_set(ERR_USAGE,
                             "--array: its tasks have stages of different names, and these are not "
                             "all in one job: give them the same resources, or send them one by "
                             "one");
    }
    if (p->s->n && !arrays)
        return error_set(ERR_USAGE,
                         "--array: every task would be the same run: write %%a, its "
                         "index, into a setting: seed=%%a");
    return 0;
}

int submit_plan(const struct graph *g, const struct submit_array *array,
                const struct submit_request *r, const struct submit_flags *f,
                struct submission *s) {
    struct planner p = {g, array, r, mem_alloc(g->n, sizeof *p.at), s};
    bool *needed = mem_alloc(g->n, sizeof *needed);
    graph_needed(g, needed);
    for (size_t i = 0; i < g->n; i++) {
        p.at[i].needed = needed[i];
        if (!needed[i]) continue;
        p.at[i].resources = submit_resources(g, g->at[i], &f->resources);
        p.at[i].array = array && array->varies[i];
        check_device(g->at[i], &p.at[i].resources);
    }
    find_levels(&p);
    add_jobs(&p);
    link_jobs(&p);
    name_jobs(&p);
    for (size_t j = 0; j < s->n; j++) sum_times(&p, &f->resources, &s->job[j]);
    int status = array ? check_array(&p) : 0;
    for (size_t j = 0; !status && j < s->n; j++) status = add_words(&p, &s->job[j]);
    if (s->n == 1) strings_free(&s->job[0].parts); /* its head need not tell them */
    free(needed);
    free(p.at);
    return status;
}
