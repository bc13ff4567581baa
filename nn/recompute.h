/* Activation checkpointing: in a T_RECOMPUTE scope a block keeps its inputs alone for the backward,
 * and is computed again there, with the same draws of dropout. Bit-equal; about a third more time
 * for the memory of what lies inside the blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nn/torch/tensor.h"

/* A block: `args` is what it needs besides tensors. It may be called again, on another thread. */
typedef tensor *recompute_block(const void *args, tensor *const *in, size_t n);

enum { RECOMPUTE_INPUTS = 4, RECOMPUTE_ARGS = 64 };

/* block(args, in, n), n <= RECOMPUTE_INPUTS. args: `bytes` <= RECOMPUTE_ARGS of them, which are
 * copied; what they point to must outlive the backward. trains: parameters of the block do. */
tensor *recompute(recompute_block *block, const void *args, size_t bytes, tensor *const *in,
                  size_t n, bool trains);
