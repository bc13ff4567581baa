/* What the results in a folder were made with: DIR/ovseg-segment.json. A command that goes on
 * (--resume) must mean the same.
 *
 *     {"format": "ovseg segment", "version": 1, "made_by": "6f0c...", "unlabelled": 255,
 *      "names": [{"index": 0, "name": "sky", "colour": [r, g, b]}],
 *      "background": ["wall"], "facts": ["model ...", "eval.lambda=0.7", ...]}
 *
 * made_by is the hash of the facts; each picture's JSON repeats it.
 */
#pragma once

#include "train/pictures/picture_files.h"
#include "train/segmenter.h"

struct picture_record {
    char made_by[17];
    struct str facts; /* a line each */
    bool holds;       /* the folder, locked as in use: */
    int held;         /* its descriptor */
    char model[17];   /* the hash of its weights */
};

/* How the pixels are treated after the model. */
struct picture_rules {
    double least;           /* pixels of a lower score are unlabelled; 0: none */
    const bool *background; /* [K]: names whose pixels are unlabelled; NULL: none */
};

/* The facts: the model by its weights, device, settings, names, rules, what is written. */
int picture_record_of(struct picture_record *r, const struct segmenter *s,
                      const struct vocabulary *v, const struct picture_rules *rules,
                      const struct picture_outputs *o);
/* The same of other names or rules, by the hash of the weights that another record of it has. */
void picture_record_named(struct picture_record *r, const char model[17], const struct segmenter *s,
                          const struct vocabulary *v, const struct picture_rules *rules,
                          const struct picture_outputs *o);
void picture_record_free(struct picture_record *r);

/* Writes the record of a folder that results go to from now on, until picture_record_free(); with
 * go_on (--resume) only where none lies there, or a damaged one. ERR_USAGE, and the facts that
 * differ: with go_on, what lies there was made otherwise; or another process is at work there now
 * that makes it otherwise. ERR_IO. */
int picture_record_begin(struct picture_record *r, const char *dir, const struct vocabulary *v,
                         const struct picture_rules *rules, bool go_on);
