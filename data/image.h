/* Images and label maps in host memory, and the files they come from and go to.
 *
 * Decoding is by the file's first bytes, never by its name, and equals Pillow's
 * `Image.open(f).convert("RGB")` bit for bit (JPEG, PNG; lossless WebP). A grey PNG of 16 bits
 * alone is refused as a picture: of it Pillow 9 keeps what is below 256, which is nothing of what
 * an instrument saw. Everything that a file may claim is checked against limits before memory is
 * taken: sides <= 16384, <= 64 Mpx, and no more pixels than so short a file can hold. A damaged
 * file is an error even where the library would fill the rest with grey. `name` is used in messages
 * only: "name: what is wrong".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "data/mask.h"

enum { IMAGE_SIDE_MAX = 16384, IMAGE_PIXELS_MAX = 64 << 20 };

struct image {
    int64_t h, w, c; /* c: 3 (RGB) or 1 */
    uint8_t *at;     /* [h, w, c] */
};

struct labels {
    int64_t h, w;
    uint16_t *at; /* [h, w]: class index, or the data set's ignore value */
};

int image_alloc(struct image *im, int64_t h, int64_t w, int64_t c); /* zeroed; ERR_INTERNAL */
void image_free(struct image *im);
int labels_alloc(struct labels *l, int64_t h, int64_t w);
void labels_free(struct labels *l);

/* JPEG, PNG or WebP -> RGB [h, w, 3]. ERR_DATA: damaged, too large, not an image; ERR_DEVICE: WebP
 * in a build without libwebp. Nothing is left in `out` after an error. */
int image_decode(const void *bytes, size_t n, const char *name, struct image *out);

/* The same, turned as the EXIF orientation asks: of JPEG, of PNG's chunk eXIf, of WebP's EXIF; a
 * block that makes no sense asks for nothing (detectron2's reader, reference-spec 5.2; open_clip's
 * does not turn). Pictures alone are turned: label maps and masks, below, are read as they are
 * stored, whatever EXIF says, as np.array(Image.open(f)) reads them. */
int image_decode_upright(const void *bytes, size_t n, const char *name, struct image *out);

/* Height and width from the header alone, as stored (before any EXIF turn). */
int image_size(const void *bytes, size_t n, const char *name, int64_t *h, int64_t *w);
int image_size_upright(const void *bytes, size_t n, const char *name, int64_t *h, int64_t *w);

/* What the header says, as stored. channels: 1 to 4 (a JPEG of 4 is CMYK, a palette is 1); bits of
 * a sample; orientation: EXIF's, 1 .. 8, 1 when there is none. The errors of image_size. */
struct image_facts {
    const char *format; /* "JPEG", "PNG", "WebP" */
    int64_t h, w;
    int channels, bits, orientation;
    bool palette;
};
int image_look(const void *bytes, size_t n, const char *name, struct image_facts *out);

bool image_name_is(const char *name); /* it ends in .jpg, .jpeg, .png or .webp, in any case */
/* The base name without its ending of a path that a file says, whichever slash parts its folders:
 * such files are made on Windows, too. Owned. */
char *image_name_said(const char *path);
/* The base name without such an ending; one that has none, "v1.2", as it is. Owned. */
char *image_name_bare(const char *name);

/* The raw values of a grey (1 to 16 bits) or palette PNG: indices, never colours. */
int labels_decode_png(const void *bytes, size_t n, const char *name, struct labels *out);

/* The same of a grey TIFF of 8 or 16 bits (reference-spec 5.1). ERR_DEVICE in a build without
 * libtiff. */
int labels_decode_tiff(const void *bytes, size_t n, const char *name, struct labels *out);

/* The class numbers in a `_seg.png` of the full ADE20K: floor(R / 10) * 256 + G (reference-spec
 * 5.1). */
int labels_decode_ade_full(const void *bytes, size_t n, const char *name, struct labels *out);

/* Encoders; ERR_INTERNAL when memory runs out. The same pixels give the same bytes. */
int image_encode_png(const struct image *im, struct bytes *out);
/* For pictures to look at: a fifth of the time for a photograph, which becomes 2 % larger. */
int image_encode_png_quick(const struct image *im, struct bytes *out);
int image_encode_jpeg(const struct image *im, int quality, struct bytes *out); /* 4:2:0, 1 .. 100 */
int labels_encode_png(const struct labels *l, struct bytes *out);   /* 8 bits when they suffice */
int labels_encode_png16(const struct labels *l, struct bytes *out); /* 16 in any case */

/* The part `box` of an image, which lies inside it. ERR_INTERNAL. */
int image_crop(const struct image *in, struct box box, struct image *out);

/* Copies an image into a larger one of as many channels, with its top left corner at (y, x). */
void image_paste(struct image *to, int64_t y, int64_t x, const struct image *from);

/* Turns in place (new memory) by an EXIF orientation, 1 .. 8; anything else leaves it. */
int image_orient(struct image *im, int orientation);
