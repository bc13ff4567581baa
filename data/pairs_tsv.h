/* Mask-noun pairs in the reference's form (reference-spec 7.2): a table of pictures and texts, and
 * pictures that are masked crops already, their background the one colour from which the mask is
 * recovered (7.3). Read as pandas reads it: a line of names, then a line a pair; a field may be
 * "quoted", with "" for a quote; empty lines do not count. Writing: pairs_export.h.
 */
#pragma once

#include <stdint.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/options.h"

struct pairs_tsv {
    int64_t n;
    char **file;          /* [n]: where the pictures are */
    int64_t *text;        /* [n]: rows of `texts` */
    struct strings texts; /* sorted, each once */
};

/* Paths that are not absolute start at the folder of the table. ERR_MISSING; ERR_DATA with the
 * line: columns that are not there, lines of another length, empty fields, quotes without an end.
 */
int pairs_tsv_open(struct pairs_tsv *t, const char *path, const struct pairs_options *o);
/* The same of a text; `name` stands in messages, and its folder is where paths start. */
int pairs_tsv_parse(struct pairs_tsv *t, const char *name, const char *text, size_t n,
                    const struct pairs_options *o);
void pairs_tsv_close(struct pairs_tsv *t);

/* Picture i, a random part of it resized to side x side, and then its mask: what differs from
 * (124, 116, 103) (reference-spec 6.2, "MPT"). pixels [side, side, 3], mask [side, side]. ERR_DATA,
 * ERR_MISSING name the file. */
int pairs_tsv_crop(const struct pairs_tsv *t, int64_t i, struct rng *r,
                   const struct crop_options *crop, int64_t side, uint8_t *pixels, uint8_t *mask);
