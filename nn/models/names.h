/* Features of names as a classifier has them, rows of unit length: [K, D]; or [W, K, D] where a
 * name stands for several wordings and the nearest one counts (a name of fewer wordings repeats its
 * first).
 */
#pragma once

#include "nn/torch/tensor.h"

int64_t names_count(tensor *text); /* K */

/* x [..., D] -> [..., K]: cosines, when the rows of x have unit length; of several wordings the
 * largest. */
tensor *names_cosines(tensor *x, tensor *text);

/* The names with rows of others behind them: [n, D], each of one wording -> as `text`. */
tensor *names_append(tensor *text, tensor *rows);
