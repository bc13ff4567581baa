#include "data/contact_sheet.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/font.h"
#include "data/resize.h"

enum { GAP = 6, SCALE = 2, LINE = FONT_LINE * SCALE };

static int64_t tile_w(const struct contact_sheet *s) { return s->side + GAP; }
static int64_t tile_h(const struct contact_sheet *s) { return s->side + GAP + 2 * LINE; }

int contact_sheet_open(struct contact_sheet *s, int64_t n, int64_t side) {
    REQUIRE(n > 0 && side > 0, "%lld tiles of %lld", (long long)n, (long long)side);
    *s = (struct contact_sheet){.n = n, .side = side, .columns = 1};
    while (s->columns * s->columns < n) s->columns++;
    int64_t rows = (n + s->columns - 1) / s->columns;
    int64_t h = rows * tile_h(s) + GAP, w = s->columns * tile_w(s) + GAP;
    if (h > IMAGE_SIDE_MAX || w > IMAGE_SIDE_MAX || h * w > IMAGE_PIXELS_MAX)
        return error_set(ERR_DATA, "a sheet of %lld tiles of %lld pixels would be too large: fewer",
                         (long long)n, (long long)side);
    if (image_alloc(&s->picture, h, w, 3)) return error_status();
    memset(s->picture.at, 255, (size_t)(h * w * 3));
    return 0;
}

void contact_sheet_free(struct contact_sheet *s) {
    image_free(&s->picture);
    *s = (struct contact_sheet){0};
}

static void draw_line(struct contact_sheet *s, int64_t y, int64_t x, const char *text) {
    static const uint8_t ink[3] = {20, 20, 20};
    int64_t scale = font_width(text, SCALE) <= s->side ? SCALE : 1;
    char *line = font_fit(text, s->side / (FONT_STEP * scale));
    font_draw(&s->picture, y, x, scale, ink, line);
    free(line);
}

void contact_sheet_put(struct contact_sheet *s, int64_t k, const struct image *im,
                       const char *first, const char *second) {
    REQUIRE(k >= 0 && k < s->n && im->c == 3 && im->h <= s->side && im->w <= s->side, "tile %lld",
            (long long)k);
    int64_t y = GAP + k / s->columns * tile_h(s), x = GAP + k % s->columns * tile_w(s);
    int64_t top = y + (s->side - im->h) / 2, left = x + (s->side - im->w) / 2;
    image_paste(&s->picture, top, left, im);
    draw_line(s, y + s->side + FONT_ABOVE * SCALE, x, first);
    draw_line(s, y + s->side + FONT_ABOVE * SCALE + LINE, x, second);
}

/* Set, and next to a pixel that is not, or to the border of the picture. */
static bool on_edge(const struct mask *m, int64_t y, int64_t x) {
    if (!m->at[y * m->w + x]) return false;
    for (int64_t dy = -1; dy <= 1; dy++)
        for (int64_t dx = -1; dx <= 1; dx++) {
            int64_t v = y + dy, u = x + dx;
            if (v < 0 || v >= m->h || u < 0 || u >= m->w || !m->at[v * m->w + u]) return true;
        }
    return false;
}

int contact_outline(const struct image *im, const struct mask *m, int64_t side, struct image *out) {
    static const uint8_t line[3] = {255, 230, 0};
    REQUIRE(im->c == 3 && m->h == im->h && m->w == im->w, "mask and image of a size");
    int64_t most = im->h > im->w ? im->h : im->w;
    int64_t h = im->h * side / most, w = im->w * side / most;
    if (h < 1) h = 1;
    if (w < 1) w = 1;
    struct mask small = {0};
    int status = image_resize(im, NULL, h, w, RESIZE_BICUBIC, out);
    if (!status) status = mask_alloc(&small, h, w);
    for (int64_t i = 0; !status && i < h * w; i++)
        small.at[i] =
            m->at[nearest_index_f32(i / w, im->h, h) * im->w + nearest_index_f32(i % w, im->w, w)];
    for (int64_t i = 0; !status && i < h * w; i++) {
        uint8_t *p = out->at + 3 * i;
        if (on_edge(&small, i / w, i % w))
            memcpy(p, line, 3);
        else if (!small.at[i])
            for (int k = 0; k < 3; k++) p[k] = (uint8_t)(p[k] / 2);
    }
    mask_free(&small);
    if (status) image_free(out);
    return status;
}
