#include "data/sampler.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"

void sampler_open(struct sampler *s, uint64_t seed, const char *purpose, int64_t n, int64_t batch) {
    REQUIRE(batch > 0 && n >= batch, "batches of %lld out of %lld samples", (long long)batch,
            (long long)n);
    *s = (struct sampler){.seed = seed, .purpose = purpose, .n = n, .batch = batch, .epoch = -1};
    s->order = mem_alloc((size_t)n, sizeof *s->order);
}

void sampler_close(struct sampler *s) {
    free(s->order);
    *s = (struct sampler){0};
}

int64_t sampler_epoch_steps(const struct sampler *s) { return s->n / s->batch; }

const int64_t *sampler_batch(struct sampler *s, int64_t step) {
    int64_t per_epoch = sampler_epoch_steps(s), epoch = step / per_epoch;
    if (epoch != s->epoch) {
        for (int64_t i = 0; i < s->n; i++) s->order[i] = i;
        struct rng r = rng_stream(s->seed, s->purpose, (uint64_t)epoch);
        rng_shuffle(&r, s->order, s->n);
        s->epoch = epoch;
    }
    return s->order + step % per_epoch * s->batch;
}
