/* The files of an evaluation that is done. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "data/csv.h"
#include "train/evaluation/protocol.h"

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

static void put_figures(struct json_out *j, const char *key, struct segmentation_metrics m) {
    json_key(j, key);
    json_object(j);
    json_key_real(j, "miou", m.miou);
    json_key_real(j, "miou_truth", m.miou_truth);
    json_key_real(j, "miou_all", m.miou_all);
    json_key_real(j, "fwiou", m.fwiou);
    json_key_real(j, "macc", m.macc);
    json_key_real(j, "pacc", m.pacc);
    json_end(j);
}

static void put_key(struct json_out *j, const char *before, const char *name, double x) {
    char *key = mem_format("%s%s", before, name);
    json_key_real(j, key, x);
    free(key);
}

/* detectron2's names for a set of classes and the others. */
static void put_subsets(struct json_out *j, const struct confusion *c, const double *likeness,
                        const struct evaluation *e) {
    json_key(j, "subsets");
    json_array(j);
    for (size_t i = 0; i < e->n_subsets; i++) {
        const struct evaluation_subset *s = &e->subset[i];
        struct segmentation_metrics in = confusion_open_metrics(c, likeness, s->in);
        struct segmentation_metrics out = confusion_open_metrics(c, likeness, s->out);
        json_object(j);
        json_key_string(j, "name", s->name);
        put_key(j, "mIoU-", s->name, in.miou);
        put_key(j, "pAcc-", s->name, in.pacc);
        put_key(j, "mIoU-un", s->name, out.miou);
        put_key(j, "pAcc-un", s->name, out.pacc);
        json_key_real(j, "hIoU", harmonic_mean(in.miou, out.miou));
        json_end(j);
    }
    json_end(j);
}

/* All figures of a matrix; with likenesses the open ones. */
static void put_metrics(struct json_out *j, const char *key, const struct confusion *c,
                        const double *likeness, const struct evaluation *e) {
    struct segmentation_metrics seen = confusion_open_metrics(c, likeness, e->seen);
    struct segmentation_metrics unseen = confusion_open_metrics(c, likeness, e->unseen);
    json_key(j, key);
    json_object(j);
    put_figures(j, "all", confusion_open_metrics(c, likeness, NULL));
    put_figures(j, "seen", seen);
    put_figures(j, "unseen", unseen);
    json_key_real(j, "hiou", harmonic_mean(seen.miou, unseen.miou));
    if (e->n_subsets) put_subsets(j, c, likeness, e);
    json_end(j);
}

static void put_masks(struct json_out *j, const struct naming *n, const struct evaluation *e) {
    const bool *subset[] = {NULL, e->seen, e->unseen};
    static const char *const names[] = {"all", "seen", "unseen"};
    json_key(j, "masks");
    json_object(j);
    for (size_t i = 0; i < 3; i++) {
        struct naming_shares s = naming_shares(n, subset[i]);
        json_key(j, names[i]);
        json_object(j);
        json_key_real(j, "found_right", s.right);
        json_key_real(j, "found_misnamed", s.misnamed);
        json_key_real(j, "not_found", s.missed);
        json_key_int(j, "masks", s.masks);
        json_end(j);
    }
    json_end(j);
}

static void put_pairs(struct json_out *j, const struct confusion *c, const struct evaluation *e) {
    size_t most = (size_t)e->node->config.measure.pairs;
    struct confused *pair = mem_alloc(most, sizeof *pair);
    size_t n = confusion_pairs(c, pair, most);
    json_key(j, "confused");
    json_array(j);
    for (size_t i = 0; i < n; i++) {
        json_object(j);
        json_key_string(j, "truth", e->set.class_name[pair[i].truth]);
        json_key_string(j, "called", e->set.class_name[pair[i].called]);
        json_key_int(j, "pixels", pair[i].pixels);
        json_key_real(j, "percent_of_truth",
                      100 * (double)pair[i].pixels / (double)confusion_truth(c, pair[i].truth));
        if (e->likeness.at)
            json_key_real(j, "similarity", e->likeness.at[pair[i].truth * e->K + pair[i].called]);
        json_end(j);
    }
    json_end(j);
    free(pair);
}

static void put_groups(struct json_out *j, const struct confusion *c, const struct evaluation *e) {
    struct confusion merged;
    confusion_merge(c, e->group, e->groups, &merged);
    put_figures(j, "groups", confusion_metrics(&merged, NULL));
    confusion_free(&merged);
}

static void put_grid(struct json_out *j, const struct evaluation_row *r,
                     const struct evaluation *e) {
    size_t best = 0;
    double most = -1;
    json_key(j, "grid");
    json_array(j);
    for (size_t i = 0; i < r->n_grid; i++) {
        double miou = confusion_metrics(&r->grid[i].pixels, NULL).miou;
        if (miou > most) {
            most = miou;
            best = i;
        }
        json_object(j);
        json_key_real(j, "mask_threshold", r->grid[i].threshold);
        json_key_real(j, "lambda", r->grid[i].lambda);
        put_metrics(j, "metrics", &r->grid[i].pixels, NULL, e);
        json_end(j);
    }
    json_end(j);
    json_key(j, "grid_best");
    json_object(j);
    json_key_real(j, "mask_threshold", r->grid[best].threshold);
    json_key_real(j, "lambda", r->grid[best].lambda);
    json_key_real(j, "miou", most >= 0 ? most : NAN);
    json_end(j);
}

/* The lowest score that is worth a name. */
static void put_min_score(struct json_out *j, const struct evaluation_row *r, bool all) {
    enum { EVERY = 20 };
    double *miou = mem_alloc(SCORE_BINS, sizeof *miou);
    score_counts_curve(&r->scores, all, miou);
    int64_t best = score_counts_best(miou);
    json_key(j, "min_score");
    json_object(j);
    json_key_string(j, "pixels", all ? "all" : "labelled");
    json_key_real(j, "fitted", (double)best / 1000);
    json_key_real(j, "miou", miou[best]);
    json_key_real(j, "miou_without", miou[0]);
    json_key(j, "curve");
    json_array(j);
    for (int64_t b = 0; b < SCORE_BINS; b += EVERY) {
        json_array(j);
        json_real(j, (double)b / 1000);
        json_real(j, miou[b]);
        json_end(j);
    }
    json_end(j);
    json_end(j);
    free(miou);
}

static void put_classes(struct json_out *j, const struct confusion *c) {
    json_key(j, "class_iou");
    json_array(j);
    for (int64_t k = 0; k < c->K; k++) json_real(j, confusion_iou(c, k));
    json_end(j);
    json_key(j, "class_acc");
    json_array(j);
    for (int64_t k = 0; k < c->K; k++) json_real(j, confusion_acc(c, k));
    json_end(j);
}

static void put_row(struct json_out *j, const struct evaluation_row *r,
                    const struct evaluation *e) {
    const struct measure_options *o = &e->node->config.measure;
    json_object(j);
    json_key_string(j, "name", r->name);
    put_miou(j, "miou", &r->fused, e);
    put_miou(j, "miou_clip_only", &r->alone, e);
    put_split(j, "mask_accuracy", mask_accuracy_mean(&r->accuracy, NULL),
              mask_accuracy_mean(&r->accuracy, e->seen),
              mask_accuracy_mean(&r->accuracy, e->unseen));
    put_metrics(j, "metrics", &r->fused, NULL, e);
    put_metrics(j, "metrics_clip_only", &r->alone, NULL, e);
    if (o->similarity) put_metrics(j, "open", &r->fused, e->likeness.at, e);
    if (e->group) put_groups(j, &r->fused, e);
    if (!views_many(&e->node->config.eval.views)) put_masks(j, &r->naming, e);
    if (o->oracles) put_metrics(j, "oracle_true_masks", &r->true_masks, NULL, e);
    if (r->n_grid) put_grid(j, r, e);
    if (o->min_score) put_min_score(j, r, o->min_score == MIN_SCORE_ALL);
    put_pairs(j, &r->fused, e);
    put_classes(j, &r->fused);
    json_end(j);
}

/* Values that are chosen on the pictures that are then reported on flatter the result (Q34). */
static void put_search(struct json_out *j, const struct evaluation *e) {
    const char *set = e->node->config.eval.set;
    bool test = strncmp(set, "val", 3) != 0 && strncmp(set, "train", 5) != 0;
    json_key(j, "search");
    json_object(j);
    json_key_string(j, "set", set);
    json_key_bool(j, "on_test_set", test);
    json_key_string(j, "remark",
                    test ? "values were tried on the test set itself: the best of them is chosen "
                           "with the answers in sight, and no estimate of other pictures"
                         : "values were tried on a set that is there for it");
    json_end(j);
}

/* What is the same for all rows: MaskFormer alone, the oracle of names, how the last row came
 * about. */
static void put_common(struct json_out *j, const struct evaluation *e) {
    const struct measure_options *o = &e->node->config.measure;
    json_key(j, "ensemble");
    json_object(j);
    json_key_string(j, "proposals",
                    e->given ? "masks of others, named by CLIP alone" : "a network's");
    json_key_real(j, "lambda", e->given ? 0 : e->node->config.eval.lambda);
    put_miou(j, "maskformer_only", &e->maskformer, e);
    put_miou(j, "clip_only", &e->row[e->n_rows - 1].alone, e);
    put_miou(j, "fused", &e->row[e->n_rows - 1].fused, e);
    json_end(j);
    put_split(j, "best_proposal_iou", region_recall_mean(&e->recall, NULL),
              region_recall_mean(&e->recall, e->seen), region_recall_mean(&e->recall, e->unseen));
    put_metrics(j, "metrics_maskformer_only", &e->maskformer, NULL, e);
    if (o->oracles) put_metrics(j, "oracle_best_names", &e->best_names, NULL, e);
    if (measure_searches(o) || o->min_score) put_search(j, e);
    if (e->group) json_key_int(j, "n_groups", e->groups);
    json_key(j, "classes");
    json_array(j);
    for (int64_t k = 0; k < e->K; k++) json_string(j, e->set.class_name[k]);
    json_end(j);
    if (e->likeness.as.n) {
        json_key(j, "not_in_wordnet");
        json_array(j);
        for (size_t k = 0; k < e->likeness.as.n; k++)
            if (!*e->likeness.as.at[k]) json_string(j, e->set.class_name[k]);
        json_end(j);
    }
}

static int write_text(const struct evaluation *e, const char *name, struct str *text) {
    char *path = path_join(e->node->dir, name);
    int status = file_write(path, text->at, text->n);
    free(path);
    str_free(text);
    return status;
}

static int write_json(const struct evaluation *e) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_object(&j);
    json_key(&j, "rows");
    json_array(&j);
    for (size_t k = 0; k < e->n_rows; k++) put_row(&j, &e->row[k], e);
    json_end(&j);
    put_common(&j, e);
    json_key(&j, "protocol");
    protocol_write(e, &j);
    json_end(&j);
    return write_text(e, "evaluation.json", &s);
}

static void put_number(struct str *s, double x) {
    char text[32] = "";
    if (isfinite(x)) json_number(text, x);
    csv_put(s, text, false);
}

/* A line of classes.csv. */
static void put_class(struct str *s, const struct evaluation_row *r, const struct evaluation *e,
                      int64_t k) {
    const struct confusion *c = &r->fused;
    csv_put(s, r->name, true);
    put_number(s, (double)k);
    csv_put(s, e->set.class_name[k], false);
    csv_put(s, e->seen[k] ? "seen" : "unseen", false);
    put_number(s, (double)confusion_truth(c, k));
    put_number(s, (double)confusion_predicted(c, k));
    put_number(s, (double)confusion_right(c, k));
    put_number(s, confusion_iou(c, k));
    put_number(s, confusion_acc(c, k));
    put_number(s, e->likeness.at ? confusion_open_iou(c, e->likeness.at, k) : NAN);
    csv_put(s, e->likeness.as.n ? e->likeness.as.at[k] : "", false);
    if (e->group)
        put_number(s, (double)e->group[k]);
    else
        csv_put(s, "", false);
    str_add(s, "\n");
}

static int write_csv(const struct evaluation *e) {
    struct str s = {0};
    str_add(&s, "model,index,class,split,truth,predicted,right,iou,acc,open_iou,wordnet,group\n");
    for (size_t r = 0; r < e->n_rows; r++)
        for (int64_t k = 0; k < e->K; k++) put_class(&s, &e->row[r], e, k);
    return write_text(e, "classes.csv", &s);
}

int evaluation_write(const struct evaluation *e) {
    int status = write_csv(e);
    return status ? status : write_json(e);
}
