/* A convolution with the normalization that follows it, as one layer.
 *
 * N images, I and O channels, H x W pixels. The padding is half the (dilated) kernel, so the output
 * of stride 1 has the size of the input. No activation: the caller knows where one belongs.
 */
#pragma once

#include "nn/params.h"
#include "nn/sync_norm.h"

enum norm_kind {
    NORM_NONE,
    NORM_FROZEN_BN, /* statistics and affine are buffers: part of the weights, never trained */
    NORM_BN,
    NORM_GN,
    NORM_SYNC_BN, /* NORM_BN over the pixels of all ranks */
};

struct norm_options {
    enum norm_kind kind;
    int64_t groups;                 /* of NORM_GN */
    const struct norm_ranks *ranks; /* of NORM_SYNC_BN; NULL: there is one */
};

enum conv_init {
    CONV_INIT_HE,     /* normal, fan out: backbones */
    CONV_INIT_XAVIER, /* uniform, fan in ("Caffe2 xavier"), bias 0: pixel decoder, projections */
};

struct conv_options {
    int64_t in, out, kernel; /* kernel is odd */
    int64_t stride;          /* 0 means 1 */
    int64_t dilation;        /* 0 means 1 */
    bool bias;
    enum conv_init init;
    struct norm_options norm;
};

struct conv_norm {
    tensor *weight;       /* [O, I, k, k] */
    tensor *bias;         /* [O], or NULL */
    tensor *scale;        /* [O], "norm.weight"; NULL without a norm */
    tensor *shift;        /* [O], "norm.bias" */
    tensor *mean;         /* [O], "norm.running_mean"; NULL for NORM_NONE and NORM_GN */
    tensor *var;          /* [O], "norm.running_var" */
    struct conv geometry; /* stride, padding, dilation */
    struct norm_options norm;
};

/* Registers weight, bias, norm.{weight, bias, running_mean, running_var}, in this order. */
void conv_norm_init(struct conv_norm *c, struct path at, struct conv_options opt);

tensor *conv_norm(const struct conv_norm *c, tensor *x); /* [N, I, H, W] -> [N, O, H', W'] */
