#include "checkpoints/pickle.h"

#include "tests/test.h"

static int read_bytes(struct pickle *p, const void *data, size_t n) {
    char *path = test_path("x.pkl");
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
    struct input in;
    CHECK_OK(input_open(&in, path));
    int status = pickle_read(p, &in, 0, in.size, "x.pkl");
    input_close(&in);
    free(path);
    return status;
}

#define BYTES(text) (text), sizeof(text) - 1
#define STORAGE                                                                                    \
    "(\x8c\7storagectorch\nFloatStorage\n\x8c\1"                                                   \
    "0\x8c\3"                                                                                      \
    "cpuK\4tQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
#define DICT "ccollections\nOrderedDict\n"

static const struct {
    const char *message, *bytes;
    size_t n;
} refused[] = {
    {"ends inside an opcode", BYTES("")},
    {"ends inside an opcode", BYTES("\x80")},
    {"newer protocol", BYTES("\x80\6N.")},
    {"ends inside an opcode", BYTES("N")},
    {"more or less than one value", BYTES(".")},
    {"more or less than one value", BYTES("NN.")},
    {"more or less than one value", BYTES("(N.")},
    {"byte 2: opcode 0x69 is not one", BYTES("\x80\2i")},       /* INST */
    {"byte 0: opcode 0x6f is not one", BYTES("o.")},            /* OBJ */
    {"opcode 0x82 is not one", BYTES("\x82\1.")},               /* EXT1 */
    {"opcode 0x92 is not one", BYTES("N)}\x92.")},              /* NEWOBJ_EX */
    {"opcode 0x50 is not one", BYTES("P1\n.")},                 /* PERSID */
    {"opcode 0x96 is not one", BYTES("\x96\0\0\0\0\0\0\0\0.")}, /* BYTEARRAY8 */
    {"opcode 0x32 is not one", BYTES("N2.")},                   /* DUP */
    {"opcode 0x49 is not one", BYTES("I1\n.")},                 /* INT */
    {"opcode 0x8b is not one", BYTES("\x8b\1\0\0\0\0.")},       /* LONG4 */
    {"os.system is not a name", BYTES("cos\nsystem\n.")},
    {"os.system is not a name", BYTES("\x8c\2os\x8c\6system\x93.")},
    {"builtins.eval is not a name", BYTES("cbuiltins\neval\n.")},
    {"byte 1: torch.load is not a name", BYTES("Nctorch\nload\n.")},
    {"__torch__x.y is not a name", BYTES("c__torch__x\ny\n.")},
    {"torch.FloatStorag is not a name", BYTES("ctorch\nFloatStorag\n.")},
    {"a?b.c is not a name", BYTES("ca\033b\nc\n.")}, /* no escape codes on a terminal */
    {"ends inside an opcode", BYTES("ccollections\nOrderedDict")},
    {"a name that is no string", BYTES("NN\x93.")},
    {"too few values", BYTES("\x93.")},
    {"too few values", BYTES("0.")},
    {"too few values", BYTES("N(0.")}, /* not through a mark */
    {"too few values", BYTES("\x85.")},
    {"too few values", BYTES("N\x86.")},
    {"too few values", BYTES("NN\x87.")},
    {"too few values", BYTES("N(N\x86.")},
    {"too few values", BYTES("q\0.")},
    {"too few values", BYTES("b.")},
    {"too few values", BYTES("R.")},
    {"too few values", BYTES("Q.")},
    {"too few values", BYTES("a.")},
    {"too few values", BYTES("(Ne.")},
    {"no mark", BYTES("t.")},
    {"no mark", BYTES("]Ne.")},
    {"no mark", BYTES("}NNu.")},
    {"no dict", BYTES("]NNs.")},
    {"no dict", BYTES("](NNu.")},
    {"no dict", BYTES(")NNs.")},
    {"no list", BYTES("}Na.")},
    {"no list", BYTES("N(Ne.")},
    {"no list", BYTES(")Na.")}, /* tuples do not grow */
    {"key without a value", BYTES("}(Nu.")},
    {"was not remembered", BYTES("h\0.")},
    {"was not remembered", BYTES("Nq\1h\0.")},
    {"was not remembered", BYTES("j\xff\xff\xff\xff.")},
    {"memo is too large", BYTES("Nr\xff\xff\xff\x7f.")},
    {"ends inside a string", BYTES("X\5\0\0\0abcd")},
    {"ends inside a string", BYTES("X\xff\xff\xff\xff.")},
    {"ends inside a string", BYTES("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.")},
    {"ends inside a string", BYTES("\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.")},
    {"ends inside a string", BYTES("C\5abcd")},
    {"ends inside an opcode", BYTES("\x8a\5abcd")},
    {"ends inside an opcode", BYTES("G1234567")},
    {"attributes for something", BYTES("N}b.")},
    {"attributes for something", BYTES("]}b.")},
    {"no name", BYTES("N)R.")},
    {"without a tuple", BYTES(DICT "NR.")},
    {"without a tuple", BYTES(DICT "]\x81.")},
    {"may not be called", BYTES("ctorch\nfloat32\n)R.")},
    {"may not be called", BYTES("ctorch\nFloatStorage\n)R.")},
    {"may not be called", BYTES("cnumpy\nndarray\n)\x81.")},
    {"without arguments", BYTES("ctorch\nSize\n)R.")},
    {"a dict of something", BYTES(DICT "N\x85R.")},
    {"a dict of something", BYTES(DICT "]N\x86R.")},
    {"than pairs", BYTES(DICT "]Na\x85R.")},
    {"than pairs", BYTES(DICT "]N\x85"
                              "a\x85R.")},
    {"fewer than four", BYTES(REBUILD ")R.")},
    {"without a storage", BYTES(REBUILD "(NK\0))tR.")},
    {"without a storage", BYTES(REBUILD "(" DICT "K\0))tR.")},
    {"without an offset", BYTES(REBUILD "(" STORAGE "N))tR.")},
    {"without an offset", BYTES(REBUILD "(" STORAGE "J\xff\xff\xff\xff))tR.")},
    {"wrong sizes", BYTES(REBUILD "(" STORAGE "K\0N)tR.")},
    {"wrong sizes", BYTES(REBUILD "(" STORAGE "K\0)NtR.")},
    {"wrong sizes", BYTES(REBUILD "(" STORAGE "K\0K\2\x85)tR.")},
    {"wrong sizes", BYTES(REBUILD "(" STORAGE "K\0J\xff\xff\xff\xff\x85K\1\x85tR.")},
    {"wrong sizes", BYTES(REBUILD "(" STORAGE "K\0K\2\x85J\xff\xff\xff\xff\x85tR.")},
    {"wrong sizes", BYTES(REBUILD "(" STORAGE "K\0\x88\x85K\1\x85tR.")}, /* a bool is no size */
    {"of more than 8 axes", BYTES(REBUILD "(" STORAGE "K\0(K\1K\1K\1K\1K\1K\1K\1K\1K\1t)tR.")},
    {"not bytes", BYTES("ctorch.storage\n_load_from_bytes\nN\x85R.")},
    {"not to a storage", BYTES("NQ.")},
    {"not to a storage", BYTES(")Q.")},
    {"not to a storage", BYTES("(\x8c\6modulectorch\nFloatStorage\n\x8c\1"
                               "0\x8c\3"
                               "cpuK\4tQ.")},
    {"no known type", BYTES("(\x8c\7storageN\x8c\1"
                            "0\x8c\3"
                            "cpuK\4tQ.")},
    {"no known type", BYTES("(\x8c\7storagectorch\nSize\n\x8c\1"
                            "0\x8c\3"
                            "cpuK\4tQ.")},
    {"without a key", BYTES("(\x8c\7storagectorch\nFloatStorage\nN\x8c\3"
                            "cpuK\4tQ.")},
    {"without a key", BYTES("(\x8c\7storagectorch\nFloatStorage\n\x8c\0\x8c\3"
                            "cpuK\4tQ.")},
    {"without a key", BYTES("(\x8c\7storagectorch\nFloatStorage\n\x8c\2"
                            "0\0\x8c\3"
                            "cpuK\4tQ.")},
    {"without a size", BYTES("(\x8c\7storagectorch\nFloatStorage\n\x8c\1"
                             "0\x8c\3"
                             "cpuNtQ.")},
    {"is a view", BYTES("(\x8c\7storagectorch\nFloatStorage\n\x8c\1"
                        "0\x8c\3"
                        "cpuK\4K\0tQ.")},
};

TEST(what_is_not_on_the_lists_is_refused_with_its_place) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct pickle p;
        int status = read_bytes(&p, refused[i].bytes, refused[i].n);
        if (status != ERR_DATA || !strstr(error_message(), refused[i].message) ||
            strncmp(error_message(), "x.pkl: byte ", 12) != 0 || p.n)
            test_fail(__FILE__, __LINE__, "case %zu: %d \"%s\", expected \"%s\"", i, status,
                      error_message(), refused[i].message);
        error_clear();
    }
}

TEST(the_frame_of_the_refused_tensors_is_good) {
    struct pickle p;
    CHECK_OK(read_bytes(&p, BYTES(REBUILD "(" STORAGE "K\1K\3\x85K\1\x85tR.")));
    const struct pickle_value *v = &p.at[p.root];
    CHECK(v->kind == PICKLE_TENSOR && v->tensor->offset == 1 && v->tensor->shape.d[0] == 3);
    v = &p.at[v->tensor->storage];
    CHECK(v->kind == PICKLE_STORAGE && v->n == 4 && v->type->dtype == T_F32);
    CHECK_TEXT(v->text, "0");
    pickle_free(&p);
}

TEST(strings_and_numbers_of_every_form_are_read) {
    struct pickle p;
    CHECK_OK(read_bytes(&p, BYTES("\x80\2]("
                                  "X\2\0\0\0ab\x8c\2"
                                  "ab\x8d\2\0\0\0\0\0\0\0ab"
                                  "T\2\0\0\0abU\2ab"
                                  "K\xffM\xff\xffJ\xfe\xff\xff\xff\x8a\0\x8a\1\x80\x8a\2\xff\0"
                                  "\x8a\x08\0\0\0\0\0\0\0\x80"
                                  "G\xbf\xf8\0\0\0\0\0\0"
                                  "C\2abB\2\0\0\0ab\x8e\2\0\0\0\0\0\0\0ab"
                                  "e.")));
    const struct pickle_value *list = &p.at[p.root];
    CHECK_INT(list->n, 16);
    for (int i = 0; i < 5; i++) CHECK(pickle_is(&p, list->item[i], "ab"));
    const int64_t numbers[] = {255, 65535, -2, 0, -128, 255, INT64_MIN};
    for (int i = 0; i < 7; i++) CHECK_INT(p.at[list->item[5 + i]].i, numbers[i]);
    CHECK(p.at[list->item[12]].real == -1.5);
    for (int i = 13; i < 16; i++)
        CHECK(p.at[list->item[i]].kind == PICKLE_BYTES && p.at[list->item[i]].n == 2);
    pickle_free(&p);
}

/* `head`, then `n` times `body`. */
static int read_repeated(const char *head, const char *body, size_t length, size_t n,
                         const char *message) {
    struct str s = {0};
    str_put(&s, head, strlen(head));
    for (size_t i = 0; i < n; i++) str_put(&s, body, length);
    struct pickle p;
    int status = read_bytes(&p, s.at, s.n);
    str_free(&s);
    if (status != ERR_DATA || !strstr(error_message(), message))
        test_fail(__FILE__, __LINE__, "%d \"%s\", expected \"%s\"", status, error_message(),
                  message);
    error_clear();
    return status;
}

TEST(no_pickle_takes_more_than_its_limits) {
    read_repeated("", BYTES("N"), PICKLE_VALUES_MAX, "more values than");
    read_repeated("", BYTES("]"), PICKLE_VALUES_MAX, "more values than");
    read_repeated("", BYTES("("), PICKLE_STACK_MAX + 1, "too many marks");
    read_repeated("Nq\1", BYTES("h\1"), PICKLE_STACK_MAX, "stack is too high");
    read_repeated("Nq\1]", BYTES("h\1a"), PICKLE_ITEMS_MAX + 1, "more members than");
    read_repeated("N", BYTES("\x94"), PICKLE_STACK_MAX + 1, "memo is too large");
    char *text = mem_alloc(PICKLE_TEXT_MAX + 6, 1);
    text[0] = 'X', text[2] = '\x80'; /* PICKLE_TEXT_MAX bytes, and off the stack again */
    text[PICKLE_TEXT_MAX + 5] = '0';
    read_repeated("", text, PICKLE_TEXT_MAX + 6, PICKLE_ALL_TEXT_MAX / PICKLE_TEXT_MAX + 1,
                  "more text than");
    free(text);
}
