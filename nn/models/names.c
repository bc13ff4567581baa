#include "nn/models/names.h"

int64_t names_count(tensor *text) { return t_size(text, -2); }

static bool has_wordings(tensor *text) { return t_shape(text).n == 3; }

tensor *names_cosines(tensor *x, tensor *text) {
    if (!has_wordings(text)) return t_matmul(x, t_transpose(text, 0, 1)); /* [..., K] */
    int scope = t_scope_open("names", T_INHERIT);
    tensor *best = t_matmul(x, t_transpose(t_select(text, 0, 0), 0, 1));
    for (int64_t w = 1; w < t_size(text, 0); w++)
        best = t_maximum(best, t_matmul(x, t_transpose(t_select(text, 0, w), 0, 1)));
    return t_scope_close(scope, best);
}

tensor *names_append(tensor *text, tensor *rows) {
    if (!has_wordings(text)) return t_cat((tensor *[]){text, rows}, 2, 0);
    int scope = t_scope_open("names", T_INHERIT);
    int64_t W = t_size(text, 0), n = t_size(rows, 0), D = t_size(rows, 1);
    tensor *each = t_expand(t_unsqueeze(rows, 0), SHAPE(W, n, D)); /* [W, n, D] */
    return t_scope_close(scope, t_cat((tensor *[]){text, each}, 2, 1));
}
