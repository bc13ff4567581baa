/* Random numbers on the host, by counter: a generator is a key and a position, two numbers that a
 * checkpoint saves, and any sample can have its own without touching another's.
 *
 * The draws are part of the results (scenes, sample order, augmentation): a test pins them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t key; /* which stream */
    uint64_t at;  /* draws taken so far */
};

/* The stream of one purpose ("scenes.layout") and one thing (its index) under a seed. */
struct rng rng_stream(uint64_t seed, const char *purpose, uint64_t index);

uint64_t rng_next(struct rng *r);
double rng_uniform(struct rng *r);                       /* [0, 1), 53 bits */
double rng_range(struct rng *r, double lo, double hi);   /* [lo, hi) */
int64_t rng_below(struct rng *r, int64_t n);             /* 0 .. n-1, n > 0, unbiased */
bool rng_chance(struct rng *r, double p);                /* true with probability p */
double rng_normal(struct rng *r);                        /* mean 0, deviation 1; two draws */
void rng_shuffle(struct rng *r, int64_t *at, int64_t n); /* Fisher-Yates */
