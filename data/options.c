#include "data/options.h"

#include "base/setting_rows.h"

const char *const on_damage_names[] = {"skip", "stop", NULL}; /* enum on_damage */

/* clang-format off */
#define SETTINGS_OF struct scenes_options
const struct setting scenes_rows[] = {
    INT ("size",     size,     RESULT, "64",    16, 512, "side of a scene, pixels"),
    REAL("studio",   studio,   RESULT, "0.18",  0, 1,    "share with a plain backdrop"),
    REAL("plain",    plain,    RESULT, "0.12",  0, 1,    "share of the others that are one stuff all over"),
    REAL("close",    close,    RESULT, "0.45",  0, 1,    "share of the others with few, large things"),
    REAL("second",   second,   RESULT, "0.4",   0, 1,    "share of scenes with a horizon that have a second ground"),
    REAL("repeat",   repeat,   RESULT, "0.15",  0, 1,    "share that repeat their first thing"),
    REAL("near_min", near_min, RESULT, "0.25",  0.02, 1, "half-size of the things of a close scene, of the side"),
    REAL("near_max", near_max, RESULT, "0.45",  0.02, 1, "the largest"),
    REAL("far_min",  far_min,  RESULT, "0.13",  0.02, 1, "half-size of the things of other scenes"),
    REAL("far_max",  far_max,  RESULT, "0.25",  0.02, 1, "the largest"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct scene_counts
const struct setting scene_counts_rows[] = {
    INT("easy", easy, RESULT, "6000",  0, 1e7, "simple scenes that the CLIP stage starts with"),
    INT("clip", clip, RESULT, "20000", 1, 1e7, "captioned scenes, with unseen classes: CLIP and mining"),
    INT("seen", seen, RESULT, "4000",  1, 1e7, "scenes without unseen classes: the proposal network"),
    INT("val",  val,  RESULT, "200",   1, 1e6, "for choices"),
    INT("test", test, RESULT, "200",   1, 1e6, "for the table, and nothing else"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct prepare_options
const struct setting prepare_rows[] = {
    INT    ("shortest", shortest, RESULT, "0",    0, 16384, "short side after resizing, pixels; 0: as they are"),
    INT    ("longest",  longest,  RESULT, "2048", 1, 16384, "long side at most, pixels"),
    INT    ("val",      val,      RESULT, "0",    0, 1e7,   "images held out for choices, the last but `test` by id"),
    INT    ("test",     test,     RESULT, "0",    0, 1e7,   "images held out for the table, the last by id"),
    STRINGS("unseen",   unseen,   RESULT, "[]",             "classes taken out of the training masks"),
    BOOL   ("drop_empty", drop_empty, RESULT, "false",      "pictures without a labelled pixel are left out of the training masks, as the reference does"),
    CHOICE ("damaged",  damaged,  RESULT, "skip", on_damage_names, "what a file that cannot be read does: it is left out, or ends the stage"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct crop_options
static const char *const fills[] = {"mean", "zero", NULL}; /* enum region_fill */
const struct setting crop_rows[] = {
    CHOICE("fill",      fill,      RESULT, "mean", fills,   "colour of what a mask leaves out"),
    REAL  ("expand",    expand,    RESULT, "1",   0.1, 10,  "a box grows (below 1: shrinks) by this factor about its centre"),
    BOOL  ("whole_box", whole_box, RESULT, "false",         "keep the background: crops without masks"),
    BOOL  ("antialias", antialias, RESULT, "false",         "Pillow's bicubic, which blurs before it shrinks, instead of the reference's"),
    REAL  ("area_min",  area_lo,   RESULT, "0.9", 0.01, 1,  "random crop in training: least share of the area"),
    REAL  ("area_max",  area_hi,   RESULT, "1",   0.01, 1,  "the largest"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct pretrain_data_options
const struct setting pretrain_data_rows[4] = {
    INT ("captions", captions, RESULT, "1", 1, 100,  "of an image, drawn anew for each batch"),
    REAL("easy",     easy,     RESULT, "0", 0, 1,    "share of the steps that start with the set of easy scenes"),
    BOOL("mirror",   mirror,   RESULT, "false",      "left and right, half of the time"),
    INT ("shift",    shift,    RESULT, "0", 0, 1024, "random shift either way, pixels"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct segment_data_options
const struct setting segment_data_rows[8] = {
    INTS("sizes",   sizes,   RESULT, "[800]", 1, 8192, "short side after resizing, drawn for each picture, pixels; []: as it is"),
    INT ("longest", longest, RESULT, "1333", 0, 16384, "long side at most, pixels; 0: no limit"),
    INT ("crop",    crop,    RESULT, "512", 0, 8192,   "side of a random square part, padded where it must be; 0: all"),
    REAL("single_area", single_area, RESULT, "1", 0.01, 1, "a part in which one class has this share of what is labelled is drawn again, up to 10 times; 1: none is"),
    INT ("pad",     pad,     RESULT, "0", 0, 8192,     "side that a part is padded to, pixels; 0: as segment.crop"),
    BOOL("colour",  colour,  RESULT, "true",           "random brightness, contrast, saturation and hue, as SSD has them"),
    BOOL("mirror",  mirror,  RESULT, "true",           "left and right, half of the time"),
    BOOL("group",   group,   RESULT, "true",           "all pictures of a batch are wider than high, or none is"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct text_options
static const char *const too_long[] = {"stop", "cut", NULL}; /* enum text_too_long */
const struct setting text_rows[] = {
    STRINGS("templates", templates, RESULT, "[vild]", "sets (vild, imagenet, predefined) and texts with {} for the name"),
    BOOL  ("shared_starts", shared_starts, RESULT, "true",           "what templates begin with goes through the text tower once, and no text is padded; <= 1e-6"),
    CHOICE("precision", precision, RESULT, "run", part_precision_names, "of the products in the text tower; run: as everywhere"),
    CHOICE("too_long",  too_long,  OUTPUT, "stop", too_long,         "a name that with its template has more tokens than the model reads (77): an error that names it, or its first ones with a warning"),
    BOOL  ("keep",      keep,      SPEED,  "true",                   "features of nouns are kept in OUTPUT_DIR/.text for other runs"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct mine_options
static const char *const masks[] = {"proposals", "labels", NULL}; /* enum mine_masks */
static const char *const duplicates[] = {"keep", "first", NULL};  /* enum mine_duplicates */
const struct setting mine_rows[] = {
    INT   ("images",         images,         RESULT, "0",   0, 1e9,   "the first so many; 0: all"),
    INT   ("captions",       captions,       RESULT, "1",   1, 100,   "of an image"),
    CHOICE("masks",          masks,          RESULT, "proposals", masks, "what nouns are matched to: inputs.proposals, or the label maps' masks of the seen classes"),
    REAL  ("mask_threshold", mask_threshold, RESULT, "0.4", 0, 1,     "pixels of a proposal: probability strictly above"),
    INT   ("min_area",       min_area,       RESULT, "1",   1, 1e9,   "pixels; smaller masks are left out"),
    REAL  ("similarity",     similarity,     RESULT, "-1",  -1, 1,    "pairs below are left out"),
    REAL  ("margin",         margin,         RESULT, "-2",  -2, 2,    "pairs whose similarity is not so much above that of the image's next mask are left out"),
    CHOICE("duplicates",     duplicates,     RESULT, "keep", duplicates, "a noun in several captions of an image: a pair for each, or for the first; the paper does not say (its count of 5 captions is called de-duplicated)"),
    BOOL  ("share",          share,          RESULT, "true",          "a mask may serve several nouns of an image; else masks go, the greatest similarity first, to one each"),
    BOOL  ("prompts",        prompts,        RESULT, "true",          "blank patches become mask prompts, where the CLIP has some"),
    BOOL  ("ground_truth",   ground_truth,   RESULT, "false",         "masks and names of the label maps; captions and models play no part"),
    INT   ("shard_images",   shard_images,   RESULT, "500", 1, 1e6,   "images of one file of pairs"),
    INT   ("batch",          batch,          SPEED,  "64",  1, 4096,  "crops that CLIP sees at once, of any images"),
    STRING("cache",          cache,          OUTPUT, "auto",          "folder of masks and features for later runs; auto: .mined beside the runs; none: nothing is kept"),
    STRING("part",           part,           OUTPUT, "",              "2/4: only every fourth file of pairs, from the second on; empty: all"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct noun_settings
static const char *const backends[] = {"link-grammar", "perceptron", "tags", NULL}; /* enum nouns_backend */
const struct setting noun_rows[] = { /* of files their contents are the result */
    CHOICE("backend",      backend,      RESULT, "link-grammar", backends, "what finds the nouns of captions"),
    STRING("weights",      weights,      OUTPUT, "",      "perceptron: NLTK's weights, a folder of three JSON files, a pickle or a text"),
    STRING("tags",         tags,         OUTPUT, "",      "tags: what another program found, a file of JSON Lines"),
    STRING("phrases",      phrases,      OUTPUT, "",      "a file of phrases, one a line, that are one noun each, the longest first, before any backend; empty: none"),
    STRING("stop_list",    stop_list,    OUTPUT, "",      "a file of words, one a line, that are no nouns (data/relational_nouns.txt); empty: none"),
    BOOL  ("compounds",    compounds,    RESULT, "false", "nouns that follow each other are one: fire hydrant"),
    BOOL  ("lemmatize",    lemmatize,    RESULT, "false", "every word of a noun in its dictionary form, without 's"),
    BOOL  ("fold_plurals", fold_plurals, RESULT, "false", "nouns in the singular: dogs count as dog"),
    BOOL  ("keep_case",    keep_case,    RESULT, "false", "nouns as they are spelt; otherwise in lower case"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct pairs_options
static const char *const separators[] = {"tab", "comma", NULL}; /* enum pairs_separator */
const struct setting pairs_rows[] = {
    STRING("path_column",  path_column,  RESULT, "filepath",   "of a table of pairs as inputs.pairs: the column of the pictures"),
    STRING("title_column", title_column, RESULT, "title",      "the column of the texts, which CLIP reads as they are"),
    CHOICE("separator",    separator,    RESULT, "tab", separators, "what stands between columns"),
    REAL  ("mix",          mix,          RESULT, "-1", -1, 1,  "share of a batch that comes from inputs.more_pairs; below 0: all pairs of both, each once an epoch"),
};
#undef SETTINGS_OF
/* clang-format on */

int64_t segment_side(const struct segment_data_options *o) { return o->pad ? o->pad : o->crop; }

struct region_options crop_region(const struct crop_options *o, int64_t side) {
    return (struct region_options){.side = side,
                                   .expand = o->expand,
                                   .whole_box = o->whole_box,
                                   .antialias = o->antialias,
                                   .fill = (enum region_fill)o->fill};
}
