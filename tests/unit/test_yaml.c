#include "base/yaml.h"

#include <time.h>

#include "base/file.h"
#include "tests/test.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const struct yaml_entry *find(const struct yaml_doc *d, const char *key) {
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->at[i].key, key) == 0) return &d->at[i];
    return NULL;
}

TEST(a_document_becomes_a_flat_list_of_keys) {
    struct yaml_doc d;
    const char *text =
        "optim: {lr: 5e-3, betas: [0.9, '1']}\n"
        "classes:\n"
        "  - sky\n"
        "  - {name: tree, parts: [leaf, [bark]]}\n"
        "last: \"a\\tb\"\n";
    CHECK_OK(yaml_doc_parse(&d, "t.yaml", text, strlen(text)));
    static const char *const keys[] = {
        "",           "optim",           "optim.lr",         "optim.betas",         "classes",
        "classes[1]", "classes[1].name", "classes[1].parts", "classes[1].parts[1]", "last"};
    CHECK_INT(d.n, N(keys));
    for (size_t i = 0; i < d.n; i++) CHECK_TEXT(d.at[i].key, keys[i]);
    CHECK_INT(d.at[0].n, 3);
    CHECK_INT(d.at[1].kind, YAML_MAP);
    CHECK_INT(d.at[2].kind, YAML_SCALAR);
    CHECK_INT(d.at[3].kind, YAML_LIST);
    CHECK_TEXT(d.at[3].at[0].text, "0.9");
    CHECK(!d.at[3].at[0].quoted && d.at[3].at[1].quoted);
    CHECK_INT(d.at[3].at[1].mark.line, 1);
    CHECK_INT(d.at[3].at[1].mark.column, 32);
    CHECK_INT(d.at[2].key_mark.column, 9);
    CHECK_INT(d.at[4].n, 2);
    CHECK(!d.at[4].at[1].text); /* a map: under classes[1] */
    CHECK(!d.at[4].in_list && d.at[5].in_list && d.at[6].in_list && d.at[8].in_list);
    CHECK(!d.at[9].in_list);
    CHECK_TEXT(d.at[9].at[0].text, "a\tb");
    yaml_doc_free(&d);
}

TEST(plain_data_comes_in_many_forms) {
    struct yaml_doc d;
    const char *text =
        "\xEF\xBB\xBF# a byte order mark, a comment, DOS line ends\r\n"
        "a: |\r\n  two\r\n  lines\r\n"
        "b: >-\r\n  one\r\n  line\r\n"
        "? c\r\n: !!str 5\r\n"
        "d: !!int '6'\r\n"
        "\xC3\xA9t\xC3\xA9: [\xF0\x9F\x8C\xB3]\r\n"
        "e.f: ~\r\n";
    CHECK_OK(yaml_doc_parse(&d, "t.yaml", text, strlen(text)));
    CHECK_TEXT(find(&d, "a")->at->text, "two\nlines\n");
    CHECK_TEXT(find(&d, "b")->at->text, "one line");
    CHECK(find(&d, "c")->at->quoted && !find(&d, "d")->at->quoted);
    CHECK_TEXT(find(&d, "\xC3\xA9t\xC3\xA9")->at->text, "\xF0\x9F\x8C\xB3");
    CHECK_INT(find(&d, "e.f")->mark.column, 6);
    CHECK(yaml_is_null(find(&d, "e.f")->at) && !yaml_is_null(find(&d, "b")->at));
    yaml_doc_free(&d);
}

TEST(a_copy_of_an_entry_is_its_own) {
    struct yaml_doc d;
    const char *text = "a: [x, {y: z}]";
    CHECK_OK(yaml_doc_parse(&d, "t.yaml", text, strlen(text)));
    struct yaml_entry list = yaml_entry_copy(find(&d, "a"), "b"),
                      map = yaml_entry_copy(&d.at[0], "");
    yaml_doc_free(&d);
    CHECK_TEXT(list.key, "b");
    CHECK_TEXT(list.at[0].text, "x");
    CHECK(!list.at[1].text);
    CHECK_INT(map.n, 1);
    yaml_entry_free(&list);
    yaml_entry_free(&map);
}

/* --- what strangers send --------------------------------------------------------------------- */

static const struct {
    const char *text, *message;
} hostile[] = {
    {"a: !!python/object/apply:eval ['1']",
     "h:1:4: the tag !!python/object/apply:eval is not accepted; only plain data is read"},
    {"a: !!python/name:os.system x",
     "h:1:4: the tag !!python/name:os.system is not accepted; only plain data is read"},
    {"a: !!binary aGk=", "h:1:4: the tag !!binary is not accepted; only plain data is read"},
    {"a: !!set {b}", "h:1:4: the tag !!set is not accepted; only plain data is read"},
    {"a: !local b", "h:1:4: the tag !local is not accepted; only plain data is read"},
    {"a: ! b", "h:1:4: the tag ! is not accepted; only plain data is read"},
    {"a: !<tag:evil,1:x> b",
     "h:1:4: the tag tag:evil,1:x is not accepted; only plain data is read"},
    {"a: !!str [b]", "h:1:4: the tag !!str is not accepted; only plain data is read"},
    {"!!map [b]", "h:1:1: the tag !!map is not accepted; only plain data is read"},
    {"!!python/none a: b", "h:1:1: the tag !!python/none is not accepted; only plain data is read"},
    {"a: &x 1", "h:1:4: the anchor &x is not accepted; write the value where it is used"},
    {"&x a: 1", "h:1:1: the anchor &x is not accepted; write the value where it is used"},
    {"a: &x [1]", "h:1:4: the anchor &x is not accepted; write the value where it is used"},
    {"a: *x", "h:1:4: the alias *x is not accepted; write the value here"},
    {"*x : a", "h:1:1: the alias *x is not accepted; write the value here"},
    {"l0: &l0 [x]\nl1: &l1 [*l0, *l0]\nl2: [*l1, *l1]",
     "h:1:5: the anchor &l0 is not accepted; write the value where it is used"},
    {"a: 1\n<<: {b: 2}",
     "h:2:1: merge keys are not accepted; use base: FILE, or repeat the settings"},
    {"a: 1\nb: 2\na: 3", "h:3:1: a: given twice (first in line 1)"},
    {"a: {b: 1}\nc: 2\na: {d: 1}", "h:3:1: a: given twice (first in line 1)"},
    {"a: {b: 1}\na.b: 2", "h:2:1: a.b: given twice (first in line 1)"},
    {"a: {b: 1, b: 2}", "h:1:11: a.b: given twice (first in line 1)"},
    {"a: [{b: 1, b: 2}]", "h:1:12: a[0].b: given twice (first in line 1)"},
    {"a:\n\tb: 1",
     "h:2:1: found character that cannot start any token while scanning for the "
     "next token (line 2)"},
    {"a: 1\n b: 2", "h:2:3: mapping values are not allowed in this context"},
    {"a: [1, 2", "h:2:1: did not find expected ',' or ']' while parsing a flow sequence (line 1)"},
    {"a: \"b", "h:1:6: found unexpected end of stream while scanning a quoted scalar (line 1)"},
    {"a: 1\n---\nb: 2", "h:2:1: a second document; a file holds one"},
    {"a: 1\n...\n---\n", "h:3:1: a second document; a file holds one"},
    {"%YAML 1.1\n---\na: 1", "h:1:1: directives (%) are not accepted"},
    {"%TAG ! tag:evil,1:\n---\na: !b 1", "h:1:1: directives (%) are not accepted"},
    {"[a]: b", "h:1:1: a list or a map cannot be a key"},
    {"? {a: b}\n: c", "h:1:3: a list or a map cannot be a key"},
    {"\"\": b", "h:1:1: an empty key"},
    {"a: \"b\\0c\"", "h:1:4: a NUL character in a value"},
    {"\"a\\0b\": c", "h:1:1: a NUL character in a key"},
    {"a: \xFF", "h:1:4: invalid leading UTF-8 octet (only UTF-8 text is read)"},
    {"a: 1\nb: \xC3(", "h:2:5: invalid trailing UTF-8 octet (only UTF-8 text is read)"},
    {"a: \xE2\x82", "h:1:4: incomplete UTF-8 octet sequence (only UTF-8 text is read)"},
    {"a: \xC0\xAF", "h:1:4: invalid length of a UTF-8 sequence (only UTF-8 text is read)"},
    {"a: \xED\xA0\x80", "h:1:4: invalid Unicode character (only UTF-8 text is read)"},
    {"a: \x01", "h:1:4: control characters are not allowed (only UTF-8 text is read)"},
    {"a: `b`",
     "h:1:4: found character that cannot start any token while scanning for the next "
     "token (line 1)"},
    {"a: b: c", "h:1:5: mapping values are not allowed in this context"},
    {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "h:1:17: nested deeper than 16 levels"},
    {"- - - - - - - - - - - - - - - - - 1", "h:1:33: nested deeper than 16 levels"},
};

static void refuses(const char *text, size_t n, const char *message) {
    struct yaml_doc d;
    CHECK_INT(yaml_doc_parse(&d, "h", text, n), ERR_DATA);
    CHECK(!d.n && !d.at);
    CHECK_TEXT(error_message(), message);
    error_clear();
}

TEST(what_is_not_plain_data_is_refused_with_its_place) {
    for (size_t i = 0; i < N(hostile); i++)
        refuses(hostile[i].text, strlen(hostile[i].text), hostile[i].message);
}

TEST(bytes_that_are_no_text_are_refused) {
    refuses("a: b\0c", 6, "h:1:5: a NUL byte");
    refuses(
        "\xFF\xFE"
        "a\0:\0 \0b\0",
        10, "h: is UTF-16; save it as UTF-8");
    refuses("\xFE\xFF\0a\0:\0 \0b", 10, "h: is UTF-16; save it as UTF-8");
    refuses("a\0:\0 \0b\0", 8, "h:1:2: a NUL byte"); /* UTF-16 without its mark */
}

/* `unit` again and again, up to n bytes in all. */
static struct str repeated(const char *head, const char *unit, size_t n) {
    struct str s = {0};
    str_add(&s, "%s", head);
    while (s.n + strlen(unit) <= n) str_put(&s, unit, strlen(unit));
    return s;
}

/* Any file within the size limit gets its answer in 100 ms; the bound of 1 s leaves room for
 * sanitizers, and quadratic time would still miss it by far. */
static void answers_quickly(const char *head, const char *unit, size_t n, const char *message) {
    struct str s = repeated(head, unit, n);
    struct yaml_doc d;
    clock_t start = clock(); /* of the processor: others may be at work */
    int status = yaml_doc_parse(&d, "h", s.at, s.n);
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (took > 1) test_fail(__FILE__, __LINE__, "\"%s%s...\" took %.1f s", head, unit, took);
    if (message) {
        CHECK_INT(status, ERR_DATA);
        CHECK_HAS(error_message(), message);
        error_clear();
    } else {
        CHECK_OK(status);
    }
    yaml_doc_free(&d);
    str_free(&s);
}

TEST(large_files_are_answered_quickly) {
    enum { MB = YAML_MAX_BYTES };
    answers_quickly("", "[", 40000, "nested deeper");
    answers_quickly("", "[", MB, "nested deeper");
    answers_quickly("", "{", MB, "cannot be a key");
    answers_quickly("", "{a: ", MB, "nested deeper");
    answers_quickly("", "- ", MB, "nested deeper");
    answers_quickly("", "? ", MB, "cannot be a key");
    answers_quickly("a: ", "[1],", MB, "did not find expected");
    answers_quickly("a: [", "1,", MB, "more than 10000 values");
    answers_quickly("a: [", "[],", MB, "more than 10000 values");
    answers_quickly("", "- \n", MB, "more than 10000 values");
    answers_quickly("", "%TAG !a! x\n", MB, "directives");
    answers_quickly("", "# comment\n", MB, NULL);
    answers_quickly("", "\n", MB, NULL);
    answers_quickly("a: ", "x", MB, NULL);
    answers_quickly("a: ", "x\n ", MB, NULL);
    answers_quickly("a: |\n ", "x\n ", MB, NULL);
    answers_quickly("a: \"", "\\x41", MB, "unexpected end of stream");
    answers_quickly("? ", "x", MB, "a key of more than 255 bytes");
    answers_quickly("", "x: ", MB, "mapping values are not allowed");
    answers_quickly("", "a:\n", MB, "more than 10000 values");
    answers_quickly("a: !", "b", MB, "the tag !bbbb");
    answers_quickly("a: &", "b", MB, "the anchor &bbbb");
    answers_quickly("a: 1\n", "---\n", MB, "a second document");
}

TEST(more_than_one_mebibyte_is_not_read) {
    struct str s = repeated("a: ", "x", YAML_MAX_BYTES + 1);
    char *path = test_path("large.yaml");
    struct yaml_doc d;
    refuses(s.at, s.n, "h: 1048577 bytes, at most 1048576 are read");
    CHECK_OK(file_write(path, s.at, s.n));
    CHECK_INT(yaml_doc_read(&d, path), ERR_DATA);
    CHECK_HAS(error_message(), "large.yaml: 1048577 bytes, at most 1048576 are read");
    error_clear();
    CHECK_OK(file_write(path, s.at, YAML_MAX_BYTES));
    CHECK_OK(yaml_doc_read(&d, path));
    yaml_doc_free(&d);
    CHECK_INT(yaml_doc_read(&d, "/nonexistent/x.yaml"), ERR_MISSING);
    CHECK_TEXT(error_message(), "/nonexistent/x.yaml: No such file or directory");
    error_clear();
    str_free(&s);
    free(path);
}

TEST(sixteen_levels_and_keys_of_255_bytes_are_accepted) {
    struct yaml_doc d;
    const char *deep = "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]";
    CHECK_OK(yaml_doc_parse(&d, "h", deep, strlen(deep)));
    yaml_doc_free(&d);
    struct str s = {0};
    for (int i = 0; i < 255; i++) str_add(&s, "k");
    str_add(&s, ": 1");
    CHECK_OK(yaml_doc_parse(&d, "h", s.at, s.n));
    yaml_doc_free(&d);
    str_free(&s);
}
