#include "base/base64.h"

#include <stdint.h>

void base64_add(struct str *out, const void *bytes, size_t n) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t x = (uint32_t)p[i] << 16;
        if (i + 1 < n) x |= (uint32_t)p[i + 1] << 8;
        if (i + 2 < n) x |= p[i + 2];
        char four[4] = {letters[x >> 18], letters[x >> 12 & 63], '=', '='};
        if (i + 1 < n) four[2] = letters[x >> 6 & 63];
        if (i + 2 < n) four[3] = letters[x & 63];
        str_put(out, four, 4);
    }
}
