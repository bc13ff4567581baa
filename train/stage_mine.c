/* Mines mask-noun pairs: for every noun of a picture's captions, the masked proposal that CLIP
 * finds most like it (reference-spec 7.1). One shard for a fixed block of pictures; a finished
 * shard is never computed again.
 *
 * Rules: a noun counts once a caption; a proposal may serve several nouns; proposals of fewer than
 * mine.min_area pixels take no part; pairs below mine.similarity are left out. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/dataset_cache.h"
#include "data/pairs_write.h"
#include "data/rle.h"
#include "eval/regions.h"
#include "nn/torch/tensor.h"
#include "train/clip_validate.h"
#include "train/mine_nouns.h"
#include "train/mine_report.h"
#include "train/noun_features.h"
#include "train/proposals_run.h"
#include "train/signals.h"

struct miner {
    struct node *node;
    struct dataset set;
    int64_t n_images;
    struct clip_run clip;
    struct proposals_run proposals;
    struct mine_nouns nouns;
    float *noun_feature; /* [nouns, D] */
    int64_t D;
    char *dir;
    struct pairs_source source;
};

static int encode_nouns(struct miner *m) {
    int scope = t_scope_open("nouns", T_NO_GRAD | T_EVAL);
    tensor *x = noun_features(m->node, &m->clip.clip, m->nouns.noun.at, (int64_t)m->nouns.noun.n);
    m->D = t_size(x, 1);
    size_t n = m->nouns.noun.n * (size_t)m->D;
    m->noun_feature = mem_alloc(n, sizeof *m->noun_feature);
    t_copy_out(x, m->noun_feature, n * sizeof *m->noun_feature); /* [nouns, D] */
    t_scope_close(scope, NULL);
    return error_status();
}

/* Before each picture: a shard whose last one is done is kept. */
static int stopped(void) {
    return signals_pending()
               ? signals_error("whole shards are kept, the same command goes on behind them")
               : 0;
}

static float dot(const float *a, const float *b, int64_t n) {
    double s = 0; /* one order of summation, whatever the machine's vector width */
    for (int64_t i = 0; i < n; i++) s += (double)a[i] * b[i];
    return (float)s;
}

static int add_pair(const struct miner *m, struct pairs_shard *shard, int64_t image,
                    int64_t caption, int64_t noun, const struct regions *r) {
    const float *text = m->noun_feature + noun * m->D;
    int64_t best = -1;
    float first = -2, second = -2;
    for (int64_t k = 0; k < r->n; k++) {
        float s = dot(text, r->feature + k * m->D, m->D);
        if (s > first) {
            second = first;
            first = s;
            best = k;
        } else if (s > second) {
            second = s;
        }
    }
    if (best < 0 || first < (float)m->node->config.mine.similarity) return 0;
    const struct mask *mask = &r->mask[best];
    struct bytes packed;
    int status = rle_pack(mask, &packed);
    if (status) return status;
    struct pair p = {.image = image,
                     .image_id = m->set.image_id[image],
                     .caption = caption,
                     .caption_id = m->set.caption_id[caption],
                     .proposal = r->query[best],
                     .similarity = first,
                     .margin = r->n > 1 ? first - second : 0,
                     .h = mask->h,
                     .w = mask->w,
                     .area = mask_area(mask),
                     .box = r->box[best]};
    pairs_shard_add(shard, &p, m->nouns.noun.at[noun], packed.at, packed.n);
    bytes_free(&packed);
    return 0;
}

/* Pictures first .. first + n - 1, which have one size. */
static int mine_pictures(const struct miner *m, struct pairs_shard *shard, int64_t first, int64_t n,
                         const struct image *pictures) {
    struct proposals *p = mem_alloc((size_t)n, sizeof *p);
    struct regions *r = mem_alloc((size_t)n, sizeof *r);
    int status = proposals_of(&m->proposals.model, m->proposals.text, pictures, n, p);
    const struct mine_options *o = &m->node->config.mine;
    for (int64_t i = 0; !status && i < n; i++)
        status = regions_of(&r[i], &p[i], o->mask_threshold, o->min_area);
    if (!status) {
        struct region_options crop =
            crop_region(&m->node->config.crop, clip_image_size(&m->clip.clip));
        status = regions_encode(r, pictures, n, &crop, clip_regions(&m->clip.clip), o->batch);
    }
    for (int64_t i = 0; !status && i < n; i++) {
        int64_t from = m->set.caption_at[first + i], to = m->set.caption_at[first + i + 1];
        if (to > from + m->node->config.mine.captions) to = from + m->node->config.mine.captions;
        for (int64_t c = from; !status && c < to; c++)
            for (size_t k = 0; !status && k < m->nouns.of[c].n; k++)
                status = add_pair(m, shard, first + i, c, m->nouns.of[c].at[k], &r[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        proposals_free(&p[i]);
        regions_free(&r[i]);
    }
    free(p);
    free(r);
    return status;
}

/* Reads pictures from `first` on, up to `most` of one size. */
static int read_pictures(const struct miner *m, int64_t first, int64_t most, struct image *to,
                         int64_t *n) {
    int status = 0;
    for (*n = 0; !status && *n < most; ++*n) {
        status = m->set.source->image(&m->set, first + *n, &to[*n]);
        if (!status && (to[*n].h != to->h || to[*n].w != to->w)) {
            image_free(&to[*n]);
            break;
        }
    }
    return status;
}

static int mine_shard(const struct miner *m, int64_t k, int64_t first, int64_t n,
                      struct progress *progress) {
    enum { TOGETHER = 16 };
    struct pairs_shard shard;
    pairs_shard_open(&shard, m->dir, k, first, n, &m->source);
    int status = 0;
    for (int64_t i = first; !status && i < first + n;) {
        struct image pictures[TOGETHER] = {{0}};
        int64_t most = first + n - i < TOGETHER ? first + n - i : TOGETHER, got = 0;
        status = stopped();
        if (!status) status = read_pictures(m, i, most, pictures, &got);
        if (!status) status = mine_pictures(m, &shard, i, got, pictures);
        for (int64_t j = 0; j < TOGETHER; j++) image_free(&pictures[j]);
        i += got;
        progress_at(progress, i, NULL);
    }
    if (!status) status = pairs_shard_commit(&shard);
    pairs_shard_drop(&shard);
    return status;
}

struct named_class {
    const char *name;
    int64_t index;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct named_class *)a)->name, ((const struct named_class *)b)->name);
}

/* Seen classes by name, which is the order of pairs. */
static struct named_class *seen_classes(const struct dataset *d, int64_t *n) {
    struct named_class *c = mem_alloc((size_t)d->n_classes, sizeof *c);
    *n = 0;
    for (int64_t k = 0; k < d->n_classes; k++)
        if (d->class_seen[k]) c[(*n)++] = (struct named_class){d->class_name[k], k};
    if (*n) qsort(c, (size_t)*n, sizeof *c, by_name);
    return c;
}

/* The pairs of label maps: a mask of each seen class, named by the class. */
static int label_shard(const struct miner *m, int64_t k, int64_t first, int64_t n) {
    struct pairs_shard shard;
    pairs_shard_open(&shard, m->dir, k, first, n, &m->source);
    int64_t n_seen;
    struct named_class *seen = seen_classes(&m->set, &n_seen);
    int status = 0;
    for (int64_t i = first; !status && i < first + n; i++) {
        struct labels l = {0};
        struct mask mask = {0};
        status = stopped();
        if (!status) status = m->set.source->labels(&m->set, i, &l);
        if (!status) status = mask_alloc(&mask, l.h, l.w);
        for (int64_t s = 0; !status && s < n_seen; s++) {
            int64_t c = seen[s].index;
            struct pair p = {.image = i,
                             .image_id = m->set.image_id[i],
                             .proposal = c,
                             .similarity = 1,
                             .h = l.h,
                             .w = l.w};
            for (int64_t j = 0; j < l.h * l.w; j++) p.area += mask.at[j] = l.at[j] == c;
            struct bytes packed;
            if (p.area < m->node->config.mine.min_area) continue;
            mask_box(&mask, &p.box);
            status = rle_pack(&mask, &packed);
            if (status) break;
            pairs_shard_add(&shard, &p, seen[s].name, packed.at, packed.n);
            bytes_free(&packed);
        }
        labels_free(&l);
        mask_free(&mask);
    }
    free(seen);
    if (!status) status = pairs_shard_commit(&shard);
    pairs_shard_drop(&shard);
    return status;
}

static int mine(const struct miner *m) {
    int64_t block = m->node->config.mine.shard_images, shards = 0;
    struct progress progress;
    int status = 0;
    progress_open(&progress, m->node->name, "pictures", 0, m->n_images, 30);
    for (int64_t first = 0; !status && first < m->n_images; first += block, shards++) {
        int64_t n = m->n_images - first < block ? m->n_images - first : block;
        if (pairs_shard_done(m->dir, shards, first, n, &m->source)) continue;
        status = m->node->config.mine.ground_truth ? label_shard(m, shards, first, n)
                                                   : mine_shard(m, shards, first, n, &progress);
    }
    progress_close(&progress);
    return status ? status : pairs_manifest(m->dir, shards, &m->source);
}

/* What came out, and how right it is. */
static int report(const struct miner *m) {
    struct pairs p;
    struct mine_report r;
    int status = pairs_open(&p, m->dir);
    if (status) return status;
    status = mine_report_of(&r, &p, &m->set);
    if (!status) status = mine_report_write(&r, m->node->dir);
    if (!status)
        log_info("%s: %lld pairs, %lld nouns", m->node->name, (long long)r.pairs,
                 (long long)r.nouns);
    if (!status && r.classed)
        log_info("%s: %.1f %% of the pairs that name a class lie on it (seen %.1f, unseen %.1f)",
                 m->node->name, 100 * (double)r.right / (double)r.classed,
                 100 * (double)r.seen_right / (double)(r.seen ? r.seen : 1),
                 100 * (double)r.unseen_right / (double)(r.unseen ? r.unseen : 1));
    pairs_close(&p);
    return status;
}

static char *id_of(const struct node *n, const char *input) {
    static char none[] = "";
    struct node *from = node_from(n, input);
    return from ? from->id : none;
}

static const char *stop_list(const struct node *n) {
    const struct node_input *in = node_input(n, "stop_list");
    return in ? in->path : NULL;
}

static int open_proposals(struct miner *m) {
    struct vocabulary v;
    vocabulary_of(&v, m->set.class_name, (size_t)m->set.n_classes);
    int status = proposals_run_open(&m->proposals, m->node, &v, NULL);
    vocabulary_close(&v);
    return status;
}

static int run(struct node *n) {
    const struct mine_options *o = &n->config.mine;
    struct miner m = {.node = n, .dir = path_join(n->dir, "pairs")};
    /* Hashes of runs: equal inputs give equal files, wherever they lie. */
    m.source =
        (struct pairs_source){{id_of(n, "proposals"), id_of(n, "clip"), id_of(n, "scenes"), n->id}};
    int status = dir_make(m.dir);
    if (!status) status = clip_open_set(n, "clip", &m.set);
    m.n_images = o->images && o->images < m.set.n_images ? o->images : m.set.n_images;
    if (!status && !o->ground_truth) {
        status = clip_run_open(&m.clip, n, "clip", NULL);
        if (!status) status = open_proposals(&m);
        if (!status)
            status = mine_nouns_find(&m.nouns, &m.set, m.n_images, o->captions, stop_list(n),
                                     t_threads());
        if (!status) status = encode_nouns(&m);
    }
    if (!status) status = mine(&m);
    if (!status) status = report(&m);
    mine_nouns_free(&m.nouns);
    free(m.noun_feature);
    proposals_run_free(&m.proposals);
    clip_run_free(&m.clip);
    dataset_close(&m.set);
    free(m.dir);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    if (n->config.mine.ground_truth) return;
    if (!node_input(n, "clip")) problems_add(p, "%s: missing inputs.clip", n->path);
    if (!node_input(n, "proposals")) problems_add(p, "%s: missing inputs.proposals", n->path);
}

static const char *const inputs[] = {"scenes", NULL};
static const char *const maybe[] = {"clip", "proposals", "stop_list", NULL};
const struct stage stage_mine = {
    .name = "mine",
    .inputs = inputs,
    .maybe = maybe,
    .revision = 2,
    .check = check,
    .run = run,
};
