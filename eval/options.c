#include "eval/options.h"

#include "base/setting_rows.h"

#define SETTINGS_OF struct eval_options
static const char *const synonyms[] = {"mean", "max", NULL};
static const char *const invalids[] = {"one", "keep", "drop", NULL};

/* clang-format off */
const struct setting eval_rows[] = {
    STRING("set",            set,            RESULT, "test",         "which set of the scenes input"),
    BOOL  ("ensemble",       ensemble,       RESULT, "true",         "ask CLIP; else MaskFormer names the proposals alone"),
    REAL  ("lambda",         lambda,         RESULT, "0.7", 0, 1,    "weight of CLIP in the ensemble; 0, by the reference's rule: CLIP alone"),
    CHOICE("synonyms",       synonyms,       RESULT, "mean", synonyms, "of a name in a vocabulary: their text features are averaged, or the score of the nearest wording counts"),
    BOOL  ("wordings",       wordings,       RESULT, "false",        "evaluation: a class is worded by the synonyms and prompts of inputs.names, not by its name alone"),
    CHOICE("invalid",        invalid,        RESULT, "one", invalids, "what a proposal gets that CLIP was not asked about: factor 1, as the reference does, its own probability, or nothing"),
    REAL  ("mask_threshold", mask_threshold, RESULT, "0.4", 0, 1,    "pixels of a proposal: probability strictly above"),
    INT   ("min_area",       min_area,       RESULT, "1",   1, 1e9,  "pixels; smaller proposals get no opinion of CLIP"),
    REAL  ("temperature",    temperature,    RESULT, "100", 0, 1e4,  "of CLIP's cosines; 0: its trained scale"),
    BOOL  ("prompts",        prompts,        RESULT, "true",         "blank patches become mask prompts, where the CLIP has some"),
    BOOL  ("matting",        matting,        RESULT, "false",        "blend crops with the mask's probabilities; every patch is foreground then"),
    BOOL  ("original",       original,       RESULT, "false",        "crops of the picture itself, not of what the proposal network saw"),
    BOOL  ("demo",           demo,           RESULT, "false",        "the demonstration's labels: one proposal a name, the rest unlabelled"),
    INT   ("shortest",       shortest,       RESULT, "0",   0, 8192, "short side that the proposal network sees, pixels; 0: as in its training"),
    INT   ("longest",        longest,        RESULT, "0",   0, 16384, "long side at most, pixels; 0: four times the short one"),
    BOOL  ("tta.enabled",    views.tta,      RESULT, "false",        "mean over several sizes and mirror images of the picture"),
    INTS  ("tta.sizes",      views.sizes,    RESULT, "[256, 384, 512, 640, 768, 896]", 1, 8192, "their short sides, pixels"),
    INT   ("tta.longest",    views.longest,  RESULT, "3584", 1, 16384, "long side at most, pixels"),
    BOOL  ("tta.flip",       views.flip,     RESULT, "true",         "each also mirrored"),
    BOOL  ("sliding.enabled", views.sliding, RESULT, "false",        "the network sees squares of the picture, which overlap"),
    INT   ("sliding.tile",   views.tile,     RESULT, "224", -1, 8192, "their side, pixels; 0: 224, 256, 512, 512 for short sides 256, 512, 768, 896"),
    REAL  ("sliding.overlap", views.overlap, RESULT, "0.6666666666666666", 0, 0.99, "share of a square that the next one covers, too"),
    BOOL  ("crf.enabled",    crf.enabled,    RESULT, "false",        "dense CRF on the scores, so that labels keep to the picture's edges; takes 8 bytes a pixel and name"),
    INT   ("crf.iterations", crf.iterations, RESULT, "5",   1, 1000, "of its mean field"),
    REAL  ("crf.gaussian_sxy", crf.gaussian_sxy, RESULT, "3", 0.1, 1e4, "how far pixels pull at each other by their place alone: standard deviation, pixels"),
    REAL  ("crf.gaussian_compat", crf.gaussian_compat, RESULT, "3", 0, 1e3, "how strongly"),
    REAL  ("crf.bilateral_sxy", crf.bilateral_sxy, RESULT, "80", 0.1, 1e4, "how far those of like colour do: standard deviation, pixels"),
    REAL  ("crf.bilateral_srgb", crf.bilateral_srgb, RESULT, "13", 0.1, 1e4, "what is like: standard deviation of red, green and blue, 0 to 255"),
    REAL  ("crf.bilateral_compat", crf.bilateral_compat, RESULT, "10", 0, 1e3, "how strongly"),
    BOOL  ("panoptic.enabled", panoptic.enabled, OUTPUT, "false",    "`ovseg segment` also writes panoptic segments, by the proposal network alone"),
    REAL  ("panoptic.object_threshold", panoptic.object_threshold, OUTPUT, "0", 0, 1, "a proposal takes part whose score is above"),
    REAL  ("panoptic.overlap", panoptic.overlap, OUTPUT, "0", 0, 1,  "of its mask, the share that a proposal must win from the others"),
    INT   ("writers",        writers,        SPEED,  "2",   0, 64,   "`ovseg segment`: threads that draw and write results while the next picture is segmented; the files are the same; 0: none"),
    INT   ("images",         images,         RESULT, "0",   0, 1e9,  "at most so many; 0: all"),
    INT   ("overlays",       overlays,       RESULT, "8",   0, 1000, "segmented pictures to write"),
};
/* clang-format on */
