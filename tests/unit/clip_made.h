/* A small CLIP with texts, pictures and masks of all kinds, for tests of it. */
#pragma once

#include "nn/models/clip.h"
#include "tests/torch.h"

static const struct clip_options TINY = {
    .image = {.image_size = 16,
              .patch = 4,
              .width = 32,
              .layers = 3,
              .heads = 2,
              .prompt_depth = 3,
              .last_block_cls_only = true},
    .text = {.vocab = 40, .context = 12, .width = 32, .layers = 2, .heads = 2, .cut_at_end = true},
    .features = 16,
    .temperature = 0.07,
};
enum { B = 6, END = 39, CONTEXT = 12 };

struct model {
    struct params params;
    struct clip clip;
};

static inline void model_open(struct model *m, const struct clip_options *opt) {
    m->params = (struct params){0};
    clip_init(&m->clip, params_root(&m->params), opt);
}

static inline void model_close(struct model *m) {
    clip_free(&m->clip);
    params_free(&m->params);
}

/* n texts of different lengths and words. */
static inline void make_texts(int64_t *ids, int64_t n) {
    memset(ids, 0, (size_t)(n * CONTEXT) * sizeof *ids);
    for (int64_t i = 0; i < n; i++) {
        int64_t length = 1 + i % (CONTEXT - 4);
        for (int64_t j = 0; j < length; j++) ids[i * CONTEXT + j] = 1 + (7 * i + 3 * j) % (END - 1);
        ids[i * CONTEXT + length] = END;
    }
}

static inline tensor *make_images(void) { return t_randn(SHAPE(B, 3, 16, 16), 1); }

/* Left part visible, more of it in later images; the first image wholly blank. */
static inline tensor *make_masks(void) {
    uint8_t m[B][16][16] = {0};
    for (int i = 0; i < B; i++)
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 3 * i; x++) m[i][y][x] = 1;
    return t_from_data(m, SHAPE(B, 16, 16), T_U8);
}
