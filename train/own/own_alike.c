/* Pictures that are nearly the same: a burst, a frame of a film and the next, a copy at another
 * size.
 */
#include <stdlib.h>

#include "train/own/own.h"

enum {
    RISES_APART = 5, /* of 64: rises of brightness that may differ */
    COLOUR_APART = 8 /* mean difference of small copies, of 255 */
};

static bool are_alike(const struct own_signature *a, const struct own_signature *b) {
    if (__builtin_popcountll(a->rises ^ b->rises) > RISES_APART) return false;
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof a->rgb; i++) sum += abs(a->rgb[i] - b->rgb[i]);
    return sum <= COLOUR_APART * (int64_t)sizeof a->rgb;
}

static int64_t root_of(struct own *o, int64_t i) {
    while (o->at[i].group != i) i = o->at[i].group = o->at[o->at[i].group].group;
    return i;
}

/* Every picture with those before it; pairs are found by all threads and joined by one. */
void own_alike(struct own *o) {
    int64_t n = (int64_t)o->n;
    for (int64_t i = 0; i < n; i++) o->at[i].group = i;
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = 1; i < n; i++)
        for (int64_t k = 0; k < i && !o->at[i].out; k++) {
            if (o->at[k].out || !are_alike(&o->at[i].look, &o->at[k].look)) continue;
#pragma omp critical(own_alike)
            {
                int64_t a = root_of(o, i), b = root_of(o, k);
                o->at[a > b ? a : b].group = a > b ? b : a;
            }
        }
    for (int64_t i = 0; i < n; i++) {
        o->at[i].group = root_of(o, i);
        o->n_alike += o->at[i].group != i;
    }
}
