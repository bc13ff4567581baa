#include "train/mine/mine_chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/spans.h"
#include "data/file_set.h"
#include "eval/proposals.h"
#include "train/signals.h"

/* Raised when masks or features come out with other bits than before: the cache is another then. */
enum { MASKS_REVISION = 1, FEATURES_REVISION = 1 };

int mine_stopped(const struct mine_cache *c) {
    if (!signals_pending()) return 0;
    return signals_error(c->dir ? "finished pictures are kept, the same command goes on behind them"
                                : "whole shards are kept, the same command goes on behind them");
}

/* After the error of a picture: the same when it ends the run. It has no masks then. */
static int do_without(struct mine_chunk *c, const struct mine_sources *s, int64_t i) {
    int status = damage_met(s->damage, c->first + i);
    if (status) return status;
    c->bad[i] = true;
    for (size_t k = 0; c->row[i] && k < c->regions[i].n; k++) c->row[i][k] = -1;
    if (!c->row[i]) region_list_free(&c->regions[i]);
    image_free(&c->image[i]);
    return 0;
}

static int64_t count_bad(const struct mine_chunk *c) {
    int64_t n = 0;
    for (int64_t i = 0; i < c->n; i++) n += c->bad[i];
    return n;
}

static int decode(struct mine_chunk *c, const struct mine_sources *s) {
    int status = 0, span = span_begin("read");
    for (int64_t i = 0; !status && i < c->n; i++) {
        struct image *im = &c->image[i];
        if (im->at || c->bad[i]) continue;
        if (s->set->source->image(s->set, c->first + i, im)) status = do_without(c, s, i);
    }
    span_end(span);
    return status;
}

static uint64_t hash_picture(const struct image *im) {
    int64_t size[] = {im->h, im->w, im->c};
    struct hasher h;
    hasher_open(&h);
    hasher_add(&h, size, sizeof size);
    hasher_add(&h, im->at, (size_t)(im->h * im->w * im->c));
    return hasher_close(&h);
}

/* Hashes and sizes of the pictures: remembered for this set, else of what is in them. */
static int know_pictures(struct mine_chunk *c, struct mine_sources *s) {
    struct str key = {0};
    struct hasher h; /* of the files of an index, which stays the same when they change */
    hasher_open(&h);
    for (int64_t i = 0; i < c->n; i++) file_set_hash_change(s->set, c->first + i, &h);
    uint64_t files = hasher_close(&h);
    str_add(&key, "pictures 1\nset %016llx\nimages %lld %lld\n", (unsigned long long)s->set->hash,
            (long long)c->first, (long long)c->n);
    if (file_set_of(s->set)) str_add(&key, "files %016llx\n", (unsigned long long)files);
    int status = 0;
    if (!mine_cache_pictures(s->cache, key.at, c->picture, c->n)) {
        status = decode(c, s);
        for (int64_t i = 0; !status && i < c->n; i++)
            if (!c->bad[i])
                c->picture[i] =
                    (struct mine_picture){hash_picture(&c->image[i]), c->image[i].h, c->image[i].w};
        if (!status && !count_bad(c)) /* else each run looks, and names them, again */
            mine_cache_keep_pictures(s->cache, key.at, c->picture, c->n);
    }
    str_free(&key);
    return status;
}

static void put_pictures(struct str *key, const struct mine_chunk *c) {
    for (int64_t i = 0; i < c->n; i++)
        if (c->bad[i])
            str_add(key, "picture damaged\n");
        else
            str_add(key, "picture %016llx\n", (unsigned long long)c->picture[i].hash);
}

/* How many pictures like that of `first` go through the network at once: neighbours of one size, as
 * long as their masks take no more than 128 MiB. */
static int64_t together(const struct mine_chunk *c, const struct mine_sources *s, int64_t first) {
    enum { AT_ONCE = 1 << 25 };
    const struct image *im = &c->image[first];
    int64_t each = s->network->model.opt.decoder.queries * im->h * im->w, n = 1;
    while (first + n < c->n && (n + 1) * each <= AT_ONCE && c->image[first + n].h == im->h &&
           c->image[first + n].w == im->w)
        n++;
    return n;
}

/* All masks of a picture that have a pixel above the threshold. */
static int pack(const struct proposals *p, double threshold, struct region_list *to) {
    struct mask m = {0};
    int status = mask_alloc(&m, p->h, p->w);
    for (int64_t q = 0; !status && q < p->Q; q++)
        if (proposal_mask(p, q, threshold, &m)) status = region_list_add(to, q, &m);
    mask_free(&m);
    return status;
}

static int propose(struct mine_chunk *c, struct mine_sources *s) {
    int status = decode(c, s);
    if (!status && !s->network_open) {
        status = s->open(s->ctx);
        s->network_open = !status;
    }
    int span = span_begin("proposals");
    for (int64_t i = 0; !status && i < c->n;) {
        if (c->bad[i]) {
            i++;
            continue;
        }
        int64_t n = together(c, s, i);
        struct proposals p[MINE_TOGETHER] = {{0}};
        status = mine_stopped(s->cache);
        if (!status)
            status = proposals_of(&s->network->model, s->network->text, &c->image[i], n, p);
        for (int64_t k = 0; k < n; k++) {
            if (!status) status = pack(&p[k], s->mine->mask_threshold, &c->regions[i + k]);
            proposals_free(&p[k]);
        }
        s->pictures_proposed += n;
        i += n;
    }
    span_end(span);
    return status;
}

static int network_masks(struct mine_chunk *c, struct mine_sources *s) {
    struct str key = {0};
    str_add(&key, "masks %d\nnetwork %s\nthreshold %.17g\n", MASKS_REVISION, s->network_id,
            s->mine->mask_threshold);
    put_pictures(&key, c);
    int64_t bad = count_bad(c);
    int status = 0;
    if (!mine_cache_masks(s->cache, key.at, c->regions, c->n)) {
        status = propose(c, s);
        if (!status && count_bad(c) == bad)
            mine_cache_keep_masks(s->cache, key.at, c->regions, c->n);
    }
    str_free(&key);
    return status;
}

struct named_class {
    const char *name;
    int64_t index;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct named_class *)a)->name, ((const struct named_class *)b)->name);
}

int64_t *mine_label_classes(const struct dataset *d, int64_t *n) {
    struct named_class *c = mem_alloc((size_t)d->n_classes, sizeof *c);
    int64_t *order = mem_alloc((size_t)d->n_classes, sizeof *order);
    *n = 0;
    for (int64_t k = 0; k < d->n_classes; k++)
        if (d->class_seen[k]) c[(*n)++] = (struct named_class){d->class_name[k], k};
    if (*n) qsort(c, (size_t)*n, sizeof *c, by_name);
    for (int64_t k = 0; k < *n; k++) order[k] = c[k].index;
    free(c);
    return order;
}

int mine_label_regions(const struct dataset *d, int64_t i, const int64_t *order, int64_t n,
                       struct region_list *to) {
    struct labels l = {0};
    struct mask m = {0};
    int status = d->source->labels(d, i, &l);
    if (!status) status = mask_alloc(&m, l.h, l.w);
    for (int64_t s = 0; !status && s < n; s++) {
        for (int64_t j = 0; j < l.h * l.w; j++) m.at[j] = l.at[j] == order[s];
        status = region_list_add(to, order[s], &m);
    }
    labels_free(&l);
    mask_free(&m);
    return status;
}

static int label_masks(struct mine_chunk *c, const struct mine_sources *s) {
    int64_t n, *order = mine_label_classes(s->set, &n);
    int status = 0;
    for (int64_t i = 0; !status && i < c->n; i++) {
        if (c->bad[i]) continue;
        if (mine_label_regions(s->set, c->first + i, order, n, &c->regions[i]))
            status = do_without(c, s, i);
    }
    free(order);
    return status;
}

static int file_masks(struct mine_chunk *c, const struct mine_sources *s) {
    int status = 0;
    for (int64_t i = 0; !status && i < c->n; i++) {
        int64_t k = c->first + i;
        if (c->bad[i]) continue;
        if (mask_source_read(s->files, s->set->image_id[k], dataset_image_name(s->set, k),
                             c->picture[i].h, c->picture[i].w, &c->regions[i]))
            status = do_without(c, s, i);
    }
    return status;
}

static int find_masks(struct mine_chunk *c, struct mine_sources *s) {
    bool labels = s->mine->masks == MINE_LABELS;
    if (!labels && !s->files) return network_masks(c, s);
    int span = span_begin("masks"), status = labels ? label_masks(c, s) : file_masks(c, s);
    span_end(span);
    return status;
}

static int encode(struct mine_chunk *c, struct mine_sources *s) {
    struct region_batch b = {0};
    int status = decode(c, s), span = span_begin("crops");
    if (!status) status = region_batch_open(&b, &s->crop, s->encoder, s->mine->batch);
    for (int64_t i = 0; !status && i < c->n; i++) {
        const struct region_list *l = &c->regions[i];
        status = mine_stopped(s->cache);
        if (!status && !c->bad[i])
            status = region_batch_add_list(&b, &c->image[i], l, c->row[i], c->feature);
    }
    if (!status) status = region_batch_flush(&b);
    s->crops_encoded += b.done;
    region_batch_free(&b);
    span_end(span);
    return status;
}

/* By the masks themselves, so that they may come from anywhere. */
static char *features_key(const struct mine_chunk *c, const struct mine_sources *s) {
    struct str key = {0};
    str_add(&key, "features %d\n%smin_area %lld\n", FEATURES_REVISION, s->encoder_id,
            (long long)s->mine->min_area);
    for (int64_t i = 0; i < c->n; i++) {
        const struct region_list *l = &c->regions[i];
        struct hasher h;
        hasher_open(&h);
        for (size_t k = 0; k < l->n; k++) {
            uint64_t part[] = {l->at[k].n, l->at[k].same};
            hasher_add(&h, part, sizeof part);
            if (l->at[k].same == k) hasher_add(&h, l->bytes.at + l->at[k].at, l->at[k].n);
        }
        str_add(&key, "picture %016llx masks %lld %lld %016llx\n",
                (unsigned long long)c->picture[i].hash, (long long)l->h, (long long)l->w,
                (unsigned long long)hasher_close(&h));
    }
    return key.at;
}

static int find_features(struct mine_chunk *c, struct mine_sources *s) {
    for (int64_t i = 0; i < c->n; i++) {
        c->row[i] = mem_alloc(c->regions[i].n, sizeof *c->row[i]);
        c->rows = region_list_rows(&c->regions[i], s->mine->min_area, c->rows, c->row[i]);
    }
    c->feature = mem_try((size_t)c->rows + 1, (size_t)s->encoder.D * sizeof *c->feature);
    if (!c->feature) return error_status();
    if (!c->rows) return 0;
    char *key = features_key(c, s);
    int64_t bad = count_bad(c);
    int status = 0;
    if (!mine_cache_features(s->cache, key, c->feature, c->rows, s->encoder.D)) {
        status = encode(c, s);
        if (!status && count_bad(c) == bad)
            mine_cache_keep_features(s->cache, key, c->feature, c->rows, s->encoder.D);
    }
    free(key);
    return status;
}

int mine_chunk_read(struct mine_chunk *c, struct mine_sources *s, int64_t first, int64_t n) {
    REQUIRE(n <= MINE_TOGETHER, "%lld pictures at once", (long long)n);
    *c = (struct mine_chunk){.first = first, .n = n};
    int status = know_pictures(c, s);
    if (!status) status = find_masks(c, s);
    return status ? status : find_features(c, s);
}

void mine_chunk_free(struct mine_chunk *c) {
    for (int64_t i = 0; i < c->n; i++) {
        region_list_free(&c->regions[i]);
        free(c->row[i]);
        image_free(&c->image[i]);
    }
    free(c->feature);
    *c = (struct mine_chunk){0};
}
