/* WebP by libwebp, which a site may lack. */
#include <string.h>

#include "base/error.h"
#include "data/image_internal.h"

bool webp_is(const uint8_t *at, size_t n) {
    return n >= 12 && !memcmp(at, "RIFF", 4) && !memcmp(at + 8, "WEBP", 4);
}

#ifdef OVSEG_WEBP
#include <webp/decode.h>

static uint32_t le32(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Of the chunk EXIF in a file whose first chunk, VP8X, says that there is one. */
static int webp_orientation(const uint8_t *at, size_t n) {
    enum { RIFF = 12, HEAD = 8, EXIF_FLAG = 8 };
    size_t end = (size_t)le32(at + 4) + HEAD;
    if (end > n) end = n;
    if (end < RIFF + HEAD + 1 || memcmp(at + RIFF, "VP8X", 4) != 0 ||
        !(at[RIFF + HEAD] & EXIF_FLAG))
        return 1;
    for (size_t i = RIFF; i < end && end - i >= HEAD;) {
        size_t len = le32(at + i + 4);
        const uint8_t *chunk = at + i;
        if (len > end - i - HEAD) return 1;
        if (memcmp(chunk, "EXIF", 4) == 0) return exif_orientation(chunk + HEAD, len);
        i += HEAD + len + len % 2; /* odd chunks have a byte behind them */
    }
    return 1;
}

int webp_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out) {
    WebPBitstreamFeatures f;
    if (WebPGetFeatures(at, n, &f) != VP8_STATUS_OK)
        return error_set(ERR_DATA, "%s: damaged WebP header", name);
    if (f.has_animation)
        return error_set(ERR_DATA, "%s: animated WebP; save one frame of it", name);
    out->format = "WebP";
    out->h = f.height;
    out->w = f.width;
    out->orientation = webp_orientation(at, n);
    return image_check_size(name, out->h, out->w);
}

int webp_decode(const uint8_t *at, size_t n, const char *name, struct image *out,
                int *orientation) {
    struct image_facts f;
    if (webp_look(at, n, name, &f) || image_alloc(out, f.h, f.w, 3)) return error_status();
    *orientation = f.orientation;
    if (!WebPDecodeRGBInto(at, n, out->at, (size_t)(f.h * f.w * 3), (int)(f.w * 3)))
        return error_set(ERR_DATA, "%s: damaged WebP", name);
    return 0;
}

#else

static int no_library(const char *name) {
    return error_set(ERR_DEVICE,
                     "%s: is WebP, and this build has no libwebp; install libwebp-dev and build "
                     "again, or convert the file to PNG",
                     name);
}

int webp_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out) {
    (void)at, (void)n, (void)out;
    return no_library(name);
}

int webp_decode(const uint8_t *at, size_t n, const char *name, struct image *out,
                int *orientation) {
    (void)at, (void)n, (void)out, (void)orientation;
    return no_library(name);
}
#endif
