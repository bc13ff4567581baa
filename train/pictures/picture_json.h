/* What is where in a segmented picture, as numbers: NAME.json beside its label map.
 *
 *     {"format": "ovseg segmentation", "version": 1,
 *      "made_by": "6f0c...",       as in ovseg-segment.json: the model, the names, the settings
 *      "file_name": "street.jpg",  below the folder that was named
 *      "hash": "90ab...",          of the picture file's bytes (XXH3, 64 bits)
 *      "width": 640, "height": 480,
 *      "unlabelled": {"value": 255, "pixels": 120, "share": 0.0004},
 *      "names": [{"index": 0, "name": "sky", "pixels": 9000, "share": 0.03,
 *                 "mean_score": 0.61, "bbox": [x, y, width, height],
 *                 "segmentation": {"size": [480, 640], "counts": "..."}}]}
 *
 * Names that have no pixel are not listed. index: the value in the label map. share: of all pixels,
 * 0 to 1. segmentation: COCO's compressed run lengths, with --rle.
 */
#pragma once

#include "base/json.h"
#include "data/image.h"
#include "data/vocabulary.h"
#include "eval/segment.h"

enum { PICTURE_JSON_VERSION = 1 };

struct name_found {
    int64_t pixels;
    double score; /* mean */
    struct box box;
};

/* What a label map says of each name. */
struct picture_found {
    int64_t h, w, K, unlabelled; /* pixels */
    struct name_found *at;       /* [K] */
};

/* A label that is no name is unlabelled. `s` NULL: there are no scores. */
void picture_find(struct picture_found *f, const struct labels *l, const struct scores *s,
                  int64_t K);
void picture_found_free(struct picture_found *f);

struct picture_source {
    const char *file_name, *made_by;
    uint64_t hash;
};

/* {"index": 0, "name": "sky", "colour": [r, g, b]} */
void picture_json_name(struct json_out *j, const struct vocabulary *v, size_t k);

/* Its members, into an object that is open. `l` as below. */
int picture_json_put(struct json_out *j, const struct picture_source *from,
                     const struct picture_found *f, const struct vocabulary *v,
                     const struct labels *l);

/* Writes it, atomically. `l`: the label map, for run lengths; NULL: without. */
int picture_json_write(const char *path, const struct picture_source *from,
                       const struct picture_found *f, const struct vocabulary *v,
                       const struct labels *l);

/* Whether the file looks like one of these; of any version, or what is left of one: a part of its
 * beginning, nothing, zeros. */
bool picture_json_is(const char *path);
bool picture_json_whole(const char *path); /* whether it is JSON to its end */

/* Whether it is of this picture, and made as `from` says: then *f has the pixels of its names, else
 * nothing is in it and no error is pending. */
bool picture_json_read(const char *path, const struct picture_source *from, int64_t K,
                       struct picture_found *f);
