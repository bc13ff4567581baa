/* Pictures: JPEG, PNG, WebP; label maps in PNG. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data/image.h"
#include "tests/fuzz/fuzz.h"

#define IMAGES "tests/golden/images/"

static void jpeg_seeds(struct corpus *c) {
    static const char *const files[] = {"photo", "grey", "cmyk", "progressive", "exif6", "full"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = mem_format(IMAGES "%s.jpg", files[i]);
        corpus_add_file(c, path);
        free(path);
    }
}

static void png_seeds(struct corpus *c) {
    static const char *const files[] = {"rgb",   "rgb16",      "rgba",     "rgba16",
                                        "grey1", "palette",    "palette4", "interlaced",
                                        "keyed", "grey_alpha", "exif6",    "exif3behind"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = mem_format(IMAGES "%s.png", files[i]);
        corpus_add_file(c, path);
        free(path);
    }
}

static void labels_seeds(struct corpus *c) {
    corpus_add_file(c, IMAGES "grey1.png");
    corpus_add_file(c, IMAGES "grey8.png");
    corpus_add_file(c, IMAGES "grey16.png");
    corpus_add_file(c, IMAGES "palette4.png");
}

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The checksum behind each chunk. */
static void png_seal(uint8_t *data, size_t n) {
    size_t at = 8;
    while (at + 12 <= n) {
        size_t length = big_endian(data + at);
        if (length > n - at - 12) return;
        uint32_t sum = (uint32_t)crc32(0, data + at + 4, (uInt)length + 4);
        at += 8 + length;
        for (int i = 0; i < 4; i++) data[at++] = (uint8_t)(sum >> (24 - 8 * i));
    }
}

static int run_image(const uint8_t *data, size_t n) {
    int64_t h, w;
    struct image im;
    int sized = image_size_upright(data, n, "fuzz", &h, &w);
    REQUIRE(!sized || *error_message(), "no message");
    error_clear();
    int status = image_decode_upright(data, n, "fuzz", &im);
    if (status) {
        REQUIRE(!im.at, "something is left");
        return status;
    }
    REQUIRE(!sized && im.h == h && im.w == w && im.c == 3,
            "%lld x %lld, the header says %lld x %lld", (long long)im.h, (long long)im.w,
            (long long)h, (long long)w);
    image_free(&im);
    return 0;
}

static void ade_full_seeds(struct corpus *c) {
    corpus_add_file(c,
                    "tests/data/sets/tree/ADE20K_2021_17_01/images/ADE/validation/urban/street/"
                    "ADE_val_00000001_seg.png");
}

static int run_ade_full(const uint8_t *data, size_t n) {
    struct labels l;
    int status = labels_decode_ade_full(data, n, "fuzz", &l);
    if (!status) labels_free(&l);
    return status;
}

static int run_labels(const uint8_t *data, size_t n) {
    struct labels l;
    int status = labels_decode_png(data, n, "fuzz", &l);
    if (!status) labels_free(&l);
    return status;
}

FUZZ(jpeg, .seeds = jpeg_seeds, .run = run_image, .codes = {ERR_DATA});
FUZZ(png, .seeds = png_seeds, .run = run_image, .seal = png_seal, .codes = {ERR_DATA});
FUZZ(ade_full_labels, .seeds = ade_full_seeds, .run = run_ade_full, .seal = png_seal,
     .codes = {ERR_DATA});
FUZZ(png_labels, .seeds = labels_seeds, .run = run_labels, .seal = png_seal, .codes = {ERR_DATA});

#ifdef OVSEG_WEBP
static void webp_seeds(struct corpus *c) {
    corpus_add_file(c, IMAGES "lossless.webp");
    corpus_add_file(c, IMAGES "exif5.webp");
    corpus_add_file(c, IMAGES "exif8marked.webp");
}
FUZZ(webp, .seeds = webp_seeds, .run = run_image, .codes = {ERR_DATA});
#endif
