#include "data/clip_picture.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "data/region.h"
#include "data/resize.h"

int clip_picture(const struct image *im, int64_t side, struct image *out) {
    *out = (struct image){0};
    bool wide = im->w > im->h;
    int64_t shortest = wide ? im->h : im->w, longest = wide ? im->w : im->h;
    int64_t to = side * longest / shortest;
    if (to > IMAGE_SIDE_MAX)
        return error_set(ERR_DATA, "%lld x %lld: too long and narrow to be seen in a square",
                         (long long)im->w, (long long)im->h);
    struct image small = {0};
    int status = image_resize(im, NULL, wide ? side : to, wide ? to : side, RESIZE_BICUBIC, &small);
    int64_t start = (int64_t)rint((double)(to - side) / 2);
    struct box middle = wide ? (struct box){start, 0, start + side, side}
                             : (struct box){0, start, side, start + side};
    if (!status) status = image_crop(&small, middle, out);
    image_free(&small);
    return status;
}

int clip_picture_part(const struct image *im, const struct mask *truth, struct box crop,
                      int64_t side, struct image *out, uint8_t *mask) {
    struct mask part = {0};
    bool by_truth = truth && mask;
    int status =
        region_recrop(im, by_truth ? truth : NULL, crop, side, out, by_truth ? &part : NULL);
    if (!status && by_truth)
        memcpy(mask, part.at, (size_t)(side * side));
    else if (!status && mask)
        clip_picture_mask(out, mask);
    mask_free(&part);
    return status;
}

void clip_picture_mask(const struct image *im, uint8_t *mask) {
    REQUIRE(im->c == 3, "RGB");
    for (int64_t i = 0; i < im->h * im->w; i++) {
        const uint8_t *p = im->at + 3 * i;
        mask[i] = p[0] != 124 || p[1] != 116 || p[2] != 103;
    }
}
