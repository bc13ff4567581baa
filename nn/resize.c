#include "nn/resize.h"

static tensor *at_once(tensor *x, int64_t h, int64_t w, enum resize_kind kind) {
    switch (kind) {
    case RESIZE_NEAREST: return t_resize_nearest(x, h, w);
    case RESIZE_BILINEAR: return t_resize_bilinear(x, h, w);
    case RESIZE_BICUBIC: return t_resize_bicubic(x, h, w);
    }
    return x;
}

/* What resizing makes of n unit vectors: [m, n]. */
static tensor *matrix(int64_t n, int64_t m, enum resize_kind kind, enum t_dtype dtype) {
    int scope = t_scope_open("matrix", T_NO_GRAD);
    tensor *i = t_arange(n, T_I64);                                       /* [n] */
    tensor *unit = t_eq(t_unsqueeze(i, 0), t_unsqueeze(i, 1));            /* [n, n] */
    unit = t_reshape(t_cast(unit, T_F32), SHAPE(1, 1, n, n));             /* [1, 1, n, n] */
    tensor *to = t_reshape(at_once(unit, m, n, kind), SHAPE(m, n));       /* [m, n] */
    return t_scope_close(scope, dtype == T_F32 ? to : t_cast(to, dtype)); /* [m, n] */
}

tensor *resize(tensor *x, int64_t h, int64_t w, enum resize_kind kind) {
    if (!t_is_deterministic() || !t_grad_enabled()) return at_once(x, h, w, kind);
    int scope = t_scope_open("resize", T_INHERIT);
    tensor *rows = matrix(t_size(x, 2), h, kind, t_dtype(x));                       /* [h, H] */
    tensor *columns = t_transpose(matrix(t_size(x, 3), w, kind, t_dtype(x)), 0, 1); /* [W, w] */
    return t_scope_close(scope, t_matmul(t_matmul(rows, x), columns)); /* [N, C, h, w] */
}
