/* What a backbone gives to a pixel decoder: one map a stage, finest first. */
#pragma once

#include "nn/torch/tensor.h"

enum { FEATURES_MAX = 4 };

struct features {
    int n;                     /* stages: 2..FEATURES_MAX */
    tensor *map[FEATURES_MAX]; /* [B, channels of the stage, H / stride, W / stride] */
};
