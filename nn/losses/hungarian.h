/* The assignment problem: rows and columns matched one to one at the least total cost. */
#pragma once

#include <stdint.h>

/* cost: [rows, cols], row-major, of any shape. Writes min(rows, cols) pairs, by increasing row:
 * row_of[i] goes with col_of[i]. Exact, in O(n^2 m) with n the shorter side; the pairs are those of
 * scipy's linear_sum_assignment, ties included. +inf forbids a pair.
 *
 * ERR_DATA for NaN or -inf, and when the forbidden pairs leave no full assignment. */
int hungarian_solve(const double *cost, int64_t rows, int64_t cols, int64_t *row_of,
                    int64_t *col_of);
