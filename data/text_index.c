#include "data/text_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static size_t length(const struct text_index *t, size_t i) { return t->at[i + 1] - t->at[i] - 1; }

/* The slot of a text, or the free one where it belongs. */
static size_t slot_of(const struct text_index *t, const char *s, size_t n) {
    size_t mask = t->n_slots - 1, i = hash_bytes(s, n) & mask;
    for (; t->slot[i]; i = (i + 1) & mask) {
        size_t k = t->slot[i] - 1;
        if (length(t, k) == n && !memcmp(t->text.at + t->at[k], s, n)) break;
    }
    return i;
}

static void make_room(struct text_index *t) {
    t->at = mem_grow(t->at, &t->cap, t->n + 2, sizeof *t->at);
    if (!t->n) t->at[0] = 0;
    if (t->n_slots && t->n < t->n_slots / 2) return;
    t->n_slots = t->n_slots ? 2 * t->n_slots : 64;
    free(t->slot);
    t->slot = mem_alloc(t->n_slots, sizeof *t->slot);
    for (size_t i = 0; i < t->n; i++)
        t->slot[slot_of(t, t->text.at + t->at[i], length(t, i))] = (uint32_t)i + 1;
}

size_t text_index_add(struct text_index *t, const char *s, size_t n) {
    make_room(t);
    size_t i = slot_of(t, s, n);
    if (t->slot[i]) return t->slot[i] - 1;
    if (t->n == TEXT_INDEX_MAX || n >= TEXT_INDEX_BYTES - t->text.n) return TEXT_INDEX_NONE;
    str_put(&t->text, s, n);
    str_put(&t->text, "", 1);
    t->at[t->n + 1] = (uint32_t)t->text.n;
    t->slot[i] = (uint32_t)++t->n;
    return t->n - 1;
}

size_t text_index_find(const struct text_index *t, const char *s, size_t n) {
    if (!t->n) return TEXT_INDEX_NONE;
    size_t i = slot_of(t, s, n);
    return t->slot[i] ? t->slot[i] - 1 : TEXT_INDEX_NONE;
}

const char *text_index_at(const struct text_index *t, size_t i) { return t->text.at + t->at[i]; }

void text_index_free(struct text_index *t) {
    str_free(&t->text);
    free(t->at);
    free(t->slot);
    *t = (struct text_index){0};
}
