/* What comes out of struct segment_batches, to be compared: which sample stands at each place of
 * each step, and a hash of its pixels and map. */
#pragma once

#include "base/hash.h"
#include "data/segment_batches.h"
#include "tests/test.h"

enum { SEEN_BATCH = 4, SEEN_SIDE = 24, SEEN_STEPS = 40 };

struct seen {
    int64_t sample[SEEN_STEPS][SEEN_BATCH];
    uint64_t hash[SEEN_STEPS][SEEN_BATCH];
};

static void seen_open(struct segment_batches *b, const struct dataset *set,
                      const struct segment_data_options *sample, const uint16_t *name_of,
                      struct damage_options damage) {
    const struct segment_batches_options o = {.set = set,
                                              .sample = sample,
                                              .name_of = name_of,
                                              .seed = 5,
                                              .purpose = "order",
                                              .B = SEEN_BATCH,
                                              .H = SEEN_SIDE,
                                              .W = SEEN_SIDE,
                                              .damage = damage};
    segment_batches_open(b, &o);
}

static void seen_take(struct segment_batches *b, int64_t from, int64_t to, struct seen *seen) {
    int64_t pixels = SEEN_SIDE * SEEN_SIDE;
    for (int64_t step = from; step < to; step++) {
        struct segment_batch batch;
        CHECK_OK(segment_batches_next(b, &batch));
        for (int64_t k = 0; k < SEEN_BATCH; k++) {
            struct hasher h;
            hasher_open(&h);
            hasher_add(&h, batch.pixels + k * 3 * pixels, (size_t)(3 * pixels));
            hasher_add(&h, batch.maps + k * pixels, (size_t)pixels * sizeof *batch.maps);
            seen->sample[step][k] = batch.sample[k];
            seen->hash[step][k] = hasher_close(&h);
        }
    }
}

/* The next good sample of a batch, place by place: the rule of data/damage.h, by hand. */
static int64_t seen_stand_in(const int64_t *planned, int64_t place, const bool *bad) {
    for (int64_t k = 0; k < SEEN_BATCH; k++) {
        int64_t i = planned[(place + k) % SEEN_BATCH];
        if (!bad[i]) return i;
    }
    test_fail(__FILE__, __LINE__, "a batch of damaged samples alone");
}

/* Where `good` has a bad sample `got` has the one that the rule names, drawn anew; all else is the
 * same. The number of places where that was so. */
static int64_t seen_check(const struct seen *good, const struct seen *got, const bool *bad) {
    int64_t replaced = 0;
    for (int64_t step = 0; step < SEEN_STEPS; step++)
        for (int64_t k = 0; k < SEEN_BATCH; k++) {
            if (bad[good->sample[step][k]]) {
                replaced++;
                CHECK_INT(got->sample[step][k], seen_stand_in(good->sample[step], k, bad));
                for (int64_t i = 0; i < SEEN_BATCH; i++)
                    CHECK(i == k || got->hash[step][i] != got->hash[step][k]);
            } else {
                CHECK_INT(got->sample[step][k], good->sample[step][k]);
                CHECK(got->hash[step][k] == good->hash[step][k]);
            }
        }
    return replaced;
}
