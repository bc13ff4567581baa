/* Binary masks in host memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mask {
    int64_t h, w;
    uint8_t *at; /* [h, w]: 0 or 1 */
};

/* x0 <= x < x1, y0 <= y < y1 */
struct box {
    int64_t x0, y0, x1, y1;
};

int mask_alloc(struct mask *m, int64_t h, int64_t w); /* zeroed; ERR_INTERNAL */
void mask_free(struct mask *m);

int64_t mask_area(const struct mask *m);              /* pixels that are set */
bool mask_box(const struct mask *m, struct box *out); /* the tight box; false when nothing is set */
