/* ZIP archives: taken apart, changed, put together with or without true checksums. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "checkpoints/zip_records.h"
#include "tests/fuzz/mutants.h"

enum { FOLLOWS = 8 }; /* flag: CRC and sizes stand behind the data */

struct part {
    struct str name, extra, data;
    uint8_t head[8]; /* flags, method, time */
    uint32_t crc;
    uint64_t bytes, packed;  /* as they are told */
    size_t local, body;      /* where it lies, once it was put */
    size_t central, tail;    /* its record of the directory, the descriptor behind its data or 0 */
    const struct part *same; /* only a second record of the directory, of that one */
};

struct archive {
    struct part *at;
    size_t n, cap, end64;
};

static uint64_t get(const uint8_t *p, int bytes) {
    uint64_t x = 0;
    for (int i = bytes - 1; i >= 0; i--) x = x << 8 | p[i];
    return x;
}

static void put(struct str *b, int width, uint64_t x) {
    for (int i = 0; i < width; i++) {
        uint8_t byte = (uint8_t)(x >> (8 * i));
        str_put(b, &byte, 1);
    }
}

static uint32_t sum(const void *p, size_t n) { return (uint32_t)crc32(0, p, (uInt)n); }

static size_t below(struct rng *r, size_t n) { return n ? (size_t)rng_below(r, (int64_t)n) : 0; }

static struct part *add_part(struct archive *a) {
    a->at = mem_grow(a->at, &a->cap, a->n + 1, sizeof *a->at);
    a->at[a->n] = (struct part){0};
    return &a->at[a->n++];
}

/* Of a good file. */
static void take_apart(struct archive *a, const struct bytes *b) {
    const uint8_t *p = b->at + get(b->at + b->n - END + 16, 4);
    for (size_t i = get(b->at + b->n - END + 10, 2); i--;) {
        struct part *x = add_part(a);
        size_t name = get(p + 28, 2);
        const uint8_t *local = b->at + get(p + 42, 4), *body = local + LOCAL + name;
        size_t extra = get(local + 28, 2);
        x->crc = (uint32_t)get(p + 16, 4);
        x->packed = get(p + 20, 4);
        x->bytes = get(p + 24, 4);
        memcpy(x->head, p + 8, sizeof x->head);
        str_put(&x->name, p + CENTRAL, name);
        str_put(&x->extra, body, extra);
        str_put(&x->data, body + extra, x->packed);
        p += CENTRAL + name + get(p + 30, 2);
    }
}

static void free_parts(struct archive *a) {
    for (size_t i = 0; i < a->n; i++) {
        str_free(&a->at[i].name);
        str_free(&a->at[i].extra);
        str_free(&a->at[i].data);
    }
    free(a->at);
}

static void put_told(struct str *out, const struct part *x) {
    put(out, 4, x->crc);
    put(out, 4, x->packed);
    put(out, 4, x->bytes);
}

static void put_local(struct str *out, struct part *x) {
    static const uint8_t nothing[12];
    bool follows = x->head[0] & FOLLOWS;
    x->local = out->n;
    put(out, 4, SIG_LOCAL);
    put(out, 2, 0);
    str_put(out, x->head, sizeof x->head);
    if (follows)
        str_put(out, nothing, sizeof nothing);
    else
        put_told(out, x);
    put(out, 2, x->name.n);
    put(out, 2, x->extra.n);
    str_put(out, x->name.at, x->name.n);
    str_put(out, x->extra.at, x->extra.n);
    x->body = out->n;
    str_put(out, x->data.at, x->data.n);
    if (!follows) return;
    x->tail = out->n;
    put(out, 4, SIG_DESCRIPTOR);
    put_told(out, x);
}

static void put_central(struct str *out, struct part *x) {
    x->central = out->n;
    put(out, 4, SIG_CENTRAL);
    put(out, 4, 0);
    str_put(out, x->head, sizeof x->head);
    put_told(out, x);
    put(out, 2, x->name.n);
    for (int i = 0; i < 6; i++) put(out, 2, 0);
    put(out, 4, x->same ? x->same->local : x->local);
    str_put(out, x->name.at, x->name.n);
}

static void put_together(struct archive *a, struct str *out) {
    out->n = 0;
    for (size_t i = 0; i < a->n; i++)
        if (!a->at[i].same) put_local(out, &a->at[i]);
    size_t from = out->n;
    for (size_t i = 0; i < a->n; i++) put_central(out, &a->at[i]);
    size_t bytes = out->n - from;
    a->end64 = out->n;
    put(out, 4, SIG_END64);
    put(out, 8, END64 - 12);
    put(out, 4, 0);
    put(out, 8, 0);
    put(out, 8, a->n);
    put(out, 8, a->n);
    put(out, 8, bytes);
    put(out, 8, from);
    put(out, 4, SIG_LOCATOR);
    put(out, 4, 0);
    put(out, 8, a->end64);
    put(out, 4, 1);
    put(out, 4, SIG_END);
    put(out, 4, 0);
    put(out, 2, a->n);
    put(out, 2, a->n);
    put(out, 4, bytes);
    put(out, 4, from);
    put(out, 2, 0);
}

/* Tells the size of the data as it is now, and its checksum where it is to be true. */
static void tell(struct part *x, bool sealed) {
    if (x->packed == x->bytes) x->bytes = x->data.n;
    x->packed = x->data.n;
    if (sealed) x->crc = sum(x->data.at, x->data.n);
}

/* A copy, whose `same` is not taken: parts move when there is one more. */
static struct part *copy_part(struct archive *a, size_t i) {
    struct part *to = add_part(a), *from = &a->at[i];
    *to = (struct part){.crc = from->crc, .bytes = from->bytes, .packed = from->packed};
    memcpy(to->head, from->head, sizeof to->head);
    str_put(&to->name, from->name.at, from->name.n);
    str_put(&to->extra, from->extra.at, from->extra.n);
    str_put(&to->data, from->data.at, from->data.n);
    return to;
}

static bool is_pickle(const struct part *x) {
    static const char tail[] = "/data.pkl";
    size_t n = sizeof tail - 1;
    return x->name.n > n && memcmp(x->name.at + x->name.n - n, tail, n) == 0;
}

/* ---- the kinds of damage; the archive is put together behind them ---- */

static void change_bytes(struct rng *r, struct archive *a, bool sealed, struct mutant *m) {
    struct part *x = &a->at[below(r, a->n)];
    m->how = "bytes";
    m->exact = !sealed;
    mutate_raw(r, &x->data, 0, x->data.n);
    tell(x, sealed);
    put_together(a, &m->bytes);
}

static void change_opcodes(struct rng *r, struct archive *a, bool sealed, struct mutant *m) {
    m->how = "opcodes";
    m->exact = !sealed;
    for (size_t i = 0; i < a->n; i++) {
        struct part *x = &a->at[i];
        if (!is_pickle(x)) continue;
        mutate_pickle(r, &x->data, 0, x->data.n);
        tell(x, sealed);
    }
    put_together(a, &m->bytes);
}

/* An entry is shorter than it was; its records may know. */
static void cut(struct rng *r, struct archive *a, bool sealed, struct mutant *m) {
    struct part *x = &a->at[below(r, a->n)];
    m->how = "truncated";
    if (!x->data.n) return put_together(a, &m->bytes);
    x->data.n -= 1 + below(r, rng_chance(r, 0.5) ? x->data.n : 1);
    if (sealed || rng_chance(r, 0.5)) tell(x, sealed);
    put_together(a, &m->bytes);
}

/* An entry that reaches into the next ones, told in the same way everywhere; or records that lie
 * on another's place. */
static void overlap(struct rng *r, struct archive *a, bool sealed, struct mutant *m) {
    struct part *x = &a->at[below(r, a->n)];
    m->how = "overlapping";
    if (rng_chance(r, 0.5)) {
        put_together(a, &m->bytes);
        const struct part *y = &a->at[below(r, a->n)];
        size_t to = rng_chance(r, 0.5) ? y->local : below(r, m->bytes.n);
        set_number(&m->bytes, x->central + 42, 4, to);
        return;
    }
    x->head[0] &= (uint8_t)~FOLLOWS;
    put_together(a, &m->bytes);
    size_t more = 1 + below(r, rng_chance(r, 0.5) ? 200 : m->bytes.n - x->body);
    x->bytes = x->packed += more;
    if (x->bytes > m->bytes.n - x->body) x->bytes = x->packed = m->bytes.n - x->body;
    for (int i = 0; i < 2; i++) { /* the checksum of what lies there may hold in itself */
        if (sealed) x->crc = sum(m->bytes.at + x->body, x->bytes);
        set_number(&m->bytes, x->local + 14, 4, x->crc);
        set_number(&m->bytes, x->central + 16, 4, x->crc);
        for (size_t field = 4; field <= 8; field += 4) {
            set_number(&m->bytes, x->local + 14 + field, 4, x->bytes);
            set_number(&m->bytes, x->central + 16 + field, 4, x->bytes);
        }
    }
}

static void duplicate(struct rng *r, struct archive *a, bool sealed, struct mutant *m) {
    size_t i = below(r, a->n);
    struct part *x = copy_part(a, i);
    m->how = "duplicated";
    switch (below(r, 4)) {
    case 0: x->same = &a->at[i]; break;
    case 1:
        mutate_raw(r, &x->data, 0, x->data.n);
        tell(x, sealed);
        break;
    case 2: { /* under the name of another */
        const struct part *y = &a->at[below(r, a->n)];
        x->name.n = 0;
        str_put(&x->name, y->name.at, y->name.n);
        break;
    }
    default: break;
    }
    if (rng_chance(r, 0.5)) { /* in front */
        struct part first = a->at[0];
        if (!x->same) a->at[0] = *x, *x = first;
    }
    put_together(a, &m->bytes);
}

/* Entries are missing, or have each other's contents: a whole archive of something else. */
static void exchange(struct rng *r, struct archive *a, bool sealed, struct mutant *m) {
    size_t i = below(r, a->n), k = below(r, a->n);
    m->how = "exchanged";
    m->exact = false;
    if (rng_chance(r, 0.5)) {
        struct str name = a->at[i].name;
        a->at[i].name = a->at[k].name;
        a->at[k].name = name;
    } else {
        struct part last = a->at[a->n - 1];
        a->at[a->n - 1] = a->at[i];
        a->at[i] = last;
        if (a->n > 1) {
            a->n--;
            str_free(&a->at[a->n].name);
            str_free(&a->at[a->n].extra);
            str_free(&a->at[a->n].data);
        }
    }
    (void)sealed;
    put_together(a, &m->bytes);
}

/* Numbers of one record, or of all that speak of one entry. */
static void lie(struct rng *r, struct archive *a, bool sealed, struct mutant *m) {
    static const struct {
        size_t at, width;
    } local[] = {{6, 2}, {8, 2}, {14, 4}, {18, 4}, {22, 4}, {26, 2}, {28, 2}},
      central[] = {{8, 2},  {10, 2}, {16, 4}, {20, 4}, {24, 4},
                   {28, 2}, {30, 2}, {32, 2}, {34, 2}, {42, 4}},
      ends[] = {{4, 8},  {16, 4}, {20, 4}, {24, 8}, {32, 8}, {40, 8}, {48, 8}, {60, 4}, {64, 8},
                {72, 4}, {80, 2}, {82, 2}, {84, 2}, {86, 2}, {88, 4}, {92, 4}, {96, 2}};
    struct part *x = &a->at[below(r, a->n)];
    uint64_t number = rng_chance(r, 0.5) ? odd_number(r) : x->bytes + below(r, 17) - 8;
    m->how = "sizes";
    if (sealed) x->bytes = x->packed = (uint32_t)number;
    put_together(a, &m->bytes);
    if (sealed) return;
    size_t i;
    switch (below(r, 4)) {
    case 0:
        i = below(r, sizeof local / sizeof *local);
        set_number(&m->bytes, x->local + local[i].at, local[i].width, number);
        break;
    case 1:
        i = below(r, sizeof central / sizeof *central);
        set_number(&m->bytes, x->central + central[i].at, central[i].width, number);
        break;
    case 2:
        if (x->tail) set_number(&m->bytes, x->tail + 4 * below(r, 4), 4, number);
        break;
    default:
        i = below(r, sizeof ends / sizeof *ends);
        set_number(&m->bytes, a->end64 + ends[i].at, ends[i].width, number);
    }
}

void mutate_archive(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m) {
    static void (*const changes[])(struct rng *, struct archive *, bool, struct mutant *) = {
        change_bytes, change_opcodes, cut, overlap, duplicate, exchange, lie};
    enum { CHANGES = sizeof changes / sizeof *changes };
    struct archive a = {0};
    const struct bytes *b = &c->at[seed];
    size_t which = below(r, CHANGES + 1);
    bool sealed = rng_chance(r, 0.5);
    m->exact = true;
    if (which == CHANGES) {
        m->how = "anywhere";
        m->bytes.n = 0;
        str_put(&m->bytes, b->at, b->n);
        mutate_raw(r, &m->bytes, 0, m->bytes.n);
        return;
    }
    take_apart(&a, b);
    changes[which](r, &a, sealed, m);
    free_parts(&a);
}

/* Every step is checked: the bytes are anyone's. */
void archive_seal(uint8_t *data, size_t n) {
    if (n < END) return;
    uint64_t at = get(data + n - END + 16, 4), count = get(data + n - END + 10, 2);
    for (; count-- && at + CENTRAL <= n; at += CENTRAL + get(data + at + 28, 2)) {
        uint8_t *central = data + at;
        uint64_t local = get(central + 42, 4), bytes = get(central + 20, 4);
        if (local + LOCAL > n) continue;
        uint64_t body = local + LOCAL + get(data + local + 26, 2) + get(data + local + 28, 2);
        if (body > n || bytes > n - body) continue;
        uint32_t crc = sum(data + body, bytes);
        uint8_t *told = data + local + 14;
        if (get(central + 8, 2) & FOLLOWS) {
            if (n - body - bytes < 8) continue;
            told = data + body + bytes + 4;
        }
        for (int i = 0; i < 4; i++) told[i] = central[16 + i] = (uint8_t)(crc >> (8 * i));
    }
}
