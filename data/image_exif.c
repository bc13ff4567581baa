/* EXIF is a small TIFF file inside of a picture; offsets in it are whatever its writer claims. */
#include <string.h>

#include "data/image_internal.h"

/* Numbers of a TIFF structure in either byte order. */
static uint32_t tiff_number(const uint8_t *p, int size, bool big) {
    uint32_t v = 0;
    for (int i = 0; i < size; i++) v = v << 8 | p[big ? i : size - 1 - i];
    return v;
}

int exif_orientation(const uint8_t *p, size_t n) {
    enum { TAG_ORIENTATION = 0x112, TYPE_SHORT = 3, MARK = 6, HEAD = 8, ENTRY = 12 };
    if (n >= MARK && memcmp(p, "Exif\0\0", MARK) == 0) {
        p += MARK;
        n -= MARK;
    }
    if (n < HEAD) return 1;
    bool big = p[0] == 'M';
    if (memcmp(p, big ? "MM\0*" : "II*\0", 4) != 0) return 1;
    size_t at = tiff_number(p + 4, 4, big);
    if (at > n || n - at < 2) return 1;
    size_t entries = tiff_number(p + at, 2, big);
    at += 2;
    for (size_t i = 0; i < entries && n - at >= ENTRY; i++, at += ENTRY) {
        if (tiff_number(p + at, 2, big) != TAG_ORIENTATION) continue;
        if (tiff_number(p + at + 2, 2, big) != TYPE_SHORT) return 1;
        uint32_t v = tiff_number(p + at + 8, 2, big);
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}
