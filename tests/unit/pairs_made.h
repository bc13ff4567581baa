/* Small folders of mined pairs for tests, and a set of pictures for them. */
#pragma once

#include "base/file.h"
#include "base/rng.h"
#include "data/pairs.h"
#include "data/pairs_write.h"
#include "data/rle.h"
#include "data/set.h"
#include "tests/test.h"

enum { MADE_H = 90, MADE_W = 120, MADE_BLOCK = 2 };

/* A pair as a test writes it; its mask is a disc that depends on image and proposal. */
struct made {
    int64_t image, caption;
    const char *noun;
    float score;
    int64_t proposal;
};

static inline int64_t made_id(int64_t image) { return 1000 + 7 * image; }

static inline void made_disc(int64_t image, int64_t proposal, struct mask *m) {
    int64_t cy = 30 + 5 * proposal % 31, cx = 40 + 11 * image % 37, r = 12 + 3 * proposal % 17;
    CHECK_OK(mask_alloc(m, MADE_H, MADE_W));
    for (int64_t y = 0; y < MADE_H; y++)
        for (int64_t x = 0; x < MADE_W; x++)
            m->at[y * MADE_W + x] = (y - cy) * (y - cy) + (x - cx) * (x - cx) < r * r;
}

/* Pairs in order, MADE_BLOCK images a shard, in test_dir()/name; its path, owned. */
static inline char *make_pairs(const char *name, const struct made *at, size_t n) {
    static struct pairs_source source = {{"aaaa", "bbbb", "cccc", "dddd"}};
    char *dir = test_path(name);
    int64_t shards = n ? at[n - 1].image / MADE_BLOCK + 1 : 1;
    CHECK_OK(dir_make(dir));
    size_t i = 0;
    for (int64_t k = 0; k < shards; k++) {
        struct pairs_shard s;
        pairs_shard_open(&s, dir, k, k * MADE_BLOCK, MADE_BLOCK, &source);
        for (; i < n && at[i].image / MADE_BLOCK == k; i++) {
            struct mask m;
            struct bytes packed;
            made_disc(at[i].image, at[i].proposal, &m);
            struct pair p = {.image = at[i].image,
                             .image_id = made_id(at[i].image),
                             .caption = at[i].caption,
                             .caption_id = 5000 + at[i].caption,
                             .proposal = at[i].proposal,
                             .similarity = at[i].score,
                             .margin = 0.01F,
                             .h = MADE_H,
                             .w = MADE_W,
                             .area = mask_area(&m)};
            CHECK(mask_box(&m, &p.box));
            CHECK_OK(rle_pack(&m, &packed));
            pairs_shard_add(&s, &p, at[i].noun, packed.at, packed.n);
            bytes_free(&packed);
            mask_free(&m);
        }
        CHECK_OK(pairs_shard_commit(&s));
        pairs_shard_drop(&s);
    }
    CHECK_OK(pairs_manifest(dir, shards, &source));
    return dir;
}

/* Pictures of noise on slopes, whose colours are nowhere the one of the fill. */
static inline void made_picture(int64_t image, struct image *im) {
    struct rng r = rng_stream(7, "made", (uint64_t)image);
    CHECK_OK(image_alloc(im, MADE_H, MADE_W, 3));
    for (int64_t i = 0; i < MADE_H * MADE_W; i++) {
        im->at[3 * i] = (uint8_t)(180 + rng_below(&r, 60));
        im->at[3 * i + 1] = (uint8_t)(i / MADE_W + rng_below(&r, 20));
        im->at[3 * i + 2] = (uint8_t)(40 + i % MADE_W / 2 + image);
    }
}

/* test_dir()/name with n of them; its path, owned. */
static inline char *make_set(const char *name, int64_t n) {
    char *path = test_path(name);
    struct set_writer w;
    CHECK_OK(set_create(&w, path, &(struct set_info){.ignore = 255, .config_hash = ""}));
    for (int64_t i = 0; i < n; i++) {
        struct image im;
        struct bytes png;
        made_picture(i, &im);
        CHECK_OK(image_encode_png(&im, &png));
        CHECK_OK(set_add(
            &w, &(struct set_item){
                    .id = made_id(i), .h = MADE_H, .w = MADE_W, .bytes = png.at, .n = png.n}));
        bytes_free(&png);
        image_free(&im);
    }
    CHECK_OK(set_finish(&w));
    set_drop(&w);
    return path;
}
