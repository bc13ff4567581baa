/* Zero-shot classification of whole pictures, or of pictures that are one masked crop each: the
 * nearest names to what CLIP's image tower makes of them (reference-spec 6.3).
 *
 * K names, D feature length, S side of what the tower sees.
 */
#pragma once

#include "data/class_folder.h"
#include "eval/regions.h"

enum { CLASSIFY_TOP = 5 };

/* One picture. */
struct classified {
    const struct class_file *file;
    int64_t n;                  /* names below: CLASSIFY_TOP or K */
    int64_t name[CLASSIFY_TOP]; /* nearest first; of equals the lower index */
    float cosine[CLASSIFY_TOP];
    const char *why; /* it could not be read; NULL: it could */
};

struct classify_options {
    int64_t S, batch;
    int64_t threads;                                       /* that read pictures ahead */
    void (*each)(void *ctx, const struct classified *one); /* in the order of the folder; or NULL */
    void *ctx;
};

/* By true class. */
struct classify_counts {
    int64_t K;
    int64_t *total, *top1, *top5; /* [K] */
    int64_t unread;               /* pictures that are not among them */
};

/* Pictures go through Resize and CenterCrop (data/clip_picture.h); with the pictures' masks as the
 * reference finds them, by the colour of the fill, which a tower without prompts does not look at.
 * `text` [K, D], rows of unit length, K as the folder has classes. 0 or the pending error; a
 * picture that cannot be read is counted and told to `each`. Free the counts in any case. */
int classify(struct classify_counts *c, const struct class_folder *f, struct region_encoder e,
             tensor *text, const struct classify_options *o);
void classify_free(struct classify_counts *c);

/* In percent, over all pictures, and of top-1 the mean over the classes that have any. NaN without
 * any. */
struct accuracy {
    double top1, top5, mean;
};
struct accuracy classify_accuracy(const struct classify_counts *c);
