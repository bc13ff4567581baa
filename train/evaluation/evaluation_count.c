/* The pass over the pictures: each is read, proposed for and encoded once; then every judge's word
 * is a matrix product and a count. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/progress.h"
#include "data/resize.h"
#include "dist/comm.h"
#include "eval/oracle.h"
#include "eval/picture.h"
#include "train/evaluation/evaluation.h"
#include "train/picture.h"
#include "train/pictures/picture_overlay.h"
#include "train/signals.h"

enum { TOGETHER = EVALUATION_TOGETHER };

/* Pictures that the network sees at one size, their proposals and regions. */
struct block {
    int64_t first;
    struct image picture[TOGETHER]; /* as it is */
    struct image seen[TOGETHER];
    struct labels truth[TOGETHER];
    struct labels small[TOGETHER]; /* the truth at the size of `seen`; empty: it has that size */
    struct proposals proposals[TOGETHER];
    struct regions regions[TOGETHER];
    struct regions own[TOGETHER]; /* true masks */
    struct region_match *match;   /* [n, K] */
    struct proposal_notes notes[TOGETHER];
    int64_t n;
};

static void block_free(struct block *b) {
    for (int64_t i = 0; i < TOGETHER; i++) {
        image_free(&b->picture[i]);
        image_free(&b->seen[i]);
        labels_free(&b->truth[i]);
        labels_free(&b->small[i]);
        proposals_free(&b->proposals[i]);
        regions_free(&b->regions[i]);
        regions_free(&b->own[i]);
        proposal_notes_free(&b->notes[i]);
    }
    free(b->match);
}

static int read_picture(struct block *b, const struct evaluation *e, int64_t k) {
    struct image *im = &b->picture[k];
    int status = e->set.source->image(&e->set, b->first + k, im);
    if (!status) status = image_crop(im, (struct box){0, 0, im->w, im->h}, &b->seen[k]);
    if (!status) status = segment_resize(&e->size, &b->seen[k]);
    return status;
}

/* The label map of a picture that was read. */
static int read_truth(struct block *b, const struct evaluation *e, int64_t k) {
    int status = e->set.source->labels(&e->set, b->first + k, &b->truth[k]);
    const struct labels *truth = &b->truth[k];
    const struct image *im = &b->picture[k];
    if (!status && (im->h != truth->h || im->w != truth->w))
        status = error_set(ERR_DATA, "picture %lld is %lld x %lld, its label map %lld x %lld",
                           (long long)e->set.image_id[b->first + k], (long long)im->w,
                           (long long)im->h, (long long)truth->w, (long long)truth->h);
    return status;
}

static int block_read(struct block *b, const struct evaluation *e, int64_t first) {
    *b = (struct block){.first = first};
    int64_t most = e->end - first < TOGETHER ? e->end - first : TOGETHER;
    int status = 0;
    for (; !status && b->n < most; b->n++) {
        status = read_picture(b, e, b->n);
        if (status) break;
        int64_t room = evaluation_room(e, b->seen->h, b->seen->w);
        if (!b->n && room < most) most = room;
        if (b->seen[b->n].h != b->seen->h || b->seen[b->n].w != b->seen->w) {
            image_free(&b->picture[b->n]);
            image_free(&b->seen[b->n]);
            break;
        }
        status = read_truth(b, e, b->n);
    }
    return status;
}

/* The truth where the masks are: its nearest pixels, when the network sees another size. */
static const struct labels *truth_seen(const struct block *b, int64_t i) {
    return b->small[i].at ? &b->small[i] : &b->truth[i];
}

static int shrink_truth(struct block *b, int64_t i) {
    const struct image *seen = &b->seen[i];
    if (b->truth[i].h == seen->h && b->truth[i].w == seen->w) return 0;
    return labels_resize_nearest_torch(&b->truth[i], seen->h, seen->w, &b->small[i]);
}

/* overlay-000.png and so on: what the last model made of the first pictures. */
static int write_overlay(const struct evaluation *e, int64_t i, const struct image *im,
                         const struct labels *found, const struct labels *truth) {
    const struct eval_options *o = &e->node->config.eval;
    if (i >= o->overlays) return 0;
    struct picture_drawing draw;
    struct image sheet = {0};
    char *name = mem_format("overlay-%03lld.png", (long long)i);
    char *path = path_join(e->node->dir, name);
    picture_drawing_open(&draw, &e->names, e->set.ignore);
    int status = picture_compare(im, found, truth, &draw.options, &sheet);
    if (!status) status = picture_write(path, &sheet);
    image_free(&sheet);
    picture_drawing_close(&draw);
    free(name);
    free(path);
    return status;
}

/* Counts a label map with its scores (NULL: there are none), both of which it frees. The last
 * model's ensemble is drawn and written, too. */
static int count(struct evaluation *e, const struct block *b, int64_t i, struct confusion *to,
                 struct labels *found, struct scores *scores) {
    const struct labels *truth = &b->truth[i];
    int64_t k = b->first + i;
    int status = 0;
    for (size_t r = 0; scores && r < e->n_rows; r++)
        if (to == &e->row[r].fused)
            score_counts_add(&e->row[r].scores, found, scores, truth->at, e->set.ignore);
    if (scores) scores_free(scores);
    confusion_add(to, found->at, truth->at, truth->h * truth->w, e->set.ignore);
    status = evaluation_note_labels(e, k, to, found, truth);
    if (!status && to == &e->row[e->n_rows - 1].fused) {
        status = write_overlay(e, k, &b->picture[i], found, truth);
        if (!status && e->has_predictions) status = predictions_add(e, e->set.image_id[k], found);
    }
    labels_free(found);
    return status;
}

/* What a judge makes of pictures whose regions its namer has encoded. */
static int count_judge(struct evaluation *e, struct block *b, const struct regions *regions,
                       const struct judge *j, struct confusion *to, struct naming *naming) {
    int status = 0;
    for (int64_t i = 0; !status && i < b->n; i++) {
        struct labels found = {0};
        int scope = t_scope_open("judge", T_NO_GRAD | T_EVAL);
        struct named named = segment_named(&b->proposals[i], &regions[i], j);
        if (naming) status = naming_add(naming, b->match + i * e->K, &regions[i], named);
        if (!status) status = proposal_notes_name(&b->notes[i], e, to, named);
        if (!status) status = segment_labels(named, j, &b->picture[i], &found);
        t_scope_close(scope, NULL);
        if (!status) status = count(e, b, i, to, &found, j->scores);
    }
    return status;
}

/* The judge that asks one CLIP alone. */
static struct judge judge_alone(const struct eval_options *o, const struct namer *m) {
    struct judge j = judge_of(o, NULL, false);
    j.namer = m;
    j.lambda = 0;
    return j;
}

/* ---- the grid ---- */

/* All lambdas of one threshold: their regions are the same. */
static int count_threshold(struct evaluation *e, struct block *b, const struct regions *regions,
                           struct evaluation_row *r, size_t first) {
    const struct eval_options *o = &e->node->config.eval;
    double threshold = r->grid[first].threshold;
    int status = 0;
    for (size_t k = first; !status && k < r->n_grid && r->grid[k].threshold == threshold; k++) {
        struct judge j = judge_of(o, &r->namer.namer, false);
        j.lambda = r->grid[k].lambda;
        j.threshold = threshold;
        status = count_judge(e, b, regions, &j, &r->grid[k].pixels, NULL);
    }
    return status;
}

static int count_grid(struct evaluation *e, struct block *b, struct evaluation_row *r) {
    const struct config *c = &e->node->config;
    int status = 0;
    for (size_t k = 0; !status && k < r->n_grid; k++) {
        double threshold = r->grid[k].threshold;
        if (k && r->grid[k - 1].threshold == threshold) continue;
        if (threshold == c->eval.mask_threshold) { /* encoded already */
            status = count_threshold(e, b, b->regions, r, k);
            continue;
        }
        struct regions regions[TOGETHER] = {{0}};
        for (int64_t i = 0; !status && i < b->n; i++) {
            status = regions_of(&regions[i], &b->proposals[i], threshold, c->eval.min_area);
            if (c->eval.matting) regions[i].soft = b->proposals[i].mask;
        }
        if (!status)
            status = segment_encode(&r->namer.namer, &c->crop, regions,
                                    c->eval.original ? b->picture : b->seen, b->n);
        if (!status) status = count_threshold(e, b, regions, r, k);
        for (int64_t i = 0; i < b->n; i++) regions_free(&regions[i]);
    }
    return status;
}

/* ---- oracles ---- */

/* True masks: found by everyone, named by this CLIP. */
static int name_true_masks(struct evaluation *e, struct block *b, struct evaluation_row *r) {
    const struct config *c = &e->node->config;
    const struct namer *m = &r->namer.namer;
    int status = segment_encode(m, &c->crop, b->own, b->picture, b->n);
    for (int64_t i = 0; !status && i < b->n; i++)
        status = true_regions_name(&b->own[i], m, c->eval.min_area,
                                   c->measure.oracles ? &r->true_masks : NULL, &r->accuracy);
    return status;
}

/* Proposals with the names that fit the truth. */
static int count_best_names(struct evaluation *e, struct block *b) {
    struct judge j = judge_of(&e->node->config.eval, NULL, false);
    int status = 0;
    j.demo = false;
    for (int64_t i = 0; !status && i < b->n; i++) {
        struct labels found = {0};
        int scope = t_scope_open("best names", T_NO_GRAD | T_EVAL);
        struct named named = best_names(&b->proposals[i], &b->regions[i], truth_seen(b, i));
        status = segment_labels(named, &j, &b->picture[i], &found);
        t_scope_close(scope, NULL);
        if (!status) status = count(e, b, i, &e->best_names, &found, NULL);
    }
    return status;
}

/* ---- a block ---- */

/* Who names the proposals of many views, and where it is counted: MaskFormer alone, then each model
 * with it and alone. */
static size_t judges_of(struct evaluation *e, struct judge *judge, struct scores *scores,
                        struct confusion **to) {
    const struct eval_options *o = &e->node->config.eval;
    size_t n = 0;
    judge[n] = judge_of(o, NULL, false);
    to[n++] = &e->maskformer;
    for (size_t k = 0; k < e->n_rows; k++) {
        struct evaluation_row *r = &e->row[k];
        judge[n] = judge_of(o, &r->namer.namer, false);
        if (r->scores.K) judge[n].scores = &scores[n];
        to[n++] = &r->fused;
        judge[n] = judge_alone(o, &r->namer.namer);
        to[n++] = &r->alone;
    }
    return n;
}

/* A picture that the network sees many times. */
static int count_views(struct evaluation *e, struct block *b) {
    const struct config *c = &e->node->config;
    struct picture_models models = {.net = &e->proposals.model,
                                    .text = e->proposals.text,
                                    .eval = &c->eval,
                                    .crop = &c->crop,
                                    .size = e->size};
    size_t most = 1 + 2 * e->n_rows;
    struct judge *judge = mem_alloc(most, sizeof *judge);
    struct confusion **to = mem_alloc(most, sizeof(struct confusion *));
    struct labels *found = mem_alloc(most, sizeof *found);
    struct scores *scores = mem_alloc(most, sizeof *scores);
    size_t n = judges_of(e, judge, scores, to);
    int status = picture_segment(&models, judge, n, b->picture, found, NULL, NULL);
    for (size_t k = 0; !status && k < n; k++)
        status = count(e, b, 0, to[k], &found[k], judge[k].scores);
    for (size_t k = 0; k < n; k++) {
        labels_free(&found[k]);
        scores_free(&scores[k]);
    }
    for (size_t k = 0; !status && k < e->n_rows; k++) status = name_true_masks(e, b, &e->row[k]);
    free(judge);
    free(to);
    free(found);
    free(scores);
    return status;
}

static int find_matches(struct evaluation *e, struct block *b) {
    int status = 0;
    b->match = mem_alloc((size_t)(b->n * e->K), sizeof *b->match);
    for (int64_t i = 0; !status && i < b->n; i++) {
        struct region_match *match = b->match + i * e->K;
        const struct regions *r = &b->regions[i];
        status = shrink_truth(b, i);
        if (status) break;
        struct region_truth *best = mem_alloc((size_t)r->n, sizeof *best);
        region_matches(r, truth_seen(b, i), e->K, match, best);
        if (!b->small[i].at) region_recall_take(&e->recall, match);
        proposal_notes_open(&b->notes[i], e, b->first + i, &b->proposals[i], r, best);
        free(best);
    }
    return status;
}

static int count_row(struct evaluation *e, struct block *b, struct evaluation_row *r) {
    const struct config *c = &e->node->config;
    const struct namer *m = &r->namer.namer;
    struct judge fused = judge_of(&c->eval, m, false), alone = judge_alone(&c->eval, m);
    struct scores scores = {0};
    if (r->scores.K) fused.scores = &scores;
    int status = name_true_masks(e, b, r);
    if (!status)
        status =
            segment_encode(m, &c->crop, b->regions, c->eval.original ? b->picture : b->seen, b->n);
    if (!status) status = count_judge(e, b, b->regions, &fused, &r->fused, &r->naming);
    if (!status) status = count_judge(e, b, b->regions, &alone, &r->alone, NULL);
    scores_free(&scores);
    return status ? status : count_grid(e, b, r);
}

/* Pictures that it sees once go through it, and through each CLIP, together. */
static int count_once(struct evaluation *e, struct block *b) {
    const struct config *c = &e->node->config;
    struct proposer proposer = proposals_run_proposer(&e->proposals);
    struct judge maskformer = judge_of(&c->eval, NULL, false);
    int status = segment_propose(&proposer, &c->eval, b->seen, b->n, b->proposals, b->regions);
    if (!status) status = find_matches(e, b);
    if (!status) status = count_judge(e, b, b->regions, &maskformer, &e->maskformer, NULL);
    for (size_t k = 0; !status && k < e->n_rows; k++) status = count_row(e, b, &e->row[k]);
    if (!status && c->measure.oracles) status = count_best_names(e, b);
    for (int64_t i = 0; !status && i < b->n; i++) status = proposal_notes_put(&b->notes[i], e);
    return status;
}

/* A picture with masks of others: what CLIP says is all there is to fuse. */
static int count_given(struct evaluation *e, struct block *b) {
    int status = 0;
    for (size_t k = 0; !status && k < e->n_rows; k++) {
        struct evaluation_row *r = &e->row[k];
        const struct labels *truth = b->truth;
        struct labels found = {0};
        struct scores scores = {0}, *wanted = r->scores.K ? &scores : NULL;
        status = name_true_masks(e, b, r);
        if (!status)
            status = given_picture(&e->masks, &r->namer.namer, &e->node->config,
                                   e->set.image_id[b->first], dataset_image_name(&e->set, b->first),
                                   b->picture, &found, wanted);
        if (!status)
            confusion_add(&r->alone, found.at, truth->at, truth->h * truth->w, e->set.ignore);
        if (!status) status = count(e, b, 0, &r->fused, &found, wanted);
        labels_free(&found);
        scores_free(&scores);
    }
    return status;
}

static int given_read(struct block *b, const struct evaluation *e, int64_t i) {
    *b = (struct block){.first = i, .n = 1};
    int status = e->set.source->image(&e->set, i, b->picture);
    return status ? status : read_truth(b, e, 0);
}

static int block_count(struct evaluation *e, struct block *b) {
    const struct config *c = &e->node->config;
    int64_t least = c->measure.oracles ? 1 : c->eval.min_area;
    bool once = !e->given && !views_many(&c->eval.views);
    for (int64_t i = 0; i < b->n; i++) {
        true_regions(&b->own[i], &b->truth[i], e->K, least);
        evaluation_note_picture(e, b->first + i, &b->truth[i], once ? &b->seen[i] : NULL);
    }
    if (e->given) return count_given(e, b);
    return once ? count_once(e, b) : count_views(e, b);
}

static int stopped(void) {
    return signals_pending() ? signals_error("the same command evaluates again") : 0;
}

static void sum_pixels(struct comm *c, struct confusion *x) {
    if (x->at) comm_sum_counts(c, x->at, (size_t)((x->K + 1) * (x->K + 1)));
}

/* Sums of real numbers are in the order of ranks. */
void evaluation_sum(struct evaluation *e) {
    struct comm *c = e->node->comm;
    size_t K = (size_t)e->K;
    sum_pixels(c, &e->maskformer);
    sum_pixels(c, &e->best_names);
    if (e->recall.n) {
        comm_sum(c, e->recall.sum, K);
        comm_sum_counts(c, e->recall.n, K);
    }
    for (size_t k = 0; k < e->n_rows; k++) {
        struct evaluation_row *r = &e->row[k];
        sum_pixels(c, &r->alone);
        sum_pixels(c, &r->fused);
        sum_pixels(c, &r->true_masks);
        for (size_t g = 0; g < r->n_grid; g++) sum_pixels(c, &r->grid[g].pixels);
        int64_t *scores[] = {r->scores.right, r->scores.wrong, r->scores.beyond};
        for (size_t i = 0; r->scores.K && i < 3; i++) comm_sum_counts(c, scores[i], K * SCORE_BINS);
        if (r->scores.K) comm_sum_counts(c, r->scores.truth, K);
        if (r->scores.K) comm_sum_counts(c, r->scores.none, 1);
        int64_t *counts[] = {r->accuracy.right, r->accuracy.total, r->naming.right,
                             r->naming.misnamed, r->naming.missed};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            if (counts[i]) comm_sum_counts(c, counts[i], K);
    }
}

int evaluation_count(struct evaluation *e) {
    struct progress progress;
    struct block *b = mem_alloc(1, sizeof *b);
    int status = 0;
    evaluation_share(e);
    progress_open(&progress, e->node->name, "pictures", e->first, e->end, 30);
    for (int64_t i = e->first; !status && i < e->end;) {
        status = (e->given ? given_read : block_read)(b, e, i);
        if (!status) status = stopped();
        if (!status) status = block_count(e, b);
        i += b->n;
        block_free(b);
        progress_at(&progress, i, NULL);
        if (!status) status = stopped();
    }
    progress_close(&progress);
    free(b);
    return status;
}
