/* What CLIP sees of a mask: the crop around it, the rest filled with one colour, resized to a
 * square whatever its shape (reference-spec 8.2, steps 2 to 5), on the host.
 *
 * The resize is torch's bicubic (a = -0.75, not antialiased, borders repeated) within 1e-4; the
 * mask's is torch's nearest of float32 exactly.
 */
#pragma once

#include "base/rng.h"
#include "data/image.h"
#include "data/mask.h"

extern const float REGION_MEAN[3], REGION_STD[3]; /* CLIP's, of values 0 .. 1 */

enum region_fill { REGION_FILL_MEAN, REGION_FILL_ZERO };

struct region_options {
    int64_t side;   /* of the result: 224, 336 */
    double expand;  /* the box grows by this factor about its centre; the reference: 1 */
    bool whole_box; /* the background stays: the reference's crops without masking */
    bool antialias; /* Pillow's bicubic of bytes, which blurs before it shrinks: not the reference's
                     */
    enum region_fill fill;
};

/* What of a picture is the region. */
struct region_mask {
    const struct mask *hard; /* as large as the picture */
    const float *soft;       /* in its place: probabilities [h, w] (matting); NULL: none */
};

/* The tight box of a mask, expanded and clipped to the image. False when the mask is empty. */
bool region_box(const struct mask *m, double expand, struct box *out);

/* Both: `m` as large as `im` (RGB), `box` from region_box. ERR_INTERNAL when memory runs out.
 *
 * For inference: normalised floats. `region` [3, side, side], `mask` [side, side] of 0 and 1, NULL
 * when not wanted; both the caller's. Where a soft mask is above 0, `mask` is 1. */
int region_crop(const struct image *im, struct region_mask m, struct box box,
                const struct region_options *o, float *region, uint8_t *mask);

/* A picture that has its size already: normalised, channel by channel, [3, h, w]. */
void region_planes(const struct image *im, float *region);

/* For mining and training: values 0 .. 255, rounded and clipped (bicubic overshoots). */
int region_crop_u8(const struct image *im, const struct mask *m, struct box box,
                   const struct region_options *o, struct image *region, struct mask *mask);

/* torchvision's RandomResizedCrop (reference-spec 6.2): {0.9, 1, 3/4, 4/3}. */
struct crop_range {
    double area_lo, area_hi;     /* share of the image */
    double aspect_lo, aspect_hi; /* width / height */
};
struct box crop_draw(struct rng *r, int64_t h, int64_t w, const struct crop_range *range);

/* The part `crop` of a region, resized to side x side: the image as Pillow's bicubic, which sees
 * nothing outside the crop, the mask by nearest. `m` and `to_mask` may be NULL. */
int region_recrop(const struct image *im, const struct mask *m, struct box crop, int64_t side,
                  struct image *to, struct mask *to_mask);
