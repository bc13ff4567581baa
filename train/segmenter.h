/* The models of a run, put together to segment any picture with any names. */
#pragma once

#include "data/mask_source.h"
#include "eval/picture.h"
#include "eval/ranked.h"
#include "train/model.h"
#include "train/segment.h"

struct segmenter {
    struct graph graph;
    struct node *node; /* an evaluation that is not run: inputs clip and proposals, settings */
    struct proposals_run proposals;
    bool given; /* masks of others in their place, which CLIP alone names */
    struct mask_source masks;
    struct namer_run namer;
    struct segment_size size;
    bool others; /* the second of two names stands for all others */
    bool *thing; /* [K]: not stuff */
};

/* The models that `o` names, with its settings (train/model.h), for the names of `v`.
 *
 * In the demonstration's mode a single name gets a rival: "others" is added to `v`.
 *
 * ERR_MISSING: no such run, not finished, or no proposal network behind it; ERR_CONFIG: overrides;
 * ERR_DATA: damaged. Close it in any case. */
int segmenter_open(struct segmenter *s, const struct model_options *o, struct vocabulary *v);
/* Other names for one that is open, with the models that it has. ERR_DATA: a text is too long.
 * After an error it has those it had. */
int segmenter_names(struct segmenter *s, struct vocabulary *v);
void segmenter_close(struct segmenter *s);

/* What names are to the models, taken out of an open one to be put back when they come again. {0}:
 * none, with which it only waits for others. */
struct segmenter_texts {
    tensor *namer, *proposals;
    bool others, *thing;
};
void segmenter_exchange(struct segmenter *s, struct segmenter_texts *t);
void segmenter_texts_free(struct segmenter_texts *t);

/* Whether its settings ask for panoptic segments. */
bool segmenter_panoptic(const struct segmenter *s);

/* RGB picture -> labels of its size, indices of the vocabulary. `file`: its name, by which masks of
 * others are found. `panoptic`, when wanted, gets segments; `dump`, when wanted, all that lies
 * between; both of a network's proposals alone. 0 or the pending error. */
int segmenter_labels(struct segmenter *s, const char *file, const struct image *im,
                     struct labels *out, struct panoptic *panoptic, struct dump *dump);
/* The same labels, with the score of each. */
int segmenter_scored(struct segmenter *s, const char *file, const struct image *im,
                     struct labels *out, struct scores *scores, struct panoptic *panoptic,
                     struct dump *dump);
/* The same, with the best few names of some pixels (of a network's proposals). */
int segmenter_ranked(struct segmenter *s, const struct image *im, struct labels *out,
                     struct scores *scores, struct ranked *ranked);
