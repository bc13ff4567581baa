/* What `ovseg segment` says on stdout. */
#pragma once

#include <stdio.h>

#include "train/pictures/picture_json.h"

/* Over all pictures of a command. */
struct picture_totals {
    int64_t K, *pixels, *pictures; /* [K] of each name */
    int64_t all, unlabelled;       /* pixels */
    size_t done, before;           /* pictures: segmented, found done */
};

void picture_totals_open(struct picture_totals *t, int64_t K);
void picture_totals_free(struct picture_totals *t);
void picture_totals_add(struct picture_totals *t, const struct picture_found *f);

/* hidden [K]: names that are not listed (those of --background); NULL: none. */
void picture_print(FILE *to, const char *picture, const struct picture_found *f,
                   const struct vocabulary *v, const bool *hidden);
/* damaged: pictures that could not be read. */
void picture_totals_print(FILE *to, const struct picture_totals *t, size_t damaged,
                          const struct vocabulary *v, const bool *hidden);
