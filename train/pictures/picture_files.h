/* The files that `ovseg segment` writes for a picture, below the folder of -o:
 *
 *   NAME.png              the label map
 *   NAME-overlay.png      the picture with its labels, to look at
 *   NAME-scores.safetensors   `score` [H, W] f32: of each pixel's name
 *   NAME-panoptic.png, NAME-panoptic.json
 *   NAME.json             what is where (picture_json.h), written last: where it is, all are
 */
#pragma once

#include "data/image.h"
#include "train/pictures/picture_list.h"

#define PICTURE_RECORD "ovseg-segment.json" /* beside them: picture_record.h */

enum picture_kind {
    PICTURE_LABELS,
    PICTURE_OVERLAY,
    PICTURE_SCORES,
    PICTURE_IDS,
    PICTURE_SEGMENTS,
    PICTURE_JSON,
    PICTURE_KINDS
};

struct picture_outputs {
    const char *dir;
    bool wanted[PICTURE_KINDS];
    bool rle; /* run lengths in NAME.json */
};

char *picture_output(const struct picture_outputs *o, const struct picture_file *p,
                     enum picture_kind kind); /* its path; owned */

/* NAME.png of K names: 8 bits or 16, the same in every picture of a vocabulary. */
int picture_labels_encode(const struct labels *l, int64_t K, struct bytes *png);

/* Any files that are to be written, each with the picture that it is of. */
struct picture_target {
    char *path;
    const char *picture; /* borrowed */
};
struct picture_targets {
    struct picture_target *at;
    size_t n, cap;
};
void picture_targets_add(struct picture_targets *t, char *path,
                         const char *picture); /* takes path */
/* ERR_USAGE: a picture of the list would be overwritten, or two would go to one file; both are
 * named. Sorts them. */
int picture_targets_check(struct picture_targets *t, const struct picture_list *l);
void picture_targets_free(struct picture_targets *t);

/* ERR_USAGE: a picture, or a file of somebody else, would be overwritten, or two pictures would go
 * to one file; both are named. */
int picture_outputs_check(const struct picture_outputs *o, const struct picture_list *l);

/* The folders that the outputs lie in. */
int picture_outputs_make(const struct picture_outputs *o, const struct picture_list *l);
bool picture_outputs_there(const struct picture_outputs *o, const struct picture_file *p);
