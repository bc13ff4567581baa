/* Binary masks as run lengths.
 *
 *   packed    ours, for pairs files: runs in row-major order, clear pixels first, each a varint
 *             (7 bits a byte, low bits first); a mask of 500 x 500 takes about 1 kB
 *   counts    COCO's: runs in column-major order, clear pixels first
 *   string    COCO's "compressed" counts: differences to the run two back, 5 bits a character
 *
 * Whatever comes from a file is checked: runs must add up to h * w exactly. Such errors are
 * ERR_DATA without a file name; the caller adds it by error_context().
 */
#pragma once

#include "base/mem.h"
#include "data/mask.h"

int rle_pack(const struct mask *m, struct bytes *out);
/* The next two runs of a packed mask: clear pixels, 0 only at its start, and set ones, 0 only at
 * its end. */
void rle_append(struct str *packed, int64_t clear, int64_t set);
int rle_unpack(const void *packed, size_t n, int64_t h, int64_t w, struct mask *out);
/* Rows y .. y + rows - 1 of it alone, [rows, w] of the caller's; the runs behind them are not
 * looked at. */
int rle_unpack_rows(const void *packed, size_t n, int64_t h, int64_t w, int64_t y, int64_t rows,
                    uint8_t *out);

/* Area and tight box without making the mask; an empty mask has the box of zeros. */
int rle_measure(const void *packed, size_t n, int64_t h, int64_t w, int64_t *area, struct box *box);

struct coco_rle {
    int64_t h, w;
    uint32_t *count;
    size_t n, cap;
};
void coco_rle_free(struct coco_rle *r);

void coco_rle_add(struct coco_rle *r, uint32_t count);
int coco_rle_encode(const struct mask *m, struct coco_rle *out);
int coco_rle_decode(const struct coco_rle *r, struct mask *out);

/* The string's counts; h and w, which it does not hold, are left 0 for the caller. */
int coco_rle_parse(const char *s, size_t n, struct coco_rle *out);
void coco_rle_print(const struct coco_rle *r, struct str *out);

/* Sets the pixels of runs [count, n] in `into`, whose size they must fit. */
int coco_rle_fill(const uint32_t *count, size_t n, struct mask *into);
