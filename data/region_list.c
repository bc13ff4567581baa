#include "data/region_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/resize.h"
#include "data/rle.h"

/* The first region of this mask, or n: masks of one area and box are compared by their bytes. */
static size_t find_same(const struct region_list *l, const struct packed_region *r,
                        const void *packed) {
    for (size_t i = 0; i < l->n; i++) {
        const struct packed_region *p = &l->at[i];
        if (p->same == i && p->area == r->area && p->n == r->n &&
            !memcmp(l->bytes.at + p->at, packed, r->n))
            return i;
    }
    return l->n;
}

int region_list_add_packed(struct region_list *l, int64_t id, const void *packed, size_t n,
                           int64_t h, int64_t w) {
    struct packed_region r = {.id = id, .at = l->bytes.n, .n = n};
    if (l->h && (h != l->h || w != l->w))
        return error_set(ERR_DATA, "a mask of %lld x %lld among masks of %lld x %lld", (long long)w,
                         (long long)h, (long long)l->w, (long long)l->h);
    if (rle_measure(packed, n, h, w, &r.area, &r.box)) return error_status();
    if (!r.area) return 0;
    if (l->n == REGIONS_MAX)
        return error_set(ERR_DATA, "more than %d masks of one picture", REGIONS_MAX);
    r.same = find_same(l, &r, packed);
    if (r.same < l->n)
        r.at = l->at[r.same].at;
    else
        str_put(&l->bytes, packed, n);
    l->h = h;
    l->w = w;
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] = r;
    return 0;
}

int region_list_add(struct region_list *l, int64_t id, const struct mask *m) {
    struct bytes packed;
    int status = rle_pack(m, &packed);
    if (!status) status = region_list_add_packed(l, id, packed.at, packed.n, m->h, m->w);
    bytes_free(&packed);
    return status;
}

int region_list_mask(const struct region_list *l, size_t i, struct mask *out) {
    REQUIRE(i < l->n, "region %zu of %zu", i, l->n);
    return rle_unpack(l->bytes.at + l->at[i].at, l->at[i].n, l->h, l->w, out);
}

int region_list_lines(const struct region_list *l, size_t i, int64_t y, int64_t n, uint8_t *out) {
    REQUIRE(i < l->n, "region %zu of %zu", i, l->n);
    return rle_unpack_rows(l->bytes.at + l->at[i].at, l->at[i].n, l->h, l->w, y, n, out);
}

int64_t region_list_rows(const struct region_list *l, int64_t min_area, int64_t first,
                         int64_t *row) {
    for (size_t k = 0; k < l->n; k++)
        row[k] = l->at[k].area < min_area ? -1 : l->at[k].same == k ? first++ : row[l->at[k].same];
    return first;
}

void region_list_free(struct region_list *l) {
    free(l->at);
    str_free(&l->bytes);
    *l = (struct region_list){0};
}

int region_list_resize(struct region_list *l, int64_t h, int64_t w) {
    struct region_list to = {0};
    int status = 0;
    if (!l->n || (l->h == h && l->w == w)) return 0;
    for (size_t i = 0; !status && i < l->n; i++) {
        struct mask from = {0}, m = {0};
        status = region_list_mask(l, i, &from);
        if (!status) status = mask_resize(&from, h, w, &m);
        if (!status) status = region_list_add(&to, l->at[i].id, &m);
        mask_free(&from);
        mask_free(&m);
    }
    if (!status) {
        struct region_list old = *l;
        *l = to;
        to = old;
    }
    region_list_free(&to);
    return status;
}
