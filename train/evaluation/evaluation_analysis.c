/* What an evaluation leaves for analysis.h5 while it counts. */
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "dist/comm.h"
#include "train/evaluation/evaluation.h"

static void add_judge(struct evaluation *e, char *name, const struct confusion *pixels) {
    e->judge[e->n_judges++] = (struct evaluation_judge){name, pixels};
}

static void add_grid(struct evaluation *e, const struct evaluation_row *r) {
    for (size_t g = 0; g < r->n_grid; g++)
        add_judge(e,
                  mem_format("ensemble %s threshold=%g lambda=%g", r->name, r->grid[g].threshold,
                             r->grid[g].lambda),
                  &r->grid[g].pixels);
}

/* Those of the table, who name proposals, stand in front. Masks of others are named by CLIP alone,
 * which is the ensemble then. */
static void list_judges(struct evaluation *e) {
    bool oracles = e->node->config.measure.oracles;
    size_t most = 2;
    for (size_t k = 0; k < e->n_rows; k++) most += 3 + e->row[k].n_grid;
    e->judge = mem_alloc(most, sizeof *e->judge);
    if (!e->given) add_judge(e, mem_strdup("maskformer"), &e->maskformer);
    for (size_t k = 0; k < e->n_rows; k++) {
        const struct evaluation_row *r = &e->row[k];
        add_judge(e, mem_format("ensemble %s", r->name), &r->fused);
        if (!e->given) add_judge(e, mem_format("clip %s", r->name), &r->alone);
    }
    e->n_namers = e->n_judges;
    if (oracles) add_judge(e, mem_strdup("best names"), &e->best_names);
    for (size_t k = 0; k < e->n_rows; k++) {
        const struct evaluation_row *r = &e->row[k];
        if (oracles) add_judge(e, mem_format("true masks %s", r->name), &r->true_masks);
        add_grid(e, r);
    }
}

int evaluation_analysis_open(struct evaluation *e) {
    list_judges(e);
    class_counts_open(&e->counts, e->K);
    return analysis_open(&e->analysis, e->node->dir, e->n_images, e->K, e->n_judges, e->n_namers);
}

void evaluation_analysis_close(struct evaluation *e) {
    for (size_t j = 0; j < e->n_judges; j++) free(e->judge[j].name);
    free(e->judge);
    class_counts_free(&e->counts);
    analysis_close(&e->analysis);
}

/* n_judges: nobody's, or no analysis. */
static size_t judge_of_counts(const struct evaluation *e, const struct confusion *to) {
    size_t j = 0;
    while (j < e->n_judges && e->judge[j].pixels != to) j++;
    return j;
}

void evaluation_note_picture(struct evaluation *e, int64_t i, const struct labels *truth,
                             const struct image *seen) {
    if (!e->analysis.path) return;
    size_t bytes = (size_t)(truth->h * truth->w) * sizeof *truth->at;
    e->analysis.image[i] = (struct analysis_image){.h = truth->h,
                                                   .w = truth->w,
                                                   .seen_h = seen ? seen->h : 0,
                                                   .seen_w = seen ? seen->w : 0,
                                                   .labels = (int64_t)hash_bytes(truth->at, bytes)};
}

int evaluation_note_labels(struct evaluation *e, int64_t i, const struct confusion *to,
                           const struct labels *found, const struct labels *truth) {
    size_t j = judge_of_counts(e, to);
    if (j == e->n_judges) return 0;
    class_counts_of(&e->counts, to, found->at, truth->at, truth->h * truth->w, e->set.ignore);
    return analysis_add_counts(&e->analysis, j, i, &e->counts);
}

/* ---- proposals ---- */

static float probability_of_any(const struct proposals *p, int64_t q) {
    double sum = 0;
    for (int64_t k = 0; k < p->K; k++) sum += (double)p->prob[q * p->K + k];
    return (float)sum;
}

void proposal_notes_open(struct proposal_notes *n, const struct evaluation *e, int64_t i,
                         const struct proposals *p, const struct regions *r,
                         const struct region_truth *best) {
    if (!e->analysis.path) return;
    size_t Q = (size_t)p->Q;
    *n = (struct proposal_notes){p->Q, mem_alloc(Q, sizeof *n->at),
                                 mem_alloc(Q * e->n_namers, sizeof *n->name)};
    for (int64_t q = 0; q < p->Q; q++)
        n->at[q] = (struct analysis_proposal){.image = (uint32_t)i,
                                              .proposal = (uint32_t)q,
                                              .area = (uint32_t)r->above[q],
                                              .truth = (uint32_t)e->K,
                                              .object = probability_of_any(p, q)};
    for (int64_t v = 0; v < r->n; v++) {
        struct analysis_proposal *at = &n->at[r->query[v]];
        const struct box *b = &r->box[v];
        const int64_t box[4] = {b->x0, b->y0, b->x1 - b->x0, b->y1 - b->y0};
        for (int k = 0; k < 4; k++) at->box[k] = (uint32_t)box[k];
        at->truth = (uint32_t)best[v].class;
        at->iou = (float)best[v].iou;
    }
}

int proposal_notes_name(struct proposal_notes *n, const struct evaluation *e,
                        const struct confusion *to, struct named named) {
    size_t j = judge_of_counts(e, to), Q = (size_t)n->Q;
    if (!n->at || j >= e->n_namers) return 0;
    int64_t *class = mem_alloc(Q, sizeof *class);
    float *score = mem_alloc(Q, sizeof *score);
    int scope = t_scope_open("notes", T_NO_GRAD);
    int status = t_copy_out(t_argmax(named.name, 1), class, Q * sizeof *class);
    if (!status) status = t_copy_out(t_amax(named.name, 1, false), score, Q * sizeof *score);
    t_scope_close(scope, NULL);
    for (size_t q = 0; !status && q < Q; q++) /* 0: it has no name for it at all */
        n->name[q * e->n_namers + j] = (struct analysis_name){
            (uint32_t)(score[q] > 0 ? class[q] : e->K), score[q] > 0 ? score[q] : 0};
    free(class);
    free(score);
    return status;
}

int proposal_notes_put(const struct proposal_notes *n, struct evaluation *e) {
    int status = 0;
    for (int64_t q = 0; n->at && !status && q < n->Q; q++)
        status = analysis_add_proposal(&e->analysis, &n->at[q], n->name + (size_t)q * e->n_namers);
    return status;
}

void proposal_notes_free(struct proposal_notes *n) {
    free(n->at);
    free(n->name);
    *n = (struct proposal_notes){0};
}

/* ---- the file ---- */

static int write_file(struct evaluation *e) {
    struct analysis_names n = {.class_name = e->set.class_name,
                               .class_seen = e->set.class_seen,
                               .image_id = e->set.image_id,
                               .image_name = e->set.image_name,
                               .set = e->node->config.eval.set};
    const struct confusion **matrix = mem_alloc(e->n_judges, sizeof(struct confusion *));
    for (size_t j = 0; j < e->n_judges; j++) {
        strings_add(&n.judges, e->judge[j].name);
        matrix[j] = e->judge[j].pixels;
    }
    n.confusion = matrix;
    int status = analysis_commit(&e->analysis, &n);
    strings_free(&n.judges);
    free(matrix);
    return status;
}

int evaluation_analysis_write(struct evaluation *e) {
    struct comm *c = e->node->comm;
    if (!e->analysis.path) return 0;
    int status = analysis_gather(&e->analysis, c);
    return status || comm_rank(c) ? status : write_file(e);
}
