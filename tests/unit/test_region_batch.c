#include "eval/region_batch.h"

#include "base/rng.h"
#include "eval/regions.h"
#include "eval/segment.h"
#include "tests/formula.h"
#include "tests/torch.h"

enum { H = 40, W = 56, SIDE = 32, D = 24, DISTINCT = 9, BATCH = 4 };

static struct params registry;

static void make_clip(struct clip *c) {
    struct clip_options o = {
        .image = {.image_size = SIDE, .patch = 8, .width = 64, .layers = 3, .prompt_depth = 2},
        .text = {.vocab = 64, .context = 8, .width = 64, .layers = 1},
        .features = D,
        .temperature = 0.07};
    clip_init(c, params_root(&registry), &o);
    golden_fill(&registry, 3, 0.02);
}

static void make_picture(struct image *im, struct rng *r) {
    CHECK_OK(image_alloc(im, H, W, 3));
    for (int64_t i = 0; i < (int64_t)H * W * 3; i++) im->at[i] = (uint8_t)rng_below(r, 256);
}

/* Masks 0 .. DISTINCT - 1, each a block of its own size; then some of them again. */
static void make_masks(struct region_list *l) {
    static const int order[] = {0, 1, 0, 2, 3, 3, 1, 4, 5, 6, 6, 7, 8, 0};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct mask m;
        CHECK_OK(mask_alloc(&m, H, W));
        for (int64_t y = order[i]; y < 12 + 3 * order[i]; y++)
            for (int64_t x = 2 * order[i]; x < 20 + 4 * order[i]; x++) m.at[y * W + x] = 1;
        CHECK_OK(region_list_add(l, (int64_t)i, &m));
        mask_free(&m);
    }
}

/* 1e-6 of rows of length 1: on some processors a matrix product's rows depend on how many there
 * are.
 */
TEST(equal_masks_go_through_clip_once_and_every_feature_is_what_it_is_in_other_batches) {
    struct rng r = rng_stream(1, "test.batch", 0);
    struct clip clip;
    struct image im[2];
    struct region_list l = {0};
    make_clip(&clip);
    for (int i = 0; i < 2; i++) make_picture(&im[i], &r);
    make_masks(&l);
    struct namer namer = {.clip = &clip};
    struct region_options crop = {.side = SIDE, .expand = 1};
    struct region_batch b;
    int64_t *row[2];
    float *feature = mem_alloc((size_t)2 * DISTINCT * D, sizeof *feature);
    int64_t rows = 0;
    CHECK_OK(region_batch_open(&b, &crop, namer_encoder(&namer), BATCH));
    for (int i = 0; i < 2; i++) { /* batches are filled over the border of pictures */
        row[i] = mem_alloc(l.n, sizeof *row[i]);
        rows = region_list_rows(&l, 1, rows, row[i]);
        CHECK_OK(region_batch_add_list(&b, &im[i], &l, row[i], feature));
    }
    CHECK_OK(region_batch_flush(&b));
    CHECK_INT(rows, 2 * DISTINCT);
    CHECK_INT(b.done, 2 * DISTINCT); /* of 28 masks */
    region_batch_free(&b);
    /* The same, mask by mask, in batches of pictures' own, equal masks again and again. */
    for (int i = 0; i < 2; i++) {
        struct regions all = {.query = mem_alloc(l.n, sizeof *all.query),
                              .mask = mem_alloc(l.n, sizeof *all.mask),
                              .box = mem_alloc(l.n, sizeof *all.box)};
        for (size_t k = 0; k < l.n; k++, all.n++) CHECK_OK(region_list_mask(&l, k, &all.mask[k]));
        CHECK_OK(regions_encode(&all, &im[i], 1, &crop, namer_encoder(&namer), 5));
        for (size_t k = 0; k < l.n; k++)
            for (size_t d = 0; d < D; d++)
                CHECK_NEAR(feature[(size_t)row[i][k] * D + d], all.feature[k * D + d], 1e-6);
        CHECK(memcmp(all.feature, all.feature + D, D * sizeof *feature) != 0);
        regions_free(&all);
        free(row[i]);
        image_free(&im[i]);
    }
    free(feature);
    region_list_free(&l);
    clip_free(&clip);
    params_free(&registry);
}

TEST(the_values_of_a_label_map_are_encoded_as_their_masks_are) {
    enum { N = 3 };
    struct rng r = rng_stream(2, "test.batch", 0);
    struct clip clip;
    struct image im;
    struct labels map;
    make_clip(&clip);
    make_picture(&im, &r);
    CHECK_OK(labels_alloc(&map, H, W));
    for (int64_t i = 0; i < H * W; i++) map.at[i] = (uint16_t)(i % W / 20 + i / W / 30);
    struct namer namer = {.clip = &clip};
    struct region_options crop = {.side = SIDE, .expand = 1};
    struct regions made = {.n = N, .query = mem_alloc(N, sizeof *made.query), .of = &map};
    struct regions whole = {.n = N,
                            .query = mem_alloc(N, sizeof *whole.query),
                            .mask = mem_alloc(N, sizeof *whole.mask)};
    for (int64_t k = 0; k < N; k++) {
        made.query[k] = whole.query[k] = k;
        CHECK_OK(mask_alloc(&whole.mask[k], H, W));
        for (int64_t i = 0; i < H * W; i++) whole.mask[k].at[i] = map.at[i] == k;
    }
    CHECK_OK(regions_encode(&made, &im, 1, &crop, namer_encoder(&namer), BATCH));
    CHECK_OK(regions_encode(&whole, &im, 1, &crop, namer_encoder(&namer), BATCH));
    CHECK(!memcmp(made.feature, whole.feature, (size_t)N * D * sizeof *made.feature));
    CHECK(memcmp(made.feature, made.feature + D, D * sizeof *made.feature) != 0);
    regions_free(&made);
    regions_free(&whole);
    labels_free(&map);
    image_free(&im);
    clip_free(&clip);
    params_free(&registry);
}
