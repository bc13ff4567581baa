#include "data/scene_set.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

struct drawn_set {
    struct scenes_options options;
    uint64_t seed;
    char *split;
};

static int draw(const struct dataset *d, int64_t i, struct scene *s) {
    const struct drawn_set *set = d->state;
    return scene_draw(s, &set->options, set->seed, set->split, i);
}

static int image(const struct dataset *d, int64_t i, struct image *out) {
    struct scene s;
    int status = draw(d, i, &s);
    if (status) return status;
    *out = s.image;
    s.image = (struct image){0};
    scene_free(&s);
    return 0;
}

static int labels(const struct dataset *d, int64_t i, struct labels *out) {
    struct scene s;
    int status = draw(d, i, &s);
    if (status) return status;
    *out = s.labels;
    s.labels = (struct labels){0};
    scene_free(&s);
    return 0;
}

static void close_set(struct dataset *d) {
    struct drawn_set *set = d->state;
    free(set->split);
    free(set);
}

static const struct dataset_source source = {.image = image, .labels = labels, .close = close_set};

void scene_set_open(struct dataset *d, const struct scenes_options *o, uint64_t seed,
                    const char *split, int64_t n) {
    struct drawn_set *set = mem_alloc(1, sizeof *set);
    struct hasher h;
    *set = (struct drawn_set){.options = *o, .seed = seed, .split = mem_strdup(split)};
    *d = (struct dataset){.n_images = n,
                          .n_classes = SCENE_CLASSES,
                          .has_labels = true,
                          .ignore = SCENE_IGNORE,
                          .source = &source,
                          .state = set};
    d->image_id = mem_alloc((size_t)n, sizeof *d->image_id);
    d->caption_at = mem_alloc((size_t)n + 1, sizeof *d->caption_at);
    d->class_name = mem_alloc(SCENE_CLASSES, sizeof *d->class_name);
    d->class_seen = mem_alloc(SCENE_CLASSES, sizeof *d->class_seen);
    for (int64_t i = 0; i < n; i++) d->image_id[i] = i;
    for (int k = 0; k < SCENE_CLASSES; k++) {
        d->class_name[k] = mem_strdup(scene_classes[k].name);
        d->class_seen[k] = scene_classes[k].seen;
    }
    hasher_open(&h);
    hasher_add_string(&h, split);
    hasher_add(&h, &seed, sizeof seed);
    hasher_add(&h, &n, sizeof n);
    d->hash = hasher_close(&h);
}
