/* Of data/image.h, what no image library is needed for. */
#include <stdlib.h>

#include "base/error.h"
#include "data/image.h"

static void *pixels(int64_t h, int64_t w, int64_t c, size_t size) {
    size_t n;
    REQUIRE(h > 0 && w > 0 && c > 0, "an image of %lld x %lld x %lld", (long long)h, (long long)w,
            (long long)c);
    if (!size_mul((size_t)h, (size_t)w, &n) || !size_mul(n, (size_t)c, &n)) {
        error_set(ERR_INTERNAL, "an image of %lld x %lld pixels does not fit in memory",
                  (long long)w, (long long)h);
        return NULL;
    }
    return mem_try(n, size);
}

int image_alloc(struct image *im, int64_t h, int64_t w, int64_t c) {
    *im = (struct image){.h = h, .w = w, .c = c, .at = pixels(h, w, c, sizeof *im->at)};
    if (im->at) return 0;
    *im = (struct image){0};
    return error_status();
}

void image_free(struct image *im) {
    free(im->at);
    *im = (struct image){0};
}

int labels_alloc(struct labels *l, int64_t h, int64_t w) {
    *l = (struct labels){.h = h, .w = w, .at = pixels(h, w, 1, sizeof *l->at)};
    if (l->at) return 0;
    *l = (struct labels){0};
    return error_status();
}

void labels_free(struct labels *l) {
    free(l->at);
    *l = (struct labels){0};
}
