/* Evaluates models side by side on a held-out set: every input that is neither the scenes nor the
 * proposals is a CLIP, and a row of the table. One pass over the pictures serves all rows
 * (reference-spec 8). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "eval/confusion.h"
#include "eval/ensemble.h"
#include "eval/mask_accuracy.h"
#include "train/clip_validate.h"
#include "train/proposals_run.h"
#include "train/signals.h"

enum { TOGETHER = 16, BATCH = 64 }; /* pictures, crops */

/* One CLIP, and what is counted for it. */
struct row {
    const char *name;
    struct clip_run clip;
    tensor *text;       /* [K, D], held */
    double temperature; /* of its cosines */
    struct confusion alone, fused;
    struct mask_accuracy accuracy;
};

struct evaluation {
    struct node *node;
    struct dataset set;
    int64_t n_images, K;
    bool *seen, *unseen; /* [K] */
    struct proposals_run proposals;
    struct confusion maskformer;
    struct row *row;
    size_t n_rows;
};

static int row_open(struct row *r, const struct evaluation *e, const char *name) {
    const struct eval_options *o = &e->node->config.eval;
    r->name = name;
    int status = clip_run_open(&r->clip, e->node, name, NULL);
    if (status) return status;
    r->text = t_hold(clip_names(&r->clip, &e->node->config.text, e->set.class_name, e->K));
    int scope = t_scope_open("temperature", T_NO_GRAD);
    r->temperature = o->temperature > 0 ? o->temperature : t_item(clip_scale(&r->clip.clip));
    t_scope_close(scope, NULL);
    confusion_open(&r->alone, e->K);
    confusion_open(&r->fused, e->K);
    return error_status();
}

static void row_close(struct row *r) {
    confusion_free(&r->alone);
    confusion_free(&r->fused);
    mask_accuracy_free(&r->accuracy);
    t_drop(r->text);
    clip_run_free(&r->clip);
}

/* Adds the label map of the summed scores at the size of the truth. */
static int count(struct confusion *c, tensor *fused, tensor *mask, const struct labels *truth,
                 uint16_t ignore) {
    int scope = t_scope_open("count", T_NO_GRAD);
    size_t n = (size_t)(truth->h * truth->w);
    int64_t *found = mem_try(n, sizeof *found);
    uint16_t *label = mem_try(n, sizeof *label);
    int status = found && label ? 0 : error_status();
    if (!status)
        status = t_copy_out(ensemble_labels(ensemble_scores(fused, mask), truth->h, truth->w),
                            found, n * sizeof *found);
    for (size_t i = 0; !status && i < n; i++) label[i] = (uint16_t)found[i];
    if (!status) confusion_add(c, label, truth->at, (int64_t)n, ignore);
    free(found);
    free(label);
    t_scope_close(scope, NULL);
    return status;
}

/* CLIP's opinion on the regions: softmax of temperature times cosines -> [V, K]; NULL without any.
 */
static tensor *opinions(const struct row *r, const struct regions *g) {
    if (!g->n) return NULL;
    tensor *x = t_from_data(g->feature, SHAPE(g->n, g->D), T_F32); /* [V, D] */
    return t_softmax(t_scale(t_matmul(x, t_transpose(r->text, 0, 1)), r->temperature), -1);
}

/* All rows for one picture whose regions have been encoded by row `r`. */
static int count_row(struct row *r, const struct evaluation *e, const struct proposals *p,
                     const struct regions *g, const struct labels *truth) {
    int scope = t_scope_open(r->name, T_NO_GRAD);
    int64_t *valid = mem_alloc((size_t)p->Q, sizeof *valid);
    for (int64_t q = 0; q < p->Q; q++) valid[q] = -1;
    for (int64_t v = 0; v < g->n; v++) valid[g->query[v]] = v;
    tensor *prob = t_from_data(p->prob, SHAPE(p->Q, p->K), T_F32);       /* [Q, K] */
    tensor *mask = t_from_data(p->mask, SHAPE(p->Q, p->h, p->w), T_F32); /* [Q, h, w] */
    tensor *rows = t_from_data(valid, SHAPE(p->Q), T_I64), *clip = opinions(r, g);
    free(valid);
    double lambda = e->node->config.eval.lambda;
    int status =
        count(&r->fused, ensemble_fuse(prob, clip, rows, lambda), mask, truth, e->set.ignore);
    if (!status)
        status = count(&r->alone, ensemble_fuse(prob, clip, rows, 0), mask, truth, e->set.ignore);
    t_scope_close(scope, NULL);
    return status;
}

static int count_maskformer(struct evaluation *e, const struct proposals *p,
                            const struct labels *truth) {
    int scope = t_scope_open("maskformer", T_NO_GRAD);
    tensor *prob = t_from_data(p->prob, SHAPE(p->Q, p->K), T_F32);
    tensor *mask = t_from_data(p->mask, SHAPE(p->Q, p->h, p->w), T_F32);
    int status = count(&e->maskformer, prob, mask, truth, e->set.ignore);
    t_scope_close(scope, NULL);
    return status;
}

/* Pictures of one size, their proposals and regions. */
struct block {
    struct image picture[TOGETHER];
    struct labels truth[TOGETHER];
    struct proposals proposals[TOGETHER];
    struct regions regions[TOGETHER];
    int64_t n;
};

static void block_free(struct block *b) {
    for (int64_t i = 0; i < TOGETHER; i++) {
        image_free(&b->picture[i]);
        labels_free(&b->truth[i]);
        proposals_free(&b->proposals[i]);
        regions_free(&b->regions[i]);
    }
}

static int block_read(struct block *b, const struct evaluation *e, int64_t first) {
    *b = (struct block){0};
    int64_t most = e->n_images - first < TOGETHER ? e->n_images - first : TOGETHER;
    int status = 0;
    for (; !status && b->n < most; b->n++) {
        status = e->set.source->image(&e->set, first + b->n, &b->picture[b->n]);
        if (!status &&
            (b->picture[b->n].h != b->picture->h || b->picture[b->n].w != b->picture->w)) {
            image_free(&b->picture[b->n]);
            break;
        }
        if (!status) status = e->set.source->labels(&e->set, first + b->n, &b->truth[b->n]);
    }
    return status;
}

static int block_count(struct block *b, struct evaluation *e) {
    const struct config *c = &e->node->config;
    int status =
        proposals_of(&e->proposals.model, e->proposals.text, b->picture, b->n, b->proposals);
    for (int64_t i = 0; !status && i < b->n; i++) {
        status =
            regions_of(&b->regions[i], &b->proposals[i], c->eval.mask_threshold, c->eval.min_area);
        if (!status) status = count_maskformer(e, &b->proposals[i], &b->truth[i]);
    }
    for (size_t k = 0; !status && k < e->n_rows; k++) {
        struct row *r = &e->row[k];
        const struct clip_options *opt = &r->clip.clip.opt;
        struct region_options crop = crop_region(&c->crop, opt->image.image_size);
        struct region_encoder encoder = {clip_encode_masks, &r->clip.clip.visual, opt->features};
        status = regions_encode(b->regions, b->picture, b->n, &crop, encoder, BATCH);
        for (int64_t i = 0; !status && i < b->n; i++)
            status = count_row(r, e, &b->proposals[i], &b->regions[i], &b->truth[i]);
    }
    return status;
}

static int segment_all(struct evaluation *e) {
    struct progress progress;
    struct block *b = mem_alloc(1, sizeof *b);
    int status = 0;
    progress_open(&progress, e->node->name, "pictures", 0, e->n_images, 30);
    for (int64_t i = 0; !status && i < e->n_images;) {
        status = block_read(b, e, i);
        if (!status) status = block_count(b, e);
        i += b->n;
        block_free(b);
        progress_at(&progress, i, NULL);
        if (!status && signals_pending()) status = signals_error(i);
    }
    progress_close(&progress);
    free(b);
    return status;
}

/* Accuracy on the true masks. Crops depend on the tower's picture size alone. */
static int classify_all(struct evaluation *e) {
    struct mask_crops crops = {0};
    int status = 0;
    for (size_t k = 0; !status && k < e->n_rows; k++) {
        struct row *r = &e->row[k];
        const struct clip_options *opt = &r->clip.clip.opt;
        if (crops.S != opt->image.image_size) {
            mask_crops_free(&crops);
            struct region_options o = crop_region(&e->node->config.crop, opt->image.image_size);
            status = mask_crops_of(&crops, &e->set, &o, e->n_images, e->node->config.eval.min_area);
        }
        struct region_encoder encoder = {clip_encode_masks, &r->clip.clip.visual, opt->features};
        if (!status) status = mask_accuracy_of(&r->accuracy, &crops, encoder, r->text, BATCH);
    }
    mask_crops_free(&crops);
    return status;
}

static void put_split(struct json_out *j, const char *key, double all, double seen, double unseen) {
    json_key(j, key);
    json_object(j);
    json_key_real(j, "all", all);
    json_key_real(j, "seen", seen);
    json_key_real(j, "unseen", unseen);
    json_end(j);
}

static void put_miou(struct json_out *j, const char *key, const struct confusion *c,
                     const struct evaluation *e) {
    put_split(j, key, confusion_metrics(c, NULL).miou, confusion_metrics(c, e->seen).miou,
              confusion_metrics(c, e->unseen).miou);
}

static int write_evaluation(const struct evaluation *e) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_object(&j);
    json_key(&j, "rows");
    json_array(&j);
    for (size_t k = 0; k < e->n_rows; k++) {
        const struct row *r = &e->row[k];
        json_object(&j);
        json_key_string(&j, "name", r->name);
        put_miou(&j, "miou", &r->fused, e);
        put_miou(&j, "miou_clip_only", &r->alone, e);
        put_split(&j, "mask_accuracy", mask_accuracy_mean(&r->accuracy, NULL),
                  mask_accuracy_mean(&r->accuracy, e->seen),
                  mask_accuracy_mean(&r->accuracy, e->unseen));
        json_end(&j);
    }
    json_end(&j);
    json_key(&j, "ensemble");
    json_object(&j);
    json_key_real(&j, "lambda", e->node->config.eval.lambda);
    put_miou(&j, "maskformer_only", &e->maskformer, e);
    put_miou(&j, "clip_only", &e->row[e->n_rows - 1].alone, e);
    put_miou(&j, "fused", &e->row[e->n_rows - 1].fused, e);
    json_end(&j);
    json_end(&j);
    char *path = path_join(e->node->dir, "evaluation.json");
    int status = file_write(path, s.at, s.n);
    free(path);
    str_free(&s);
    return status;
}

static bool is_row(const char *input) {
    return strcmp(input, "scenes") != 0 && strcmp(input, "proposals") != 0;
}

static int open_all(struct evaluation *e) {
    struct node *n = e->node;
    int status = clip_open_set(n, n->config.eval.set, &e->set);
    if (status) return status;
    int64_t most = n->config.eval.images;
    e->K = e->set.n_classes;
    e->n_images = most && most < e->set.n_images ? most : e->set.n_images;
    e->seen = mem_alloc((size_t)e->K, sizeof *e->seen);
    e->unseen = mem_alloc((size_t)e->K, sizeof *e->unseen);
    for (int64_t k = 0; k < e->K; k++) e->unseen[k] = !(e->seen[k] = e->set.class_seen[k]);
    confusion_open(&e->maskformer, e->K);
    status = proposals_run_open(&e->proposals, n, e->set.class_name, e->K);
    e->row = mem_alloc(n->n_inputs, sizeof *e->row);
    for (size_t i = 0; !status && i < n->n_inputs; i++)
        if (is_row(n->input[i].name)) status = row_open(&e->row[e->n_rows++], e, n->input[i].name);
    return status;
}

static int run(struct node *n) {
    struct evaluation e = {.node = n};
    int status = open_all(&e);
    if (!status) status = classify_all(&e);
    if (!status) status = segment_all(&e);
    if (!status) status = write_evaluation(&e);
    for (size_t k = 0; k < e.n_rows; k++) row_close(&e.row[k]);
    free(e.row);
    free(e.seen);
    free(e.unseen);
    confusion_free(&e.maskformer);
    proposals_run_free(&e.proposals);
    dataset_close(&e.set);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    size_t rows = 0;
    for (size_t i = 0; i < n->n_inputs; i++) rows += is_row(n->input[i].name);
    if (!rows)
        problems_add(p, "%s: inputs: no model to evaluate beside scenes and proposals", n->path);
}

static const char *const inputs[] = {"scenes", "proposals", NULL};
static const char *const maybe[] = {"*", NULL};
const struct stage stage_evaluate = {"evaluate", inputs, maybe, 1, check, run};
