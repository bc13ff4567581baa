#include "data/dataset_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { MISSING = -1, CHUNK = 256 };

struct cached {
    int64_t h, w, c;
    int64_t image, labels; /* offsets in the block; MISSING: ask the source below */
    int64_t labels_h, labels_w;
};

struct cache {
    struct dataset below; /* source and state of the data set as it was */
    struct cached *item;  /* [n_images] */
    uint8_t *block;
    size_t n, cap;
};

static int cache_image(const struct dataset *d, int64_t i, struct image *out) {
    const struct cache *cache = d->state;
    const struct cached *it = &cache->item[i];
    if (it->image == MISSING) return cache->below.source->image(&cache->below, i, out);
    if (image_alloc(out, it->h, it->w, it->c)) return error_status();
    memcpy(out->at, cache->block + it->image, (size_t)(it->h * it->w * it->c));
    return 0;
}

static int cache_labels(const struct dataset *d, int64_t i, struct labels *out) {
    const struct cache *cache = d->state;
    const struct cached *it = &cache->item[i];
    if (it->labels == MISSING) return cache->below.source->labels(&cache->below, i, out);
    if (labels_alloc(out, it->labels_h, it->labels_w)) return error_status();
    memcpy(out->at, cache->block + it->labels, (size_t)(it->labels_h * it->labels_w) * 2);
    return 0;
}

static void cache_close(struct dataset *d) {
    struct cache *cache = d->state;
    cache->below.source->close(&cache->below);
    free(cache->item);
    free(cache->block);
    free(cache);
}

static const struct dataset_source cache_source = {
    .image = cache_image, .labels = cache_labels, .close = cache_close};

/* The offset of a copy of n bytes in the block; MISSING when they do not fit. */
static int64_t cache_keep(struct cache *cache, const void *at, size_t n, size_t max) {
    size_t from = (cache->n + 1) & ~(size_t)1; /* labels are two bytes wide */
    if (from > max || n > max - from) return MISSING;
    cache->block = mem_grow(cache->block, &cache->cap, from + n, 1);
    memcpy(cache->block + from, at, n);
    cache->n = from + n;
    return (int64_t)from;
}

/* One chunk is decoded by all threads, then kept in order: memory stays bounded, and the block is
 * the same for any number of threads. */
static bool cache_chunk(struct cache *cache, int64_t first, int64_t n, size_t max) {
    const struct dataset *d = &cache->below;
    struct image *image = mem_alloc((size_t)n, sizeof *image);
    struct labels *labels = mem_alloc((size_t)n, sizeof *labels);
#pragma omp parallel for schedule(dynamic, 8)
    for (int64_t k = 0; k < n; k++) {
        if (d->source->image(d, first + k, &image[k])) image[k] = (struct image){0};
        error_clear();
        if (d->has_labels && d->source->labels(d, first + k, &labels[k]))
            labels[k] = (struct labels){0};
        error_clear();
    }
    bool fits = true;
    for (int64_t k = 0; k < n; k++) {
        struct cached *it = &cache->item[first + k];
        *it = (struct cached){image[k].h, image[k].w,  image[k].c, MISSING,
                              MISSING,    labels[k].h, labels[k].w};
        if (fits && image[k].at) {
            size_t size = (size_t)(it->h * it->w * it->c);
            fits = (it->image = cache_keep(cache, image[k].at, size, max)) != MISSING;
        }
        if (fits && labels[k].at) {
            size_t size = (size_t)(it->labels_h * it->labels_w) * 2;
            fits = (it->labels = cache_keep(cache, labels[k].at, size, max)) != MISSING;
        }
        image_free(&image[k]);
        labels_free(&labels[k]);
    }
    free(image);
    free(labels);
    return fits;
}

bool dataset_cache(struct dataset *d, int64_t max_mib) {
    REQUIRE(!error_status(), "an error is pending: %s", error_message());
    if (max_mib <= 0 || !d->n_images || d->source == &cache_source) return false;
    struct cache *cache = mem_alloc(1, sizeof *cache);
    cache->below = *d;
    cache->item = mem_alloc((size_t)d->n_images, sizeof *cache->item);
    bool fits = true;
    for (int64_t i = 0; fits && i < d->n_images; i += CHUNK) {
        int64_t n = d->n_images - i < CHUNK ? d->n_images - i : CHUNK;
        fits = cache_chunk(cache, i, n, (size_t)max_mib << 20);
    }
    if (!fits) {
        free(cache->item);
        free(cache->block);
        free(cache);
        return false;
    }
    d->source = &cache_source;
    d->state = cache;
    return true;
}
