#include "data/contact_sheet.h"

#include "tests/test.h"

static void fill(struct image *im, int64_t h, int64_t w, uint8_t value) {
    CHECK_OK(image_alloc(im, h, w, 3));
    memset(im->at, value, (size_t)(h * w * 3));
}

static int64_t count(const struct image *im, int64_t y0, int64_t y1, const uint8_t rgb[3]) {
    int64_t n = 0;
    for (int64_t i = y0 * im->w; i < y1 * im->w; i++) n += memcmp(im->at + 3 * i, rgb, 3) == 0;
    return n;
}

TEST(tiles_stand_in_rows_with_their_texts_below) {
    static const uint8_t grey[3] = {90, 90, 90}, ink[3] = {20, 20, 20};
    struct contact_sheet s;
    struct image im;
    CHECK_OK(contact_sheet_open(&s, 5, 64));
    CHECK_INT(s.columns, 3);
    fill(&im, 40, 64, 90);
    for (int64_t k = 0; k < 5; k++) contact_sheet_put(&s, k, &im, "a noun of some length", "0.3");
    CHECK_INT(count(&s.picture, 0, s.picture.h, grey), 5 * 40 * 64);
    CHECK_INT(count(&s.picture, 0, s.picture.h / 2, grey), 3 * 40 * 64);
    CHECK(count(&s.picture, 0, s.picture.h, ink) > 5 * 100);
    CHECK_INT(count(&s.picture, 0, 6 + 64, ink), 0); /* no text on a picture of the first row */
    image_free(&im);
    contact_sheet_free(&s);
}

/* Dark pixels right of column x of a sheet of one tile. */
static int64_t ink_behind(const char *first, const char *second, int64_t x) {
    struct contact_sheet s;
    struct image im;
    int64_t n = 0;
    CHECK_OK(contact_sheet_open(&s, 1, 64));
    fill(&im, 64, 64, 255);
    contact_sheet_put(&s, 0, &im, first, second);
    for (int64_t i = 0; i < s.picture.h * s.picture.w; i++)
        n += i % s.picture.w >= x && s.picture.at[3 * i] < 128;
    image_free(&im);
    contact_sheet_free(&s);
    return n;
}

TEST(a_text_that_does_not_fit_is_written_small_before_it_is_cut) {
    enum { LEFT = 6, CELL = 6 };                              /* the tile's; of a small letter */
    CHECK(ink_behind("", "3:17 0.123", LEFT + 9 * CELL) > 0); /* ten letters, the last one, too */
    CHECK_INT(ink_behind("", "3:17", LEFT + 8 * CELL), 0);    /* four large ones */
    CHECK(ink_behind("", "3:17", LEFT + 6 * CELL) > 0);
    CHECK_INT(ink_behind("a noun of some length", "", LEFT + 64), 0); /* cut, nothing beside it */
}

TEST(a_sheet_beyond_the_limits_of_pictures_is_refused) {
    struct contact_sheet s;
    CHECK_ERROR(contact_sheet_open(&s, 100000, 2048), ERR_DATA, "would be too large");
}

TEST(an_outline_is_drawn_around_the_mask_and_the_rest_is_dimmed) {
    static const uint8_t line[3] = {255, 230, 0}, bright[3] = {200, 200, 200},
                         dim[3] = {100, 100, 100};
    struct image im, out;
    struct mask m;
    fill(&im, 20, 40, 200);
    CHECK_OK(mask_alloc(&m, 20, 40));
    for (int64_t y = 5; y < 15; y++)
        for (int64_t x = 10; x < 30; x++) m.at[y * 40 + x] = 1;
    CHECK_OK(contact_outline(&im, &m, 80, &out)); /* 40 x 80: twice */
    CHECK_INT(out.h, 40);
    CHECK_INT(out.w, 80);
    CHECK_INT(count(&out, 0, 40, line), 2 * (20 + 40) - 4);
    CHECK_INT(count(&out, 0, 40, bright), 18 * 38);
    CHECK_INT(count(&out, 0, 40, dim), 40 * 80 - 20 * 40);
    image_free(&im);
    image_free(&out);
    mask_free(&m);
}
