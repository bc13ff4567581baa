/* The targets for libFuzzer: OVSEG_FUZZ=yaml tests/fuzz/libfuzzer -max_total_time=60 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max); /* libFuzzer's own */

static const struct fuzz_target *target;
static struct corpus seeds;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *name = getenv("OVSEG_FUZZ");
    target = fuzz_find(name ? name : "(OVSEG_FUZZ)");
    if (!target) exit(64);
    fuzz_dir();
    atexit(fuzz_dir_remove);
    target->seeds(&seeds);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    uint8_t *sealed = mem_alloc(n, 1);
    if (n) memcpy(sealed, data, n);
    if (target->seal && n % 4) target->seal(sealed, n);
    fuzz_one(target, sealed, n);
    free(sealed);
    return 0;
}

/* Brings the seeds in, now and then, so that no folder of them is needed. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed) {
    struct rng r = rng_stream(seed, "libfuzzer", 0);
    if (!rng_chance(&r, 0.02)) return LLVMFuzzerMutate(data, n, max);
    const struct bytes *b = &seeds.at[rng_below(&r, (int64_t)seeds.n)];
    n = b->n < max ? b->n : max;
    memcpy(data, b->at, n);
    return n;
}
