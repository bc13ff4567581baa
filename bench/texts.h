/* Texts for PyTorch's side, which has no tokenizer. */
#pragma once

#include "data/vocabulary.h"
#include "nn/torch/tensor.h"

/* Tokens of names, and their synonyms, in ViLD's templates -> [K, T, 77] i64, in the caller's
 * scope; every name has as many texts. */
int text_ids(const struct vocabulary *v, tensor **ids);
