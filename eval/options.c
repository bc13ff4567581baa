#include "eval/options.h"

#include "base/setting_rows.h"

#define SETTINGS_OF struct eval_options

/* clang-format off */
const struct setting eval_rows[] = {
    STRING("set",            set,            RESULT, "test",         "which set of the scenes input"),
    REAL  ("lambda",         lambda,         RESULT, "0.7", 0, 1,    "weight of CLIP in the ensemble; 0, by the reference's rule: CLIP alone"),
    REAL  ("mask_threshold", mask_threshold, RESULT, "0.4", 0, 1,    "pixels of a proposal: probability strictly above"),
    INT   ("min_area",       min_area,       RESULT, "1",   1, 1e9,  "pixels; smaller proposals get no opinion of CLIP"),
    REAL  ("temperature",    temperature,    RESULT, "100", 0, 1e4,  "of CLIP's cosines; 0: its trained scale"),
    INT   ("shortest",       shortest,       RESULT, "0",   0, 8192, "short side that the proposal network sees, pixels; 0: as in its training"),
    INT   ("longest",        longest,        RESULT, "0",   0, 16384, "long side at most, pixels; 0: four times the short one"),
    INT   ("images",         images,         RESULT, "0",   0, 1e9,  "at most so many; 0: all"),
    INT   ("overlays",       overlays,       RESULT, "8",   0, 1000, "segmented pictures to write"),
};
/* clang-format on */
