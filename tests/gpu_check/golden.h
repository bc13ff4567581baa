/* CLIP ViT-B/16, all of it, on weights by formula, against tests/golden/clip_vitb16_seed1. */
#pragma once

#include "nn/torch/tensor.h"

/* Prints a line for each output. ERR_DATA when one is off by more than 1e-4 of its RMS (the bar of
 * the parity tests), or the error of the file. */
int golden_check(const char *folder);

/* RMS of a - b over RMS of b. */
double off_by(tensor *a, tensor *b);
