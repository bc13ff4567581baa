/* The masks of a picture, packed (data/rle.h): what a hundred proposals of a large picture leave in
 * memory is about 100 kB, not 30 MB. */
#pragma once

#include "base/mem.h"
#include "data/mask.h"

enum { REGIONS_MAX = 1 << 16 }; /* of a picture */

struct packed_region {
    int64_t id;     /* which proposal, class or entry of a file */
    int64_t area;   /* pixels, at least 1 */
    struct box box; /* tight */
    size_t at, n;   /* its packed mask in `bytes` */
    size_t same;    /* the first region with this very mask; itself when there is none before */
};

struct region_list {
    int64_t h, w; /* of every mask; 0 as long as there is none */
    struct packed_region *at;
    size_t n, cap;
    struct str bytes;
};

/* Appends a mask; one without a pixel is passed over. ERR_DATA: too many, or of another size than
 * those before. */
int region_list_add(struct region_list *l, int64_t id, const struct mask *m);
/* The same of a mask that is packed already, by `same` or a file; it is checked. */
int region_list_add_packed(struct region_list *l, int64_t id, const void *packed, size_t n,
                           int64_t h, int64_t w);
int region_list_mask(const struct region_list *l, size_t i, struct mask *out);
/* Rows y .. y + n - 1 of it, [n, w] of the caller's. */
int region_list_lines(const struct region_list *l, size_t i, int64_t y, int64_t n, uint8_t *out);
void region_list_free(struct region_list *l);

/* All masks at another size, by torch's nearest; those that vanish are left out. */
int region_list_resize(struct region_list *l, int64_t h, int64_t w);

/* Numbers from `first` on for the masks of at least min_area pixels, equal masks sharing one: row
 * [n], -1 for the smaller ones. Returns the next number. */
int64_t region_list_rows(const struct region_list *l, int64_t min_area, int64_t first,
                         int64_t *row);
