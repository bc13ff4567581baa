#include "data/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

int mask_alloc(struct mask *m, int64_t h, int64_t w) {
    REQUIRE(h > 0 && w > 0, "a mask of %lld x %lld", (long long)h, (long long)w);
    *m = (struct mask){.h = h, .w = w, .at = mem_try((size_t)h, (size_t)w)};
    if (m->at) return 0;
    *m = (struct mask){0};
    return error_status();
}

void mask_free(struct mask *m) {
    free(m->at);
    *m = (struct mask){0};
}

int64_t mask_area(const struct mask *m) {
    int64_t n = 0;
    for (int64_t i = 0; i < m->h * m->w; i++) n += m->at[i] != 0;
    return n;
}

bool mask_box(const struct mask *m, struct box *out) {
    struct box b = {m->w, m->h, 0, 0};
    for (int64_t y = 0; y < m->h; y++) {
        const uint8_t *row = m->at + y * m->w;
        int64_t first = 0, last = m->w - 1;
        while (first < m->w && !row[first]) first++;
        if (first == m->w) continue;
        while (!row[last]) last--;
        if (first < b.x0) b.x0 = first;
        if (last + 1 > b.x1) b.x1 = last + 1;
        if (y < b.y0) b.y0 = y;
        b.y1 = y + 1;
    }
    *out = b.y1 ? b : (struct box){0};
    return b.y1 > 0;
}
