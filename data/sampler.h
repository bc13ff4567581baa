/* The order of samples: a pure function of (seed, step), so that a resumed run, or another number
 * of ranks or threads, sees the same batches and nothing but the step has to be saved. */
#pragma once

#include <stdint.h>

struct sampler {
    uint64_t seed;
    const char *purpose; /* names the random stream */
    int64_t n, batch;    /* n >= batch: an epoch is n / batch batches, the rest is left out */
    int64_t *order;      /* [n], of `epoch` */
    int64_t epoch;       /* -1: none yet */
};

void sampler_open(struct sampler *s, uint64_t seed, const char *purpose, int64_t n, int64_t batch);
void sampler_close(struct sampler *s);
int64_t sampler_epoch_steps(const struct sampler *s);

/* The indices of a step's batch, [batch]; valid until the next call. A fresh permutation each
 * epoch. */
const int64_t *sampler_batch(struct sampler *s, int64_t step);
