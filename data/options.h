/* The settings of what goes into a stage: sets, captions, crops, mining. */
#pragma once

#include "base/precision.h"
#include "base/settings.h"
#include "data/region.h"
#include "data/scenes.h"

/* How many scenes are drawn, beside how (struct scenes_options). */
struct scene_counts {
    int64_t easy, clip, seen, val, test;
};
extern const struct setting scenes_rows[10];
extern const struct setting scene_counts_rows[5];

/* What a sample that cannot be read does: it is done without, or ends the stage. */
enum on_damage { DAMAGED_SKIP, DAMAGED_STOP };
extern const char *const on_damage_names[]; /* ends with NULL */

/* A set out of COCO's files (inputs images, captions, instances). */
struct prepare_options {
    int64_t shortest, longest; /* pixels; 0: original size */
    int64_t val, test;         /* images held out, the last ones by id */
    struct strings unseen;     /* classes named only in captions: taken out of the label maps */
    bool drop_empty;           /* from the training masks */
    int damaged;               /* enum on_damage */
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
    struct ints sizes;  /* empty: pictures keep theirs */
    int64_t longest;    /* 0: no limit */
    int64_t crop;       /* pixels; 0: whole pictures, which must then have one size */
    double single_area; /* 1: any part will do */
    int64_t pad;        /* pixels; 0: to the part's side */
    bool colour, mirror;
    bool group; /* batches of pictures that are all wider than high, or all not */
};
extern const struct setting segment_data_rows[8];

/* The side of a sample, pixels; 0: that of the pictures. */
int64_t segment_side(const struct segment_data_options *o);

enum text_too_long { TEXT_STOP, TEXT_CUT };

struct text_options {
    struct strings templates; /* a name of a set, or the templates themselves */
    bool shared_starts;
    int precision; /* enum precision */
    bool keep;
    int too_long;           /* enum text_too_long */
    const char *vocabulary; /* no setting: the tokenizer's file that came with a CLIP; NULL: where
                               it is installed (data/tokenizer.h) */
};
extern const struct setting text_rows[5];

enum mine_masks { MINE_PROPOSALS, MINE_LABELS };
enum mine_duplicates { DUPLICATES_KEEP, DUPLICATES_FIRST };

struct mine_options {
    int64_t images;   /* of the set, the first ones; 0: all */
    int64_t captions; /* of an image: 1 .. */
    double mask_threshold, similarity, margin;
    int64_t min_area, shard_images, batch;
    int masks;      /* enum mine_masks: what nouns of captions are matched to */
    int duplicates; /* enum mine_duplicates: of a noun in several captions of an image */
    bool share;     /* a mask may serve several nouns of an image */
    bool prompts;   /* blank patches become CLIP's mask prompts, where it has some */
    bool ground_truth;
    char *cache; /* "auto", "none" or a folder */
    char *part;  /* "2/4": every fourth shard from the second on; "": all */
};
extern const struct setting mine_rows[15];

/* How the nouns of captions are found. Paths are as the config has them; the contents of their
 * files are in the identity of a run. */
struct noun_settings {
    int backend;   /* enum nouns_backend */
    char *weights; /* of the perceptron; "": none */
    char *tags;    /* JSON Lines of another program */
    char *phrases, *stop_list;
    bool compounds, lemmatize, fold_plurals, keep_case;
};
extern const struct setting noun_rows[9];
enum pairs_separator { PAIRS_TAB, PAIRS_COMMA };

/* A table of pairs in the reference's form, data/pairs_tsv.h; pairs of two folders. */
struct pairs_options {
    char *path_column, *title_column;
    int separator; /* enum pairs_separator */
    double mix;    /* of a batch, the share of inputs.more_pairs; below 0: all of both */
};
extern const struct setting pairs_rows[4];

struct region_options crop_region(const struct crop_options *o, int64_t side);
