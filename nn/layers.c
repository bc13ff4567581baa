#include "nn/layers.h"

#include <math.h>

void linear_init(struct linear *l, struct path at, int64_t in, int64_t out, bool bias) {
    double bound = 1 / sqrt((double)in); /* kaiming_uniform(a = sqrt 5) */
    l->weight = path_param(at, "weight", t_uniform(SHAPE(out, in), -bound, bound));
    l->bias = bias ? path_param(at, "bias", t_uniform(SHAPE(out), -bound, bound)) : NULL;
}

tensor *linear(const struct linear *l, tensor *x) { return t_linear(x, l->weight, l->bias); }

void layer_norm_init(struct layer_norm *l, struct path at, int64_t width) {
    l->weight = path_param(at, "weight", t_ones(SHAPE(width), T_F32));
    l->bias = path_param(at, "bias", t_zeros(SHAPE(width), T_F32));
}

tensor *layer_norm(const struct layer_norm *l, tensor *x) {
    return t_layer_norm(as_f32(x), l->weight, l->bias, 1e-5);
}

tensor *as_f32(tensor *x) {
    enum t_dtype type = t_dtype(x);
    return type == T_BF16 || type == T_F16 ? t_cast(x, T_F32) : x;
}

tensor *normalize_rows(tensor *x, double eps) {
    x = as_f32(x);
    tensor *n = t_norm(x, -1, true); /* [..., 1] */
    return t_div(x, eps > 0 ? t_clamp(n, eps, INFINITY) : n);
}
