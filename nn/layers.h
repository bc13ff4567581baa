/* Layers with parameters. Each is a plain struct, a function that registers its parameters at a
 * path with PyTorch's default initialization, and a function that applies it. */
#pragma once

#include "nn/params.h"

struct linear {
    tensor *weight; /* [out, in] */
    tensor *bias;   /* [out], or NULL */
};
void linear_init(struct linear *l, struct path at, int64_t in, int64_t out, bool bias);
tensor *linear(const struct linear *l, tensor *x); /* [..., in] -> [..., out] */

struct layer_norm {
    tensor *weight; /* [width] */
    tensor *bias;   /* [width] */
};
void layer_norm_init(struct layer_norm *l, struct path at, int64_t width);
/* Over the last axis; eps 1e-5. Of 16 bits, too, the result is float32. */
tensor *layer_norm(const struct layer_norm *l, tensor *x);

/* What 16-bit products made, as float32; other tensors as they are. Norms, softmax and whatever a
 * model returns go through it. */
tensor *as_f32(tensor *x);

/* Rows of unit length over the last axis: x / max(||x||, eps). The segmentation code of the
 * reference uses eps 0, its CLIP training code 1e-12 (reference-spec Q38). Float32 of 16 bits, too.
 */
tensor *normalize_rows(tensor *x, double eps);
