/* Swin Transformer as a segmentation backbone: attention inside windows that shift by half their
 * side from block to block (reference-spec 1.3).
 *
 * Parameters: patch_embed.{proj, norm}, layers.{i}.blocks.{j}.{norm1, attn, norm2, mlp},
 * layers.{i}.downsample.{reduction, norm}, norm{i}.
 */
#pragma once

#include "nn/layers.h"
#include "nn/models/features.h"

enum { SWIN_BLOCKS_MAX = 18 };

struct swin_options {
    int64_t embed;                /* channels of the first stage; doubled by each further one */
    int64_t blocks[FEATURES_MAX]; /* of the four stages */
    int64_t heads[FEATURES_MAX];
    int64_t window;   /* side, tokens */
    double drop_path; /* of the last block's branches; rises evenly from 0 */
    bool plain;       /* no fused attention where no gradients are wanted; the same to 1e-6 */
};

/* 'T', 'S', 'B' or 'L'; the released model has B. */
struct swin_options swin_standard(char size);

struct swin_block {
    char name[24];
    int64_t heads;
    double drop_path;
    struct layer_norm norm1, norm2;
    struct linear qkv, proj, fc1, fc2;
    tensor *bias_table; /* [(2 w - 1)^2, heads]: by the offset from query to key */
    tensor *bias_index; /* [w^2, w^2] i64, a buffer: rows of the table */
};

struct swin_stage {
    struct swin_block block[SWIN_BLOCKS_MAX];
    struct layer_norm norm;       /* of the output alone */
    struct layer_norm merge_norm; /* of the step to the next stage, as is `reduction` */
    struct linear reduction;
};

struct swin {
    struct swin_options opt;
    tensor *patch_weight, *patch_bias; /* [embed, 3, 4, 4], [embed] */
    struct layer_norm patch_norm;
    struct swin_stage stage[FEATURES_MAX];
};

/* Rows of the bias table for every query (row) and key (column) of a window of w x w ->
 * [w w, w w], I64: the buffer relative_position_index (reference-spec 3.2). */
tensor *swin_bias_index(int64_t w);

void swin_init(struct swin *s, struct path at, const struct swin_options *opt);

/* x: [B, 3, H, W], normalized -> maps of embed 2^i channels at strides 4, 8, 16, 32, rounded up.
 * They belong to the caller's scope. */
struct features swin_forward(const struct swin *s, tensor *x);
