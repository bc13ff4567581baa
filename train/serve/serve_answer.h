/* What is said of a picture: the object that NAME.json of `ovseg segment` is (picture_json.h), and
 *
 *     "legend": [{"index": 0, "name": "sky", "colour": [242, 64, 36]}, ...],   all names
 *     "labels": "data:image/png;base64,...",                 the label map, as NAME.png has it
 *     "maps": {"width", "height", "stride", "best", ...}     when it was asked for
 *
 * maps: every stride-th pixel of every stride-th row, so that there are at most SERVE_MAP_POINTS.
 * Base64 of little-endian arrays, row by row: `labels` uint16 and `scores` float32 [height, width]
 * of the label map before any threshold; `best_names` uint16 (65535: none) and `best_scores`
 * float32 [best, height, width].
 */
#pragma once

#include "eval/ranked.h"
#include "train/pictures/picture_json.h"
#include "train/serve/serve.h"

enum { SERVE_MAP_POINTS = 1024 * 768, SERVE_BEST = 3 };

/* {"error": what is wrong, "remedy": what to do} */
void serve_error(struct serve_answer *a, int status, const char *error, const char *remedy);
/* The same of the pending error, which is consumed; `remedy`: where its message has none. */
void serve_error_pending(struct serve_answer *a, int status, const char *remedy);

/* [{"index", "name", "colour"}, ...] */
void serve_legend(struct json_out *j, const struct vocabulary *v);

/* A segmented picture. `ranked` NULL: without maps, for which `labels` and `scores` are those
 * before a threshold. */
struct serve_result {
    const struct picture_source *from;
    const struct vocabulary *names;
    const struct labels *labels; /* as the threshold left them */
    const struct picture_found *found;
    const struct labels *all; /* before it */
    const struct scores *scores;
    const struct ranked *ranked;
};
int serve_answer(struct serve_answer *a, const struct serve_result *r);

int64_t serve_stride(int64_t h, int64_t w); /* of the maps */
