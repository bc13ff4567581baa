#include "base/rng.h"

#include <math.h>

#include "base/error.h"

/* splitmix64's finaliser: a bijection that passes BigCrush over consecutive inputs. */
static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static const uint64_t golden = ((uint64_t)0x9E3779B9u << 32) | 0x7F4A7C15u;

struct rng rng_stream(uint64_t seed, const char *purpose, uint64_t index) {
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a of the purpose */
    for (const char *c = purpose; *c; c++) h = (h ^ (uint8_t)*c) * 0x100000001B3u;
    return (struct rng){.key = mix(mix(mix(seed + golden) ^ h) + index * golden)};
}

uint64_t rng_next(struct rng *r) { return mix(r->key + ++r->at * golden); }

double rng_uniform(struct rng *r) { return (double)(rng_next(r) >> 11) * 0x1p-53; }

double rng_range(struct rng *r, double lo, double hi) { return lo + (hi - lo) * rng_uniform(r); }

int64_t rng_below(struct rng *r, int64_t n) {
    REQUIRE(n > 0, "a random number below %lld", (long long)n);
    uint64_t limit = UINT64_MAX - UINT64_MAX % (uint64_t)n, x;
    do x = rng_next(r);
    while (x >= limit);
    return (int64_t)(x % (uint64_t)n);
}

bool rng_chance(struct rng *r, double p) { return rng_uniform(r) < p; }

double rng_normal(struct rng *r) {
    double u = 1 - rng_uniform(r), v = rng_uniform(r); /* u in (0, 1]: the log is finite */
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

void rng_shuffle(struct rng *r, int64_t *at, int64_t n) {
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = rng_below(r, i + 1), x = at[i];
        at[i] = at[j];
        at[j] = x;
    }
}
