/* Pictures seen in several sizes, mirrored and in tiles. */
#include "eval/views.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/torch.h"

static struct image picture(int64_t h, int64_t w) {
    struct image im;
    CHECK_OK(image_alloc(&im, h, w, 3));
    for (int64_t i = 0; i < h * w * 3; i++) im.at[i] = (uint8_t)(i * 37 % 251);
    return im;
}

TEST(views_are_sizes_in_their_order_each_plain_then_mirrored) {
    int64_t sizes[] = {16, 24};
    struct views_options o = {
        .tta = true, .sizes = {.at = sizes, .n = 2}, .longest = 40, .flip = true};
    struct image im = picture(20, 30);
    static const int64_t size[][2] = {{16, 24}, {16, 24}, {24, 36}, {24, 36}};
    CHECK_INT(views_count(&o), 4);
    for (int64_t i = 0; i < 4; i++) {
        struct image view, plain;
        bool mirrored, plainly;
        CHECK_OK(view_of(&o, i, &im, &view, &mirrored));
        CHECK_OK(view_of(&o, i - i % 2, &im, &plain, &plainly));
        CHECK_INT(view.h, size[i][0]);
        CHECK_INT(view.w, size[i][1]);
        CHECK(mirrored == (i % 2 == 1) && !plainly);
        for (int64_t y = 0; y < view.h; y++)
            for (int64_t x = 0; x < view.w; x++) {
                int64_t from = mirrored ? view.w - 1 - x : x;
                CHECK(
                    !memcmp(view.at + 3 * (y * view.w + x), plain.at + 3 * (y * view.w + from), 3));
            }
        image_free(&view);
        image_free(&plain);
    }
    image_free(&im);
}

TEST(tiles_are_clamped_to_the_view_and_keep_their_size) {
    /* By hand from reference-spec 8.6: stride ceil(224 / 3) = 75; 320 x 427 has
     * ceil(96 / 75) + 1 = 3 rows, ceil(203 / 75) + 1 = 4 columns. */
    struct views_options o = {.sliding = true, .tile = 224, .overlap = 2.0 / 3};
    static const int64_t x[] = {0, 75, 150, 203}, y[] = {0, 75, 96};
    int64_t n;
    struct box *at = view_tiles(&o, 320, 427, &n);
    CHECK_INT(n, 12);
    for (int64_t i = 0; i < n; i++) {
        CHECK_INT(at[i].x0, x[i % 4]);
        CHECK_INT(at[i].y0, y[i / 4]);
        CHECK_INT(at[i].x1 - at[i].x0, 224);
        CHECK_INT(at[i].y1 - at[i].y0, 224);
    }
    free(at);
}

TEST(a_view_smaller_than_a_tile_is_one_tile_black_beyond_it) {
    struct views_options o = {.sliding = true, .tile = 32, .overlap = 0.5};
    struct image im = picture(20, 24), tile;
    int64_t n;
    struct box *at = view_tiles(&o, 20, 24, &n);
    CHECK_INT(n, 1);
    CHECK_OK(view_tile(&o, &im, at[0], &tile));
    CHECK(tile.h == 32 && tile.w == 32);
    for (int64_t y = 0; y < 32; y++)
        for (int64_t i = 0; i < 96; i++)
            CHECK_INT(tile.at[y * 96 + i], y < 20 && i < 72 ? im.at[y * 72 + i] : 0);
    free(at);
    image_free(&im);
    image_free(&tile);
}

TEST(the_side_of_a_tile_follows_from_a_view_whose_size_is_known) {
    struct views_options o = {.sliding = true, .tile = 0, .overlap = 2.0 / 3};
    int64_t n;
    struct box *at = view_tiles(&o, 768, 1024, &n);
    CHECK_INT(at[0].x1, 512);
    free(at);
    CHECK(!view_tiles(&o, 320, 427, &n));
    CHECK_INT(error_status(), ERR_CONFIG);
    error_clear();
}
