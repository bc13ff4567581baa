/* CLIP's table of positions for a grid of another size (reference-spec 3.5). */
#pragma once

#include <stdint.h>

/* from: [1 + g g, width], the class token first -> to: [1 + h h, width]. Bicubic (a = -0.75) with
 * the corners aligned; the row of the class token is copied. */
void position_table_resize(const float *from, int64_t g, float *to, int64_t h, int64_t width);

/* g of a table of 1 + g g rows; 0 when there is none. */
int64_t position_table_grid(int64_t rows);
