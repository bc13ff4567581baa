/* Captions of pictures that are known by the names of their files.
 *
 * NAME.json: COCO's form (data/coco.h). NAME.jsonl: a JSON object a line,
 *
 *     {"image": "000000000009.jpg", "captions": ["a cat", "the cat"], "ids": [7, 8]}
 *
 * or "caption" with one text; "ids" may be missing, then captions are numbered. Suffixes and
 * folders of names do not count. */
#pragma once

#include "base/hash.h"
#include "data/dataset.h"

/* Gives the pictures of `d`, which have names in rising order and no captions, theirs: by id.
 * Captions of other pictures are counted in a log line. ERR_MISSING, or ERR_DATA with the line.
 * What was read goes into `hash`. */
int captions_attach(struct dataset *d, const char *path, struct hasher *hash);
