#include "data/colour_maps.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/problems.h"
#include "data/image_internal.h"

static int by_rgb(const void *a, const void *b) {
    const struct colour_class *x = a, *y = b;
    return (x->rgb > y->rgb) - (x->rgb < y->rgb);
}

static uint32_t pack(const uint8_t *rgb) {
    return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
}

int colour_table_of(struct colour_table *t, const struct vocabulary *v, const char *names,
                    uint16_t ignore) {
    struct problems p = {0};
    *t = (struct colour_table){mem_alloc(v->n + 1, sizeof *t->at), 0, ignore};
    for (size_t k = 0; k < v->n; k++) {
        if (v->at[k].has_colour)
            t->at[t->n++] = (struct colour_class){pack(v->at[k].colour), (uint16_t)k};
        else
            problems_add(&p, "%s: class %zu, %s: needs its colour in the label maps", names, k + 1,
                         v->at[k].name);
    }
    if (t->n) qsort(t->at, t->n, sizeof *t->at, by_rgb);
    for (size_t i = 1; i < t->n; i++)
        if (t->at[i].rgb == t->at[i - 1].rgb)
            problems_add(&p, "%s: colour #%06x is that of %s and of %s: give each its own", names,
                         (unsigned)t->at[i].rgb, v->at[t->at[i - 1].class].name,
                         v->at[t->at[i].class].name);
    int status = problems_close(&p, ERR_DATA);
    if (status) colour_table_free(t);
    return status;
}

void colour_table_free(struct colour_table *t) {
    free(t->at);
    *t = (struct colour_table){0};
}

void colour_table_hash(const struct colour_table *t, struct hasher *h) {
    for (size_t i = 0; i < t->n; i++) {
        hasher_add(h, &t->at[i].rgb, sizeof t->at[i].rgb);
        hasher_add(h, &t->at[i].class, sizeof t->at[i].class);
    }
}

/* UINT16_MAX - 1: none; classes are fewer (VOCABULARY_MAX). */
enum { NO_CLASS = UINT16_MAX - 1 };

static uint16_t class_of(const struct colour_table *t, uint32_t rgb) {
    struct colour_class key = {rgb, 0};
    const struct colour_class *at = t->n ? bsearch(&key, t->at, t->n, sizeof key, by_rgb) : NULL;
    return at ? at->class : rgb ? NO_CLASS : t->ignore;
}

static bool is_grey(const struct image *im) {
    for (int64_t i = 0; i < im->h * im->w; i++)
        if (im->at[3 * i] != im->at[3 * i + 1] || im->at[3 * i] != im->at[3 * i + 2]) return false;
    return true;
}

static int to_classes(const struct image *im, const char *name, const struct colour_table *t,
                      struct labels *out) {
    int64_t bad = 0, first = 0;
    uint32_t last = 0;
    uint16_t class = class_of(t, 0); /* of the pixel before: maps are made of large parts */
    for (int64_t i = 0; i < im->h * im->w; i++) {
        uint32_t rgb = pack(im->at + 3 * i);
        if (rgb != last) class = class_of(t, last = rgb);
        if (class == NO_CLASS && !bad++) first = i;
        out->at[i] = class;
    }
    if (!bad) return 0;
    return error_set(ERR_DATA,
                     "%s: colour #%06x at row %lld, column %lld is in no table of colours (%lld "
                     "pixels are): %s",
                     name, (unsigned)pack(im->at + 3 * first), (long long)(first / im->w),
                     (long long)(first % im->w), (long long)bad,
                     is_grey(im)
                         ? "all are grey: where they are numbers of classes, save masks "
                           "with one channel, and names without colours"
                         : "add it to the names, or repaint them without smoothing, as PNG");
}

int labels_decode_colours(const void *bytes, size_t n, const char *name,
                          const struct colour_table *t, struct labels *out) {
    struct image im;
    *out = (struct labels){0};
    if (!png_is(bytes, n)) return error_set(ERR_DATA, "%s: is not a PNG", name);
    int status = image_decode(bytes, n, name, &im);
    if (status) return status;
    status = labels_alloc(out, im.h, im.w);
    if (!status) status = to_classes(&im, name, t, out);
    image_free(&im);
    if (status) labels_free(out);
    return status;
}
