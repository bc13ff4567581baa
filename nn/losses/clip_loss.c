/* n of the B rows count: all of them, or a part. */
#include "nn/losses/clip_loss.h"

static tensor *part_of(tensor *x, struct loss_rows r) {
    return r.n ? t_narrow(x, 0, r.first, r.n) : x;
}

static tensor *cosines(tensor *x, tensor *all, tensor *scale) {
    return t_mul(t_matmul(x, t_transpose(all, 0, 1)), scale);
}

/* Half of each direction, as a share of the mean over all rows. */
static tensor *halves(tensor *rows, tensor *columns, int64_t B, struct loss_rows r) {
    double share = r.n ? (double)r.n / (double)B : 1;
    return t_scale(t_add(rows, columns), 0.5 * share);
}

tensor *clip_loss(tensor *image, tensor *text, tensor *scale, struct loss_rows r) {
    int scope = t_scope_open("clip_loss", T_INHERIT);
    int64_t B = t_size(image, 0);
    tensor *labels = part_of(t_arange(B, T_I64), r);          /* [n] */
    tensor *logits = cosines(part_of(image, r), text, scale); /* [n, B] */
    tensor *turned = r.n ? cosines(part_of(text, r), image, scale) : t_transpose(logits, 0, 1);
    tensor *rows = t_cross_entropy(logits, labels, NULL, T_MEAN, -1);
    tensor *columns = t_cross_entropy(turned, labels, NULL, T_MEAN, -1);
    return t_scope_close(scope, halves(rows, columns, B, r));
}

/* Mean over rows of the cross entropy against `target`, whose rows sum to 1. */
static tensor *soft_cross_entropy(tensor *logits, tensor *target) {
    tensor *each = t_sum_dim(t_mul(target, t_log_softmax(logits, 1)), 1, false); /* [n] */
    return t_neg(t_mean(each));
}

tensor *clip_loss_multi(tensor *image, tensor *text, tensor *scale, tensor *ids,
                        struct loss_rows r) {
    int scope = t_scope_open("clip_loss_multi", T_INHERIT);
    int64_t B = t_size(image, 0);
    tensor *logits = cosines(part_of(image, r), text, scale); /* [n, B] */
    tensor *turned = r.n ? cosines(part_of(text, r), image, scale) : t_transpose(logits, 0, 1);
    tensor *same = t_eq(t_unsqueeze(part_of(ids, r), 1), t_unsqueeze(ids, 0)); /* [n, B] */
    same = t_cast(same, t_dtype(logits));
    tensor *target = t_div(same, t_sum_dim(same, 1, true)); /* rows sum to 1 */
    tensor *rows = soft_cross_entropy(logits, target);
    tensor *columns = soft_cross_entropy(turned, target); /* `same` is symmetric */
    return t_scope_close(scope, halves(rows, columns, B, r));
}

tensor *clip_loss_bank(tensor *image, tensor *bank, tensor *scale, tensor *ids) {
    int scope = t_scope_open("clip_loss_bank", T_INHERIT);
    tensor *logits = cosines(image, bank, scale); /* [B, K] */
    return t_scope_close(scope, t_cross_entropy(logits, ids, NULL, T_MEAN, -1));
}
