/* Which mask a noun gets: the one that CLIP finds most like it (reference-spec 7.1). What the paper
 * leaves open is a setting: whether one mask may serve several nouns, what becomes of a noun that
 * several captions of a picture name, and what is too unlike to count.
 *
 * M candidates, N nouns, D length of features. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A noun's candidate; -1: it gets none. */
struct noun_match {
    int64_t candidate;
    float similarity; /* cosine */
    float margin;     /* to the best of the other masks, 0 without any; below 0: that one went to
                         another noun */
};

/* text: [N] pointers to [D]; crop: [M] pointers to [D], all of unit length; candidates of one
 * pointer are one mask. The first of equals wins. `share`: every noun gets the best; otherwise
 * masks go, the greatest cosine first, to one noun each. */
void nouns_match(const float *const *text, size_t N, const float *const *crop, size_t M, int64_t D,
                 bool share, struct noun_match *out);
