/* A probe's own process: the chain made small, one stage of it run in a folder of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/spans.h"
#include "data/dataset_cache.h"
#include "data/tokenizer.h"
#include "eval/measure_options.h"
#include "nn/torch/tensor.h"
#include "train/clip_run.h"
#include "train/memory.h"
#include "train/plan/plan.h"
#include "train/run/run.h"
#include "train/run/run_look.h"
#include "train/waiting.h"

enum {
    DRAWN = 256,      /* pictures of each drawn set, and */
    DRAWN_ALL = 1600, /* of all of them, in the proportions of the chain */
    MINED = 64,
    PHASE = 16, /* steps of a first phase */
};

char *plan_dir(const char *dir, const struct node *n) { return path_join(dir, path_base(n->dir)); }

/* ---- the chain, made small ---- */

static int64_t least(int64_t a, int64_t b) { return a && a < b ? a : b; }

/* No fewer than the largest batch of the chain draws from. */
static int64_t largest_batch(const struct graph *g) {
    int64_t most = DRAWN;
    for (size_t i = 0; i < g->n; i++)
        if (plan_trains(g->at[i]) && g->at[i]->config.train.batch_global > most)
            most = g->at[i]->config.train.batch_global;
    return most;
}

static int64_t drawn(int64_t n, int64_t all, int64_t floor_) {
    int64_t part = all > DRAWN_ALL ? n * DRAWN_ALL / all : n;
    return least(n, part > floor_ ? part : floor_) * (n > 0);
}

static void shrink_scenes(const struct graph *g, struct scene_counts *c) {
    int64_t all = c->easy + c->clip + c->seen, batch = largest_batch(g);
    c->easy = drawn(c->easy, all, batch);
    c->clip = drawn(c->clip, all, batch);
    c->seen = drawn(c->seen, all, batch);
    c->val = least(c->val, PLAN_HELD_OUT) * (c->val > 0);
    c->test = least(c->test, PLAN_HELD_OUT) * (c->test > 0);
}

/* Masks of a network that has learned nothing are empty: then all of its queries count, and the
 * forecast takes a share of them. */
bool plan_untrained(const struct node *n) {
    const struct node *from = node_from(n, "proposals");
    return from && !from->reused && from->config.run.stage == STAGE_PROPOSALS;
}

/* Pictures that give pairs for a batch; of large models as many as some 20 s have time for. */
static int64_t mined(const struct graph *g, struct node *n) {
    static const double WORK = 2e12; /* FLOP: of two slow cores */
    struct plan_stage s = {.node = n};
    int64_t enough = largest_batch(g) / 2;
    plan_count(&s);
    double time_for = s.counts.flop > 0 ? WORK / s.counts.flop : (double)enough;
    if (time_for < 2) return 2;
    return enough > MINED && time_for > MINED ? enough
           : time_for < MINED                 ? (int64_t)time_for
                                              : MINED;
}

static void shrink(const struct graph *g, struct node *n) {
    struct config *c = &n->config;
    c->run.log_every = 1;
    switch (c->run.stage) {
    case STAGE_SCENES: shrink_scenes(g, &c->counts); break;
    case STAGE_MINE:
        free(c->mine.cache); /* a folder of the user's must not get masks of this network */
        c->mine.cache = mem_strdup("auto");
        c->mine.images = least(c->mine.images, mined(g, n));
        if (plan_untrained(n)) c->mine.mask_threshold = 0;
        break;
    case STAGE_EVALUATE:
        if (plan_untrained(n)) c->eval.mask_threshold = 0;
        break;
    default: break;
    }
    if (!plan_trains(n)) return;
    c->run.checkpoint_every = INT32_MAX;
    if (c->pretrain.steps) c->pretrain.steps = least(c->pretrain.steps, PHASE);
    if (!*c->train.validate_set && !*c->train.validate_probe) return;
    c->train.validate_every = 3; /* one is timed even where three steps are all there is */
    c->train.validate_images = least(c->train.validate_images, PLAN_HELD_OUT);
    c->train.validate_keep = KEEP_LAST;
}

static void take_down(struct graph *g, const char *dir) {
    for (size_t i = 0; i < g->n; i++) {
        struct node *n = g->at[i];
        if (n->done) continue;
        char *to = plan_dir(dir, n);
        shrink(g, n);
        free(n->dir);
        n->dir = to;
        free(n->config.run.output_dir); /* and caches, which lie beside the runs then */
        n->config.run.output_dir = mem_strdup(dir);
        free(n->cache);
        n->cache = NULL;
    }
}

/* ---- what it finds ---- */

static double wall(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct loading {
    double seconds, bytes;
    int64_t pictures;
};

const char *plan_set(const struct node *n) {
    switch (n->config.run.stage) {
    case STAGE_PROPOSALS: return "seen";
    case STAGE_CLIP_PRETRAIN:
    case STAGE_CLIP_FINETUNE:
    case STAGE_MASK_PROMPT:
    case STAGE_CLIP_JOINT:
    case STAGE_MINE: return "clip";
    case STAGE_EVALUATE: return n->config.eval.set;
    default: return NULL;
    }
}

/* Without the opening of the vocabulary, which is the same for few captions as for many. */
static double time_tokens(const struct node *n, const struct dataset *d) {
    struct tokenizer t;
    int64_t T = n->config.clip.context > 0 ? n->config.clip.context : 77;
    int64_t *ids = mem_alloc((size_t)T, sizeof *ids);
    int status = tokenizer_open(&t, NULL);
    double start = clock_s();
    for (int64_t i = 0; !status && i < d->n_captions; i++)
        status = tokenizer_encode(&t, d->caption[i], T, true, ids, NULL);
    double seconds = clock_s() - start;
    tokenizer_close(&t);
    free(ids);
    return seconds;
}

/* How long reading a set takes, and how many pictures there are: of sets that the stage keeps in
 * memory the time grows with them. */
static void add_loading(struct loading *l, const struct node *n, const char *set) {
    struct dataset d;
    struct image first = {0};
    double start = clock_s();
    if (clip_open_set(n, set, &d)) {
        error_clear(); /* the stage will tell */
        return;
    }
    if (plan_trains(n)) dataset_cache(&d, 1024);
    if (plan_trains(n)) l->seconds += clock_s() - start;
    if (n->config.run.stage == STAGE_CLIP_PRETRAIN) l->seconds += time_tokens(n, &d);
    l->pictures += d.n_images;
    if (!error_status() && d.n_images && !d.source->image(&d, 0, &first))
        l->bytes = (double)(first.h * first.w * (d.has_labels ? 5 : 3));
    image_free(&first);
    dataset_close(&d);
    error_clear();
}

bool plan_easy(const struct node *n) {
    return n->config.run.stage == STAGE_CLIP_PRETRAIN && n->config.data.easy > 0;
}

static struct loading time_loading(const struct node *n) {
    struct loading l = {0};
    if (!plan_set(n) || !node_input(n, "scenes")) return l;
    add_loading(&l, n, plan_set(n));
    if (plan_easy(n)) add_loading(&l, n, "easy");
    return l;
}

struct found {
    double began, ended, memory, unit, bare, text, crops;
    double waited; /* seconds that it was ready and had no core */
    int64_t units;
    struct loading loading;
};

static int write_found(const struct node *n, const char *dir, const char *suffix,
                       const struct found *f) {
    struct str text = {0};
    struct json_out j = {.to = &text};
    json_object(&j);
    json_key_real(&j, "began", f->began);
    json_key_real(&j, "ended", f->ended);
    json_key_real(&j, "waited", f->waited);
    json_key_real(&j, "memory", f->memory);
    json_key_real(&j, "unit", f->unit);
    json_key_real(&j, "bare", f->bare);
    json_key_real(&j, "text", f->text);
    json_key_real(&j, "crops", f->crops);
    json_key_int(&j, "units", f->units);
    json_key_real(&j, "load", f->loading.seconds);
    json_key_int(&j, "pictures", f->loading.pictures);
    json_key_real(&j, "picture_bytes", f->loading.bytes);
    json_end(&j);
    char *name = mem_format("%s%s.json", path_base(n->dir), suffix), *path = path_join(dir, name);
    int status = file_write(path, text.at, text.n);
    free(path);
    free(name);
    str_free(&text);
    return status;
}

/* ---- running ---- */

static int run_stage(struct node *n) {
    int scope = t_scope_open("", T_INHERIT);
    n->began = clock_s();
    n->seconds = 0;
    int status = dir_make(n->dir);
    if (!status) status = n->stage->run(n);
    t_scope_close(scope, NULL);
    return status;
}

static int time_pictures(struct node *n, int64_t images, double *seconds) {
    double start = clock_s();
    n->config.eval.images = images;
    int status = run_stage(n);
    *seconds = clock_s() - start;
    return status;
}

/* What `more` pictures take beyond `few`, each. */
static int slope(struct node *n, int64_t few, int64_t more, double *each) {
    double a, b;
    int status = time_pictures(n, few, &a);
    if (!status) status = time_pictures(n, more, &b);
    if (!status) *each = fmax(0, b - a) / (double)(more - few);
    return status;
}

/* The first time is slower than the ones after it, so a slope is taken of warm ones; where a
 * picture takes seconds, one is all there is time for. */
static int probe_evaluation(struct node *n, struct found *f) {
    enum { SLOW = 3 };
    int64_t all = least(n->config.eval.images, f->loading.pictures);
    int64_t few = all > 8 ? 8 : 1, more = all > 40 ? 40 : all > few ? all : few + 1;
    double first, t = n->config.eval.mask_threshold;
    int status = time_pictures(n, few, &first);
    f->units = few;
    f->unit = first / (double)few;
    if (status || first > SLOW * (double)few) return status;
    status = slope(n, few, more, &f->unit);
    f->units = more;
    f->text = fmax(0, first - (double)few * f->unit); /* opening the models */
    if (!status && plan_untrained(n)) {
        n->config.eval.mask_threshold = 1; /* no pixel is above: CLIP is asked nothing */
        status = slope(n, few, more, &f->bare);
        n->config.eval.mask_threshold = t;
    }
    return status;
}

/* Parts of mining that grow with the pictures; the rest is there for one as for all. */
static double picture_spans(void) {
    static const char *const parts[] = {"read", "proposals", "masks",    "cache",   "crops",
                                        "CLIP", "nouns",     "matching", "writing", "judging"};
    double seconds = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) seconds += spans_seconds(parts[i]);
    return seconds;
}

static int run_probe(struct node *n, struct found *f) {
    t_set_threads(run_threads(n));
    waiting_choose(run_threads(n));
    f->loading = time_loading(n);
    f->began = wall();
    double waited = clock_waited();
    f->unit = f->bare = NAN;
    spans_open();
    int status = n->config.run.stage == STAGE_EVALUATE ? probe_evaluation(n, f) : run_stage(n);
    const struct scene_counts *c = &n->config.counts;
    if (n->config.run.stage == STAGE_SCENES) {
        f->units = c->easy + c->clip + c->seen + c->val + c->test;
        f->unit = spans_seconds("drawing") / (double)f->units;
    }
    if (n->config.run.stage == STAGE_MINE) {
        f->units = least(f->loading.pictures, n->config.mine.images); /* of a small set all */
        f->text = spans_seconds("text");
        f->crops = plan_untrained(n) ? spans_seconds("crops") + spans_seconds("CLIP") : 0;
        f->unit = picture_spans() / (double)f->units;
        f->bare = plan_untrained(n) ? f->unit - f->crops / (double)f->units : NAN;
    }
    f->ended = wall();
    f->waited = clock_waited() - waited;
    return status;
}

/* Half of what is computed at once. An odd batch.micro stays: its half need not divide the batch.
 */
static void halve(struct train_options *t) {
    if (!t->batch_micro || t->batch_micro >= t->batch_global)
        t->batch_global = (t->batch_global + 1) / 2;
    else if (t->batch_micro % 2 == 0)
        t->batch_micro /= 2;
}

/* A signal ends steps when there are enough: that is no error here. */
int plan_child(struct graph *g, const char *path, const char *dir, bool half) {
    struct node *n = NULL;
    struct found f = {0};
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->at[i]->path, path) == 0) n = g->at[i];
    if (!n) return error_set(ERR_USAGE, "--node %s: no such stage in this chain", path);
    take_down(g, dir);
    if (half) {
        char *away = mem_format("%s.half", n->dir);
        free(n->dir);
        n->dir = away;
        halve(&n->config.train);
    }
    int status = dir_make(n->dir);
    char *report = path_join(n->dir, "progress.json");
    progress_report(report);
    if (!status) status = run_probe(n, &f);
    progress_report(NULL);
    free(report);
    if (status && status != 143) return status;
    error_clear();
    f.memory = memory_peak();
    return write_found(n, dir, "", &f);
}
