/* Resizing of uint8 images, equal to Pillow's Image.resize bit for bit, and of label maps, equal
 * to torch's nearest. One thread: callers have many images.
 *
 * Pillow widens the filter when it shrinks (antialiasing), works in 22-bit fixed point, rounds and
 * clips to uint8 between the horizontal pass and the vertical one, which comes second. Nothing else
 * agrees with it (torch's antialias=True differs by up to 2). The Pillow meant is the reference's
 * (9.x); 13 swaps the passes when an image is widened and flattened, and then differs by up to 4.
 */
#pragma once

#include "data/image.h"

enum resize_filter { RESIZE_NEAREST, RESIZE_BILINEAR, RESIZE_BICUBIC /* a = -0.5 */ };

/* The part of the source to resize, in pixels; float because Pillow's are. */
struct resize_box {
    float x0, y0, x1, y1;
};

/* `in` (or its part `box`, inside it and not empty; NULL: all of it) -> [h, w, in->c].
 * ERR_INTERNAL when memory runs out. `out` must not be `in`. */
int image_resize(const struct image *in, const struct resize_box *box, int64_t h, int64_t w,
                 enum resize_filter filter, struct image *out);

/* What image_resize() of all of `in` to [h, w] has in `part`, bit for bit, and no more work than
 * for that. Bilinear or bicubic; `part` lies in the result and is not empty. */
int image_resize_part(const struct image *in, int64_t h, int64_t w, enum resize_filter filter,
                      struct box part, struct image *out);

/* Nearest as detectron2 resizes label maps: they are doubles there, so torch does it, and takes
 * other pixels than Pillow (reference-spec 1.4, 5.2). */
int labels_resize_nearest_torch(const struct labels *in, int64_t h, int64_t w, struct labels *out);
int labels_resize_part(const struct labels *in, int64_t h, int64_t w, struct box part,
                       struct labels *out);

/* A mask at another size, as torch's nearest of float32 and uint8. ERR_INTERNAL. */
int mask_resize(const struct mask *in, int64_t h, int64_t w, struct mask *out);

/* Which source row (of n_in) torch's nearest takes for row `to` (of n_out): of float32 and uint8
 * tensors, and of doubles whose result has more than 128 rows and columns together. */
int64_t nearest_index_f32(int64_t to, int64_t n_in, int64_t n_out);
int64_t nearest_index_f64(int64_t to, int64_t n_in, int64_t n_out);

/* detectron2's ResizeShortestEdge: the short side becomes `shortest`, unless the long one would
 * exceed `longest`; then that one becomes `longest` (reference-spec 5.2, V15). No side is less
 * than 1. */
void resize_shortest_edge(int64_t h, int64_t w, int64_t shortest, int64_t longest, int64_t *out_h,
                          int64_t *out_w);
