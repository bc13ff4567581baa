/* The columns of a shard, for its writer and its reader. */
#pragma once

#include <stddef.h>

#include "data/pairs.h"

#define PAIRS_FORMAT "ovseg pairs"
#define PAIRS_MANIFEST "manifest.json"
enum { PAIRS_VERSION = 1, PAIRS_INTEGERS = 9, PAIRS_REALS = 2 };

/* An integer column is one or several neighbouring int64_t of struct pair. */
struct pairs_column {
    const char *name;
    size_t offset;
    uint64_t cols; /* 0: one axis */
};
extern const struct pairs_column pairs_integers[PAIRS_INTEGERS];
extern const struct pairs_column pairs_reals[PAIRS_REALS]; /* float */

char *pairs_shard_path(const char *dir, int64_t k); /* owned */
/* 0 when the attributes of a shard are those of `source`, else ERR_DATA. */
int pairs_check_source(const struct h5_in *f, const struct pairs_source *source);
int pairs_load_block(const struct h5_in *f, int64_t *first, int64_t *n_images);
/* By image, caption and noun. */
int pairs_compare(const struct pair *a, const struct pair *b);
