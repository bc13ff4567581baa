#include "data/image.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "data/image_internal.h"

int image_check_size(const char *name, int64_t h, int64_t w) {
    if (h <= 0 || w <= 0)
        return error_set(ERR_DATA, "%s: has no pixels (%lld x %lld)", name, (long long)w,
                         (long long)h);
    if (h > IMAGE_SIDE_MAX || w > IMAGE_SIDE_MAX || h * w > IMAGE_PIXELS_MAX)
        return error_set(
            ERR_DATA, "%s: %lld x %lld pixels are too many (sides <= %d, %d Mpx); shrink it first",
            name, (long long)w, (long long)h, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX >> 20);
    return 0;
}

static int unknown(const uint8_t *at, size_t n, const char *name) {
    static const struct {
        const char *magic, *what;
    } known[] = {{"GIF8", "a GIF"},
                 {"BM", "a BMP"},
                 {"II*", "a TIFF"},
                 {"MM", "a TIFF"},
                 {"<!DOC", "a web page"},
                 {"<html", "a web page"},
                 {"version https://git-lfs", "a Git LFS pointer, not the file"}};
    if (n == 0) return error_set(ERR_DATA, "%s: is empty: get it again", name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(known[i].magic);
        if (n >= len && !memcmp(at, known[i].magic, len))
            return error_set(ERR_DATA, "%s: is %s; need JPEG, PNG or WebP", name, known[i].what);
    }
    return error_set(ERR_DATA, "%s: is not an image; need JPEG, PNG or WebP", name);
}

static bool jpeg_is(const uint8_t *at, size_t n) {
    return n >= 3 && at[0] == 0xff && at[1] == 0xd8 && at[2] == 0xff;
}

static int decode(const void *bytes, size_t n, const char *name, bool upright, struct image *out) {
    const uint8_t *at = bytes;
    *out = (struct image){0};
    int status, orientation = 1;
    if (jpeg_is(at, n))
        status = jpeg_decode(at, n, name, out, &orientation);
    else if (png_is(at, n))
        status = png_decode(at, n, name, out, &orientation);
    else if (webp_is(at, n))
        status = webp_decode(at, n, name, out, &orientation);
    else
        status = unknown(at, n, name);
    if (!status && upright) status = image_orient(out, orientation);
    if (status) image_free(out);
    return status;
}

int image_decode(const void *bytes, size_t n, const char *name, struct image *out) {
    return decode(bytes, n, name, false, out);
}

int image_decode_upright(const void *bytes, size_t n, const char *name, struct image *out) {
    return decode(bytes, n, name, true, out);
}

int image_look(const void *bytes, size_t n, const char *name, struct image_facts *out) {
    const uint8_t *at = bytes;
    *out = (struct image_facts){.channels = 3, .bits = 8, .orientation = 1};
    if (jpeg_is(at, n)) return jpeg_look(at, n, name, out);
    if (png_is(at, n)) return png_look(at, n, name, out);
    if (webp_is(at, n)) return webp_look(at, n, name, out);
    return unknown(at, n, name);
}

static int size_of(const void *bytes, size_t n, const char *name, bool upright, int64_t *h,
                   int64_t *w) {
    struct image_facts f;
    *h = *w = 0;
    if (image_look(bytes, n, name, &f)) return error_status();
    bool turned = upright && f.orientation >= 5;
    *h = turned ? f.w : f.h;
    *w = turned ? f.h : f.w;
    return 0;
}

int image_size(const void *bytes, size_t n, const char *name, int64_t *h, int64_t *w) {
    return size_of(bytes, n, name, false, h, w);
}

int image_size_upright(const void *bytes, size_t n, const char *name, int64_t *h, int64_t *w) {
    return size_of(bytes, n, name, true, h, w);
}

bool image_name_is(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

char *image_name_said(const char *path) {
    const char *slash = strrchr(path, '\\');
    return path_stem(slash ? slash + 1 : path);
}

char *image_name_bare(const char *name) {
    return image_name_is(name) ? path_stem(name) : mem_strdup(name);
}

int image_crop(const struct image *in, struct box b, struct image *out) {
    REQUIRE(0 <= b.x0 && b.x0 < b.x1 && b.x1 <= in->w && 0 <= b.y0 && b.y0 < b.y1 && b.y1 <= in->h,
            "crop %lld %lld %lld %lld of %lld x %lld", (long long)b.x0, (long long)b.y0,
            (long long)b.x1, (long long)b.y1, (long long)in->w, (long long)in->h);
    if (image_alloc(out, b.y1 - b.y0, b.x1 - b.x0, in->c)) return error_status();
    size_t row = (size_t)(out->w * out->c);
    for (int64_t y = 0; y < out->h; y++)
        memcpy(out->at + (size_t)y * row, in->at + ((b.y0 + y) * in->w + b.x0) * in->c, row);
    return 0;
}

void image_paste(struct image *to, int64_t y, int64_t x, const struct image *from) {
    REQUIRE(from->c == to->c && y >= 0 && x >= 0 && y + from->h <= to->h && x + from->w <= to->w,
            "%lld x %lld at %lld, %lld of %lld x %lld", (long long)from->h, (long long)from->w,
            (long long)y, (long long)x, (long long)to->h, (long long)to->w);
    for (int64_t i = 0; i < from->h; i++)
        memcpy(to->at + ((y + i) * to->w + x) * to->c, from->at + i * from->w * from->c,
               (size_t)(from->w * from->c));
}

int image_orient(struct image *im, int orientation) {
    if (orientation < 2 || orientation > 8) return 0;
    /* EXIF: 2 .. 4 mirrored in x, in both, in y; 5 .. 8 rows and columns exchanged as well. */
    bool turn = orientation >= 5;
    bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    struct image to;
    if (image_alloc(&to, turn ? im->w : im->h, turn ? im->h : im->w, im->c)) return error_status();
    int64_t c = im->c;
    for (int64_t y = 0; y < to.h; y++)
        for (int64_t x = 0; x < to.w; x++) {
            int64_t sy = turn ? x : y, sx = turn ? y : x;
            if (flip_y) sy = im->h - 1 - sy;
            if (flip_x) sx = im->w - 1 - sx;
            for (int64_t k = 0; k < c; k++)
                to.at[(y * to.w + x) * c + k] = im->at[(sy * im->w + sx) * c + k];
        }
    image_free(im);
    *im = to;
    return 0;
}
