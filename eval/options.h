/* The settings of inference and evaluation (reference-spec 8.2, 8.3). */
#pragma once

#include "base/settings.h"

struct eval_options {
    double lambda;         /* of CLIP in the ensemble */
    double mask_threshold; /* a proposal's pixels: probability strictly above */
    int64_t min_area;      /* pixels; smaller proposals have no CLIP opinion */
    double temperature;    /* of CLIP's cosines; 0: its own trained scale */
    int64_t shortest;      /* pixels: short side of what the network sees; 0: as it was trained */
    int64_t longest;       /* pixels: long side at most; 0: four times the short one */
    int64_t images;        /* at most; 0: all of the set */
    int64_t overlays;      /* pictures written */
    char *set;
};

extern const struct setting eval_rows[9];
