#include "data/rle.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Varints of more bytes cannot be a run: 5 * 7 bits hold 2^32 and more pixels than any image. */
enum { VARINT_BYTES_MAX = 5, COCO_DIGITS_MAX = 7 };

static void put_varint(struct str *to, uint64_t v) {
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 128; v >>= 7) bytes[n++] = (uint8_t)(v | 128);
    bytes[n++] = (uint8_t)v;
    str_put(to, bytes, n);
}

void rle_append(struct str *packed, int64_t clear, int64_t set) {
    put_varint(packed, (uint64_t)clear);
    if (set) put_varint(packed, (uint64_t)set);
}

int rle_pack(const struct mask *m, struct bytes *out) {
    struct str s = {0};
    int64_t n = m->h * m->w, i = 0;
    while (i < n) {
        int64_t from = i, set = i;
        while (set < n && !m->at[set]) set++;
        i = set;
        while (i < n && m->at[i]) i++;
        rle_append(&s, set - from, i - set);
    }
    *out = (struct bytes){.at = (uint8_t *)s.at, .n = s.n};
    return 0;
}

/* Reads packed runs one by one, each checked against the pixels that are left. */
struct runs {
    const uint8_t *at, *end;
    int64_t left; /* pixels not yet in a run */
    bool first;
};

static int next_run(struct runs *r, int64_t *run) {
    uint64_t v = 0;
    for (int i = 0;; i++) {
        if (r->at == r->end) return error_set(ERR_DATA, "mask runs end early");
        if (i == VARINT_BYTES_MAX) return error_set(ERR_DATA, "a mask run of too many bytes");
        uint8_t b = *r->at++;
        v |= (uint64_t)(b & 127) << (7 * i);
        if (!(b & 128)) break;
    }
    if (v > (uint64_t)r->left)
        return error_set(ERR_DATA, "a mask run of %llu pixels where %lld are left",
                         (unsigned long long)v, (long long)r->left);
    if (v == 0 && !r->first) return error_set(ERR_DATA, "an empty mask run");
    r->first = false;
    r->left -= (int64_t)v;
    *run = (int64_t)v;
    return 0;
}

static struct runs runs_open(const void *packed, size_t n, int64_t h, int64_t w) {
    REQUIRE(h > 0 && w > 0, "a mask of %lld x %lld", (long long)h, (long long)w);
    const uint8_t *at = packed;
    return (struct runs){.at = at, .end = at + n, .left = h * w, .first = true};
}

static int runs_end(const struct runs *r) {
    if (r->at != r->end)
        return error_set(ERR_DATA, "%td bytes behind the mask's last run", r->end - r->at);
    return 0;
}

int rle_unpack(const void *packed, size_t n, int64_t h, int64_t w, struct mask *out) {
    struct runs r = runs_open(packed, n, h, w);
    if (mask_alloc(out, h, w)) return error_status();
    int64_t at = 0, run = 0;
    for (uint8_t set = 0; r.left > 0; set = !set, at += run) {
        if (next_run(&r, &run)) break;
        memset(out->at + at, set, (size_t)run);
    }
    if (!error_status()) runs_end(&r);
    if (error_status()) mask_free(out);
    return error_status();
}

int rle_unpack_rows(const void *packed, size_t n, int64_t h, int64_t w, int64_t y, int64_t rows,
                    uint8_t *out) {
    REQUIRE(y >= 0 && rows > 0 && y + rows <= h, "rows %lld + %lld of %lld", (long long)y,
            (long long)rows, (long long)h);
    struct runs r = runs_open(packed, n, h, w);
    int64_t first = y * w, end = first + rows * w, at = 0, run = 0;
    memset(out, 0, (size_t)(rows * w));
    for (bool set = false; at < end; set = !set, at += run) {
        if (next_run(&r, &run)) return error_status();
        int64_t from = at > first ? at : first, to = at + run < end ? at + run : end;
        if (set && from < to) memset(out + from - first, 1, (size_t)(to - from));
    }
    return 0;
}

int rle_measure(const void *packed, size_t n, int64_t h, int64_t w, int64_t *area,
                struct box *box) {
    struct runs r = runs_open(packed, n, h, w);
    struct box b = {w, h, 0, 0};
    *area = 0;
    int64_t at = 0, run = 0;
    for (bool set = false; r.left > 0; set = !set, at += run) {
        if (next_run(&r, &run)) return error_status();
        if (!set || run == 0) continue;
        *area += run;
        int64_t y0 = at / w, y1 = (at + run - 1) / w;
        /* A run over a row's end touches both borders. */
        int64_t x0 = y0 == y1 ? at % w : 0, x1 = y0 == y1 ? (at + run - 1) % w + 1 : w;
        if (y0 < b.y0) b.y0 = y0;
        if (x0 < b.x0) b.x0 = x0;
        if (x1 > b.x1) b.x1 = x1;
        b.y1 = y1 + 1;
    }
    *box = b.y1 ? b : (struct box){0};
    return runs_end(&r);
}

void coco_rle_free(struct coco_rle *r) {
    free(r->count);
    *r = (struct coco_rle){0};
}

void coco_rle_add(struct coco_rle *r, uint32_t count) {
    r->count = mem_grow(r->count, &r->cap, r->n + 1, sizeof *r->count);
    r->count[r->n++] = count;
}

int coco_rle_encode(const struct mask *m, struct coco_rle *out) {
    *out = (struct coco_rle){.h = m->h, .w = m->w};
    uint32_t run = 0;
    bool set = false;
    for (int64_t x = 0; x < m->w; x++)
        for (int64_t y = 0; y < m->h; y++) {
            if ((m->at[y * m->w + x] != 0) != set) {
                coco_rle_add(out, run);
                run = 0;
                set = !set;
            }
            run++;
        }
    coco_rle_add(out, run);
    return 0;
}

int coco_rle_fill(const uint32_t *count, size_t n, struct mask *into) {
    uint64_t total = 0, pixels = (uint64_t)(into->h * into->w);
    for (size_t i = 0; i < n; i++) { /* before a pixel is written; 2^32 runs of 2^32 fit */
        total += count[i];
        if (total > pixels) break;
    }
    if (total != pixels)
        return error_set(ERR_DATA, "mask runs of %s%llu pixels in an image of %lld x %lld",
                         total > pixels ? "at least " : "", (unsigned long long)total,
                         (long long)into->w, (long long)into->h);
    int64_t x = 0, y = 0;
    for (size_t i = 0; i < n; i++)
        for (uint32_t left = count[i]; left > 0;) {
            uint32_t part = (uint32_t)(into->h - y) < left ? (uint32_t)(into->h - y) : left;
            for (uint32_t k = 0; k < part && i % 2; k++) into->at[(y + k) * into->w + x] = 1;
            left -= part;
            y += part;
            if (y == into->h) {
                y = 0;
                x++;
            }
        }
    return 0;
}

int coco_rle_decode(const struct coco_rle *r, struct mask *out) {
    if (mask_alloc(out, r->h, r->w)) return error_status();
    if (coco_rle_fill(r->count, r->n, out)) mask_free(out);
    return error_status();
}

/* A character holds 5 bits of a signed number, low ones first, and says whether more follow; from
 * the fourth run on the number is the difference to the run two back. */
enum { DIGIT_BITS = 5, MORE = 0x20, SIGN = 0x10, ZERO_CHAR = 48 };

int coco_rle_parse(const char *s, size_t n, struct coco_rle *out) {
    *out = (struct coco_rle){0};
    for (size_t i = 0; i < n;) {
        int64_t v = 0;
        for (int digits = 0;; digits++) {
            int c = i < n ? s[i++] - ZERO_CHAR : -1;
            if (c < 0 || c > 63 || digits == COCO_DIGITS_MAX) {
                coco_rle_free(out);
                return error_set(ERR_DATA, "damaged mask string at character %zu", i);
            }
            v |= (int64_t)(c & 31) << (DIGIT_BITS * digits);
            if (c & MORE) continue;
            if (c & SIGN) v -= (int64_t)1 << (DIGIT_BITS * (digits + 1));
            break;
        }
        if (out->n > 2) v += out->count[out->n - 2];
        if (v < 0 || v > UINT32_MAX) {
            coco_rle_free(out);
            return error_set(ERR_DATA, "a mask run of %lld pixels", (long long)v);
        }
        coco_rle_add(out, (uint32_t)v);
    }
    return 0;
}

void coco_rle_print(const struct coco_rle *r, struct str *out) {
    for (size_t i = 0; i < r->n; i++) {
        int64_t v = r->count[i];
        if (i > 2) v -= r->count[i - 2];
        for (bool more = true; more;) {
            int c = (int)(v & 31);
            v = (v - c) / 32; /* floor: the sign stays */
            more = c & SIGN ? v != -1 : v != 0;
            char digit = (char)(ZERO_CHAR + (c | (more ? MORE : 0)));
            str_put(out, &digit, 1);
        }
    }
}
