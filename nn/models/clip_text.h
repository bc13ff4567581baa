/* CLIP's text tower: a causal transformer over token ids (reference-spec 1.12).
 *
 * N texts, T context, W width, D feature length.
 */
#pragma once

#include "nn/models/clip_blocks.h"

struct clip_text_options {
    int64_t vocab, context;
    int64_t width, layers, heads; /* heads 0: width / 64 */
    enum clip_activation activation;
    bool cut_at_end; /* speed: drop the columns after the last end token of a batch; bit-equal */
};

struct clip_text {
    struct clip_text_options opt;
    tensor *positional_embedding; /* [T, W] */
    tensor *text_projection;      /* [W, D] */
    tensor *token_embedding;      /* [vocab, W] */
    struct clip_blocks blocks;
    struct layer_norm ln_final;
};

/* Registers positional_embedding, text_projection, transformer, token_embedding.weight, ln_final at
 * the path, initialized as CLIP from scratch (reference-spec 2). */
void clip_text_init(struct clip_text *t, struct path at, const struct clip_text_options *opt,
                    int64_t features);
void clip_text_free(struct clip_text *t);

/* Where a text ends: the first position of its largest id, which is the end token's. */
int64_t clip_text_end(const int64_t *row, int64_t context);

/* ids: n rows of `columns` <= T token ids, zeros after the end token -> [N, D], not normalized. */
tensor *clip_text_encode(const struct clip_text *t, const int64_t *ids, int64_t n, int64_t columns);
