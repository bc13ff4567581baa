/* Files of PyTorch's that lie. */
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "checkpoints/pth.h"
#include "tests/unit/zip_made.h"

/* Expects ERR_DATA with the file's name and `message`. */
static void check_refused(const char *what, const void *data, size_t n, const char *message) {
    struct pth f;
    char *path = made_file("x.pth", data, n);
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
    char *path = made_file("x.pth", BYTES(STREAM(GOOD)));
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
    char *path = made_file("x.pkl", BYTES(PICKLED(ARRAY("f4", "<", "K\1\x85", "\x89", "C\4abcd"))));
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
    char v[8], *path = made_file("good.pth", s.at, s.n);
    CHECK_OK(pth_open(&f, path, NULL));
    CHECK_OK(pth_read(&f, &f.table.at[0], v));
    CHECK(memcmp(v, "aaaabbbb", 8) == 0);
    pth_close(&f);
    size_t at = 0;
    while (memcmp(s.at + at, "aaaabbbb", 8) != 0) at++;
    s.at[at] = 'b';
    free(path);
    path = made_file("damaged.pth", s.at, s.n);
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
