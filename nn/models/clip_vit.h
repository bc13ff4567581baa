/* CLIP's image tower: a vision transformer whose blank patches can be replaced by learned prompts
 * (reference-spec 1.9, 1.11).
 *
 * B batch, S image side, g = S / patch, W width, D feature length, P prompt depth, T tokens of
 * visual prompt tuning (M. Jia et al., ECCV 2022): the paper's comparison, Table 7.
 */
#pragma once

#include "nn/models/clip_blocks.h"

enum clip_prompt_init {
    CLIP_PROMPT_NORMAL,  /* deviation 0.02: the reference's training code */
    CLIP_PROMPT_UNIFORM, /* as visual prompt tuning draws them */
    CLIP_PROMPT_ZERO,    /* the reference's inference code */
};

struct clip_vit_options {
    int64_t image_size, patch;    /* pixels */
    int64_t width, layers, heads; /* heads 0: width / 64 */
    enum clip_activation activation;
    int64_t prompt_depth;  /* 0 (no prompts) .. layers */
    int64_t prompt_tokens; /* 0: prompts replace blank patches; else so many stand beside them */
    enum clip_prompt_init prompt_init;
    double sine_positions;    /* amplitude of 2-D sine positions to start from; 0: random ones */
    bool last_block_cls_only; /* speed: the last block for the class token alone; <= 1e-6 */
    bool plain_attention;     /* see clip_blocks.h */
};

struct clip_vit {
    struct clip_vit_options opt;
    tensor *class_embedding;      /* [W] */
    tensor *positional_embedding; /* [1 + g g, W], the class token first */
    tensor *proj;                 /* [W, D] */
    tensor *mask_embedding;       /* [P, g g, W], NULL at depth 0 or with tokens */
    tensor *prompt_embedding;     /* [P, T, W], NULL without tokens */
    tensor *conv1;                /* [W, 3, patch, patch] */
    struct layer_norm ln_pre, ln_post;
    struct clip_blocks blocks;
};

/* Registers class_embedding, positional_embedding, proj, mask_embedding or prompt_embedding,
 * conv1.weight, ln_pre, transformer, ln_post at the path, initialized as CLIP from scratch
 * (reference-spec 2). */
void clip_vit_init(struct clip_vit *v, struct path at, const struct clip_vit_options *opt,
                   int64_t features);
void clip_vit_free(struct clip_vit *v);

/* image: [B, 3, S, S], normalized; mask: [B, S, S] of any type, 1 = foreground, or NULL (then the
 * prompts play no part) -> [B, D], not normalized. A mask needs prompts. */
tensor *clip_vit(const struct clip_vit *v, tensor *image, tensor *mask);

/* The tokens after the first n blocks, [B, 1 + g g, W]; n = 0: what enters the first one. */
tensor *clip_vit_tokens(const struct clip_vit *v, tensor *image, tensor *mask, int64_t n);
