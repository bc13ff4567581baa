/* CLIP's text tower over many texts at once, without padding: every product takes the tokens of all
 * texts, whatever their lengths, and texts that begin alike share the keys and values of that
 * start. Equal to clip_text_encode within 1e-6: sums are taken in another order. A text's feature
 * does not depend on the other texts beyond rounding. Without gradients.
 *
 * N texts, P tokens of a start, H heads, D a head's width.
 */
#pragma once

#include "nn/models/clip_text.h"

/* Starts of texts, encoded: of "a photo of a {}." what stands before the name. {0}: none. */
struct clip_starts {
    int64_t n, columns, layers;
    int64_t *length; /* [n]: P */
    int64_t *ids;    /* [n, columns] */
    tensor **key;    /* [n * layers]: [H, P, D] each, held */
    tensor **value;
};

/* ids: [n, columns] token ids, zeros behind each start, which has no end token. 0 or the pending
 * error; free it in any case. */
int clip_starts_open(struct clip_starts *s, const struct clip_text *t, const int64_t *ids,
                     int64_t n, int64_t columns);
void clip_starts_free(struct clip_starts *s);

/* ids: [n, columns] as clip_text_encode takes them -> [N, features] f32, not normalized. Each text
 * is behind the longest start that it begins with.
 *
 * The rows of all products are filled up to multiples of `tile`, 1: not. Where the threads of a
 * product then share them out in whole blocks, a text has the same bits whatever stands beside it:
 * so at 1024 with one and two threads on a processor with AVX-512; nobody promises it. */
tensor *clip_text_encode_packed(const struct clip_text *t, const struct clip_starts *s,
                                const int64_t *ids, int64_t n, int64_t columns, int64_t tile);
