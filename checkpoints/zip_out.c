#include "checkpoints/zip_out.h"

#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "checkpoints/zip.h"
#include "checkpoints/zip_records.h"

enum {
    WIDE = 16,              /* two sizes of 64 bits, bytes */
    EXTRA_PADDING = 0x4246, /* "FB", as torch's */
    VERSION_ZIP64 = 45,
};
static const uint64_t see64 = UINT32_MAX; /* in a field of 32 bits: the number is elsewhere */

static void add(struct str *to, int bytes, uint64_t x) {
    uint8_t b[8];
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)(x >> (8 * i));
    str_put(to, b, (size_t)bytes);
}

static uint64_t narrow(uint64_t x) { return x < see64 ? x : see64; }

/* What the local header and the directory have alike: version to name length. */
static void add_common(struct str *to, const char *name, uint64_t bytes, uint32_t crc) {
    add(to, 2, VERSION_ZIP64);
    add(to, 8, 0); /* flags, method: stored, time, date */
    add(to, 4, crc);
    add(to, 4, narrow(bytes));
    add(to, 4, narrow(bytes));
    add(to, 2, strlen(name));
}

/* Zeros, in an extra field of their own, up to where the data may start. */
static void add_padding(struct str *header, uint64_t at) {
    size_t n = (size_t)(ZIP_ALIGN - (at + header->n + 4) % ZIP_ALIGN) % ZIP_ALIGN;
    add(header, 2, EXTRA_PADDING);
    add(header, 2, n);
    static const uint8_t zeros[ZIP_ALIGN];
    str_put(header, zeros, n);
}

static void add_local(struct str *header, const char *name, uint64_t bytes, uint32_t crc,
                      uint64_t at) {
    add(header, 4, SIG_LOCAL);
    add_common(header, name, bytes, crc);
    size_t extra = header->n;
    add(header, 2, 0); /* its length, known below */
    str_add(header, "%s", name);
    size_t from = header->n;
    if (bytes >= see64) {
        add(header, 2, EXTRA_ZIP64);
        add(header, 2, WIDE);
        add(header, 8, bytes);
        add(header, 8, bytes);
    }
    add_padding(header, at);
    size_t n = header->n - from;
    header->at[extra] = (char)(n & 255);
    header->at[extra + 1] = (char)(n >> 8);
}

static void add_central(struct str *to, const char *name, uint64_t bytes, uint32_t crc,
                        uint64_t at) {
    size_t extra = (bytes >= see64 ? WIDE : 0U) + (at >= see64 ? 8U : 0U);
    add(to, 4, SIG_CENTRAL);
    add(to, 2, VERSION_ZIP64);
    add_common(to, name, bytes, crc);
    add(to, 2, extra ? extra + 4 : 0);
    add(to, 2, 0); /* comment, disk, attributes */
    add(to, 2, 0);
    add(to, 6, 0);
    add(to, 4, narrow(at));
    str_add(to, "%s", name);
    if (!extra) return;
    add(to, 2, EXTRA_ZIP64);
    add(to, 2, extra);
    if (bytes >= see64) {
        add(to, 8, bytes);
        add(to, 8, bytes);
    }
    if (at >= see64) add(to, 8, at);
}

int zip_out_open(struct zip_out *z, const char *path) {
    *z = (struct zip_out){0};
    return file_out_open(&z->file, path);
}

int zip_out_entry(struct zip_out *z, const char *name, uint64_t bytes, uint32_t crc) {
    if (z->file.fd < 0) return error_status();
    REQUIRE(!z->left, "%s comes while another entry is not whole", name);
    REQUIRE(*name && strlen(name) <= ZIP_NAME_MAX && z->n < ZIP_ENTRIES_MAX, "entry %s", name);
    struct str header = {0};
    uint64_t at = z->file.written;
    add_local(&header, name, bytes, crc, at);
    add_central(&z->directory, name, bytes, crc, at);
    z->n++;
    z->left = bytes;
    int status = file_out_put(&z->file, header.at, header.n);
    str_free(&header);
    return status;
}

int zip_out_put(struct zip_out *z, const void *data, size_t n) {
    if (z->file.fd < 0) return error_status();
    REQUIRE(n <= z->left, "more data than the entry has room for");
    z->left -= n;
    return n ? file_out_put(&z->file, data, n) : 0;
}

int zip_out_add(struct zip_out *z, const char *name, const void *data, size_t n) {
    int status = zip_out_entry(z, name, n, (uint32_t)crc32_z(0, data, n));
    return status ? status : zip_out_put(z, data, n);
}

/* The directory, and the end records of both widths, as torch's are. */
int zip_out_commit(struct zip_out *z) {
    if (z->file.fd < 0) return error_status();
    REQUIRE(!z->left, "the last entry is not whole");
    uint64_t at = z->file.written, bytes = z->directory.n, end = at + bytes;
    struct str *d = &z->directory;
    add(d, 4, SIG_END64);
    add(d, 8, END64 - 12);
    add(d, 2, VERSION_ZIP64);
    add(d, 2, VERSION_ZIP64);
    add(d, 8, 0); /* disks */
    add(d, 8, z->n);
    add(d, 8, z->n);
    add(d, 8, bytes);
    add(d, 8, at);
    add(d, 4, SIG_LOCATOR);
    add(d, 4, 0);
    add(d, 8, end);
    add(d, 4, 1);
    add(d, 4, SIG_END);
    add(d, 4, 0);
    uint64_t n = z->n < UINT16_MAX ? z->n : UINT16_MAX;
    add(d, 2, n);
    add(d, 2, n);
    add(d, 4, narrow(bytes));
    add(d, 4, narrow(at));
    add(d, 2, 0);
    int status = file_out_put(&z->file, d->at, d->n);
    return status ? status : file_out_commit(&z->file);
}

void zip_out_close(struct zip_out *z) {
    file_out_close(&z->file);
    str_free(&z->directory);
    *z = (struct zip_out){.file.fd = -1};
}
