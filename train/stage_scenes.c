/* Draws the sets of the embedded world: easy and full scenes with captions for CLIP and mining,
 * scenes without unseen classes for the proposal network, and two held-out sets. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/spans.h"
#include "data/scene_captions.h"
#include "data/set.h"
#include "train/run/graph.h"
#include "train/signals.h"

/* Drawn and encoded in parallel, written in order. */
enum { BLOCK = 256 };

struct drawn {
    struct scene scene;
    struct bytes png;
    char *caption[SCENE_CAPTIONS];
    int64_t caption_id[SCENE_CAPTIONS];
    int code;
    char *message;
};

struct split {
    const char *name;
    int64_t n;
    bool unseen;
    double easy;
};

static void draw(struct drawn *d, const struct scenes_options *o, uint64_t seed, const char *split,
                 int64_t i) {
    *d = (struct drawn){0};
    d->code = scene_draw(&d->scene, o, seed, split, i);
    if (!d->code) d->code = image_encode_png(&d->scene.image, &d->png);
    if (d->code) d->message = mem_strdup(error_message());
    error_clear(); /* of this thread; the caller reports */
    for (int k = 0; !d->code && k < SCENE_CAPTIONS; k++) {
        d->caption[k] = scene_caption(&d->scene, seed, split, i, k);
        d->caption_id[k] = i * SCENE_CAPTIONS + k;
    }
}

static void drawn_free(struct drawn *d) {
    for (int k = 0; k < SCENE_CAPTIONS; k++) free(d->caption[k]);
    scene_free(&d->scene);
    bytes_free(&d->png);
    free(d->message);
}

static int add(struct set_writer *w, const struct drawn *d, int64_t i) {
    if (d->code) return error_set(d->code, "%s", d->message);
    struct set_item item = {.id = i,
                            .h = d->scene.image.h,
                            .w = d->scene.image.w,
                            .bytes = d->png.at,
                            .n = d->png.n,
                            .labels = &d->scene.labels,
                            .caption = d->caption,
                            .caption_id = d->caption_id,
                            .n_captions = SCENE_CAPTIONS};
    return set_add(w, &item);
}

static int fill(struct set_writer *w, const struct node *n, const struct split *s) {
    struct scenes_options o = n->config.scenes;
    uint64_t seed = (uint64_t)n->config.run.seed;
    struct drawn *block = mem_alloc(BLOCK, sizeof *block);
    struct progress progress;
    int status = 0, span = span_begin("drawing");
    o.unseen = s->unseen;
    o.easy = s->easy;
    progress_open(&progress, s->name, "scenes", 0, s->n, 30);
    for (int64_t first = 0; !status && first < s->n; first += BLOCK) {
        int64_t count = s->n - first < BLOCK ? s->n - first : BLOCK;
#pragma omp parallel for schedule(dynamic, 8)
        for (int64_t k = 0; k < count; k++) draw(&block[k], &o, seed, s->name, first + k);
        for (int64_t k = 0; k < count; k++) {
            if (!status) status = add(w, &block[k], first + k);
            drawn_free(&block[k]);
        }
        progress_at(&progress, first + count, NULL);
        if (!status && signals_pending())
            status = signals_error("the same command draws the scenes anew");
    }
    span_end(span);
    progress_close(&progress);
    free(block);
    return status;
}

static int write_split(const struct node *n, const struct split *s) {
    char *class_name[SCENE_CLASSES], *file = mem_format("%s.h5", s->name);
    char *path = path_join(n->dir, file);
    bool seen[SCENE_CLASSES];
    for (int k = 0; k < SCENE_CLASSES; k++) {
        class_name[k] = mem_strdup(scene_classes[k].name);
        seen[k] = scene_classes[k].seen;
    }
    struct set_info info = {class_name, seen, SCENE_CLASSES, SCENE_IGNORE, n->id};
    struct set_writer w;
    int status = set_create(&w, path, &info);
    if (!status) status = fill(&w, n, s);
    if (!status) status = set_finish(&w);
    set_drop(&w);
    for (int k = 0; k < SCENE_CLASSES; k++) free(class_name[k]);
    free(path);
    free(file);
    return status;
}

static int run(struct node *n) {
    const struct scene_counts *c = &n->config.counts;
    const struct split splits[] = {
        {"easy", c->easy, true, 1}, {"clip", c->clip, true, 0}, {"seen", c->seen, false, 0},
        {"val", c->val, true, 0},   {"test", c->test, true, 0},
    };
    int status = 0;
    for (size_t i = 0; !status && i < sizeof splits / sizeof *splits; i++)
        if (splits[i].n) status = write_split(n, &splits[i]);
    return status;
}

static const char *const none[] = {NULL};
const struct stage stage_scenes = {
    .name = "scenes",
    .inputs = none,
    .revision = 1,
    .run = run,
};
