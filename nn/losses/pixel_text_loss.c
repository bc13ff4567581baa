#include "nn/losses/pixel_text_loss.h"

#include "base/error.h"
#include "nn/layers.h"

void pixel_text_head_init(struct pixel_text_head *head, struct path at, int stages,
                          const int64_t *channels, int64_t text_width, double temperature) {
    REQUIRE(stages >= PIXEL_TEXT_MAPS, "%d feature maps", stages);
    head->temperature = temperature;
    for (int i = 0; i < PIXEL_TEXT_MAPS; i++) {
        struct conv_options o = {.in = channels[stages - PIXEL_TEXT_MAPS + i],
                                 .out = text_width,
                                 .kernel = 1,
                                 .bias = true,
                                 .init = CONV_INIT_XAVIER};
        conv_norm_init(&head->proj[i], path_at(at, "proj_%d", i), o);
    }
}

double pixel_text_labelled(const struct mask_targets *t) {
    double n = 0;
    for (int64_t i = 0; i < t->B * t->H * t->W; i++) n += t->map[i] >= 0;
    return n;
}

/* How many pixels of each cell of an h x w map have each label: [B, K, h, w]. */
static tensor *label_counts(const struct mask_targets *t, int64_t K, int64_t h, int64_t w) {
    int64_t cell = t->H / h;
    REQUIRE(error_status() || (cell * h == t->H && cell * w == t->W),
            "label maps of %ld x %ld for a map of %ld x %ld", (long)t->H, (long)t->W, (long)h,
            (long)w);
    tensor *map = t_from_data(t->map, SHAPE(t->B, 1, t->H, t->W), T_I32);
    tensor *label = t_reshape(t_arange(K, T_I32), SHAPE(K, 1, 1));
    tensor *is = t_cast(t_eq(map, label), T_F32); /* [B, K, H, W] */
    return t_scale(t_avg_pool2d(is, cell, cell), (double)(cell * cell));
}

/* The cross entropies of one map, summed over the labelled pixels: [] */
static tensor *map_loss(const struct pixel_text_head *head, int i, tensor *map, tensor *text,
                        const struct mask_targets *t) {
    int scope = t_scope_open("pixel_text", T_INHERIT);
    int64_t K = t_size(text, 0);
    tensor *pixel = t_permute(conv_norm(&head->proj[i], map), SHAPE(0, 2, 3, 1)); /* [B, h, w, D] */
    /* A pixel may be all zeros after a ReLU: no division by its length alone. */
    tensor *cosine = t_linear(normalize_rows(pixel, 1e-12), text, NULL);  /* [B, h, w, K] */
    tensor *logp = t_log_softmax(t_scale(cosine, head->temperature), -1); /* [B, h, w, K] */
    tensor *n = label_counts(t, K, t_size(map, 2), t_size(map, 3));       /* [B, K, h, w] */
    n = t_permute(n, SHAPE(0, 2, 3, 1));                                  /* [B, h, w, K] */
    return t_scope_close(scope, t_neg(t_sum(t_mul(n, logp))));
}

tensor *pixel_text_loss(const struct pixel_text_head *head, const struct features *f, tensor *text,
                        const struct mask_targets *t, double pixels) {
    REQUIRE(t->planes == 1, "a pixel has one name; the targets lie on %ld planes", (long)t->planes);
    int scope = t_scope_open("pixel_text_loss", T_INHERIT);
    double n = pixels > 0 ? pixels : 1;
    mask_targets_check(t, t_size(text, 0));
    tensor *sum = NULL;
    for (int i = 0; i < PIXEL_TEXT_MAPS && !error_status(); i++) {
        tensor *one = map_loss(head, i, f->map[f->n - PIXEL_TEXT_MAPS + i], text, t);
        sum = sum ? t_add(sum, one) : one;
    }
    return t_scope_close(scope, sum ? t_scale(sum, 1 / (n * PIXEL_TEXT_MAPS)) : NULL);
}
