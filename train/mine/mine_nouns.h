/* The nouns of the captions that are mined, and the table of all different ones. */
#pragma once

#include "base/problems.h"
#include "data/dataset.h"

struct node; /* train/run/graph.h */

struct caption_nouns {
    int64_t *at; /* [n] rows of the table, rising; a noun counts once a caption */
    size_t n;
};

struct mine_nouns {
    struct strings noun;      /* the table, sorted */
    struct caption_nouns *of; /* [n_captions]: empty for captions that are not used */
    int64_t n_captions;
};

/* The settings nouns.* that name a file, then NULL: a mine stage's `files`. */
extern const char *const mine_nouns_files[];
void mine_nouns_check(const struct node *n, struct problems *p);
/* Reads the files that the nouns are found by, before hours go into what comes first. */
int mine_nouns_check_inputs(const struct node *n);

/* Of the first `captions` captions of each of the first n_images images, as the settings nouns.* of
 * the node say; a parser a thread, and a result that does not depend on their number. ERR_DATA when
 * there is no noun at all. */
int mine_nouns_find(struct mine_nouns *t, const struct dataset *d, int64_t n_images,
                    int64_t captions, const struct node *n, int threads);
void mine_nouns_free(struct mine_nouns *t);
