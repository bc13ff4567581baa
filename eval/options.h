/* The settings of inference and evaluation (reference-spec 8). */
#pragma once

#include "eval/crf.h"
#include "eval/ensemble.h"
#include "eval/panoptic.h"
#include "eval/views.h"

/* How the wordings of a name make one score: their features are averaged, or the nearest counts. */
enum synonyms_by { SYNONYMS_MEAN, SYNONYMS_MAX };

struct eval_options {
    bool ensemble;         /* CLIP is asked; else MaskFormer names the proposals alone */
    double lambda;         /* of CLIP in the ensemble */
    int synonyms;          /* enum synonyms_by */
    bool wordings;         /* a class of a set is worded as inputs.names says */
    int invalid;           /* enum ensemble_invalid */
    double mask_threshold; /* a proposal's pixels: probability strictly above */
    int64_t min_area;      /* pixels; smaller proposals have no CLIP opinion */
    double temperature;    /* of CLIP's cosines; 0: its own trained scale */
    bool prompts;          /* blank patches become CLIP's mask prompts, where it has some */
    bool matting;          /* crops are blended by the mask's probabilities */
    bool original;         /* crops of the picture itself, not of what the network saw */
    bool demo;             /* the demonstration's labels: one proposal a name */
    int64_t shortest;      /* pixels: short side of what the network sees; 0: as it was trained */
    int64_t longest;       /* pixels: long side at most; 0: four times the short one */
    struct views_options views;
    struct crf_options crf;
    struct panoptic_options panoptic;
    int64_t writers;  /* threads that write results while the next picture is segmented */
    int64_t images;   /* at most; 0: all of the set */
    int64_t overlays; /* pictures written */
    char *set;
};

extern const struct setting eval_rows[35];

/* Settings that exclude each other; `path` names the config. */
void eval_check(const struct eval_options *o, const char *path, struct problems *p);
