/* Files of images for tests: of the golden ones, and put together by hand. */
#pragma once

#include <zlib.h>

#include "base/file.h"
#include "tests/test.h"

static inline void read_golden(const char *name, struct bytes *b) {
    char *path = test_source(name);
    CHECK_OK(file_read(path, 1 << 20, b));
    free(path);
}

/* Of a PNG: big-endian. */
static inline void put_u32(struct str *s, uint32_t x) {
    const uint8_t b[4] = {(uint8_t)(x >> 24), (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x};
    str_put(s, b, sizeof b);
}

static inline void put_chunk(struct str *s, const char *type, const void *data, size_t n) {
    put_u32(s, (uint32_t)n);
    size_t from = s->n;
    str_put(s, type, 4);
    str_put(s, data, n);
    put_u32(s, (uint32_t)crc32(0, (const Bytef *)s->at + from, (uInt)(s->n - from)));
}
