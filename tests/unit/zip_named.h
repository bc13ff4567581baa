/* Zip files made by hand: stored, their names as they are given. */
#pragma once

#include <zlib.h>

#include "base/file.h"
#include "tests/test.h"

struct zip_file {
    const char *name;
    const void *data;
    size_t n;
    bool utf8; /* its name is marked as UTF-8 */
};

static inline void zip_put(struct str *s, uint32_t x, int bytes) {
    for (int i = 0; i < bytes; i++) str_put(s, &(char){(char)(x >> 8 * i)}, 1);
}

/* What a file's local header and its entry of the directory have in common. */
static inline void zip_put_facts(struct str *s, const struct zip_file *f) {
    zip_put(s, 20, 2);
    zip_put(s, f->utf8 ? 0x800 : 0, 2);
    zip_put(s, 0, 2); /* stored */
    zip_put(s, 0x21 << 16, 4);
    zip_put(s, (uint32_t)crc32(0, f->data, (uInt)f->n), 4);
    zip_put(s, (uint32_t)f->n, 4);
    zip_put(s, (uint32_t)f->n, 4);
    zip_put(s, (uint32_t)strlen(f->name), 2);
    zip_put(s, 0, 2);
}

static inline void zip_write(const char *path, const struct zip_file *file, size_t n) {
    struct str zip = {0}, directory = {0};
    for (size_t i = 0; i < n; i++) {
        const struct zip_file *f = &file[i];
        uint32_t at = (uint32_t)zip.n;
        zip_put(&zip, 0x04034b50, 4);
        zip_put_facts(&zip, f);
        str_put(&zip, f->name, strlen(f->name));
        str_put(&zip, f->data, f->n);
        zip_put(&directory, 0x02014b50, 4);
        zip_put(&directory, 3 << 8 | 20, 2); /* made on Unix */
        zip_put_facts(&directory, f);
        zip_put(&directory, 0, 4);
        zip_put(&directory, 0, 2);
        zip_put(&directory, 0100644U << 16, 4);
        zip_put(&directory, at, 4);
        str_put(&directory, f->name, strlen(f->name));
    }
    uint32_t start = (uint32_t)zip.n, length = (uint32_t)directory.n;
    str_put(&zip, directory.at, directory.n);
    zip_put(&zip, 0x06054b50, 4);
    zip_put(&zip, 0, 4);
    zip_put(&zip, (uint32_t)n, 2);
    zip_put(&zip, (uint32_t)n, 2);
    zip_put(&zip, length, 4);
    zip_put(&zip, start, 4);
    zip_put(&zip, 0, 2);
    CHECK_OK(file_write(path, zip.at, zip.n));
    str_free(&directory);
    str_free(&zip);
}
