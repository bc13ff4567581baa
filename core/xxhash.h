/* xxHash's interface, as far as base/hash.c needs it, over FNV-1a: other values than xxHash's. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    uint64_t value;
} XXH3_state_t;

static inline void XXH3_64bits_reset(XXH3_state_t *s) { s->value = 0xCBF29CE484222325U; }

static inline void XXH3_64bits_update(XXH3_state_t *s, const void *p, size_t n) {
    const unsigned char *at = (const unsigned char *)p;
    for (size_t i = 0; i < n; i++) s->value = (s->value ^ at[i]) * 0x100000001B3U;
}

static inline uint64_t XXH3_64bits_digest(const XXH3_state_t *s) { return s->value; }
static inline XXH3_state_t *XXH3_createState(void) {
    return (XXH3_state_t *)calloc(1, sizeof(XXH3_state_t));
}
static inline void XXH3_freeState(XXH3_state_t *s) { free(s); }

static inline uint64_t XXH3_64bits(const void *p, size_t n) {
    XXH3_state_t s;
    XXH3_64bits_reset(&s);
    XXH3_64bits_update(&s, p, n);
    return XXH3_64bits_digest(&s);
}
