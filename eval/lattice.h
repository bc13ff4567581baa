/* Gaussian sums over many points at once, by the permutohedral lattice (Adams, Baek and Davis
 * 2010): values go from the points to the vertices of the simplices that they lie in, are blurred
 * along the lattice's axes, and come back. Cost and memory grow with the number of points, not with
 * its square; what comes out is near the sum over all pairs, not equal to it.
 *
 * n points of d features, m vertices; values in lanes of LATTICE_LANES, which are filtered
 * together.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { LATTICE_LANES = 16, LATTICE_FEATURES = 5 };

struct lattice {
    int d;
    int64_t n, m;
    int32_t *corner; /* [n, d + 1]: the vertices around a point */
    float *weight;   /* [n, d + 1]: its share in each, together 1 */
    int32_t *near;   /* [d + 1, m, 2]: the vertices on both sides along an axis; m: there is none */
};

/* feature [n, d], in units of the Gaussian's standard deviation, |feature| <= 1e6. ERR_INTERNAL: no
 * memory. Free it in any case. */
int lattice_open(struct lattice *l, int d, int64_t n, const float *feature);
void lattice_free(struct lattice *l);

/* Floats that lattice_gather() works in. */
size_t lattice_scratch(const struct lattice *l);

/* From the points to the vertices: x [n, LANES], each point's multiplied by `by` [n]; NULL stands
 * for ones. Returns the values of the vertices, within `scratch`. */
const float *lattice_gather(const struct lattice *l, const float *x, const float *by,
                            float *scratch);

/* And back: y [n, LANES] grows by scale * by[i] * sum over j of exp(-|f_i - f_j|^2 / 2) by[j] x[j],
 * the point itself among them. `by` NULL: ones. */
void lattice_spread(const struct lattice *l, const float *vertex, const float *by, float scale,
                    float *y);
