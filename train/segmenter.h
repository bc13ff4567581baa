/* The models of a run, put together to segment any picture with any names. */
#pragma once

#include "eval/picture.h"
#include "train/segment.h"

struct segmenter_options {
    const char *model;     /* RUN, RUN@best or a config whose run is done */
    const char *weights;   /* a file in the place of what `model`, a config, imports; or NULL */
    const char *proposals; /* as `model`; NULL: those that the model came from */
    const struct override *overrides; /* of the settings of an evaluation: eval.*, text.*, crop.* */
    size_t n_overrides;
};

struct segmenter {
    struct graph graph;
    struct node *node; /* an evaluation that is not run: inputs clip and proposals, settings */
    struct proposals_run proposals;
    struct namer_run namer;
    struct segment_size size;
    bool others; /* the second of two names stands for all others */
};

/* The model is a CLIP stage's, or an evaluation's: then its last CLIP, its proposals and its
 * settings. Settings of a CLIP alone are those of the evaluation that follows it in its config
 * (`then`), or the defaults with the temperature that it was trained with.
 *
 * With `weights` the config is an import, or an evaluation of one, whose settings are taken; its
 * other inputs need not be there.
 *
 * In the demonstration's mode a single name gets a rival: "others" is added to `v`.
 *
 * ERR_MISSING: no such run, not finished, or no proposal network behind it; ERR_CONFIG: overrides;
 * ERR_DATA: damaged. Close it in any case. */
int segmenter_open(struct segmenter *s, const struct segmenter_options *o, struct vocabulary *v);
void segmenter_close(struct segmenter *s);

/* RGB picture -> labels of its size, indices of the vocabulary. `dump`, when wanted, gets all that
 * lies between. 0 or the pending error. */
int segmenter_labels(struct segmenter *s, const struct image *im, struct labels *out,
                     struct dump *dump);
