/* What CLIP's loaders make of a picture, against Pillow: tests/golden/make_clip_parts.py. */
#include "data/clip_picture.h"

#include "base/hash.h"
#include "base/rng.h"
#include "data/region.h"
#include "tests/test.h"

static void source(int64_t h, int64_t w, struct image *im, struct mask *m) {
    CHECK_OK(image_alloc(im, h, w, 3));
    CHECK_OK(mask_alloc(m, h, w));
    for (int64_t i = 0; i < h * w; i++) {
        int64_t y = i / w, x = i % w;
        m->at[i] = (y / 7 + x / 9) % 3 != 0;
        for (int64_t c = 0; c < 3; c++)
            im->at[3 * i + c] = (uint8_t)((uint32_t)(3 * i + c) * 2654435761U >> 20);
        if (!m->at[i] || x % 31 == 0) memcpy(im->at + 3 * i, (const uint8_t[]){124, 116, 103}, 3);
    }
}

/* One line of the file. */
struct expected {
    char kind[8], pixels[17], colour[17], truth[17];
    long long h, w, side, number, x0, y0, x1, y1;
};

static void check_hash(const struct expected *e, const char *what, const void *at, int64_t n,
                       const char *want) {
    char hex[17];
    hash_hex(hash_bytes(at, (size_t)n), hex);
    if (strcmp(hex, want) != 0)
        test_fail(__FILE__, __LINE__, "%s %lld x %lld to %lld, number %lld: %s differs", e->kind,
                  e->w, e->h, e->side, e->number, what);
}

static void check_train(const struct expected *e, const struct image *im, const struct mask *m) {
    const struct crop_range range = {0.9, 1, 0.75, 4 / 3.0};
    struct rng r = rng_stream(13, "crop", (uint64_t)e->number);
    struct box part = crop_draw(&r, im->h, im->w, &range);
    CHECK_INT(part.x0, e->x0);
    CHECK_INT(part.y0, e->y0);
    CHECK_INT(part.x1, e->x1);
    CHECK_INT(part.y1, e->y1);
    struct image out;
    int64_t n = e->side * e->side;
    uint8_t *mask = mem_alloc((size_t)n, 1);
    CHECK_OK(clip_picture_part(im, NULL, part, e->side, &out, mask));
    check_hash(e, "the picture", out.at, 3 * n, e->pixels);
    check_hash(e, "the mask of its colours", mask, n, e->colour);
    image_free(&out);
    CHECK_OK(clip_picture_part(im, m, part, e->side, &out, mask));
    check_hash(e, "the picture with its mask", out.at, 3 * n, e->pixels);
    check_hash(e, "the true mask", mask, n, e->truth);
    image_free(&out);
    CHECK_OK(clip_picture_part(im, m, part, e->side, &out, NULL));
    check_hash(e, "the picture alone", out.at, 3 * n, e->pixels);
    image_free(&out);
    free(mask);
}

static void check_validation(const struct expected *e, const struct image *im) {
    struct image out;
    int64_t n = e->side * e->side;
    uint8_t *mask = mem_alloc((size_t)n, 1);
    CHECK_OK(clip_picture(im, e->side, &out));
    check_hash(e, "the picture", out.at, 3 * n, e->pixels);
    clip_picture_mask(&out, mask);
    check_hash(e, "the mask of its colours", mask, n, e->colour);
    image_free(&out);
    free(mask);
}

TEST(crops_middles_and_masks_equal_those_of_pillow_with_the_same_draws) {
    char *path = test_source("tests/golden/clip_parts.txt");
    FILE *f = fopen(path, "r");
    CHECK(f);
    struct expected e;
    int n = 0;
    for (;
         fscanf(f, "%7s %lld %lld %lld %lld %lld %lld %lld %lld %16s %16s %16s", e.kind, &e.h, &e.w,
                &e.side, &e.number, &e.x0, &e.y0, &e.x1, &e.y1, e.pixels, e.colour, e.truth) == 12;
         n++) {
        struct image im;
        struct mask m;
        source(e.h, e.w, &im, &m);
        if (strcmp(e.kind, "train") == 0)
            check_train(&e, &im, &m);
        else
            check_validation(&e, &im);
        image_free(&im);
        mask_free(&m);
    }
    fclose(f);
    free(path);
    CHECK_INT(n, 58);
}
