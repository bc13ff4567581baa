/* JPEG by TurboJPEG. The markers are walked here first: size, kind, number of scans and EXIF
 * orientation are known before the library sees a byte, because the library takes memory for
 * what a header claims, and time for every scan. */
#include <turbojpeg.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/image_internal.h"

enum {
    SOF0 = 0xc0,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    RST7 = 0xd7,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    APP1 = 0xe1,
    TEM = 0x01,

    /* Encoders write at most about 10; a bomb repeats scans of nothing thousands of times. */
    SCANS_MAX = 64,
    LARGE_SCANS_MAX = 16, /* of an image of the largest size */
    /* Every 8 x 8 block costs a bit at least: 512 pixels a byte in grey, fewer in colour. Twice
     * that is certainly a lie. */
    PIXELS_PER_BYTE_MAX = 1024,
};

struct jpeg_header {
    int64_t h, w;
    int components, precision, scans, orientation;
};

static unsigned be16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }

static int cut_short(const char *name) {
    return error_set(ERR_DATA, "%s: JPEG is cut short; get the file again", name);
}

/* Entropy-coded bytes end at the next marker that is neither a stuffed zero nor a restart. */
static size_t skip_scan(const uint8_t *p, size_t n, size_t at) {
    while (at + 1 < n) {
        const uint8_t *ff = memchr(p + at, 0xff, n - 1 - at);
        if (!ff) return n;
        at = (size_t)(ff - p);
        uint8_t m = p[at + 1];
        if (m != 0 && m != 0xff && !(m >= RST0 && m <= RST7)) return at;
        at += m == 0xff ? 1 : 2;
    }
    return n;
}

static int read_frame(const uint8_t *p, size_t len, const char *name, struct jpeg_header *to) {
    if (to->w) return error_set(ERR_DATA, "%s: JPEG with two frame headers", name);
    if (len < 8) return cut_short(name);
    *to = (struct jpeg_header){.precision = p[2],
                               .h = be16(p + 3),
                               .w = be16(p + 5),
                               .components = p[7],
                               .scans = to->scans,
                               .orientation = to->orientation};
    if (to->precision != 8)
        return error_set(ERR_DATA, "%s: %d-bit JPEG; convert it to 8 bits", name, to->precision);
    return image_check_size(name, to->h, to->w);
}

/* One marker segment at p[at]; sets `at` behind it. `end` is set at the end of the image. */
static int read_segment(const uint8_t *p, size_t n, size_t *at, const char *name,
                        struct jpeg_header *to, bool *end) {
    while (*at < n && p[*at] != 0xff) ++*at; /* garbage between segments: the library will object */
    while (*at < n && p[*at] == 0xff) ++*at; /* fill bytes */
    if (*at >= n) return cut_short(name);
    unsigned m = p[(*at)++];
    *end = m == EOI;
    if (m == EOI || m == SOI || m == TEM || m == 0 || (m >= RST0 && m <= RST7)) return 0;
    if (n - *at < 2) return cut_short(name);
    const uint8_t *segment = p + *at;
    size_t len = be16(segment);
    if (len < 2 || len > n - *at) return cut_short(name);
    *at += len;
    if (m >= SOF0 && m <= SOF15 && m != DHT && m != JPG && m != DAC)
        return read_frame(segment, len, name, to);
    /* XMP stands in such a segment, too, and what follows a scan is no business of EXIF. */
    if (m == APP1 && to->orientation == 1 && !to->scans && len >= 8 &&
        memcmp(segment + 2, "Exif\0\0", 6) == 0)
        to->orientation = exif_orientation(segment + 2, len - 2);
    if (m == SOS) {
        if (++to->scans > SCANS_MAX)
            return error_set(ERR_DATA, "%s: JPEG of more than %d scans; save it again as baseline",
                             name, SCANS_MAX);
        *at = skip_scan(p, n, *at);
    }
    return 0;
}

static int read_header(const uint8_t *p, size_t n, const char *name, struct jpeg_header *to) {
    *to = (struct jpeg_header){.orientation = 1};
    size_t at = 2;
    for (bool end = false; !end;)
        if (read_segment(p, n, &at, name, to, &end)) return error_status();
    if (!to->w || !to->scans) return error_set(ERR_DATA, "%s: JPEG without an image", name);
    if ((size_t)(to->h * to->w) / PIXELS_PER_BYTE_MAX > n)
        return error_set(ERR_DATA, "%s: JPEG claims %lld x %lld pixels in %zu bytes", name,
                         (long long)to->w, (long long)to->h, n);
    /* Every scan is a pass over all blocks, however few bytes it takes. */
    if (to->h * to->w * to->scans > (int64_t)IMAGE_PIXELS_MAX * LARGE_SCANS_MAX)
        return error_set(ERR_DATA, "%s: JPEG of %d scans of %lld x %lld; save it again as baseline",
                         name, to->scans, (long long)to->w, (long long)to->h);
    return 0;
}

static int inflate_jpeg(const uint8_t *at, size_t n, const char *name, int format,
                        const struct jpeg_header *head, uint8_t *to, int pixel) {
    tjhandle tj = tjInitDecompress();
    if (!tj) return error_set(ERR_INTERNAL, "%s: %s", name, tjGetErrorStr2(NULL));
    /* Warnings are errors: after one, the rest of the picture is made up. Size and pitch are given
     * so that a frame larger than the one found above cannot be written past our memory. */
    if (tjDecompress2(tj, at, (unsigned long)n, to, (int)head->w, (int)head->w * pixel,
                      (int)head->h, format, 0))
        error_set(ERR_DATA, "%s: damaged JPEG: %s", name, tjGetErrorStr2(tj));
    tjDestroy(tj);
    return error_status();
}

/* a * b / 255, rounded, for a, b in 0 .. 255 */
static unsigned mul255(unsigned a, unsigned b) {
    unsigned t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

/* Photoshop stores CMYK inverted, and readers take that for granted (Pillow does). */
static int decode_cmyk(const uint8_t *at, size_t n, const char *name,
                       const struct jpeg_header *head, struct image *out) {
    struct image ink;
    if (image_alloc(&ink, head->h, head->w, 4)) return error_status();
    if (!inflate_jpeg(at, n, name, TJPF_CMYK, head, ink.at, 4))
        for (int64_t i = 0; i < head->h * head->w; i++)
            for (int k = 0; k < 3; k++) {
                unsigned light = ink.at[4 * i + 3], colour = 255U - ink.at[4 * i + k];
                out->at[3 * i + k] = (uint8_t)(light - mul255(colour, light));
            }
    image_free(&ink);
    return error_status();
}

int jpeg_decode(const uint8_t *at, size_t n, const char *name, struct image *out,
                int *orientation) {
    struct jpeg_header head;
    if (read_header(at, n, name, &head) || image_alloc(out, head.h, head.w, 3))
        return error_status();
    *orientation = head.orientation;
    return head.components == 4 ? decode_cmyk(at, n, name, &head, out)
                                : inflate_jpeg(at, n, name, TJPF_RGB, &head, out->at, 3);
}

/* As far as the first scan: the orientation may stand behind the frame header. */
int jpeg_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out) {
    struct jpeg_header head = {.orientation = 1};
    size_t i = 2;
    for (bool end = false; !end && !head.scans;)
        if (read_segment(at, n, &i, name, &head, &end)) return error_status();
    if (!head.w) return error_set(ERR_DATA, "%s: JPEG without an image", name);
    out->format = "JPEG";
    out->h = head.h;
    out->w = head.w;
    out->channels = head.components;
    out->bits = head.precision;
    out->orientation = head.orientation;
    return 0;
}

int image_encode_jpeg(const struct image *im, int quality, struct bytes *out) {
    REQUIRE(quality >= 1 && quality <= 100, "JPEG quality %d", quality);
    REQUIRE(im->c == 3 || im->c == 1, "%lld channels", (long long)im->c);
    *out = (struct bytes){0};
    int sampling = im->c == 3 ? TJSAMP_420 : TJSAMP_GRAY;
    unsigned long size = tjBufSize((int)im->w, (int)im->h, sampling);
    if (size == (unsigned long)-1 || !(out->at = mem_try(size, 1)))
        return error_set(ERR_INTERNAL, "no memory for a JPEG of %lld x %lld", (long long)im->w,
                         (long long)im->h);
    tjhandle tj = tjInitCompress();
    /* ACCURATEDCT: without it the library takes the fast transform below quality 96; Pillow's
     * files, which the constant of reference-spec 7.3 comes from, use the accurate one. */
    if (!tj || tjCompress2(tj, im->at, (int)im->w, (int)(im->w * im->c), (int)im->h,
                           im->c == 3 ? TJPF_RGB : TJPF_GRAY, &out->at, &size, sampling, quality,
                           TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT))
        error_set(ERR_INTERNAL, "cannot write a JPEG: %s", tjGetErrorStr2(tj));
    else
        out->n = size;
    if (tj) tjDestroy(tj);
    if (error_status()) bytes_free(out);
    return error_status();
}
