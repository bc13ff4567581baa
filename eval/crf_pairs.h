/* The messages of a dense CRF over a small picture: all pairs of its n pixels, no approximation. */
#pragma once

#include "eval/crf.h"

/* compat D^-1/2 K D^-1/2 of both kernels, added up -> [n, n], owned; NULL and ERR_INTERNAL. */
float *crf_pairs(const struct crf_options *o, const struct image *im);

/* y [n, 16] += pairs [n, n] x [n, 16] */
void crf_pairs_add(const float *pairs, int64_t n, const float *x, float *y);
