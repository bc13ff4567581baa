/* Archives as torch writes them, made here so that each of their fields can lie. */
#pragma once

#include <zlib.h>

#include "base/file.h"
#include "tests/test.h"

/* A file in the test's folder; its path, owned. */
static inline char *made_file(const char *name, const void *data, size_t n) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, data, n));
    return path;
}

struct made {
    struct str bytes;
    size_t local[2], data[2], descriptor[2], central[2], end64, locator, end;
};

static inline void made_put(struct made *m, int width, uint64_t x) {
    uint8_t b[8];
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)(x >> (8 * i));
    str_put(&m->bytes, b, (size_t)width);
}

static inline uint32_t made_sum(const char *data, size_t n) {
    return (uint32_t)crc32(0, (const Bytef *)data, (uInt)n);
}

static inline void made_local(struct made *m, const char *name, const char *data, size_t n) {
    made_put(m, 4, 0x04034b50);
    made_put(m, 2, 0);
    made_put(m, 2, 0x808); /* a descriptor follows; the name is UTF-8 */
    for (int i = 0; i < 9; i++)
        made_put(m, 2, 0); /* stored; time, date, CRC and sizes are behind */
    made_put(m, 2, strlen(name));
    made_put(m, 2, 6);
    str_put(&m->bytes, name, strlen(name));
    str_put(&m->bytes, "FB\2\0ZZ", 6); /* padding */
    str_put(&m->bytes, data, n);
    made_put(m, 4, 0x08074b50);
    made_put(m, 4, made_sum(data, n));
    made_put(m, 4, n);
    made_put(m, 4, n);
}

static inline void made_central(struct made *m, const char *name, const char *data, size_t n,
                                size_t local) {
    made_put(m, 4, 0x02014b50);
    made_put(m, 4, 0);
    made_put(m, 2, 0x808);
    for (int i = 0; i < 3; i++) made_put(m, 2, 0);
    made_put(m, 4, made_sum(data, n));
    made_put(m, 4, n);
    made_put(m, 4, n);
    made_put(m, 2, strlen(name));
    for (int i = 0; i < 6; i++) made_put(m, 2, 0);
    made_put(m, 4, local);
    str_put(&m->bytes, name, strlen(name));
}

static inline void made_end(struct made *m, uint64_t n, uint64_t directory) {
    m->end64 = m->bytes.n;
    made_put(m, 4, 0x06064b50);
    made_put(m, 8, 44);
    made_put(m, 4, 0);
    made_put(m, 8, 0);
    made_put(m, 8, n);
    made_put(m, 8, n);
    made_put(m, 8, m->end64 - directory);
    made_put(m, 8, directory);
    m->locator = m->bytes.n;
    made_put(m, 4, 0x07064b50);
    made_put(m, 4, 0);
    made_put(m, 8, m->end64);
    made_put(m, 4, 1);
    m->end = m->bytes.n;
    made_put(m, 4, 0x06054b50);
    made_put(m, 4, 0);
    made_put(m, 2, n);
    made_put(m, 2, n);
    made_put(m, 4, m->end64 - directory);
    made_put(m, 4, directory);
    made_put(m, 2, 0);
}
