/* Evaluates models side by side on a held-out set: every input that is neither the scenes nor the
 * proposals is a CLIP, and a row of the table. One pass over the pictures serves all rows
 * (reference-spec 8). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "eval/confusion.h"
#include "eval/mask_accuracy.h"
#include "eval/picture.h"
#include "train/clip_validate.h"
#include "train/given.h"
#include "train/picture.h"
#include "train/segment.h"
#include "train/signals.h"

enum { TOGETHER = 16, CROPS = 64 }; /* pictures, crops */

/* One CLIP, and what is counted for it. */
struct row {
    const char *name;
    struct namer_run namer;
    struct confusion alone, fused;
    struct mask_accuracy accuracy;
};

struct evaluation {
    struct node *node;
    struct dataset set;
    int64_t n_images, K;
    bool *seen, *unseen; /* [K] */
    struct vocabulary names;
    struct proposals_run proposals;
    bool given; /* masks of others in their place, which CLIP alone names */
    struct mask_source masks;
    struct segment_size size;
    struct confusion maskformer;
    struct region_recall recall; /* of the proposals, where network and truth have one size */
    struct row *row;
    size_t n_rows;
};

static int row_open(struct row *r, const struct evaluation *e, const char *name) {
    r->name = name;
    int status = namer_run_open(&r->namer, e->node, name, &e->names);
    confusion_open(&r->alone, e->K);
    confusion_open(&r->fused, e->K);
    return status;
}

static void row_close(struct row *r) {
    confusion_free(&r->alone);
    confusion_free(&r->fused);
    mask_accuracy_free(&r->accuracy);
    namer_run_close(&r->namer);
}

/* Pictures that the network sees at one size, their proposals and regions. */
struct block {
    int64_t first;
    struct image picture[TOGETHER]; /* as it is */
    struct image seen[TOGETHER];
    struct labels truth[TOGETHER];
    struct proposals proposals[TOGETHER];
    struct regions regions[TOGETHER];
    int64_t n;
};

static void block_free(struct block *b) {
    for (int64_t i = 0; i < TOGETHER; i++) {
        image_free(&b->picture[i]);
        image_free(&b->seen[i]);
        labels_free(&b->truth[i]);
        proposals_free(&b->proposals[i]);
        regions_free(&b->regions[i]);
    }
}

static int read_picture(struct block *b, const struct evaluation *e, int64_t k) {
    struct image *im = &b->picture[k];
    int status = e->set.source->image(&e->set, b->first + k, im);
    if (!status) status = image_crop(im, (struct box){0, 0, im->w, im->h}, &b->seen[k]);
    if (!status) status = segment_resize(&e->size, &b->seen[k]);
    return status;
}

static int block_read(struct block *b, const struct evaluation *e, int64_t first) {
    *b = (struct block){.first = first};
    int64_t most = e->n_images - first < TOGETHER ? e->n_images - first : TOGETHER;
    if (views_many(&e->node->config.eval.views)) most = 1;
    int status = 0;
    for (; !status && b->n < most; b->n++) {
        status = read_picture(b, e, b->n);
        if (!status && (b->seen[b->n].h != b->seen->h || b->seen[b->n].w != b->seen->w)) {
            image_free(&b->picture[b->n]);
            image_free(&b->seen[b->n]);
            break;
        }
        if (!status) status = e->set.source->labels(&e->set, first + b->n, &b->truth[b->n]);
    }
    return status;
}

/* overlay-000.png and so on: what the last model made of the first pictures. */
static int write_overlay(const struct evaluation *e, int64_t i, const struct image *im,
                         const struct labels *found, const struct labels *truth) {
    const struct eval_options *o = &e->node->config.eval;
    if (i >= o->overlays) return 0;
    struct overlay_options draw = {.opacity = 0.6,
                                   .names = (const char *const *)e->set.class_name,
                                   .n_names = e->K,
                                   .ignore = e->set.ignore};
    struct image sheet = {0};
    char *name = mem_format("overlay-%03lld.png", (long long)i);
    char *path = path_join(e->node->dir, name);
    int status = picture_compare(im, found, truth, &draw, &sheet);
    if (!status) status = picture_write(path, &sheet);
    image_free(&sheet);
    free(name);
    free(path);
    return status;
}

/* Who names the proposals, and where it is counted: MaskFormer alone, then each model with it and
 * alone. The last model's ensemble is drawn. */
static size_t judges_of(struct evaluation *e, struct judge *judge, struct confusion **to) {
    const struct eval_options *o = &e->node->config.eval;
    size_t n = 0;
    judge[n] = judge_of(o, NULL, false);
    to[n++] = &e->maskformer;
    for (size_t k = 0; k < e->n_rows; k++) {
        struct row *r = &e->row[k];
        judge[n] = judge_of(o, &r->namer.namer, false);
        to[n++] = &r->fused;
        judge[n] = judge_of(o, NULL, false);
        judge[n].namer = &r->namer.namer;
        judge[n].lambda = 0;
        to[n++] = &r->alone;
    }
    return n;
}

static int count(struct evaluation *e, const struct block *b, int64_t i, struct confusion *to,
                 struct labels *found) {
    const struct labels *truth = &b->truth[i];
    int status = 0;
    if (found->h != truth->h || found->w != truth->w)
        status = error_set(ERR_DATA, "picture %lld is %lld x %lld, its label map %lld x %lld",
                           (long long)e->set.image_id[b->first + i], (long long)found->w,
                           (long long)found->h, (long long)truth->w, (long long)truth->h);
    if (!status) confusion_add(to, found->at, truth->at, truth->h * truth->w, e->set.ignore);
    if (!status && to == &e->row[e->n_rows - 1].fused)
        status = write_overlay(e, b->first + i, &b->picture[i], found, truth);
    labels_free(found);
    return status;
}

/* A picture that the network sees many times. */
static int count_views(struct block *b, struct evaluation *e, const struct judge *judge,
                       struct confusion *const *to, size_t n) {
    const struct config *c = &e->node->config;
    struct picture_models models = {.net = &e->proposals.model,
                                    .text = e->proposals.text,
                                    .eval = &c->eval,
                                    .crop = &c->crop,
                                    .size = e->size};
    struct labels *found = mem_alloc(n, sizeof *found);
    int status = picture_segment(&models, judge, n, b->picture, found, NULL, NULL);
    for (size_t k = 0; !status && k < n; k++) status = count(e, b, 0, to[k], &found[k]);
    for (size_t k = 0; k < n; k++) labels_free(&found[k]);
    free(found);
    return status;
}

/* Pictures that it sees once go through it, and through each CLIP, together. */
static int count_block(struct block *b, struct evaluation *e, const struct judge *judge,
                       struct confusion *const *to, size_t n) {
    const struct config *c = &e->node->config;
    const struct namer *encoded = NULL;
    int status = 0;
    for (size_t k = 0; !status && k < n; k++) {
        const struct judge *j = &judge[k];
        if (j->namer && j->namer != encoded)
            status = segment_encode(j->namer, &c->crop, b->regions,
                                    c->eval.original ? b->picture : b->seen, b->n);
        encoded = j->namer ? j->namer : encoded;
        for (int64_t i = 0; !status && i < b->n; i++) {
            struct labels found = {0};
            int scope = t_scope_open("judge", T_NO_GRAD | T_EVAL);
            struct named named = segment_named(&b->proposals[i], &b->regions[i], j);
            status = segment_labels(named, j, &b->picture[i], &found);
            t_scope_close(scope, NULL);
            if (!status) status = count(e, b, i, to[k], &found);
        }
    }
    return status;
}

static int block_count(struct block *b, struct evaluation *e) {
    struct proposer proposer = proposals_run_proposer(&e->proposals);
    const struct eval_options *o = &e->node->config.eval;
    size_t most = 1 + 2 * e->n_rows;
    struct judge *judge = mem_alloc(most, sizeof *judge);
    struct confusion **to = mem_alloc(most, sizeof(struct confusion *));
    size_t n = judges_of(e, judge, to);
    int status = segment_propose(&proposer, o, b->seen, b->n, b->proposals, b->regions);
    for (int64_t i = 0; !status && i < b->n; i++)
        if (b->truth[i].h == b->proposals[i].h && b->truth[i].w == b->proposals[i].w)
            region_recall_add(&e->recall, &b->regions[i], &b->truth[i]);
    if (!status) status = (views_many(&o->views) ? count_views : count_block)(b, e, judge, to, n);
    free(judge);
    free(to);
    return status;
}

/* A picture with masks of others: what CLIP says is all there is to fuse. */
static int count_given(struct evaluation *e, struct block *b) {
    const struct dataset *set = &e->set;
    int status = set->source->image(set, b->first, b->picture);
    if (!status) status = set->source->labels(set, b->first, b->truth);
    for (size_t k = 0; !status && k < e->n_rows; k++) {
        struct row *r = &e->row[k];
        struct labels found;
        status = given_picture(&e->masks, &r->namer.namer, &e->node->config,
                               set->image_id[b->first], NULL, b->picture, &found);
        if (!status) status = count(e, b, 0, &r->fused, &found);
        labels_free(&found);
    }
    return status;
}

static int stopped(void) {
    return signals_pending() ? signals_error("the same command evaluates again") : 0;
}

static int segment_all(struct evaluation *e) {
    struct progress progress;
    struct block *b = mem_alloc(1, sizeof *b);
    int status = 0;
    progress_open(&progress, e->node->name, "pictures", 0, e->n_images, 30);
    for (int64_t i = 0; !status && i < e->n_images;) {
        *b = (struct block){.first = i, .n = 1};
        status = e->given ? count_given(e, b) : block_read(b, e, i);
        if (!status && !e->given) status = block_count(b, e);
        i += b->n;
        block_free(b);
        progress_at(&progress, i, NULL);
        if (!status) status = stopped();
    }
    progress_close(&progress);
    free(b);
    return status;
}

/* The crops of all true masks, for towers of one picture size. */
static int crop_all(struct mask_crops *c, const struct evaluation *e,
                    const struct region_options *o) {
    int status = 0;
    *c = (struct mask_crops){.S = o->side};
    for (int64_t i = 0; !status && i < e->n_images; i++) {
        status = mask_crops_add(c, &e->set, i, o, e->node->config.eval.min_area);
        if (!status) status = stopped();
    }
    return status;
}

static tensor *encode_or_stop(const void *encoder, tensor *region, tensor *mask) {
    const struct region_encoder *e = encoder;
    return stopped() ? NULL : e->encode(e->model, region, mask);
}

/* Accuracy on the true masks. */
static int classify_all(struct evaluation *e) {
    struct mask_crops crops = {0};
    int status = 0;
    for (size_t k = 0; !status && k < e->n_rows; k++) {
        struct row *r = &e->row[k];
        struct region_options o = namer_crop(&r->namer.namer, &e->node->config.crop);
        if (crops.S != o.side) {
            mask_crops_free(&crops);
            status = crop_all(&crops, e, &o);
        }
        struct region_encoder encoder = namer_encoder(&r->namer.namer);
        struct region_encoder stops = {encode_or_stop, &encoder, encoder.D, NULL};
        if (!status)
            status = mask_accuracy_of(&r->accuracy, &crops, stops, r->namer.namer.text, CROPS);
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
        put_miou(&j, "miou_clip_only", e->given ? &r->fused : &r->alone, e);
        put_split(&j, "mask_accuracy", mask_accuracy_mean(&r->accuracy, NULL),
                  mask_accuracy_mean(&r->accuracy, e->seen),
                  mask_accuracy_mean(&r->accuracy, e->unseen));
        json_end(&j);
    }
    json_end(&j);
    json_key(&j, "ensemble");
    json_object(&j);
    const struct row *last = &e->row[e->n_rows - 1];
    json_key_string(&j, "proposals",
                    e->given ? "masks of others, named by CLIP alone" : "a network's");
    json_key_real(&j, "lambda", e->given ? 0 : e->node->config.eval.lambda);
    put_miou(&j, "maskformer_only", &e->maskformer, e);
    put_miou(&j, "clip_only", e->given ? &last->fused : &last->alone, e);
    put_miou(&j, "fused", &last->fused, e);
    json_end(&j);
    put_split(&j, "best_proposal_iou", region_recall_mean(&e->recall, NULL),
              region_recall_mean(&e->recall, e->seen), region_recall_mean(&e->recall, e->unseen));
    json_end(&j);
    char *path = path_join(e->node->dir, "evaluation.json");
    int status = file_write(path, s.at, s.n);
    free(path);
    str_free(&s);
    return status;
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
    region_recall_open(&e->recall, e->K);
    vocabulary_of(&e->names, e->set.class_name, (size_t)e->K);
    const struct node_input *in = node_input(n, "proposals");
    e->given = in->path != NULL;
    status = e->given ? mask_source_open(&e->masks, in->path) : segment_size_of(&e->size, n);
    e->row = mem_alloc(n->n_inputs, sizeof *e->row);
    const struct namer_run *open = NULL;
    for (size_t i = 0; !status && i < n->n_inputs; i++) {
        if (!segment_is_clip(n->input[i].name)) continue;
        struct row *r = &e->row[e->n_rows++];
        status = row_open(r, e, n->input[i].name);
        r->namer.next = open;
        open = &r->namer;
    }
    if (!status && !e->given) status = proposals_run_open(&e->proposals, n, &e->names, open);
    return status;
}

static int run(struct node *n) {
    struct evaluation e = {.node = n, .masks.file.fd = -1};
    int status = open_all(&e);
    if (!status) status = classify_all(&e);
    if (!status) status = segment_all(&e);
    if (!status) status = write_evaluation(&e);
    for (size_t k = 0; k < e.n_rows; k++) row_close(&e.row[k]);
    free(e.row);
    free(e.seen);
    free(e.unseen);
    confusion_free(&e.maskformer);
    region_recall_free(&e.recall);
    proposals_run_free(&e.proposals);
    mask_source_close(&e.masks);
    vocabulary_close(&e.names);
    dataset_close(&e.set);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    size_t rows = 0;
    for (size_t i = 0; i < n->n_inputs; i++) rows += segment_is_clip(n->input[i].name);
    if (!rows)
        problems_add(p, "%s: inputs: no model to evaluate beside scenes and proposals", n->path);
    if (n->config.eval.panoptic.enabled)
        problems_add(
            p,
            "%s: eval.panoptic.enabled: `ovseg segment` writes segments, here nothing counts them",
            n->path);
    eval_check(&n->config.eval, n->path, p);
    const struct node_input *in = node_input(n, "proposals");
    const char *excluded = in && in->path ? given_excludes(&n->config.eval) : NULL;
    if (excluded)
        problems_add(p, "%s: inputs.proposals: %s needs a proposal network; these are masks",
                     n->path, excluded);
}

static const char *const inputs[] = {"scenes", "proposals", NULL};
static const char *const maybe[] = {"*", NULL};
const struct stage stage_evaluate = {
    .name = "evaluate",
    .inputs = inputs,
    .maybe = maybe,
    .revision = 2,
    .check = check,
    .run = run,
    .check_inputs = given_check_inputs,
};
