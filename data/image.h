/* Images and label maps in host memory, and the files they come from and go to. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct image {
    int64_t h, w, c; /* c: 3 (RGB) or 1 */
    uint8_t *at;     /* [h, w, c] */
};

struct labels {
    int64_t h, w;
    uint16_t *at; /* [h, w]: class index, or the data set's ignore value */
};

int image_alloc(struct image *im, int64_t h, int64_t w, int64_t c); /* zeroed; ERR_INTERNAL */
void image_free(struct image *im);
int labels_alloc(struct labels *l, int64_t h, int64_t w);
void labels_free(struct labels *l);
