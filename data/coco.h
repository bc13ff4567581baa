/* A data set out of COCO's JSON files and a folder of images.
 *
 * Images: all that either file lists, by rising id. Captions: by image, then by id. Classes: the
 * categories by rising id, all of them seen.
 *
 * The label map of an image: its annotations painted in the order of falling area (pixels), so that
 * a small thing lies on top of a large one; of two equal ones the later id lies on top. Crowds are
 * painted like the rest. Pixels without annotation are `ignore`: 255, or 65535 when there are more
 * than 255 classes.
 *
 * `hash` is over the JSON files and the name and size of every image file.
 */
#pragma once

#include "data/dataset.h"

/* A mistake in an annotation of a known image (a polygon of two corners, runs that cannot be, a
 * category that is not listed) is an error of that image's label map.
 *
 * captions_json or instances_json may be NULL, not both; without the latter there are no classes
 * and no label maps. ERR_MISSING, or ERR_DATA with "path:line: byte N: what": not JSON, a key that
 * is missing or of the wrong kind, ids that do not match. Nothing is left open after an error.
 *
 * Samples are decoded when asked for, turned upright by their EXIF orientation. */
int dataset_open_coco(struct dataset *d, const char *images_dir, const char *captions_json,
                      const char *instances_json);

/* That two of its images are one picture, since folders and suffix do not count: "images 3 and 20
 * are both a.jpg", or "images 3 and 20 are a.jpg and x/a.jpg". Owned. */
char *coco_twice(int64_t id, const char *file, int64_t other_id, const char *other_file);

/* The same with what to do about it, of images a and b of such a data set. */
char *dataset_coco_twice(const struct dataset *d, int64_t a, int64_t b);

/* How many of its annotations are boxes alone: "segmentation" is missing, or holds nothing. *all:
 * of how many. */
int64_t dataset_coco_boxes(const struct dataset *d, int64_t *all);

/* The first corner, in pixels, of annotations of picture i that lies further out of it than it is
 * large: such a polygon is of another picture, or in another unit. False: there is none. */
struct coco_far {
    int64_t annotation;
    double x, y;
};
bool dataset_coco_far(const struct dataset *d, int64_t i, struct coco_far *out);

/* The file of picture i of such a data set, below its folder, as the JSON names it. */
const char *dataset_coco_file(const struct dataset *d, int64_t i);
