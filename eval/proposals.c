#include "eval/proposals.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/models/names.h"

static int copy_out(struct proposals *p, tensor *prob, tensor *mask) {
    size_t n_prob = (size_t)(p->Q * p->K), n_mask = (size_t)(p->Q * p->h * p->w);
    p->prob = mem_try(n_prob, sizeof *p->prob);
    p->mask = mem_try(n_mask, sizeof *p->mask);
    if (!p->prob || !p->mask) return error_status();
    int status = t_copy_out(prob, p->prob, n_prob * sizeof *p->prob);
    return status ? status : t_copy_out(mask, p->mask, n_mask * sizeof *p->mask);
}

tensor *mask_probabilities(const struct mask_logits *m) {
    int scope = t_scope_open("masks", T_INHERIT);
    tensor *x = t_resize_bilinear(m->x, m->padded_h, m->padded_w); /* [B, Q, H, W] */
    x = t_sigmoid(t_narrow(t_narrow(x, 2, 0, m->h), 3, 0, m->w));  /* [B, Q, h, w] */
    return t_scope_close(scope, x);
}

int proposals_of(const struct maskformer *m, tensor *text, const struct image *pictures, int64_t n,
                 struct proposals *out) {
    int scope = t_scope_open("proposals", T_NO_GRAD | T_EVAL);
    int64_t h = pictures->h, w = pictures->w, K = names_count(text), Q = m->opt.decoder.queries;
    memset(out, 0, (size_t)n * sizeof *out);
    tensor **x = mem_alloc((size_t)n, sizeof(tensor *));
    for (int64_t i = 0; i < n; i++) {
        REQUIRE(pictures[i].h == h && pictures[i].w == w, "pictures of several sizes in a batch");
        tensor *rgb = t_from_data(pictures[i].at, SHAPE(1, h, w, 3), T_U8);
        x[i] = t_permute(rgb, SHAPE(0, 3, 1, 2)); /* [1, 3, h, w] */
    }
    tensor *input = maskformer_input(m, x, (size_t)n); /* [B, 3, H, W] */
    free(x);
    struct maskformer_output y = maskformer_forward(m, input, text, true);
    tensor *prob = t_softmax(t_select(y.logits, 1, 0), -1); /* [B, Q, K + 1] */
    prob = t_narrow(prob, -1, 0, K);
    struct mask_logits logits = {t_select(y.masks, 1, 0), t_size(input, 2), t_size(input, 3), h, w};
    tensor *mask = mask_probabilities(&logits); /* [B, Q, h, w] */
    for (int64_t i = 0; !error_status() && i < n; i++) {
        out[i] = (struct proposals){.Q = Q, .K = K, .h = h, .w = w};
        copy_out(&out[i], t_select(prob, 0, i), t_select(mask, 0, i));
    }
    t_scope_close(scope, NULL);
    return error_status();
}

void proposals_free(struct proposals *p) {
    free(p->prob);
    free(p->mask);
    *p = (struct proposals){0};
}

int64_t proposal_mask(const struct proposals *p, int64_t q, double threshold, struct mask *m) {
    const float *at = p->mask + q * p->h * p->w;
    float limit = (float)threshold; /* compared as the reference does, in float32 */
    int64_t n = 0;
    for (int64_t i = 0; i < p->h * p->w; i++) n += m->at[i] = at[i] > limit;
    return n;
}
