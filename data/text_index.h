/* Texts and their numbers: the first that is added is 0, the next other one 1, ... All texts lie
 * behind each other in one block, so that a million short ones cost a few allocations. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum { TEXT_INDEX_MAX = 1 << 24 };         /* texts */
#define TEXT_INDEX_NONE ((size_t)-1)       /* not there */
#define TEXT_INDEX_BYTES ((size_t)1 << 30) /* of all of them */

struct text_index {
    struct str text; /* each with a NUL behind it */
    uint32_t *at;    /* [n + 1]: where each begins */
    size_t n, cap;
    uint32_t *slot; /* number + 1, 0: free */
    size_t n_slots; /* a power of two, at most half of them taken */
};

/* The number of a text, which is added when it is new; TEXT_INDEX_NONE and no error set when there
 * is no room for it. Any bytes but NUL. */
size_t text_index_add(struct text_index *t, const char *s, size_t n);
size_t text_index_find(const struct text_index *t, const char *s, size_t n);
const char *text_index_at(const struct text_index *t, size_t i);
void text_index_free(struct text_index *t);
