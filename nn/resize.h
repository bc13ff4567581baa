/* Resizing of maps that are differentiated. */
#pragma once

#include "nn/torch/tensor.h"

enum resize_kind { RESIZE_NEAREST, RESIZE_BILINEAR, RESIZE_BICUBIC };

/* [N, C, H, W] -> [N, C, h, w], as t_resize_nearest() and its kin, whose backward adds in an order
 * of its own on GPUs. When t_deterministic() has asked for equal bits it is two products with
 * matrices instead, equal to 1e-6: these are linear maps of rows and of columns. */
tensor *resize(tensor *x, int64_t h, int64_t w, enum resize_kind kind);
