/* Many small pictures on one sheet, each with two lines of text below: to look at mined pairs. */
#pragma once

#include "data/image.h"

struct contact_sheet {
    struct image picture; /* RGB */
    int64_t n, columns;   /* tiles */
    int64_t side;         /* of a tile's picture, pixels */
};

/* White, for n >= 1 tiles in about as many columns as rows. ERR_DATA: it would exceed an image's
 * limits; ERR_INTERNAL. */
int contact_sheet_open(struct contact_sheet *s, int64_t n, int64_t side);
void contact_sheet_free(struct contact_sheet *s);

/* RGB `im`, no larger than side x side, in the middle of tile k; texts that are too long are
 * written small, and shortened where that is not enough. */
void contact_sheet_put(struct contact_sheet *s, int64_t k, const struct image *im,
                       const char *first, const char *second);

/* A picture that fits side x side, its mask (of its size) outlined and what is around it dimmed.
 * ERR_INTERNAL. */
int contact_outline(const struct image *im, const struct mask *m, int64_t side, struct image *out);
