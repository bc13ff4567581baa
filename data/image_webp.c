/* WebP by libwebp, which a site may lack. */
#include <string.h>

#include "base/error.h"
#include "data/image_internal.h"

bool webp_is(const uint8_t *at, size_t n) {
    return n >= 12 && !memcmp(at, "RIFF", 4) && !memcmp(at + 8, "WEBP", 4);
}

#ifdef OVSEG_WEBP
#include <webp/decode.h>

int webp_size(const uint8_t *at, size_t n, const char *name, int64_t *h, int64_t *w) {
    WebPBitstreamFeatures f;
    if (WebPGetFeatures(at, n, &f) != VP8_STATUS_OK)
        return error_set(ERR_DATA, "%s: damaged WebP header", name);
    if (f.has_animation)
        return error_set(ERR_DATA, "%s: animated WebP; save one frame of it", name);
    *h = f.height;
    *w = f.width;
    return image_check_size(name, *h, *w);
}

int webp_decode(const uint8_t *at, size_t n, const char *name, struct image *out) {
    int64_t h = 0, w = 0;
    if (webp_size(at, n, name, &h, &w) || image_alloc(out, h, w, 3)) return error_status();
    if (!WebPDecodeRGBInto(at, n, out->at, (size_t)(h * w * 3), (int)(w * 3)))
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

int webp_size(const uint8_t *at, size_t n, const char *name, int64_t *h, int64_t *w) {
    (void)at, (void)n, (void)h, (void)w;
    return no_library(name);
}

int webp_decode(const uint8_t *at, size_t n, const char *name, struct image *out) {
    (void)at, (void)n, (void)out;
    return no_library(name);
}
#endif
