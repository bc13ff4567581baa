/* The nouns of the captions that are mined, and the table of all different ones. */
#pragma once

#include "data/dataset.h"

struct caption_nouns {
    int64_t *at; /* [n] rows of the table, rising; a noun counts once a caption */
    size_t n;
};

struct mine_nouns {
    struct strings noun;      /* the table, sorted */
    struct caption_nouns *of; /* [n_captions]: empty for captions that are not used */
    int64_t n_captions;
};

/* Of the first `captions` captions of each of the first n_images images; a parser a thread, and a
 * result that does not depend on their number. Words of the file stop_list (NULL: none) are no
 * nouns. ERR_DATA when there is no noun at all. */
int mine_nouns_find(struct mine_nouns *t, const struct dataset *d, int64_t n_images,
                    int64_t captions, const char *stop_list, int threads);
void mine_nouns_free(struct mine_nouns *t);
