#include "eval/options.h"

#include "base/setting_rows.h"

#define SETTINGS_OF struct eval_options
static const char *const invalids[] = {"one", "keep", "drop", NULL};

/* clang-format off */
const struct setting eval_rows[] = {
    STRING("set",            set,            RESULT, "test",         "which set of the scenes input"),
    BOOL  ("ensemble",       ensemble,       RESULT, "true",         "ask CLIP; else MaskFormer names the proposals alone"),
    REAL  ("lambda",         lambda,         RESULT, "0.7", 0, 1,    "weight of CLIP in the ensemble; 0, by the reference's rule: CLIP alone"),
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
    INT   ("images",         images,         RESULT, "0",   0, 1e9,  "at most so many; 0: all"),
    INT   ("overlays",       overlays,       RESULT, "8",   0, 1000, "segmented pictures to write"),
};
/* clang-format on */

void eval_check(const struct eval_options *o, const char *path, struct problems *p) {
    bool many = views_many(&o->views);
    if (many && o->original)
        problems_add(p,
                     "%s: eval.original: crops of the picture itself go with one view of it, "
                     "without eval.tta and eval.sliding",
                     path);
    if (o->views.tta && !o->views.sizes.n)
        problems_add(p, "%s: eval.tta.sizes: there are none", path);
}
