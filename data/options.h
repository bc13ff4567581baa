/* The settings of what goes into a stage: sets, captions, crops, mining. */
#pragma once

#include "base/settings.h"
#include "data/region.h"
#include "data/scenes.h"

/* How many scenes are drawn, beside how (struct scenes_options). */
struct scene_counts {
    int64_t easy, clip, seen, val, test;
};
extern const struct setting scenes_rows[10];
extern const struct setting scene_counts_rows[5];

enum prepare_damaged { DAMAGED_SKIP, DAMAGED_STOP };

/* A set out of COCO's files (inputs images, captions, instances). */
struct prepare_options {
    int64_t shortest, longest; /* pixels; 0: original size */
    int64_t val, test;         /* images held out, the last ones by id */
    struct strings unseen;     /* classes named only in captions: taken out of the label maps */
    bool drop_empty;           /* from the training masks */
    int damaged;               /* enum prepare_damaged */
};
extern const struct setting prepare_rows[7];

struct crop_options {
    int fill; /* enum region_fill */
    double expand;
    bool whole_box, antialias;
    double area_lo, area_hi;
};
extern const struct setting crop_rows[6];

/* What CLIP is pretrained on: whole pictures and captions. */
struct pretrain_data_options {
    int64_t captions;
    double easy; /* share of the steps, the first ones, that draw from the set "easy" */
    bool mirror;
    int64_t shift; /* pixels, either way */
};
extern const struct setting pretrain_data_rows[4];

/* What the proposal network is trained on. */
struct segment_data_options {
    struct ints sizes; /* empty: pictures keep theirs */
    int64_t longest;   /* 0: no limit */
    int64_t crop;      /* pixels; 0: whole pictures, which must then have one size */
    bool colour, mirror;
};
extern const struct setting segment_data_rows[5];

struct text_options {
    struct strings templates; /* a name of a set, or the templates themselves */
    bool shared_starts;
    int precision; /* enum text_precision */
    bool keep;
};
enum text_precision { TEXT_F32, TEXT_BF16 };
extern const struct setting text_rows[4];

struct mine_options {
    int64_t images;   /* of the set, the first ones; 0: all */
    int64_t captions; /* of an image: 1 .. */
    double mask_threshold, similarity;
    int64_t min_area, shard_images, batch;
    bool ground_truth;
};
extern const struct setting mine_rows[8];

struct region_options crop_region(const struct crop_options *o, int64_t side);
