#include "train/serve/serve_names.h"

#include "tests/test.h"

static void check_names(const char *text, const char *const *names) {
    struct vocabulary v;
    CHECK_OK(serve_names_read(&v, text, strlen(text)));
    size_t n = 0;
    for (; names[n]; n++) {
        CHECK(n < v.n);
        CHECK_TEXT(v.at[n].name, names[n]);
    }
    CHECK_INT(v.n, n);
    vocabulary_close(&v);
}
#define NAMES(text, ...) check_names(text, (const char *const[]){__VA_ARGS__, NULL})

TEST(names_are_one_a_line_or_one_line_with_commas) {
    NAMES("sky, a red car ,tree", "sky", "a red car", "tree");
    NAMES("sky\r\n\n  building, edifice \n# a remark\ntree\n", "sky", "building, edifice", "tree");
    NAMES("  sky\n", "sky");
    NAMES("caf\xc3\xa9", "caf\xc3\xa9");
    check_names("", (const char *const[]){NULL});
    check_names(" \n ", (const char *const[]){NULL});
}

TEST(names_that_are_none_are_refused) {
    struct vocabulary v;
    char longest[SERVE_NAME_MAX + 2];
    struct str many = {0};
    memset(longest, 'x', sizeof longest);
    CHECK_ERROR(serve_names_read(&v, "a\0b", 3), ERR_DATA, "no UTF-8");
    CHECK_ERROR(serve_names_read(&v, "\xff", 1), ERR_DATA, "no UTF-8");
    CHECK_ERROR(serve_names_read(&v, "sky,SKY", 7), ERR_DATA, "rename one");
    CHECK_ERROR(serve_names_read(&v, "a, ,b", 5), ERR_DATA, "name 2 is empty: write it, or take");
    CHECK_ERROR(serve_names_read(&v, "a,b,", 4), ERR_DATA, "name 3 is empty");
    CHECK_ERROR(serve_names_read(&v, ",", 1), ERR_DATA, "name 1 is empty");
    CHECK_ERROR(serve_names_read(&v, longest, SERVE_NAME_MAX + 1), ERR_DATA, "at most 200");
    CHECK_OK(serve_names_read(&v, longest, SERVE_NAME_MAX));
    vocabulary_close(&v);
    for (int i = 0; i <= SERVE_NAMES_MAX; i++) str_add(&many, "%d\n", i);
    CHECK_ERROR(serve_names_read(&v, many.at, many.n), ERR_DATA, "more than 1000");
    CHECK_INT(v.n, 0);
    str_free(&many);
}

TEST(numbers_are_read_whole) {
    double x;
    CHECK(serve_number_read("0.25", 4, &x) && x == 0.25);
    CHECK(serve_number_read("0", 1, &x) && x == 0);
    CHECK(serve_number_read("2.5e-1", 6, &x) && x == 0.25);
    static const char *const none[] = {"",   " 1",   "-1",    "nan", "inf", "1x",
                                       "0x", "0x10", "1e999", "one", "+-1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK(!serve_number_read(none[i], strlen(none[i]), &x));
    CHECK(!serve_number_read("1\0", 2, &x));
}

TEST(hosts_of_others_are_not_ours) {
    struct strings names = {0};
    strings_add(&names, "node7");
    static const char *const ours[] = {"localhost",   "LocalHost:8000", "127.0.0.1:80", "127.9.9.9",
                                       "[::1]:65535", "[::1]",          "node7:1",      "NODE7"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        CHECK(serve_host_is_ours(ours[i], false, &names));
    static const char *const theirs[] = {"",
                                         "evil.example",
                                         "localhost.evil.example",
                                         "127.0.0.1.evil.example",
                                         "10.0.0.1",
                                         "[fe80::1]",
                                         "localhost:80:80",
                                         "localhost:x",
                                         "localhost:1234567",
                                         "[::1",
                                         "::1",
                                         "node7.example"};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        if (serve_host_is_ours(theirs[i], false, &names))
            test_fail(__FILE__, __LINE__, "%s is taken as ours", theirs[i]);
    CHECK(!serve_host_is_ours(NULL, true, &names));
    CHECK(serve_host_is_ours("10.0.0.1:8000", true, &names));
    CHECK(!serve_host_is_ours("evil.example", true, &names));
    strings_free(&names);
    CHECK(serve_origin_is_ours("http://localhost:8000", "localhost:8000"));
    CHECK(!serve_origin_is_ours("http://localhost:8001", "localhost:8000"));
    CHECK(!serve_origin_is_ours("https://localhost:8000", "localhost:8000"));
    CHECK(!serve_origin_is_ours("null", "localhost:8000"));
}

static void check_file_name(const char *name, const char *shown) {
    char *s = serve_file_name(name);
    CHECK_TEXT(s, shown);
    free(s);
}

TEST(file_names_are_shown_without_folders) {
    check_file_name("street.jpg", "street.jpg");
    check_file_name("../../etc/passwd", "passwd");
    check_file_name("C:\\photos\\a.jpg", "a.jpg");
    check_file_name("a/", "picture");
    check_file_name("\xff.jpg", "picture");
    check_file_name("a\nb", "picture");
    check_file_name(NULL, "picture");
}
