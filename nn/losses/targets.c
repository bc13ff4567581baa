#include "nn/losses/targets.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

enum { LABELS = UINT16_MAX + 1 };

/* One map, padded; seen[label]: it has pixels. */
static void copy_map(struct mask_targets *t, int32_t *to, const uint16_t *from, int64_t h,
                     int64_t w, uint16_t ignore, bool *seen) {
    for (int64_t i = 0; i < t->H * t->W; i++) to[i] = -1;
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            uint16_t label = from[y * w + x];
            if (label == ignore) continue;
            to[y * t->W + x] = label;
            seen[label] = true;
        }
}

/* Lists the targets of image b by label, then by plane; seen: [planes, LABELS], cleared. */
static void list_targets(struct mask_targets *t, int64_t b, bool *seen, size_t *cap) {
    for (int64_t label = 0; label < LABELS; label++)
        for (int64_t p = 0; p < t->planes; p++) {
            if (!seen[p * LABELS + label]) continue;
            seen[p * LABELS + label] = false;
            size_t room = *cap;
            t->label = mem_grow(t->label, &room, (size_t)t->n + 1, sizeof *t->label);
            t->row = mem_grow(t->row, cap, (size_t)t->n + 1, sizeof *t->row);
            t->label[t->n] = label;
            t->row[t->n++] = p * t->B + b;
        }
    t->first[b + 1] = t->n;
    int64_t here = t->n - t->first[b];
    if (here > t->most) t->most = here;
}

int mask_targets_planes(struct mask_targets *t, int64_t planes, const uint16_t *maps, int64_t B,
                        int64_t h, int64_t w, int64_t divisor, uint16_t ignore) {
    REQUIRE(planes > 0 && B > 0 && h > 0 && w > 0 && divisor > 0, "label maps [%ld, %ld, %ld, %ld]",
            (long)planes, (long)B, (long)h, (long)w);
    *t = (struct mask_targets){.planes = planes, .B = B};
    t->H = (h + divisor - 1) / divisor * divisor;
    t->W = (w + divisor - 1) / divisor * divisor;
    size_t pixels;
    if (!size_mul((size_t)(planes * B), (size_t)t->H, &pixels) ||
        !size_mul(pixels, (size_t)t->W, &pixels))
        return error_set(ERR_INTERNAL, "label maps [%ld, %ld, %ld, %ld] are too large",
                         (long)planes, (long)B, (long)t->H, (long)t->W);
    t->map = mem_try(pixels, sizeof *t->map);
    if (!t->map) return error_status();
    t->first = mem_alloc((size_t)B + 1, sizeof *t->first);
    bool *seen = mem_alloc((size_t)planes * LABELS, sizeof *seen);
    size_t cap = 0;
    for (int64_t b = 0; b < B; b++) {
        for (int64_t p = 0; p < planes; p++)
            copy_map(t, t->map + (p * B + b) * t->H * t->W, maps + (p * B + b) * h * w, h, w,
                     ignore, seen + p * LABELS);
        list_targets(t, b, seen, &cap);
    }
    free(seen);
    return 0;
}

int mask_targets_init(struct mask_targets *t, const uint16_t *maps, int64_t B, int64_t h, int64_t w,
                      int64_t divisor, uint16_t ignore) {
    return mask_targets_planes(t, 1, maps, B, h, w, divisor, ignore);
}

void mask_targets_free(struct mask_targets *t) {
    free(t->first);
    free(t->label);
    free(t->row);
    free(t->map);
    *t = (struct mask_targets){0};
}

int mask_targets_check(const struct mask_targets *t, int64_t K) {
    for (int64_t b = 0; b < t->B; b++)
        for (int64_t i = t->first[b]; i < t->first[b + 1]; i++)
            if (t->label[i] >= K)
                return error_set(ERR_DATA,
                                 "label %ld of image %ld of the batch: there are %ld classes",
                                 (long)t->label[i], (long)b, (long)K);
    return 0;
}
