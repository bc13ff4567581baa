/* analysis.h5, in the folder of an evaluation: what its figures were counted from, picture by
 * picture and proposal by proposal (docs/analysis.md has every array).
 *
 * N pictures, K classes of the set, J judges: who names the proposals of a picture, and so makes a
 * label map of it (MaskFormer alone, the ensemble with each CLIP, that CLIP alone, ...). The first
 * P of them also say what they call each proposal.
 */
#pragma once

#include "base/mem.h"
#include "data/h5_write.h"
#include "eval/bootstrap.h"
#include "eval/class_counts.h"

#define ANALYSIS_FILE "analysis.h5"
#define ANALYSIS_FORMAT "ovseg analysis"
enum { ANALYSIS_VERSION = 1 };

/* ---- writing ---- */

/* Of each picture; all numbers are whole, so that those of several ranks can be summed. */
struct analysis_image {
    int64_t h, w;           /* of its label map */
    int64_t seen_h, seen_w; /* of what the network saw; 0: it saw several, or there is none */
    int64_t labels;         /* 64-bit hash of the label map */
};

/* A proposal: what a judge calls it follows for each of P judges. */
struct analysis_proposal {
    uint32_t image, proposal; /* which of the picture's */
    uint32_t area;            /* pixels above the mask threshold, of what the network saw */
    uint32_t box[4];          /* of these: x, y, width, height; 0 where CLIP is not asked */
    uint32_t truth;           /* the class whose mask it meets best, by IoU; K: none */
    float iou;
    float object; /* MaskFormer's probability that it is any of the classes */
};
struct analysis_name {
    uint32_t class;
    float score;
};

/* Collected in nameless files beside the target, so that memory does not grow with proposals. */
struct analysis_out {
    char *path;
    int64_t N, K;
    size_t J, P;
    struct analysis_image *image; /* [N] */
    struct spool counts, proposals;
};

/* What stands in front. */
struct analysis_names {
    struct strings judges;   /* [J] */
    char *const *class_name; /* [K] */
    const bool *class_seen;  /* [K] */
    const int64_t *image_id; /* [N] */
    char *const *image_name; /* [N], or NULL */
    const char *set;
    const struct confusion *const *confusion; /* [J] */
};

int analysis_open(struct analysis_out *a, const char *dir, int64_t N, int64_t K, size_t J,
                  size_t P);
void analysis_close(struct analysis_out *a); /* what was not committed is gone */

/* What a judge's label map of a picture adds. Each judge's pictures come in rising order. */
int analysis_add_counts(struct analysis_out *a, size_t judge, int64_t image,
                        const struct class_counts *c);
/* Proposals of pictures in rising order; name [P]. */
int analysis_add_proposal(struct analysis_out *a, const struct analysis_proposal *p,
                          const struct analysis_name *name);
/* What all ranks collected goes to rank 0, in the order of ranks (analysis_gather.c). */
struct comm;
int analysis_gather(struct analysis_out *a, struct comm *c);
int analysis_commit(struct analysis_out *a, const struct analysis_names *n);

/* ---- reading ---- */

struct analysis {
    struct h5_in file;
    int64_t N, K;
    struct strings judges, classes, image_names; /* the last: empty, or [N] */
    bool *seen;                                  /* [K] */
    int64_t *image_id;                           /* [N] */
    uint64_t *labels;                            /* [N] */
    uint64_t *counts_at, *confusion_at;          /* [J + 1] */
};

/* A judge's lines by picture; owned. */
struct analysis_counts {
    struct counted lines;
    uint32_t *number; /* [4, n]: image, intersection, union, truth */
    uint16_t *class;  /* [n] */
};

/* ERR_MISSING, ERR_DATA: all that is loaded is checked, what lies in it is not yet. */
int analysis_read(struct analysis *a, const char *path);
void analysis_free(struct analysis *a);
size_t analysis_judge(const struct analysis *a, const char *name); /* judges.n: none */
/* The judge's lines. ERR_DATA when they name a picture or class that there is not. */
int analysis_counts(const struct analysis *a, size_t judge, struct analysis_counts *out);
void analysis_counts_free(struct analysis_counts *c);

/* The files below, from the analysis of a finished run, when they are not there yet. ERR_MISSING:
 * it has none. */
int analysis_export(const char *dir);
bool analysis_has_csv(const char *dir);
/* confusion.csv, per_image.csv and per_proposal.csv into `dir`. */
int analysis_write_csv(const struct analysis *a, const char *dir);
