#include "checkpoints/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "checkpoints/zip_records.h"

enum {
    DESCRIPTOR_FOLLOWS = 8, /* flag: the local header's CRC and sizes may be 0 */
    UTF8_NAME = 0x800,      /* flag */
    BLOCK = 1 << 18,
};
static const uint64_t see64 = UINT32_MAX; /* in a field of 32 bits: the number is elsewhere */

static uint64_t get(const uint8_t *p, int at, int bytes) { return input_little(p + at, bytes); }

/* Where the directory lies and how many entries it has. */
struct directory {
    uint64_t at, bytes, n;
};

static int bad_end(const struct input *in, const char *what) {
    return error_set(ERR_DATA, "%s: zip: %s (cut short?)", in->path, what);
}

static bool same(uint64_t narrow, uint64_t all_ones, uint64_t value) {
    return narrow == value || narrow == all_ones;
}

/* The end record of 64 bits right in front of its locator at `at`, into d. */
static int read_end64(const struct input *in, uint64_t at, const uint8_t *locator,
                      struct directory *d) {
    uint8_t r[END64];
    if (at < END64 || get(locator, 8, 8) != at - END64)
        return bad_end(in, "the locator of the end record is wrong");
    int status = input_read(in, at - END64, r, sizeof r);
    if (status) return status;
    if (get(r, 0, 4) != SIG_END64 || get(r, 4, 8) != END64 - 12 || get(r, 16, 4) || get(r, 20, 4) ||
        get(r, 24, 8) != get(r, 32, 8) || get(locator, 4, 4) || get(locator, 16, 4) != 1)
        return bad_end(in, "the end record of 64 bits is wrong");
    uint64_t n = get(r, 32, 8), bytes = get(r, 40, 8), start = get(r, 48, 8);
    if (!same(d->n, UINT16_MAX, n) || !same(d->bytes, see64, bytes) || !same(d->at, see64, start))
        return bad_end(in, "its two end records differ");
    *d = (struct directory){start, bytes, n};
    return 0;
}

static int find_directory(const struct input *in, struct directory *d) {
    uint8_t end[END], locator[LOCATOR];
    if (in->size < END) return bad_end(in, "shorter than an empty archive");
    uint64_t at = in->size - END;
    int status = input_read(in, at, end, sizeof end);
    if (status) return status;
    if (get(end, 0, 4) != SIG_END || get(end, 20, 2))
        return bad_end(in, "no end record at its end");
    if (get(end, 4, 2) || get(end, 6, 2) || get(end, 8, 2) != get(end, 10, 2))
        return bad_end(in, "archives in several parts are not read");
    *d = (struct directory){get(end, 16, 4), get(end, 12, 4), get(end, 10, 2)};
    if (at >= LOCATOR) {
        status = input_read(in, at - LOCATOR, locator, sizeof locator);
        if (status) return status;
        if (get(locator, 0, 4) == SIG_LOCATOR) {
            at -= LOCATOR;
            status = read_end64(in, at, locator, d);
            if (status) return status;
            at -= END64;
        }
    }
    if (d->bytes > ZIP_DIRECTORY_MAX || d->n > ZIP_ENTRIES_MAX)
        return error_set(ERR_DATA, "%s: zip: a directory of more than %d entries or %d MiB",
                         in->path, ZIP_ENTRIES_MAX, ZIP_DIRECTORY_MAX >> 20);
    if (d->at > at || at - d->at != d->bytes)
        return bad_end(in, "the directory does not lie in front of its end record");
    return 0;
}

static int refuse(const struct input *in, const struct zip_entry *e, const char *what) {
    return error_set(ERR_DATA, "%s: zip entry %s: %s", in->path, e->name, what);
}

/* Numbers that did not fit 32 bits, from the extra field, in the order size, packed, header. */
static bool widen(struct zip_entry *e, const uint8_t *extra, size_t n) {
    uint64_t *wide[3], **next = wide;
    if (e->bytes == see64) *next++ = &e->bytes;
    if (e->packed == see64) *next++ = &e->packed;
    if (e->header == see64) *next++ = &e->header;
    size_t wanted = (size_t)(next - wide), seen = 0;
    while (n >= 4) {
        size_t id = (size_t)get(extra, 0, 2), size = (size_t)get(extra, 2, 2);
        if (size > n - 4) return false;
        if (id == EXTRA_ZIP64) {
            if (seen++ || size < 8 * wanted) return false;
            for (size_t i = 0; i < wanted; i++) *wide[i] = input_little(extra + 4 + 8 * i, 8);
        }
        extra += 4 + size;
        n -= 4 + size;
    }
    return n == 0 && (seen || !wanted);
}

/* One record of the directory; *used is its length. */
static int parse_central(const struct input *in, struct zip_entry *e, const uint8_t *p, size_t n,
                         size_t *used) {
    if (n < CENTRAL || get(p, 0, 4) != SIG_CENTRAL)
        return error_set(ERR_DATA, "%s: zip: an entry of the directory is damaged", in->path);
    size_t name = (size_t)get(p, 28, 2), extra = (size_t)get(p, 30, 2);
    *used = CENTRAL + name + extra;
    if (get(p, 32, 2) || *used > n || name == 0 || name > ZIP_NAME_MAX)
        return error_set(ERR_DATA, "%s: zip: a name of the directory is too long or damaged",
                         in->path);
    for (size_t i = 0; i < name; i++)
        if (p[CENTRAL + i] < 0x20)
            return error_set(ERR_DATA, "%s: zip: a name with control characters", in->path);
    e->name = mem_format("%.*s", (int)name, (const char *)p + CENTRAL);
    e->crc = (uint32_t)get(p, 16, 4);
    e->packed = get(p, 20, 4);
    e->bytes = get(p, 24, 4);
    e->header = get(p, 42, 4);
    uint64_t flags = get(p, 8, 2), method = get(p, 10, 2);
    e->stored = method == 0;
    if (flags & ~(uint64_t)(DESCRIPTOR_FOLLOWS | UTF8_NAME))
        return refuse(in, e, "encrypted, or with other flags that are not read");
    if (method != 0 && method != 8) return refuse(in, e, "an unknown compression");
    if (!widen(e, p + CENTRAL + name, extra)) return refuse(in, e, "its extra field is damaged");
    if (e->stored && e->packed != e->bytes) return refuse(in, e, "stored with two sizes");
    return 0;
}

/* Compares the local header, and the descriptor behind the data, with the directory. `end` is
 * where the directory starts; *behind is set to the first byte behind the entry. */
static int check_local(const struct input *in, struct zip_entry *e, const uint8_t *central,
                       uint64_t end, uint64_t *behind) {
    uint8_t h[LOCAL + ZIP_NAME_MAX];
    size_t name = strlen(e->name);
    if (e->header > end || end - e->header < LOCAL + name)
        return refuse(in, e, "lies outside the archive");
    int status = input_read(in, e->header, h, LOCAL + name);
    if (status) return status;
    if (get(h, 0, 4) != SIG_LOCAL || memcmp(h + 6, central + 8, 8) != 0 || get(h, 26, 2) != name ||
        memcmp(h + LOCAL, e->name, name) != 0)
        return refuse(in, e, "its local header and the directory differ");
    uint64_t room = end - e->header - LOCAL - name, extra = get(h, 28, 2);
    if (extra > room || e->packed > room - extra) return refuse(in, e, "ends outside the archive");
    e->data = e->header + LOCAL + name + extra;
    *behind = e->data + e->packed;
    bool follows = get(h, 6, 2) & DESCRIPTOR_FOLLOWS;
    uint64_t crc = get(h, 14, 4), packed = get(h, 18, 4), bytes = get(h, 22, 4);
    bool empty = !crc && !packed && !bytes;
    if (!(follows && empty) &&
        (crc != e->crc || !same(packed, see64, e->packed) || !same(bytes, see64, e->bytes)))
        return refuse(in, e, "its local header and the directory differ in size or CRC");
    if (!follows) return 0;
    uint8_t d[24];
    int width = e->bytes >= see64 || e->packed >= see64 ? 8 : 4;
    size_t n = 8 + 2 * (size_t)width;
    if (end - *behind < n) return refuse(in, e, "has no descriptor behind its data");
    status = input_read(in, *behind, d, n);
    if (status) return status;
    if (get(d, 0, 4) != SIG_DESCRIPTOR || get(d, 4, 4) != e->crc || get(d, 8, width) != e->packed ||
        get(d, 8 + width, width) != e->bytes)
        return refuse(in, e, "the descriptor behind its data and the directory differ");
    *behind += n;
    return 0;
}

struct extent {
    uint64_t from, to;
    const struct zip_entry *e;
};

static int compare_extents(const void *a, const void *b) {
    const struct extent *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static int compare_names(const void *a, const void *b) {
    const struct zip_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int read_entries(struct zip *z, const struct input *in, const struct directory *d,
                        const uint8_t *bytes, struct extent *extent) {
    size_t at = 0;
    for (size_t i = 0; i < d->n; i++) {
        struct zip_entry *e = &z->at[z->n++];
        size_t used = 0;
        int status = parse_central(in, e, bytes + at, (size_t)d->bytes - at, &used);
        extent[i] = (struct extent){.from = e->header, .e = e};
        if (!status) status = check_local(in, e, bytes + at, d->at, &extent[i].to);
        if (status) return status;
        at += used;
    }
    if (at != d->bytes) return error_set(ERR_DATA, "%s: zip: more in the directory", in->path);
    qsort(extent, z->n, sizeof *extent, compare_extents);
    for (size_t i = 1; i < z->n; i++)
        if (extent[i].from < extent[i - 1].to)
            return refuse(in, extent[i].e, "overlaps another entry");
    qsort(z->at, z->n, sizeof *z->at, compare_names);
    for (size_t i = 1; i < z->n; i++)
        if (strcmp(z->at[i - 1].name, z->at[i].name) == 0)
            return refuse(in, &z->at[i], "is there twice");
    return 0;
}

int zip_open(struct zip *z, const struct input *in) {
    *z = (struct zip){0};
    struct directory d = {0};
    int status = find_directory(in, &d);
    if (status) return status;
    if (d.n > d.bytes / CENTRAL) return bad_end(in, "more entries than its directory holds");
    uint8_t *bytes = mem_try((size_t)d.bytes + 1, 1);
    struct extent *extent = mem_try((size_t)d.n + 1, sizeof *extent);
    z->at = mem_try((size_t)d.n + 1, sizeof *z->at);
    if (bytes && extent && z->at) {
        status = input_read(in, d.at, bytes, (size_t)d.bytes);
        if (!status) status = read_entries(z, in, &d, bytes, extent);
    } else {
        status = error_status();
    }
    free(bytes);
    free(extent);
    if (status) zip_close(z);
    return status;
}

void zip_close(struct zip *z) {
    for (size_t i = 0; i < z->n; i++) free(z->at[i].name);
    free(z->at);
    *z = (struct zip){0};
}

const struct zip_entry *zip_find(const struct zip *z, const char *name) {
    struct zip_entry key = {.name = (char *)name};
    return z->n ? bsearch(&key, z->at, z->n, sizeof *z->at, compare_names) : NULL;
}

int zip_check(const struct input *in, const struct zip_entry *e) {
    REQUIRE(e->stored, "%s is compressed", e->name);
    uint8_t *block = mem_alloc(BLOCK, 1);
    uLong crc = 0;
    int status = 0;
    for (uint64_t at = 0; !status && at < e->bytes; at += BLOCK) {
        size_t n = e->bytes - at < BLOCK ? (size_t)(e->bytes - at) : BLOCK;
        status = input_read(in, e->data + at, block, n);
        if (!status) crc = crc32(crc, block, (uInt)n);
    }
    free(block);
    if (!status && crc != e->crc) status = refuse(in, e, "its CRC32 is wrong: the file is damaged");
    return status;
}
