/* Masks in JSON, as others write them: COCO's results or instances of all pictures in one file, or
 * SAM's, a file a picture. A file is gone through once, to learn where the masks of each picture
 * stand (24 bytes a mask); they are read when they are asked for.
 *
 *   [{"image_id": 139, "segmentation": {"size": [h, w], "counts": "..."}, ...}, ...]   results
 *   {"images": [{"id", "file_name", "height", "width"}],
 *    "annotations": [{"image_id", "segmentation"}]}                                     instances
 *   [{"segmentation": {...}, "predicted_iou": ...}, ...]                  SAM's generator
 *   {"image": {...}, "annotations": [{"segmentation": {...}}]}            SA-1B
 *
 * A segmentation is run lengths, as a string or as numbers, or, in instances, polygons. */
#pragma once

#include "data/region_list.h"

struct mask_record {
    int64_t image; /* id */
    uint64_t at;   /* offset in the file */
    uint32_t n;    /* bytes */
    uint32_t line;
};

struct mask_picture {
    int64_t id, h, w; /* h, w 0: not said */
    char *stem;       /* of file_name; NULL: none */
};

struct mask_json {
    char *path;
    int fd;
    bool all; /* of many pictures: every record says of which */
    struct mask_record *record;
    size_t n, cap; /* by image, within it as in the file */
    struct mask_picture *picture;
    size_t n_pictures, pictures_cap; /* by id */
};

/* `all`: a file of all pictures; else one of a single picture. ERR_MISSING, ERR_DATA: "PATH:LINE:
 * what". Close it in any case. */
int mask_json_open(struct mask_json *f, const char *path, bool all);
void mask_json_close(struct mask_json *f);

/* The masks of a picture, appended; a record's place among them is its id. Of a file of all
 * pictures: by `id`, or by the picture's name without its suffix (NULL: unknown; id -1: unknown).
 * ERR_MISSING: the file lists pictures, and this one is not among them. */
int mask_json_read(const struct mask_json *f, int64_t id, const char *stem, struct region_list *to);
