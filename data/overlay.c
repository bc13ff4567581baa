#include "data/overlay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/font.h"

enum { N_LABELS = UINT16_MAX + 1 };

void overlay_colour(int64_t index, uint8_t rgb[3]) {
    /* Hues by the golden ratio never come close to a recent one; saturation and brightness take
     * turns, so that hues that do come close differ otherwise. */
    static const struct {
        double saturation, value;
    } tone[] = {{0.85, 0.95}, {0.60, 0.75}, {0.95, 0.65}, {0.45, 0.98}, {0.75, 0.50}};
    double hue = fmod(0.02 + (double)index * 0.6180339887498949, 1.0);
    int turn = (int)(index % 5);
    for (int k = 0; k < 3; k++) {
        /* each channel is high in the third of the circle around its own hue */
        double t = fabs(fmod(hue + (3 - k) / 3.0, 1.0) * 6 - 3) - 1;
        t = t < 0 ? 0 : t > 1 ? 1 : t;
        double v = tone[turn].value * (1 - tone[turn].saturation * (1 - t));
        rgb[k] = (uint8_t)(v * 255 + 0.5);
    }
}

struct entry {
    uint16_t label;
    int64_t area;
};

/* By falling area, then by label; "unlabelled" last. */
static int by_area(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->area != y->area) return x->area < y->area ? 1 : -1;
    return x->label - y->label;
}

static struct entry *count_labels(const struct labels *l, uint16_t ignore, size_t *n) {
    int64_t *area = mem_alloc(N_LABELS, sizeof *area);
    for (int64_t i = 0; i < l->h * l->w; i++) area[l->at[i]]++;
    size_t kinds = 0;
    for (int64_t k = 0; k < N_LABELS; k++) kinds += area[k] > 0;
    struct entry *list = mem_alloc(kinds + 1, sizeof *list);
    *n = 0;
    for (int64_t k = 0; k < N_LABELS; k++)
        if (area[k] && k != ignore) list[(*n)++] = (struct entry){(uint16_t)k, area[k]};
    qsort(list, *n, sizeof *list, by_area);
    if (area[ignore]) list[(*n)++] = (struct entry){ignore, area[ignore]};
    free(area);
    return list;
}

static void colour_of(uint16_t label, const struct overlay_options *o, uint8_t rgb[3]) {
    if (label == o->ignore)
        memset(rgb, 160, 3);
    else if (o->colours && label < o->n_names)
        memcpy(rgb, o->colours[label], 3);
    else
        overlay_colour(label, rgb);
}

/* What a label is called; behind its number where the font does not have all of the name. Owned. */
static char *entry_name(uint16_t label, const struct overlay_options *o) {
    if (label == o->ignore) return mem_strdup("unlabelled");
    if (label >= o->n_names) return mem_format("%u", label);
    return font_name(label, o->names[label]);
}

/* "name 12.3 %" in at most `cells` letters, the name shortened. Owned. */
static char *entry_text(const struct entry *e, int64_t pixels, int64_t cells,
                        const struct overlay_options *o) {
    char *share = mem_format(" %.1f %%", 100.0 * (double)e->area / (double)pixels);
    char *name = entry_name(e->label, o), *short_name = font_fit(name, cells - font_cells(share));
    char *text = mem_format("%s%s", short_name, share);
    free(short_name);
    free(name);
    free(share);
    return text;
}

/* Where the entries stand: columns of equal width below the picture. */
struct legend {
    int64_t scale, cell_h, cell_w, columns, rows;
};

static struct legend legend_plan(int64_t w, size_t n) {
    enum { WANTED = 26 }; /* letters */
    struct legend g = {.scale = w >= 480 ? 2 : 1};
    g.cell_h = FONT_LINE * g.scale;
    g.columns = w / (WANTED * FONT_STEP * g.scale);
    if (g.columns < 1) g.columns = 1;
    g.cell_w = w / g.columns;
    g.rows = ((int64_t)n + g.columns - 1) / g.columns;
    return g;
}

static void fill_rect(struct image *im, struct box b, const uint8_t rgb[3]) {
    for (int64_t y = b.y0; y < b.y1 && y < im->h; y++)
        for (int64_t x = b.x0; x < b.x1 && x < im->w; x++)
            memcpy(im->at + (y * im->w + x) * 3, rgb, 3);
}

static void draw_legend(struct image *out, int64_t top, const struct legend *g,
                        const struct entry *list, size_t n, int64_t pixels,
                        const struct overlay_options *o) {
    static const uint8_t paper[3] = {255, 255, 255}, ink[3] = {20, 20, 20};
    fill_rect(out, (struct box){0, top, out->w, out->h}, paper);
    for (size_t i = 0; i < n; i++) { /* down the columns */
        int64_t y = top + FONT_ABOVE * g->scale + (int64_t)i % g->rows * g->cell_h;
        int64_t x = (int64_t)i / g->rows * g->cell_w + 2 * g->scale;
        int64_t swatch = FONT_H * g->scale;
        uint8_t rgb[3];
        colour_of(list[i].label, o, rgb);
        fill_rect(out, (struct box){x, y, x + swatch, y + swatch}, rgb);
        x += swatch + 3 * g->scale;
        int64_t cells = (g->cell_w - swatch - 6 * g->scale) / (FONT_STEP * g->scale);
        char *text = entry_text(&list[i], pixels, cells, o);
        font_draw(out, y, x, g->scale, ink, text);
        free(text);
    }
}

/* The colour at full strength along borders, so that neighbours of like colours stay apart. */
static bool on_border(const struct labels *l, int64_t y, int64_t x) {
    uint16_t k = l->at[y * l->w + x];
    return (x + 1 < l->w && l->at[y * l->w + x + 1] != k) ||
           (y + 1 < l->h && l->at[(y + 1) * l->w + x] != k);
}

static void draw_colours(struct image *out, const struct image *im, const struct labels *l,
                         const struct overlay_options *o) {
    uint16_t last = o->ignore;
    uint8_t rgb[3];
    colour_of(last, o, rgb);
    for (int64_t y = 0; y < l->h; y++)
        for (int64_t x = 0; x < l->w; x++) {
            int64_t i = y * l->w + x;
            if (l->at[i] != last) colour_of(last = l->at[i], o, rgb);
            double a = last == o->ignore ? 0 : on_border(l, y, x) ? 1 : o->opacity;
            for (int k = 0; k < 3; k++)
                out->at[3 * i + k] =
                    (uint8_t)(a * rgb[k] + (1 - a) * (double)im->at[3 * i + k] + 0.5);
        }
}

int overlay_draw(const struct image *im, const struct labels *l, const struct overlay_options *o,
                 struct image *out) {
    REQUIRE(im->c == 3 && im->h == l->h && im->w == l->w, "labels %lld x %lld of image %lld x %lld",
            (long long)l->h, (long long)l->w, (long long)im->h, (long long)im->w);
    size_t n;
    struct entry *list = count_labels(l, o->ignore, &n);
    struct legend g = legend_plan(im->w, n);
    if (!image_alloc(out, im->h + g.rows * g.cell_h, im->w, 3)) {
        draw_colours(out, im, l, o);
        draw_legend(out, im->h, &g, list, n, im->h * im->w, o);
    }
    free(list);
    return error_status();
}
