#include "nn/losses/clip_loss.h"

#include "base/error.h"

/* All ranks' rows, this rank's with their gradient. */
static tensor *gather(tensor *x, const struct clip_gather *g) {
    if (!g || g->ranks == 1) return x;
    int64_t B = t_size(x, 0);
    tensor *all = g->rows(g->ctx, t_detach(x)); /* [R B, ...] */
    int64_t before = g->rank * B, after = (g->ranks - 1 - g->rank) * B;
    REQUIRE(error_status() || t_size(all, 0) == g->ranks * B, "ranks gave unequal rows");
    if (!g->reference) { /* the value of x, R times its gradient */
        tensor *still = t_detach(x);
        x = t_add(still, t_scale(t_sub(x, still), g->ranks));
    }
    tensor *parts[] = {t_narrow(all, 0, 0, before), x, t_narrow(all, 0, before + B, after)};
    return t_cat(parts, 3, 0);
}

static tensor *cosines(tensor *image, tensor *text, tensor *scale) {
    return t_mul(t_matmul(image, t_transpose(text, 0, 1)), scale);
}

tensor *clip_loss(tensor *image, tensor *text, tensor *scale, const struct clip_gather *g) {
    int scope = t_scope_open("clip_loss", T_INHERIT);
    tensor *logits = cosines(gather(image, g), gather(text, g), scale); /* [R B, R B] */
    tensor *labels = t_arange(t_size(logits, 0), T_I64);                /* [R B] */
    tensor *rows = t_cross_entropy(logits, labels, NULL, T_MEAN, -1);
    tensor *columns = t_cross_entropy(t_transpose(logits, 0, 1), labels, NULL, T_MEAN, -1);
    return t_scope_close(scope, t_scale(t_add(rows, columns), 0.5));
}

/* Mean over rows of the cross entropy against `target`, whose rows sum to 1. */
static tensor *soft_cross_entropy(tensor *logits, tensor *target) {
    tensor *each = t_sum_dim(t_mul(target, t_log_softmax(logits, 1)), 1, false); /* [R B] */
    return t_neg(t_mean(each));
}

tensor *clip_loss_multi(tensor *image, tensor *text, tensor *scale, tensor *ids,
                        const struct clip_gather *g) {
    int scope = t_scope_open("clip_loss_multi", T_INHERIT);
    tensor *logits = cosines(gather(image, g), gather(text, g), scale); /* [R B, R B] */
    if (g && g->ranks > 1) ids = g->rows(g->ctx, ids);                  /* [R B] */
    tensor *same = t_eq(t_unsqueeze(ids, 1), t_unsqueeze(ids, 0));      /* [R B, R B] */
    same = t_cast(same, t_dtype(logits));
    tensor *target = t_div(same, t_sum_dim(same, 1, true)); /* rows sum to 1 */
    tensor *rows = soft_cross_entropy(logits, target);
    tensor *columns =
        soft_cross_entropy(t_transpose(logits, 0, 1), target); /* `same` is symmetric */
    return t_scope_close(scope, t_scale(t_add(rows, columns), 0.5));
}

tensor *clip_loss_bank(tensor *image, tensor *bank, tensor *scale, tensor *ids) {
    int scope = t_scope_open("clip_loss_bank", T_INHERIT);
    tensor *logits = cosines(image, bank, scale); /* [B, K] */
    return t_scope_close(scope, t_cross_entropy(logits, ids, NULL, T_MEAN, -1));
}
