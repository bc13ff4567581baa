/* From counts and a probe to time, memory and disk. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/file.h"
#include "checkpoints/checkpoint.h"
#include "data/scenes.h"
#include "train/clip_validate.h"
#include "train/device.h"
#include "train/memory.h"
#include "train/plan/plan.h"
#include "train/run/run.h"
#include "train/run/scheduler.h"

static struct plan_stage *stage_of(const struct plan *p, const struct node *n) {
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].node == n) return &p->at[i];
    return NULL;
}

/* ---- how much there will be to do ---- */

/* Of a drawn set by the settings; others were there already when the probe read them. */
static int64_t pictures_of(const struct plan_stage *s, const char *set) {
    const struct node *scenes = node_from(s->node, "scenes");
    if (!set) return 0;
    if (!scenes || scenes->config.run.stage != STAGE_SCENES) return s->probe.pictures;
    const struct scene_counts *c = &scenes->config.counts;
    const struct {
        const char *name;
        int64_t n;
    } sets[] = {{"easy", c->easy},
                {"clip", c->clip},
                {"seen", c->seen},
                {"val", c->val},
                {"test", c->test}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(sets[i].name, set) == 0) return sets[i].n;
    return s->probe.pictures;
}

/* What it is trained on, or looks at. */
static int64_t all_pictures_of(const struct plan_stage *s) {
    int64_t n = pictures_of(s, plan_set(s->node));
    const struct node *scenes = node_from(s->node, "scenes");
    bool drawn = scenes && scenes->config.run.stage == STAGE_SCENES;
    return n + (drawn && plan_easy(s->node) ? scenes->config.counts.easy : 0);
}

/* An input that the probe made small says nothing of how much there will be. */
static bool is_whole(const struct node *n, const char *input) {
    const struct node *from = node_from(n, input);
    return !from || from->reused;
}

static int64_t samples_of(const struct plan *p, const struct plan_stage *s) {
    const struct node *pairs = node_from(s->node, "pairs");
    const struct plan_stage *mined = pairs ? stage_of(p, pairs) : NULL;
    if (node_input(s->node, "pairs")) return mined ? mined->pairs : 0;
    return s->pictures;
}

static int64_t units_of(const struct plan *p, const struct plan_stage *s) {
    const struct config *c = &s->node->config;
    if (!plan_trains(s->node))
        return s->counts.units >= 0
                   ? (s->pictures && s->counts.units > s->pictures ? s->pictures : s->counts.units)
               : s->pictures ? s->pictures
                             : -1;
    if (c->optim.steps) return c->optim.steps;
    const char *input = node_input(s->node, "pairs") ? "pairs" : "scenes";
    if (s->probe.there && s->probe.total && is_whole(s->node, input)) return s->probe.total;
    int64_t samples = samples_of(p, s);
    return samples ? c->optim.epochs * (samples / s->counts.batch) : -1;
}

/* ---- what it takes ---- */

static double ratio(int64_t will, int64_t did) {
    return will > 0 && did > 0 ? (double)will / (double)did : 1;
}

static int64_t validations(const struct plan_stage *s) {
    const struct train_options *t = &s->node->config.train;
    bool probe = *t->validate_probe;
    if (!*t->validate_set && !probe) return 0;
    return 1 + probe + (t->validate_every ? (s->counts.units - 1) / t->validate_every : 0);
}

static double validation_ratio(const struct plan_stage *s) {
    const struct train_options *t = &s->node->config.train;
    int64_t of[] = {*t->validate_set ? pictures_of(s, t->validate_set) : 0,
                    *t->validate_probe ? CLIP_PROBE_SCENES : 0}; /* of a file: as if drawn */
    int64_t all = 0, tried = 0;
    for (int k = 0; k < 2; k++) {
        if (t->validate_images && t->validate_images < of[k]) of[k] = t->validate_images;
        all += of[k];
        tried += of[k] < PLAN_HELD_OUT ? of[k] : PLAN_HELD_OUT;
    }
    return ratio(all, tried);
}

static int64_t saves(const struct plan_stage *s) {
    int64_t every = s->node->config.run.checkpoint_every;
    return (s->counts.units + every - 1) / every;
}

/* A picture, where CLIP is asked about a share of the proposals that the probe asked about. */
static double picture(const struct plan_probe *p, double share) {
    return isnan(p->bare) ? p->unit : p->bare + share * (p->unit - p->bare);
}

/* New words come ever more rarely (Heaps): nouns grow like this power of the captions. */
static const double HEAPS = 0.6;

static double seconds_of(const struct plan_stage *s, double share) {
    const struct plan_probe *p = &s->probe;
    double n = (double)s->counts.units, pictures = ratio(s->pictures, p->pictures);
    switch (s->node->config.run.stage) {
    case STAGE_SCENES: return fmax(0, p->start - (double)p->units * p->unit) + n * p->unit;
    case STAGE_MINE:
        return fmax(0, p->start - (double)p->units * p->unit - p->once) +
               p->once * pow(ratio(s->counts.units, p->units), HEAPS) + n * picture(p, share);
    case STAGE_EVALUATE: return p->once + n * picture(p, share);
    case STAGE_IMPORT: return p->start;
    default:
        return p->start + p->load * (pictures - 1) +
               (double)s->node->config.pretrain.steps * p->first + n * p->unit +
               (double)validations(s) * validation_ratio(s) * p->validate +
               (double)saves(s) * p->save;
    }
}

/* Pictures that are kept decoded, as long as they are 1 GiB at most (data/dataset_cache.h), and of
 * pretraining the tokens of their captions. */
static double memory_of(const struct plan_stage *s) {
    const struct plan_probe *p = &s->probe;
    double more = (double)(s->pictures - p->pictures), all = (double)s->pictures * p->picture_bytes;
    if (!plan_trains(s->node) || more <= 0) return p->memory;
    double memory = p->memory + (all <= 1024.0 * (1 << 20) ? more * p->picture_bytes : 0);
    if (s->node->config.run.stage == STAGE_CLIP_PRETRAIN)
        memory += more * SCENE_CAPTIONS * 8 * (double)s->node->config.clip.context;
    return memory;
}

static double disk_of(const struct plan_stage *s) {
    const struct plan_probe *p = &s->probe;
    if (!plan_trains(s->node))
        return (p->folder + p->cache) * (s->node->config.run.stage == STAGE_IMPORT ||
                                                 s->node->config.run.stage == STAGE_EVALUATE
                                             ? 1
                                             : ratio(s->counts.units, p->units));
    int64_t kept = saves(s) < CHECKPOINT_KEPT ? saves(s) : CHECKPOINT_KEPT;
    kept += s->node->config.train.validate_keep == KEEP_BEST && saves(s) > 1;
    int64_t logged = s->counts.units / s->node->config.run.log_every;
    double lines = 400 * (double)logged; /* bytes, with those of the events */
    return p->folder + p->cache + (double)(kept - 1) * p->checkpoint + lines;
}

/* Samples at once: batch.micro, or all of the batch where that is not set. */
static int64_t batch_that_fits(const struct plan_stage *s, double room) {
    const struct plan_probe *p = &s->probe;
    int64_t other = s->counts.at_once / 2; /* samples that the half lacks */
    double B = (double)s->counts.at_once;
    double each = p->half_memory > 0 ? (p->memory - p->half_memory) / (double)other : 0;
    if (each < 0.2 * s->counts.activations) each = s->counts.activations; /* noise of so little */
    double most = each > 0 ? B + (room - s->memory) / each : 0;
    return most >= 1 ? (int64_t)fmin(floor(most), 1e6) : 0;
}

static void forecast(struct plan *p, struct plan_stage *s, const struct plan_options *o) {
    s->pictures = all_pictures_of(s);
    s->counts.units = units_of(p, s);
    s->seconds = s->memory = s->disk = NAN;
    s->flop = s->counts.units >= 0 ? (double)s->counts.units * s->counts.flop + s->counts.first_flop
                                   : NAN;
    if (s->reused) {
        s->seconds = s->memory = s->disk = s->flop = 0;
        return;
    }
    if (!s->probe.there || s->counts.units < 0) {
        if (plan_trains(s->node)) /* by counts: state and activations alone */
            s->memory = s->counts.state + (double)s->counts.at_once * s->counts.activations;
        if (plan_trains(s->node))
            s->disk = 4 * ((double)s->counts.params + 2 * (double)s->counts.trained) * 2;
        if (plan_trains(s->node) && (o->memory > 0 || !plan_on_gpu(s->node)))
            s->fits = batch_that_fits(s, p->free_memory);
        return;
    }
    s->seconds = seconds_of(s, o->share);
    s->memory = memory_of(s);
    s->disk = disk_of(s);
    s->fits = plan_trains(s->node) ? batch_that_fits(s, p->free_memory) : 0;
    s->pairs = (int64_t)((double)s->probe.pairs * ratio(s->counts.units, s->probe.units));
}

/* ---- the chain ---- */

/* Stages side by side share the memory, and the longest of them decides. */
static void add_together(struct plan *p, struct node **node, size_t n) {
    double longest = 0, memory = 0;
    for (size_t i = 0; i < n; i++) {
        const struct plan_stage *s = stage_of(p, node[i]);
        p->whole &= !isnan(s->seconds);
        p->counted &= !isnan(s->flop);
        if (!isnan(s->seconds)) p->seconds += s->seconds;
        if (s->seconds > longest) longest = s->seconds;
        if (!isnan(s->memory)) memory += s->memory;
        if (!isnan(s->disk)) p->disk += s->disk;
        if (!isnan(s->flop)) p->flop += s->flop;
    }
    p->wall += longest;
    p->memory = fmax(p->memory, memory);
}

static void add_all(struct plan *p) {
    struct graph *g = p->graph;
    bool *needed = mem_alloc(g->n, sizeof *needed), *was = mem_alloc(g->n, sizeof *was);
    struct node *group[TOGETHER_MAX];
    graph_needed(g, needed);
    for (size_t i = 0; i < g->n; i++) was[i] = g->at[i]->done;
    p->whole = p->counted = true;
    for (size_t n; (n = scheduler_next(g, needed, group));) {
        add_together(p, group, n);
        for (size_t i = 0; i < n; i++) group[i]->done = true;
    }
    for (size_t i = 0; i < g->n; i++) g->at[i]->done = was[i];
    free(needed);
    free(was);
}

static double free_disk(const char *path) {
    struct statvfs v;
    char *at = mem_strdup(path);
    while (statvfs(at, &v)) {
        char *up = path_dir(at);
        bool top = strcmp(up, at) == 0;
        free(at);
        at = up;
        if (top) break;
    }
    free(at);
    return (double)v.f_bavail * (double)v.f_frsize;
}

bool plan_on_gpu(const struct node *n) { return strcmp(device_kind(n), "cuda") == 0; }

void plan_open(struct plan *p, struct graph *g) {
    bool *needed = mem_alloc(g->n, sizeof *needed);
    *p = (struct plan){.graph = g, .at = mem_alloc(g->n, sizeof *p->at)};
    graph_needed(g, needed);
    for (size_t i = 0; i < g->n; i++) {
        if (!needed[i] && !g->at[i]->done) continue; /* behind what is reused */
        p->at[p->n++] = (struct plan_stage){.node = g->at[i], .reused = g->at[i]->done};
        p->gpu |= needed[i] && plan_on_gpu(g->at[i]);
        plan_count(&p->at[p->n - 1]);
    }
    free(needed);
}

void plan_close(struct plan *p) {
    for (size_t i = 0; i < p->n; i++) free(p->at[i].probe.why);
    free(p->at);
    *p = (struct plan){0};
}

void plan_forecast(struct plan *p, const struct plan_options *o) {
    p->free_memory = o->memory > 0 ? o->memory : memory_free();
    p->room = free_disk(p->graph->named->config.run.output_dir);
    for (size_t i = 0; i < p->n; i++) forecast(p, &p->at[i], o);
    add_all(p);
}
