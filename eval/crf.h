/* Dense CRF: labels that keep to the edges of the picture (reference-spec 8.7; Kraehenbuehl and
 * Koltun 2011). Mean field with Potts compatibility and two Gaussian kernels over all pairs of
 * pixels, one of their places, one of places and colours; each normalized symmetrically,
 * D^-1/2 K D^-1/2, and a pixel is among its own neighbours.
 *
 * K names, H W the size of the picture. Memory: two volumes of 4 bytes for each pixel and name,
 * names rounded up to 16 (847 names at 640 x 864: 1.9 GB each), and, for each thread, the vertices
 * of the lattices.
 *
 * Up to CRF_PAIRS_MAX pixels all pairs are summed, which differs from float64 by rounding. Larger
 * pictures take the permutohedral lattice, which is metric-bounded: tests/unit/test_crf.c has the
 * share of labels that are those of all pairs. Neither depends on the number of threads.
 */
#pragma once

#include <stdbool.h>

#include "data/image.h"

struct crf_options {
    bool enabled;
    int64_t iterations;
    double gaussian_sxy;    /* standard deviation, pixels */
    double gaussian_compat; /* weight */
    double bilateral_sxy;   /* pixels */
    double bilateral_srgb;  /* of 0..255 */
    double bilateral_compat;
};

extern const struct crf_options crf_standard; /* the reference's, enabled; the settings' defaults */

enum { CRF_PAIRS_MAX = 4096 };
enum crf_way { CRF_BY_SIZE, CRF_PAIRS, CRF_LATTICE };

struct crf {
    int64_t K, H, W;
    enum crf_way way; /* CRF_BY_SIZE after crf_open() */
    float *unary,
        *q; /* [K / 16 up, H W, 16]: logarithms of the scores' softmax; the names' shares */
};

/* Free it in any case. ERR_INTERNAL: no memory, and the message says how much it takes. */
int crf_open(struct crf *c, int64_t K, int64_t H, int64_t W);
void crf_free(struct crf *c);

/* The scores [n, H, W] of the names from, from + 1, ...; all names, each once. */
void crf_put(struct crf *c, int64_t from, int64_t n, const float *scores);

/* After all scores, once: mean field over the RGB picture [H, W, 3], and the name of each pixel,
 * of equals the first. 0 or the pending error. */
int crf_labels(struct crf *c, const struct crf_options *o, const struct image *im,
               struct labels *out);
