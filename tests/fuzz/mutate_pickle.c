/* Pickles, and the streams of pickles that torch wrote before its archives. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/mutants.h"

enum { OPS_MAX = 4096, MAGIC = 15 };

struct op {
    size_t at, n; /* with its argument */
};

static size_t below(struct rng *r, size_t n) { return n ? (size_t)rng_below(r, (int64_t)n) : 0; }

/* Bytes of the number behind an opcode that is a length of more bytes; 0: it has none. */
static size_t length_width(uint8_t op) {
    if (op && strchr("UC\x8c\x8a", op)) return 1;
    if (op && strchr("TXB\x8b", op)) return 4;
    return op == 0x8d || op == 0x8e || op == 0x96 ? 8 : 0;
}

static size_t argument(uint8_t op) {
    if (op && strchr("Kqh\x80\x82", op)) return 1;
    if (op && strchr("M\x83", op)) return 2;
    if (op && strchr("Jrj\x84", op)) return 4;
    return op == 'G' || op == 0x95 ? 8 : 0;
}

/* The length of the opcode at p with what belongs to it; 0: it does not end before n. */
static size_t op_length(const uint8_t *p, size_t n) {
    size_t width = length_width(*p), more = 0;
    if (width) {
        if (n < 1 + width) return 0;
        for (size_t i = width; i--;) more = more << 8 | p[1 + i];
        return more > n - 1 - width ? 0 : 1 + width + more;
    }
    if (*p == 'c') { /* two lines */
        const uint8_t *line = memchr(p, '\n', n);
        if (line) line = memchr(line + 1, '\n', n - (size_t)(line + 1 - p));
        return line ? (size_t)(line + 1 - p) : 0;
    }
    size_t all = 1 + argument(*p);
    return all > n ? 0 : all;
}

/* How many; the last one is STOP, unless `to` or the room comes first. */
static size_t list_ops(const struct str *b, size_t from, size_t to, struct op *out) {
    size_t n = 0;
    const uint8_t *p = (const uint8_t *)b->at;
    for (size_t at = from; at < to && n < OPS_MAX;) {
        size_t length = op_length(p + at, to - at);
        if (!length) break;
        out[n++] = (struct op){at, length};
        if (p[at] == '.') break;
        at += length;
    }
    return n;
}

size_t mutate_pickle_end(const struct str *b, size_t from, size_t to) {
    struct op *ops = mem_alloc(OPS_MAX, sizeof *ops);
    size_t n = list_ops(b, from, to, ops), end = 0;
    if (n && b->at[ops[n - 1].at] == '.') end = ops[n - 1].at + 1;
    free(ops);
    return end;
}

/* Another opcode with the same argument: allowed ones, and what no weights may hold. */
static void other_opcode(struct rng *r, struct str *b, struct op x) {
    static const char known[] =
        "(.0GJKMNQRTUX]abcehjqrst)uBC}\x80\x81\x85\x86\x87\x88\x89\x8a\x8c"
        "\x8d\x8e\x8f\x90\x93\x94\x95"
        "12ilodpgPIFLSV\x82\x83\x84\x8b\x91\x92\x96\x97\x98";
    uint8_t op = (uint8_t)below(r, 256);
    if (rng_chance(r, 0.8)) op = (uint8_t)known[below(r, sizeof known - 1)];
    b->at[x.at] = (char)op;
}

/* A whole number becomes an odd one of 8 bytes, which every place of a number takes. */
static void other_number(struct rng *r, struct str *b, struct op x) {
    uint8_t with[10] = {0x8a, 8};
    uint64_t number = rng_chance(r, 0.5) ? odd_number(r) : below(r, 70000);
    for (int i = 0; i < 8; i++) with[2 + i] = (uint8_t)(number >> (8 * i));
    fuzz_replace(b, x.at, x.n, with, sizeof with);
}

static void other_argument(struct rng *r, struct str *b, struct op x) {
    static const char *const globals[] = {"cos\nsystem\n",
                                          "cbuiltins\neval\n",
                                          "cposix\nsystem\n",
                                          "ctorch\nLongStorage\n",
                                          "ctorch\nByteStorage\n",
                                          "ctorch._utils\n_rebuild_tensor_v2\n",
                                          "ccollections\nOrderedDict\n",
                                          "ctorch.storage\n_load_from_bytes\n",
                                          "cnumpy.core.multiarray\n_reconstruct\n",
                                          "c\x1b[2J\nx\n"};
    uint8_t op = (uint8_t)b->at[x.at];
    size_t width = length_width(op);
    if (op == 'c') {
        const char *with = globals[below(r, sizeof globals / sizeof *globals)];
        fuzz_replace(b, x.at, x.n, with, strlen(with));
    } else if (strchr("KJM\x8a", op)) {
        other_number(r, b, x);
    } else if (width && rng_chance(r, 0.5)) {
        set_number(b, x.at + 1, width, rng_chance(r, 0.5) ? odd_number(r) : below(r, 300));
    } else if (x.n > 1) {
        b->at[x.at + 1 + below(r, x.n - 1)] = (char)below(r, 256);
    }
}

size_t mutate_pickle(struct rng *r, struct str *b, size_t from, size_t to) {
    struct op *ops = mem_alloc(OPS_MAX, sizeof *ops);
    for (size_t k = 1 + below(r, 3); k--;) {
        size_t n = list_ops(b, from, to, ops), before = b->n;
        if (!n) break;
        struct op x = ops[below(r, n)], y = ops[below(r, n)];
        char *copy = mem_alloc(x.n, 1);
        memcpy(copy, b->at + x.at, x.n);
        switch (below(r, 7)) {
        case 0:
        case 1: other_opcode(r, b, x); break;
        case 2:
        case 3: other_argument(r, b, x); break;
        case 4: fuzz_replace(b, x.at, x.n, "", 0); break;
        case 5: fuzz_replace(b, y.at, 0, copy, x.n); break;
        default: /* many times over */
            for (size_t i = (size_t)1 << below(r, 12); i--;) fuzz_replace(b, x.at, 0, copy, x.n);
        }
        free(copy);
        to = to + b->n - before;
    }
    free(ops);
    return to;
}

static void start_from(struct mutant *m, const struct bytes *b) {
    m->bytes.n = 0;
    m->exact = false; /* nothing guards the contents */
    str_put(&m->bytes, b->at, b->n);
}

void mutate_pickled(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m) {
    start_from(m, &c->at[seed]);
    bool raw = rng_chance(r, 0.4);
    m->how = raw ? "anywhere" : "opcodes";
    if (raw)
        mutate_raw(r, &m->bytes, 0, m->bytes.n);
    else
        mutate_pickle(r, &m->bytes, 0, m->bytes.n);
}

void mutate_stream(struct rng *r, const struct corpus *c, size_t seed, struct mutant *m) {
    enum { PICKLES = 5 }; /* magic number, protocol, machine, object, keys; storages follow */
    size_t at[PICKLES + 1] = {0};
    struct str *b = &m->bytes;
    start_from(m, &c->at[seed]);
    for (int i = 0; i < PICKLES; i++) {
        at[i + 1] = mutate_pickle_end(b, at[i], b->n);
        REQUIRE(at[i + 1], "seed %zu is no stream", seed);
    }
    size_t i = below(r, PICKLES), k = below(r, PICKLES), data = at[PICKLES];
    if (rng_chance(r, 0.5)) i = PICKLES - 2;
    char *pickle = mem_alloc(at[i + 1] - at[i], 1);
    memcpy(pickle, b->at + at[i], at[i + 1] - at[i]);
    switch (below(r, 6)) {
    case 0:
    case 1:
        m->how = "opcodes";
        mutate_pickle(r, b, at[i], at[i + 1]);
        break;
    case 2:
        m->how = "sizes";
        if (rng_chance(r, 0.3)) data += below(r, b->n - data);
        set_number(b, data, 8, odd_number(r));
        break;
    case 3:
        m->how = "duplicated";
        fuzz_replace(b, at[k], rng_chance(r, 0.5) ? 0 : at[k + 1] - at[k], pickle,
                     at[i + 1] - at[i]);
        break;
    case 4:
        m->how = "truncated";
        b->n = below(r, b->n);
        break;
    default: m->how = "anywhere"; mutate_raw(r, b, rng_chance(r, 0.5) ? data : 0, b->n);
    }
    free(pickle);
}
