#include "data/overlay.h"

#include "data/font.h"
#include "tests/test.h"

TEST(the_first_300_colours_are_all_different) {
    enum { N = 300 };
    uint8_t c[N][3];
    int closest = 765;
    for (int i = 0; i < N; i++) {
        overlay_colour(i, c[i]);
        for (int k = 0; k < i; k++) {
            int d = abs(c[i][0] - c[k][0]) + abs(c[i][1] - c[k][1]) + abs(c[i][2] - c[k][2]);
            if (i < 20) CHECK(d >= 40); /* a legend rarely has more */
            closest = d < closest ? d : closest;
        }
    }
    CHECK(closest >= 2);
}

TEST(a_colour_never_changes) {
    uint8_t c[3];
    overlay_colour(0, c);
    CHECK(c[0] == 242 && c[1] == 61 && c[2] == 36);
}

static void draw_pair(struct image *im, struct labels *l) {
    CHECK_OK(image_alloc(im, 40, 200, 3));
    CHECK_OK(labels_alloc(l, 40, 200));
    memset(im->at, 100, 40 * 200 * 3);
    for (int i = 0; i < 40 * 200; i++) l->at[i] = i % 200 < 120 ? 1 : i % 200 < 160 ? 0 : 255;
}

TEST(colours_lie_over_the_picture_and_borders_are_solid) {
    struct image im, out;
    struct labels l;
    draw_pair(&im, &l);
    const char *names[] = {"cat", "grass"};
    struct overlay_options o = {.opacity = 0.5, .names = names, .n_names = 2, .ignore = 255};
    CHECK_OK(overlay_draw(&im, &l, &o, &out));
    CHECK_INT(out.w, 200);
    CHECK(out.h >= 40 + 3 * FONT_H); /* three entries under each other */
    uint8_t grass[3];
    overlay_colour(1, grass);
    for (int k = 0; k < 3; k++) {
        CHECK_INT(out.at[(5 * 200 + 10) * 3 + k], (grass[k] + 100) / 2.0 + 0.5);
        CHECK_INT(out.at[(5 * 200 + 119) * 3 + k], grass[k]);      /* the border to "cat" */
        CHECK_INT(out.at[(5 * 200 + 180) * 3 + k], 100);           /* unlabelled */
        CHECK_INT(out.at[((40 + 4) * 200 + 4) * 3 + k], grass[k]); /* largest first */
    }
    image_free(&im);
    image_free(&out);
    labels_free(&l);
}

static int64_t ink(const struct image *im, int64_t y0, int64_t y1) {
    int64_t n = 0;
    for (int64_t i = y0 * im->w; i < y1 * im->w; i++) n += im->at[i * 3] == 20;
    return n;
}

TEST(the_legend_prints_name_and_share) {
    struct image im, out, want;
    struct labels l;
    draw_pair(&im, &l);
    const char *names[] = {"cat", "grass"};
    struct overlay_options o = {.opacity = 0.5, .names = names, .n_names = 2, .ignore = 255};
    CHECK_OK(overlay_draw(&im, &l, &o, &out));
    static const uint8_t dark[3] = {20, 20, 20};
    static const char *lines[] = {"grass 60.0 %", "cat 20.0 %", "unlabelled 20.0 %"};
    for (int i = 0; i < 3; i++) {
        CHECK_OK(image_alloc(&want, FONT_H, 200, 3));
        font_draw(&want, 0, 12, 1, dark, lines[i]);
        int64_t y = 40 + FONT_ABOVE + i * FONT_LINE;
        for (int64_t p = 0; p < FONT_H * 200; p++)
            if (p % 200 >= 12) CHECK_INT(out.at[(y * 200 + p) * 3] == 20, want.at[p * 3] == 20);
        image_free(&want);
    }
    image_free(&im);
    image_free(&out);
    labels_free(&l);
}

TEST(long_names_unknown_labels_and_tiny_pictures_are_no_trouble) {
    struct image im, out;
    struct labels l;
    CHECK_OK(image_alloc(&im, 3, 2, 3));
    CHECK_OK(labels_alloc(&l, 3, 2));
    for (int i = 0; i < 6; i++) l.at[i] = (uint16_t)(i * 13107); /* up to 65535, all unknown */
    struct overlay_options o = {.opacity = 1, .ignore = 7};
    CHECK_OK(overlay_draw(&im, &l, &o, &out));
    image_free(&im);
    image_free(&out);
    labels_free(&l);

    CHECK_OK(image_alloc(&im, 3, 170, 3));
    CHECK_OK(labels_alloc(&l, 3, 170));
    const char *names[] = {"\xc3\xa9t\xc3\xa9 a very long name of a thing that has no room at all"};
    o = (struct overlay_options){.names = names, .n_names = 1, .ignore = 255};
    CHECK_OK(overlay_draw(&im, &l, &o, &out));
    CHECK(ink(&out, 3, out.h) > 100);
    for (int64_t y = 3; y < out.h; y++) CHECK_INT(out.at[(y * 170 + 169) * 3], 255); /* a margin */
    image_free(&im);
    image_free(&out);
    labels_free(&l);
}

TEST(a_name_that_the_font_lacks_stands_behind_its_number) {
    static const uint8_t dark[3] = {20, 20, 20};
    struct image im, out, want;
    struct labels l;
    draw_pair(&im, &l);
    const char *names[] = {"K\u00e4fer", "\u8349"};
    struct overlay_options o = {.opacity = 0.5, .names = names, .n_names = 2, .ignore = 255};
    CHECK_OK(overlay_draw(&im, &l, &o, &out));
    CHECK_OK(image_alloc(&want, 3 * FONT_LINE, 200, 3));
    font_draw(&want, FONT_ABOVE, 12, 1, dark, "#1 \u8349 60.0 %");
    font_draw(&want, FONT_ABOVE + FONT_LINE, 12, 1, dark, "K\u00e4fer 20.0 %");
    font_draw(&want, FONT_ABOVE + 2 * FONT_LINE, 12, 1, dark, "unlabelled 20.0 %");
    CHECK_INT(out.h, 40 + want.h);
    for (int64_t p = 0; p < want.h * 200; p++)
        if (p % 200 >= 12) CHECK_INT(out.at[(40 * 200 + p) * 3] == 20, want.at[p * 3] == 20);
    image_free(&im);
    image_free(&out);
    image_free(&want);
    labels_free(&l);
}

TEST(every_character_of_the_font_is_drawn_and_differs) {
    static const uint8_t white[3] = {255, 255, 255};
    uint8_t seen[95][FONT_W * FONT_H * 3];
    for (int c = ' '; c <= '~'; c++) {
        struct image im;
        CHECK_OK(image_alloc(&im, FONT_H, FONT_W, 3));
        font_draw(&im, 0, 0, 1, white, (char[]){(char)c, '\0'});
        memcpy(seen[c - ' '], im.at, sizeof seen[0]);
        for (int k = ' '; k < c; k++) CHECK(memcmp(seen[k - ' '], im.at, sizeof seen[0]) != 0);
        image_free(&im);
    }
    CHECK_INT(font_width("ab\xc3\xa9", 2), 3 * 6 * 2);
}
