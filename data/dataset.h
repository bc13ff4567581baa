/* A data set: images with what is known of them, whatever they are stored in (a set file, a folder
 * of COCO files). Opened once, then read by index from any thread. */
#pragma once

#include "data/image.h"

struct dataset;

struct dataset_source {
    /* 0, or the error of this one sample; the caller skips or stops. Called from many threads. */
    int (*image)(const struct dataset *d, int64_t i, struct image *out);   /* RGB */
    int (*labels)(const struct dataset *d, int64_t i, struct labels *out); /* ERR_MISSING: none */
    void (*close)(struct dataset *d);
    /* The picture as it is stored: JPEG, PNG or WebP, for copies without loss. NULL: pixels only.
     */
    int (*bytes)(const struct dataset *d, int64_t i, struct bytes *out);
};

struct dataset {
    int64_t n_images, n_captions, n_classes;
    int64_t *image_id;   /* [n_images]: the id its owner knows it by */
    char **image_name;   /* [n_images], its file's name without suffix; NULL: none are known */
    char **caption;      /* [n_captions], grouped by image */
    int64_t *caption_at; /* [n_images + 1]: image i has captions caption_at[i] .. [i + 1] - 1 */
    int64_t *caption_id; /* [n_captions] */
    char **class_name;   /* [n_classes] */
    bool *class_seen;    /* [n_classes]: has masks in training; false: named only in captions */
    bool has_labels;
    uint16_t ignore;      /* label value of "unlabelled" */
    uint64_t hash;        /* of the contents */
    const uint32_t *size; /* [n_images, 2]: height, width; the source's. NULL: not known */
    const struct dataset_source *source;
    void *state;
};

/* What maps hold where nothing is labelled: 255; 65535 of more than 255 classes. */
uint16_t dataset_ignore(int64_t n_classes);

/* Its file's name without suffix, or NULL. */
const char *dataset_image_name(const struct dataset *d, int64_t i);
void dataset_close(struct dataset *d);
