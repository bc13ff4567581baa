/* Files of PyTorch's that lie. OVSEG_MUTANTS=2000 asks for more mutants.
 *
 * ctest: timeout=600 */
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "checkpoints/pth.h"
#include "tests/unit/zip_made.h"

static char *write_bytes(const char *name, const void *data, size_t n) {
    char *path = test_path(name);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
    return path;
}

/* Expects ERR_DATA with the file's name and `message`. */
static void check_refused(const char *what, const void *data, size_t n, const char *message) {
    struct pth f;
    char *path = write_bytes("x.pth", data, n);
    int status = pth_open(&f, path, NULL);
    if (status != ERR_DATA || !strstr(error_message(), message) || !strstr(error_message(), path))
        test_fail(__FILE__, __LINE__, "%s: %d \"%s\", expected \"%s\"", what, status,
                  error_message(), message);
    error_clear();
    free(path);
}

#define BYTES(text) (text), sizeof(text) - 1
#define MAGIC "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define PROTOCOL "\x80\2M\xe9\3."
#define LITTLE "\x80\2}\x8c\rlittle_endian\x88s."
#define STORAGE(type, n)                                                                           \
    "(\x8c\7storagectorch\n" type                                                                  \
    "Storage\n\x8c\1k\x8c\3"                                                                       \
    "cpuK" n "NtQ"
#define TENSOR(storage, offset, sizes, strides)                                                    \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage offset sizes strides "tR"
#define FLOATS STORAGE("Float", "\2")
#define GOOD TENSOR(FLOATS, "K\0", "K\2\x85", "K\1\x85")
#define KEYS "](\x8c\1ke."
#define DATA                                                                                       \
    "\2\0\0\0\0\0\0\0"                                                                             \
    "aaaabbbb"
#define STREAM(tensor) MAGIC PROTOCOL LITTLE "}\x8c\1t" tensor "s." KEYS DATA

static const struct {
    const char *message, *bytes;
    size_t n;
} streams[] = {
    {"not a file of PyTorch's", BYTES("")},
    {"not a file of PyTorch's", BYTES("a text")},
    {"not a file of PyTorch's", BYTES("\x80\2")},
    {"ends inside an opcode", BYTES(MAGIC)},
    {"another protocol", BYTES(MAGIC "K\1.")},
    {"another protocol", BYTES(MAGIC "N.")},
    {"ends inside an opcode", BYTES(MAGIC PROTOCOL)},
    {"little-endian", BYTES(MAGIC PROTOCOL "}.")},
    {"little-endian", BYTES(MAGIC PROTOCOL "\x80\2}\x8c\rlittle_endian\x89s.")},
    {"ends inside an opcode", BYTES(MAGIC PROTOCOL LITTLE "}.")},
    {"differ", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s."
                                           "]." DATA)},
    {"differ", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s."
                                           "]\x8c\1ja." DATA)},
    {"differ", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s."
                                           "]K\1a." DATA)},
    {"differ", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s."
                                           "](\x8c\1k\x8c\1ke." DATA DATA)},
    {"differ", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s."
                                           "N." DATA)},
    {"ends inside a storage", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s." KEYS)},
    {"ends inside a storage",
     BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s." KEYS "\2\0\0\0\0\0\0\0aaaa")},
    {"another size",
     BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s." KEYS "\1\0\0\0\0\0\0\0aaaabbbb")},
    {"another size", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t" GOOD "s." KEYS "\2\0\0\0\0\0\0\x40"
                                                 "aaaabbbb")},
    {"more bytes", BYTES(STREAM(GOOD) "x")},
    {"two sizes or types",
     BYTES(STREAM(GOOD "s\x8c\1u" TENSOR(STORAGE("Float", "\1"), "K\0", ")", ")")))},
    {"two sizes or types",
     BYTES(STREAM(GOOD "s\x8c\1u" TENSOR(STORAGE("Int", "\2"), "K\0", ")", ")")))},
    {"t: its elements lie outside", BYTES(STREAM(TENSOR(FLOATS, "K\1", "K\2\x85", "K\1\x85")))},
    {"t: its elements lie outside", BYTES(STREAM(TENSOR(FLOATS, "K\0", "K\3\x85", "K\1\x85")))},
    {"t: its elements lie outside", BYTES(STREAM(TENSOR(FLOATS, "K\0", "K\2\x85", "K\2\x85")))},
    {"t: its elements lie outside", BYTES(STREAM(TENSOR(FLOATS, "K\2", ")", ")")))},
    {"t: its elements lie outside", BYTES(STREAM(TENSOR(FLOATS, "K\3", "K\0\x85", "K\1\x85")))},
    {"t: its elements lie outside",
     BYTES(STREAM(
         TENSOR(FLOATS, "K\0", "K\3K\2\x86", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\1\x86")))},
    {"t: its elements lie outside",
     BYTES(
         STREAM(TENSOR(FLOATS, "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", "K\2\x85", "K\1\x85")))},
    {"t: its size overflows",
     BYTES(
         STREAM(TENSOR(FLOATS, "K\0", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", "K\0\x85")))},
    {"t: the tensors hold many times",
     BYTES(STREAM(TENSOR(FLOATS, "K\0", "\x8a\x06\0\0\0\0\0\1\x85", "K\0\x85")))},
    {"t: elements of a ShortStorage are not read",
     BYTES(MAGIC PROTOCOL LITTLE
           "}\x8c\1t" TENSOR(STORAGE("Short", "\4"), "K\0", ")", ")") "s." KEYS "\4\0\0\0\0\0\0\0"
                                                                      "aaaabbbb")},
    {"two tensors are named t", BYTES(STREAM(GOOD "s\x8c\1t" GOOD))},
    {"two tensors are named a.b", BYTES(MAGIC PROTOCOL LITTLE "}(\x8c\3"
                                                              "a.b" GOOD "\x8c\1"
                                                              "a}\x8c\1"
                                                              "b" GOOD "su." KEYS DATA)},
    {"not printable", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1\x1b" GOOD "s." KEYS DATA)},
    {"neither text nor", BYTES(MAGIC PROTOCOL LITTLE "}N" GOOD "s." KEYS DATA)},
    {"neither text nor", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\2t\0" GOOD "s." KEYS DATA)},
    {"without a name", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\0" GOOD "s." KEYS DATA)},
    {"no dict of tensors", BYTES(MAGIC PROTOCOL LITTLE GOOD "." KEYS DATA)},
    {"holds no tensors", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1tNs."
                                                     "].")},
    {"too deep", BYTES(MAGIC PROTOCOL LITTLE "}q\1\x8c\1th\1s."
                                             "].")}, /* inside itself */
    {"too deep", BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t]q\1h\1as."
                                             "].")},
    {"its storage is a file in a file",
     BYTES(MAGIC PROTOCOL LITTLE
           "}\x8c\1t" TENSOR("ctorch.storage\n_load_from_bytes\nC\1x\x85R", "K\0", ")", ")") "s."
                                                                                             "].")},
};

TEST(the_frame_of_the_refused_streams_is_good) {
    struct pth f;
    char *path = write_bytes("x.pth", BYTES(STREAM(GOOD)));
    char v[8];
    CHECK_OK(pth_open(&f, path, NULL));
    CHECK_OK(pth_read(&f, &f.table.at[0], v));
    CHECK(memcmp(v, "aaaabbbb", 8) == 0);
    pth_close(&f);
    free(path);
}

TEST(streams_that_lie_are_refused) {
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        char what[32];
        snprintf(what, sizeof what, "case %zu", i);
        check_refused(what, streams[i].bytes, streams[i].n, streams[i].message);
    }
}

#define LOAD "ctorch.storage\n_load_from_bytes\n"
#define ARRAY(type, order, shape, columns, data)                                                   \
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"                               \
    "C\1b\x87R(K\1" shape "cnumpy\ndtype\n\x8c\2" type "\x89\x88\x87R(K\3\x8c\1" order             \
    "NNNtb" columns data "tb"
#define PICKLED(value) "\x80\3}\x8c\1t" value "s."

static const struct {
    const char *message, *bytes;
    size_t n;
} pickles[] = {
    {"ends inside an opcode", BYTES("\x80\4}\x8c\1tNN")},
    {"more bytes", BYTES("\x80\4}\x8c\1tNs.x")},
    {"its storage is not in the file", BYTES(PICKLED(GOOD))},
    {"no torch stream", BYTES(PICKLED(TENSOR(LOAD "C\1x\x85R", "K\0", ")", ")")))},
    {"no torch stream", BYTES(PICKLED(TENSOR(LOAD "C\0\x85R", "K\0", ")", ")")))},
    {"not one storage", BYTES(PICKLED(TENSOR(LOAD "C\x2e" MAGIC PROTOCOL LITTLE "N."
                                                  "]."
                                                  "\x85R",
                                             "K\0", ")", ")")))},
    {"elements that are not read", BYTES(PICKLED(ARRAY("f4", ">", "K\1\x85", "\x89", "C\4abcd")))},
    {"elements that are not read", BYTES(PICKLED(ARRAY("O8", "|", "K\1\x85", "\x89", "C\4abcd")))},
    {"do not fit its shape", BYTES(PICKLED(ARRAY("f4", "<", "K\2\x85", "\x89", "C\4abcd")))},
    {"do not fit its shape", BYTES(PICKLED(ARRAY("f4", "<", "K\0\x85", "\x89", "C\4abcd")))},
    {"its size overflows",
     BYTES(PICKLED(ARRAY("f4", "<", "J\0\0\0\x7fJ\0\0\0\x7fJ\0\0\0\x7f\x87", "\x89", "C\4abcd")))},
    {"a wrong shape", BYTES(PICKLED(ARRAY("f4", "<", "J\xff\xff\xff\xff\x85", "\x89", "C\4abcd")))},
    {"a wrong shape", BYTES(PICKLED(ARRAY("f4", "<", "N\x85", "\x89", "C\4abcd")))},
    {"of a shape that is not read", BYTES(PICKLED(ARRAY("f4", "<", "N", "\x89", "C\4abcd")))},
    {"of a shape that is not read", BYTES(PICKLED(ARRAY("f4", "<", "K\1\x85", "N", "C\4abcd")))},
    {"data are no bytes", BYTES(PICKLED(ARRAY("f4", "<", "K\1\x85", "\x89",
                                              "\x8c\4"
                                              "abcd")))},
    {"a damaged array", BYTES(PICKLED("cnumpy.core.multiarray\n_reconstruct\n)R"))},
};

TEST(pickles_of_arrays_that_lie_are_refused) {
    struct pth f;
    char *path =
        write_bytes("x.pkl", BYTES(PICKLED(ARRAY("f4", "<", "K\1\x85", "\x89", "C\4abcd"))));
    char v[4];
    CHECK_OK(pth_open(&f, path, NULL));
    CHECK_OK(pth_read(&f, &f.table.at[0], v));
    CHECK(memcmp(v, "abcd", 4) == 0);
    pth_close(&f);
    free(path);
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) {
        char what[32];
        snprintf(what, sizeof what, "case %zu", i);
        check_refused(what, pickles[i].bytes, pickles[i].n, pickles[i].message);
    }
}

/* Archives of named entries. */

struct member {
    const char *name, *data;
    size_t n;
};

static struct str make_archive(const struct member *member, size_t n) {
    struct made m = {0};
    size_t local[8];
    for (size_t i = 0; i < n; i++) {
        local[i] = m.bytes.n;
        made_local(&m, member[i].name, member[i].data, member[i].n);
    }
    size_t directory = m.bytes.n;
    for (size_t i = 0; i < n; i++)
        made_central(&m, member[i].name, member[i].data, member[i].n, local[i]);
    made_end(&m, n, directory);
    return m.bytes;
}

#define OBJECT "\x80\2}\x8c\1t" GOOD "s."
#define REFERS                                                                                     \
    "(\x8c\7storagectorch\nFloatStorage\n\x8c\1k\x8c\3"                                            \
    "cpuK\2tQ"
static const struct {
    const char *message;
    struct member member[4];
} archives[] = {
    {"without a data.pkl", {{"a/data/k", BYTES("aaaabbbb")}}},
    {"without a data.pkl", {{"data.pkl", BYTES(OBJECT)}, {"data/k", BYTES("aaaabbbb")}}},
    {"two objects",
     {{"a/data.pkl", BYTES(OBJECT)},
      {"b/data.pkl", BYTES(OBJECT)},
      {"a/data/k", BYTES("aaaabbbb")}}},
    {"byteorder is not little",
     {{"a/data.pkl", BYTES(OBJECT)},
      {"a/byteorder", BYTES("big")},
      {"a/data/k", BYTES("aaaabbbb")}}},
    {"byteorder is not little",
     {{"a/data.pkl", BYTES(OBJECT)},
      {"a/byteorder", BYTES("middle")},
      {"a/data/k", BYTES("aaaabbbb")}}},
    {"more bytes behind the pickle",
     {{"a/data.pkl", BYTES(OBJECT ".")}, {"a/data/k", BYTES("aaaabbbb")}}},
    {"data.pkl: byte 0: os.system is not", {{"a/data.pkl", BYTES("cos\nsystem\n\x8c\2id\x85R.")}}},
    {"its storage is not in the file", {{"a/data.pkl", BYTES(OBJECT)}}},
    {"its storage is not in the file",
     {{"a/data.pkl", BYTES(OBJECT)}, {"b/data/k", BYTES("aaaabbbb")}}},
    {"storage k has 7 bytes, not 2 elements of 4",
     {{"a/data.pkl", BYTES(OBJECT)}, {"a/data/k", BYTES("aaaabbb")}}},
    {"storage k has 9 bytes", {{"a/data.pkl", BYTES(OBJECT)}, {"a/data/k", BYTES("aaaabbbbc")}}},
    {"storage k is a FloatStorage and a IntStorage",
     {{"a/data.pkl",
       BYTES("\x80\2}(\x8c\1t" GOOD "\x8c\1u" TENSOR(STORAGE("Int", "\2"), "K\0", ")", ")") "u.")},
      {"a/data/k", BYTES("aaaabbbb")}}},
};

TEST(archives_that_lie_are_refused) {
    const struct member good[] = {{"a/data.pkl", BYTES(OBJECT)}, {"a/data/k", BYTES("aaaabbbb")}};
    struct str s = make_archive(good, 2);
    struct pth f;
    char v[8], *path = write_bytes("good.pth", s.at, s.n);
    CHECK_OK(pth_open(&f, path, NULL));
    CHECK_OK(pth_read(&f, &f.table.at[0], v));
    CHECK(memcmp(v, "aaaabbbb", 8) == 0);
    pth_close(&f);
    size_t at = 0;
    while (memcmp(s.at + at, "aaaabbbb", 8) != 0) at++;
    s.at[at] = 'b';
    free(path);
    path = write_bytes("damaged.pth", s.at, s.n);
    CHECK_OK(pth_open(&f, path, NULL));
    CHECK_ERROR(pth_read(&f, &f.table.at[0], v), ERR_DATA, "storage k: its CRC32 is wrong");
    pth_close(&f);
    free(path);
    str_free(&s);
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++) {
        char what[32];
        size_t n = 0;
        while (n < 4 && archives[i].member[n].name) n++;
        s = make_archive(archives[i].member, n);
        snprintf(what, sizeof what, "case %zu", i);
        check_refused(what, s.at, s.n, archives[i].message);
        str_free(&s);
    }
}

/* One value in many places: each must end soon, whatever it would unfold to. */

static void check_bomb(const char *what, struct str *s, const char *message) {
    clock_t start = clock();
    check_refused(what, s->at, s->n, message);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (seconds > 5) test_fail(__FILE__, __LINE__, "%s: %.1f s", what, seconds);
    str_free(s);
}

static void text(struct str *s, const char *bytes, size_t n) { str_put(s, bytes, n); }

TEST(what_unfolds_to_more_than_the_file_is_refused) {
    struct str s = {0}; /* ten lists, each ten times the one before */
    text(&s, BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1tNq\1"));
    for (int i = 0; i < 10; i++) text(&s, BYTES("0](h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1eq\1"));
    text(&s, BYTES("s.]."));
    check_bomb("lists", &s, "more members than are read");

    text(&s, BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t](" GOOD "q\1"));
    for (int i = 0; i < 200000; i++) text(&s, BYTES("h\1"));
    text(&s, BYTES("es." KEYS DATA));
    check_bomb("tensors", &s, "more than 100000 tensors");

    /* 2 elements of a storage of 1 MiB, 1 MiB apart, again and again */
    text(&s, BYTES(MAGIC PROTOCOL LITTLE "}\x8c\1t](ctorch._utils\n_rebuild_tensor_v2\nq\1"
                                         "((\x8c\7storagectorch\nByteStorage\n\x8c\1k\x8c\3"
                                         "cpuJ\0\0\x10\0NtQK\0K\2\x85J\xff\xff\x0f\0\x85tq\2"));
    for (int i = 0; i < 90000; i++) text(&s, BYTES("h\1h\2R"));
    text(&s, BYTES("es." KEYS "\0\0\x10\0\0\0\0\0"));
    char *zeros = mem_alloc(1 << 20, 1);
    text(&s, zeros, 1 << 20);
    free(zeros);
    check_bomb("views", &s, "hold many times what the file does");

    /* a storage in a file in the file that is opened for each of its tensors */
    const char inner[] = MAGIC PROTOCOL LITTLE FLOATS "." KEYS DATA;
    char length = (char)(sizeof inner - 1);
    text(&s, BYTES("\x80\3}\x8c\1t](NC"));
    text(&s, &length, 1);
    text(&s, inner, sizeof inner - 1);
    text(&s, BYTES("q\1"));
    for (int i = 0; i < 50000; i++)
        text(&s, BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" LOAD "h\1\x85RK\0))tR"));
    text(&s, BYTES("es."));
    check_bomb("files", &s, "more files in the file than are read");
}

/* Mutants of the files that torch wrote. */

struct loaded {
    size_t n;
    uint64_t hash; /* of names, types, shapes and values */
};

/* 0, or an error with a message that names the file. */
static int load(const char *path, struct loaded *out) {
    struct pth f;
    int status = pth_open(&f, path, NULL);
    struct hasher h;
    hasher_open(&h);
    for (size_t i = 0; !status && i < f.table.n; i++) {
        const struct st_tensor *x = &f.table.at[i];
        char shape[128];
        st_shape_text(x->shape, shape, sizeof shape);
        uint8_t *data = mem_try((size_t)x->bytes + 1, 1);
        status = data ? pth_read(&f, x, data) : error_status();
        hasher_add_string(&h, x->name);
        hasher_add_string(&h, st_dtype_name(x->dtype));
        hasher_add_string(&h, shape);
        if (!status) hasher_add(&h, data, (size_t)x->bytes);
        free(data);
    }
    if (!status) out->n = f.table.n;
    pth_close(&f);
    out->hash = hasher_close(&h);
    return status;
}

static void set_little(uint8_t *p, int width, uint64_t x) {
    for (int i = 0; i < width; i++) p[i] = (uint8_t)(x >> (8 * i));
}

/* A copy of b with one kind of damage, owned. */
static struct bytes mutate(struct rng *r, const struct bytes *b) {
    struct bytes m = {mem_alloc(2 * b->n + 1, 1), b->n};
    memcpy(m.at, b->at, b->n);
    size_t n = 1 + (size_t)rng_below(r, 200), at = (size_t)rng_below(r, (int64_t)b->n);
    size_t to = (size_t)rng_below(r, (int64_t)b->n);
    if (n > b->n - at) n = b->n - at;
    static const uint64_t odd[] = {0, 1, 0x7f, 0x80, 0xffff, 0x7fffffff, 0xffffffff, UINT64_MAX};
    switch (rng_below(r, 8)) {
    case 0: m.at[at] ^= (uint8_t)(1 << rng_below(r, 8)); break;
    case 1:
        for (int i = 0; i < 4; i++) m.at[rng_below(r, (int64_t)b->n)] = (uint8_t)rng_below(r, 256);
        break;
    case 2: m.n = at; break; /* cut */
    case 3:                  /* a piece is missing */
        memmove(m.at + at, m.at + at + n, b->n - at - n);
        m.n -= n;
        break;
    case 4: /* a piece is there twice */
        memmove(m.at + at + n, m.at + at, b->n - at);
        m.n += n;
        break;
    case 5: memmove(m.at + (to < b->n - n ? to : 0), b->at + at, n); break; /* over another */
    case 6: memset(m.at + at, 0, n); break;
    default: { /* a number of 2, 4 or 8 bytes */
        int width = 2 << rng_below(r, 3);
        if (b->n - at >= (size_t)width) set_little(m.at + at, width, odd[rng_below(r, 8)]);
    }
    }
    return m;
}

static size_t how_many(void) {
    const char *n = getenv("OVSEG_MUTANTS");
    return n ? (size_t)strtoul(n, NULL, 10) : 300;
}

struct tally {
    size_t refused, equal, other;
    double slowest;
};

/* Loads one mutant. `sums`: the file has checksums, so what loads must be what was written. */
static void judge(const struct bytes *m, const struct loaded *good, bool sums, const char *what,
                  struct tally *t) {
    char *path = write_bytes("mutant", m->at, m->n);
    struct loaded l = {0};
    clock_t start = clock();
    int status = load(path, &l);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (seconds > t->slowest) t->slowest = seconds;
    if (status) {
        if (!strstr(error_message(), path) || (status != ERR_DATA && status != ERR_CONFIG))
            test_fail(__FILE__, __LINE__, "%s: %d \"%s\"", what, status, error_message());
        error_clear();
        t->refused++;
    } else if (l.n == good->n && l.hash == good->hash) {
        t->equal++;
    } else {
        if (sums) test_fail(__FILE__, __LINE__, "%s: loads with other contents", what);
        t->other++;
    }
    free(path);
}

static long peak_kb(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void mutate_file(const char *name, bool sums) {
    char *relative = mem_format("tests/data/pth/%s", name), *path = test_source(relative);
    struct bytes b;
    struct loaded good;
    struct tally t = {0};
    long before = peak_kb();
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_OK(load(path, &good));
    for (size_t i = 0; i < how_many(); i++) {
        struct rng r = rng_stream(1, name, i);
        struct bytes m = mutate(&r, &b);
        char what[64];
        snprintf(what, sizeof what, "%s, mutant %zu", name, i);
        judge(&m, &good, sums, what, &t);
        bytes_free(&m);
    }
    printf("%s: %zu refused, %zu equal, %zu others; slowest %.3f s, %ld KiB more\n", name,
           t.refused, t.equal, t.other, t.slowest, peak_kb() - before);
    CHECK(t.refused > how_many() / 4);
    CHECK(t.slowest < 1);
#if !defined(__SANITIZE_ADDRESS__) /* it keeps freed memory */
    CHECK(peak_kb() - before < 256 << 10);
#endif
    bytes_free(&b);
    free(path);
    free(relative);
}

TEST(mutants_of_archives_are_refused_or_load_bit_equal) {
    mutate_file("archive.pth", true);
    mutate_file("module.pth", true);
    mutate_file("script.pt", true);
}

TEST(mutants_of_files_without_checksums_are_refused_or_load_within_bounds) {
    mutate_file("stream.pth", false);
    mutate_file("arrays4.pkl", false);
    mutate_file("tensors.pkl", false);
}

/* The pickle of an archive with another byte in it, and the checksums made to agree. */
TEST(mutants_with_right_checksums_load_within_bounds) {
    char *path = test_source("tests/data/pth/archive.pth");
    struct bytes b;
    struct loaded good;
    struct tally t = {0};
    struct input in;
    struct zip z;
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_OK(load(path, &good));
    CHECK_OK(input_open(&in, path));
    CHECK_OK(zip_open(&z, &in));
    const struct zip_entry *e = zip_find(&z, "archive/data.pkl");
    CHECK(e);
    uint8_t sum[4], *central = NULL;
    set_little(sum, 4, e->crc);
    for (size_t i = e->data + e->bytes + 16; !central && i + 4 < b.n; i++)
        if (memcmp(b.at + i, sum, 4) == 0) central = b.at + i;
    CHECK(central);
    for (size_t i = 0; i < how_many(); i++) {
        struct rng r = rng_stream(2, "opcodes", i);
        struct bytes m = {mem_alloc(b.n, 1), b.n};
        memcpy(m.at, b.at, b.n);
        for (int64_t k = rng_below(&r, 3); k >= 0; k--)
            m.at[e->data + (uint64_t)rng_below(&r, (int64_t)e->bytes)] =
                (uint8_t)rng_below(&r, 256);
        uint32_t crc = made_sum((char *)m.at + e->data, (size_t)e->bytes);
        set_little(m.at + (central - b.at), 4, crc);
        set_little(m.at + e->data + e->bytes + 4, 4, crc);
        judge(&m, &good, false, "opcodes", &t);
        bytes_free(&m);
    }
    printf("opcodes: %zu refused, %zu equal, %zu others; slowest %.3f s\n", t.refused, t.equal,
           t.other, t.slowest);
    CHECK(t.refused > how_many() / 4 && t.slowest < 1);
    zip_close(&z);
    input_close(&in);
    bytes_free(&b);
    free(path);
}
