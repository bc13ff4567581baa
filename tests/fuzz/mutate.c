#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

/* Everything is a part that another one replaces. */
void fuzz_replace(struct str *b, size_t at, size_t old, const void *with, size_t n) {
    if (b->n - old + n > FUZZ_MAX) return;
    char *tail = mem_alloc(b->n, 1);
    size_t behind = b->n - at - old;
    if (behind) memcpy(tail, b->at + at + old, behind);
    b->n = at;
    str_put(b, with, n);
    str_put(b, tail, behind);
    free(tail);
}

static size_t pick(struct rng *r, size_t n) { return n ? (size_t)rng_below(r, (int64_t)n) : 0; }

/* A length of at most n; short ones are more frequent. */
static size_t pick_length(struct rng *r, size_t n) {
    size_t length = 1 + pick(r, (size_t)1 << pick(r, 10));
    return length < n ? length : n;
}

static const char *const texts[] = {"{",
                                    "}",
                                    "[",
                                    "]",
                                    "\"",
                                    "'",
                                    "\\",
                                    ":",
                                    ",",
                                    "=",
                                    "-",
                                    "#",
                                    "\n",
                                    " ",
                                    "\t",
                                    "\\u0000",
                                    "\xc3\xa9",
                                    "\xf0\x9f\x98\x80",
                                    "0",
                                    "-1",
                                    "null",
                                    "true",
                                    "~",
                                    "1e999",
                                    "nan",
                                    "2147483647",
                                    "2147483648",
                                    "!",
                                    "&a ",
                                    "*a ",
                                    "<<: ",
                                    "- ",
                                    "\xff",
                                    "4294967296",
                                    "\xef\xbb\xbf",
                                    "?",
                                    "!!str",
                                    "%",
                                    "\\ud800",
                                    "'s",
                                    "0.1",
                                    "9223372036854775807",
                                    "18446744073709551616",
                                    "-9223372036854775809",
                                    "1e-400",
                                    "0x10",
                                    "    ",
                                    "\r\n",
                                    "\xe2\x80\xa8"};
enum { TEXTS = sizeof texts / sizeof *texts };

static void put_number(struct rng *r, struct str *b) {
    static const uint64_t values[] = {
        0,      1,       0x7f,    0x80,    0xff,       0x100,      0x7fff,     0x8000,
        0xffff, 0x10000, 1 << 24, 1 << 30, 0x7fffffff, 0x80000000, UINT64_MAX, INT64_MAX};
    size_t width = (size_t)1 << pick(r, 4), at = pick(r, b->n);
    uint64_t value = values[pick(r, sizeof values / sizeof *values)];
    bool big_endian = rng_chance(r, 0.5);
    for (size_t i = 0; i < width && at + i < b->n; i++)
        b->at[at + i] = (char)(value >> 8 * (big_endian ? width - 1 - i : i));
}

/* Another number, or text, in the place of digits. */
static void put_digits(struct rng *r, struct str *b) {
    size_t at = pick(r, b->n), end;
    while (at < b->n && (b->at[at] < '0' || b->at[at] > '9')) at++;
    for (end = at; end < b->n && b->at[end] >= '0' && b->at[end] <= '9';) end++;
    const char *with = texts[pick(r, TEXTS)];
    char small[24];
    if (rng_chance(r, 0.5)) {
        snprintf(small, sizeof small, "%lld", (long long)rng_below(r, 1LL << pick(r, 40)));
        with = small;
    }
    fuzz_replace(b, at, end - at, with, strlen(with));
}

static void splice(struct rng *r, const struct corpus *c, struct str *b) {
    const struct bytes *from = &c->at[pick(r, c->n)];
    size_t at = pick(r, b->n), first = pick(r, from->n);
    size_t n = pick_length(r, from->n - first);
    size_t old = rng_chance(r, 0.5) ? 0 : pick_length(r, b->n - at);
    if (n) fuzz_replace(b, at, old, from->at + first, n);
}

static void mutate_once(struct rng *r, const struct corpus *c, struct str *b) {
    size_t at = pick(r, b->n), n = pick_length(r, b->n - at);
    const char *text = texts[pick(r, TEXTS)];
    char *part;
    switch (pick(r, 9)) {
    case 0:
        if (b->n) b->at[at] ^= (char)(1 << pick(r, 8));
        return;
    case 1:
        if (b->n) b->at[at] = (char)rng_next(r);
        return;
    case 2: put_number(r, b); return;
    case 3: put_digits(r, b); return;
    case 4: fuzz_replace(b, at, n, "", 0); return;
    case 5: fuzz_replace(b, at, rng_chance(r, 0.5) ? 0 : n, text, strlen(text)); return;
    case 6: splice(r, c, b); return;
    case 7:
        if (rng_chance(r, 0.2)) fuzz_replace(b, at, b->n - at, "", 0);
        return;
    default: /* doubled, a few times over */
        part = mem_alloc(n, 1);
        if (n) memcpy(part, b->at + at, n);
        for (size_t k = 1 + pick(r, (size_t)1 << pick(r, 6)); k--;) fuzz_replace(b, at, 0, part, n);
        free(part);
    }
}

void mutate(struct rng *r, const struct corpus *c, struct str *b) {
    for (size_t k = 1 + pick(r, (size_t)1 << pick(r, 4)); k--;) mutate_once(r, c, b);
}
