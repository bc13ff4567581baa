/* Files without checksums whose header is text; and damage that knows of no structure. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/mutants.h"

static size_t below(struct rng *r, size_t n) { return n ? (size_t)rng_below(r, (int64_t)n) : 0; }

uint64_t odd_number(struct rng *r) {
    static const uint64_t odd[] = {0,
                                   1,
                                   7,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x100,
                                   0x7fff,
                                   0xffff,
                                   0x10000,
                                   1 << 24,
                                   1 << 30,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   (uint64_t)1 << 32,
                                   INT64_MAX,
                                   (uint64_t)INT64_MAX + 1,
                                   UINT64_MAX,
                                   UINT64_MAX - 7,
                                   (uint64_t)1 << 61,
                                   (uint64_t)1 << 62};
    return odd[below(r, sizeof odd / sizeof *odd)];
}

void set_number(struct str *b, size_t at, size_t width, uint64_t x) {
    for (size_t i = 0; i < width && at + i < b->n; i++) b->at[at + i] = (char)(x >> (8 * i));
}

void mutate_raw(struct rng *r, struct str *b, size_t from, size_t to) {
    size_t all = to - from, at = from + below(r, all), n = 1 + below(r, 200);
    if (!all) return;
    if (n > to - at) n = to - at;
    char *piece = mem_alloc(n, 1);
    memcpy(piece, b->at + at, n);
    switch (below(r, 8)) {
    case 0: b->at[at] = (char)(b->at[at] ^ (1 << below(r, 8))); break;
    case 1:
        for (int i = 0; i < 4; i++) b->at[from + below(r, all)] = (char)below(r, 256);
        break;
    case 2: fuzz_replace(b, at, to - at, "", 0); break; /* cut */
    case 3: fuzz_replace(b, at, n, "", 0); break;
    case 4: fuzz_replace(b, at, 0, piece, n); break; /* there twice */
    case 5: {                                        /* over another */
        size_t over = from + below(r, all - n + 1);
        memcpy(b->at + over, piece, n);
        break;
    }
    case 6: memset(b->at + at, 0, n); break;
    default: set_number(b, at, (size_t)2 << below(r, 3), odd_number(r));
    }
    free(piece);
}

/* The n-th place of a text in the JSON; 0: there is none. */
static size_t find_nth(const struct str *json, const char *text, size_t n) {
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= json->n; i++)
        if (memcmp(json->at + i, text, length) == 0 && !n--) return i;
    return 0;
}

/* One tensor's entry, again or over another's: `"name":{...}`. */
static void double_entry(struct rng *r, struct str *json) {
    size_t end = find_nth(json, "}", below(r, 4));
    size_t from = end;
    if (!end) return;
    while (from && json->at[from] != '{') from--;
    while (from && json->at[from] != ',') from--;
    char *entry = mem_alloc(end + 2 - from, 1);
    memcpy(entry, json->at + from, end + 1 - from);
    if (*entry == ',') fuzz_replace(json, end + 1, 0, entry, end + 1 - from);
    free(entry);
}

/* The offsets, shape or type of one tensor become those of another. */
static void copy_field(struct rng *r, struct str *json) {
    static const char *const fields[] = {"data_offsets", "shape", "dtype"};
    const char *field = fields[below(r, 3)];
    size_t a = find_nth(json, field, below(r, 4)), b = find_nth(json, field, below(r, 4));
    if (!a || !b) return;
    size_t n = strcspn(json->at + a, "]}"), m = strcspn(json->at + b, "]}");
    if (a + n >= json->n || b + m >= json->n) return;
    char *copy = mem_alloc(n + 1, 1);
    memcpy(copy, json->at + a, n);
    fuzz_replace(json, b, m, copy, n);
    free(copy);
}

void mutate_safetensors(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m) {
    const struct bytes *b = &c->at[seed];
    struct str json = {0}, *out = &m->bytes;
    uint64_t length;
    memcpy(&length, b->at, sizeof length);
    const uint8_t *data = b->at + 8 + length;
    str_put(&json, b->at + 8, length);
    static const char *const changes[] = {"anywhere",    "sizes",  "duplicated",
                                          "overlapping", "header", "header"};
    size_t change = below(r, 6);
    m->how = changes[change];
    m->exact = false;
    if (change == 2) double_entry(r, &json);
    if (change == 3) copy_field(r, &json);
    if (change >= 4) mutate(r, c, &json);
    if (rng_chance(r, 0.9)) length = json.n; /* else it is the old one */
    if (change == 1) length = odd_number(r) + (rng_chance(r, 0.5) ? length : 0);
    out->n = 0;
    str_put(out, &length, sizeof length);
    str_put(out, json.at, json.n);
    size_t from = rng_chance(r, 0.3) ? out->n : 0;
    str_put(out, data, (size_t)(b->at + b->n - data));
    if (change == 0) mutate_raw(r, out, from, out->n);
    str_free(&json);
}

void mutate_json(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m) {
    m->how = "text";
    m->exact = false;
    m->bytes.n = 0;
    str_put(&m->bytes, c->at[seed].at, c->at[seed].n);
    mutate(r, c, &m->bytes);
}
