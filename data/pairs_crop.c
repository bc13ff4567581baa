#include "data/pairs_crop.h"

#include "base/error.h"
#include "data/rle.h"

int pairs_mask_on(const struct pairs *p, int64_t i, const struct image *im, struct mask *out) {
    struct bytes packed;
    const struct pair *a = &p->at[i];
    *out = (struct mask){0};
    if (a->h != im->h || a->w != im->w)
        return error_set(ERR_DATA,
                         "picture %lld: is %lld x %lld, the masks of its pairs %lld x %lld: they "
                         "are of another set",
                         (long long)a->image_id, (long long)im->w, (long long)im->h,
                         (long long)a->w, (long long)a->h);
    int status = pairs_mask(p, i, &packed);
    if (!status) status = rle_unpack(packed.at, packed.n, a->h, a->w, out);
    bytes_free(&packed);
    return status;
}

int pairs_crop(const struct pairs *p, int64_t i, const struct image *im,
               const struct region_options *o, struct image *crop, struct mask *mask) {
    struct mask whole;
    struct box box;
    int status = pairs_mask_on(p, i, im, &whole);
    if (!status && !region_box(&whole, o->expand, &box))
        status = error_set(ERR_DATA, "a pair of picture %lld has an empty mask",
                           (long long)p->at[i].image_id);
    if (!status) status = region_crop_u8(im, &whole, box, o, crop, mask);
    mask_free(&whole);
    return status;
}
