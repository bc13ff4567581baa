/* The text bank (DESIGN 5): features of texts under one text tower, tokenizer and set of templates,
 * kept in a file so that they are computed once. The key is a text that names all that the features
 * depend on but the text itself; its hash names the file. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct text_bank {
    char *path, *key;
    int64_t n, d;        /* texts, width of a feature */
    struct strings text; /* [n] */
    float *at;           /* [n, d] */
    bool changed;        /* since it was opened or saved */
    size_t cap, n_slots;
    int64_t *slot; /* [n_slots]: row + 1, 0: free; open addressing by the hash of the text */
};

char *text_bank_file(const char *dir, const char *key); /* where it lies, owned */

/* The bank of `key` in folder `dir`; empty when there is none yet. ERR_DATA: the file is damaged or
 * belongs to another key or width. */
int text_bank_open(struct text_bank *b, const char *dir, const char *key, int64_t d);
void text_bank_close(struct text_bank *b); /* does not save */

int64_t text_bank_find(const struct text_bank *b, const char *text); /* row, or -1 */
/* Adds one, or returns the row that it has; a row never changes while the bank is open. */
int64_t text_bank_add(struct text_bank *b, const char *text, const float *feature /* [d] */);

/* Atomic; nothing to do when nothing was added. Texts are sorted in the file, so that equal
 * contents are equal bytes in whatever order they came. ERR_IO. */
int text_bank_save(struct text_bank *b);
