/* An evaluation at work: what it counts, and the files that say so (reference-spec 8.9,
 * docs/evaluation.md). train/stage_evaluate.c runs it.
 *
 * K classes of the set.
 */
#pragma once

#include "base/file.h"
#include "eval/confusion.h"
#include "eval/mask_accuracy.h"
#include "eval/naming.h"
#include "eval/score_counts.h"
#include "eval/similarity.h"
#include "train/evaluation/analysis.h"
#include "train/given.h"
#include "train/segment.h"

/* A value of the grid that is tried in the same pass. */
struct grid_point {
    double threshold, lambda;
    struct confusion pixels;
};

/* One CLIP, and what is counted for it. */
struct evaluation_row {
    const char *name;
    struct namer_run namer;
    struct confusion alone, fused, true_masks; /* the last: of an oracle */
    struct mask_accuracy accuracy;
    struct naming naming;       /* of the ensemble */
    struct score_counts scores; /* of the ensemble, with measure.min_score; else empty */
    struct grid_point *grid;
    size_t n_grid;
};

/* measure.subsets: figures of some classes, and of the others. */
struct evaluation_subset {
    const char *name;
    bool *in, *out; /* [K] */
};

/* Who makes a label map of every picture, and the matrix that counts it. */
struct evaluation_judge {
    char *name;
    const struct confusion *pixels;
};

/* What is kept of a picture's proposals until all have named them. */
struct proposal_notes {
    int64_t Q;
    struct analysis_proposal *at; /* [Q] */
    struct analysis_name *name;   /* [Q, P] */
};

struct evaluation {
    struct node *node;
    struct dataset set;
    int64_t n_images, K;
    int64_t first, end;  /* the pictures that this rank counts */
    bool *seen, *unseen; /* [K] */
    struct evaluation_subset *subset;
    size_t n_subsets;
    struct vocabulary names;
    int64_t *group, groups; /* [K] by inputs.names; NULL without it */
    int64_t *category;      /* [K] what a class is called in the predictions: its raw value */
    struct similarity likeness;
    struct proposals_run proposals;
    bool given; /* masks of others in their place, which CLIP alone names */
    struct mask_source masks;
    struct segment_size size;
    struct confusion maskformer, best_names; /* the last: of an oracle */
    struct region_recall recall; /* of the proposals, where network and truth have one size */
    struct evaluation_row *row;
    size_t n_rows;
    struct file_out predictions;    /* of measure.predictions */
    bool has_predictions, some;     /* some: a mask stands in it */
    struct evaluation_judge *judge; /* [J], of analysis.h5 */
    size_t n_judges, n_namers;      /* the second: P, those in front that name proposals */
    struct analysis_out analysis;   /* of measure.analysis; path NULL: not wanted */
    struct class_counts counts;     /* of one label map */
};

/* All that is wrong with settings and inputs, before anything runs. */
void evaluation_check(const struct node *n, struct problems *p);
/* The set and the user's files, as far as they are there. */
int evaluation_check_inputs(const struct node *n);

int evaluation_open(struct evaluation *e, struct node *n);
void evaluation_close(struct evaluation *e);

/* One pass over this rank's pictures; then what all ranks counted. */
int evaluation_count(struct evaluation *e);
void evaluation_sum(struct evaluation *e);

/* The labels of a picture, as COCO has them. */
int predictions_open(struct evaluation *e);
int predictions_add(struct evaluation *e, int64_t image_id, const struct labels *found);
int predictions_commit(struct evaluation *e);

/* Neighbouring pictures that the network sees at one size go through it together, this many at
 * most; fewer when their masks are large. */
enum { EVALUATION_TOGETHER = 16 };
int64_t evaluation_room(const struct evaluation *e, int64_t h, int64_t w);
/* The pictures that this rank counts: first .. end - 1. Which of them go together does not depend
 * on the ranks, where the set knows the sizes of its pictures; so neither do the last bits. */
void evaluation_share(struct evaluation *e);

/* analysis.h5. Nothing happens in the functions below when it is not wanted. */
int evaluation_analysis_open(struct evaluation *e);
void evaluation_analysis_close(struct evaluation *e);
/* Picture i; `seen`: what the network saw, NULL when that is not one picture. */
void evaluation_note_picture(struct evaluation *e, int64_t i, const struct labels *truth,
                             const struct image *seen);
/* A label map of it that was counted in `to`. */
int evaluation_note_labels(struct evaluation *e, int64_t i, const struct confusion *to,
                           const struct labels *found, const struct labels *truth);
/* Its proposals, `best` of region_matches(); then how the judge of `to` names them; then all of
 * them, picture by picture. */
void proposal_notes_open(struct proposal_notes *n, const struct evaluation *e, int64_t i,
                         const struct proposals *p, const struct regions *r,
                         const struct region_truth *best);
int proposal_notes_name(struct proposal_notes *n, const struct evaluation *e,
                        const struct confusion *to, struct named named);
int proposal_notes_put(const struct proposal_notes *n, struct evaluation *e);
void proposal_notes_free(struct proposal_notes *n);
/* All ranks; rank 0 writes. */
int evaluation_analysis_write(struct evaluation *e);

/* evaluation.json (train/evaluation/result.h) and classes.csv. */
int evaluation_write(const struct evaluation *e);
