#include "data/csv.h"

#include "base/file.h"
#include "tests/test.h"

static char *put(const char *text) {
    char *path = test_path("t.csv");
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

TEST(fields_may_be_quoted_and_lines_end_either_way) {
    char *path =
        put("\xEF\xBB\xBF"
            "name,cat,\"door, double\"\r\n\n\"say \"\"hi\"\"\",,1\n\"two\nlines\",x");
    struct csv c;
    CHECK_OK(csv_read(&c, path));
    CHECK_INT(c.n, 3);
    CHECK_INT(c.at[0].n, 3);
    CHECK_TEXT(c.at[0].at[0], "name");
    CHECK_TEXT(c.at[0].at[2], "door, double");
    CHECK_TEXT(c.at[1].at[0], "say \"hi\"");
    CHECK_TEXT(c.at[1].at[1], "");
    CHECK_INT(c.at[1].line, 3);
    CHECK_TEXT(c.at[2].at[0], "two\nlines");
    CHECK_TEXT(c.at[2].at[1], "x");
    csv_free(&c);
    free(path);
}

TEST(what_is_written_reads_back) {
    static const char *const fields[] = {"plain", "a, b", "\"", "", "line\nbreak"};
    struct str s = {0};
    struct csv c;
    for (int i = 0; i < 5; i++) csv_put(&s, fields[i], i == 0);
    str_add(&s, "\n");
    char *path = put(s.at);
    CHECK_OK(csv_read(&c, path));
    CHECK_INT(c.n, 1);
    for (int i = 0; i < 5; i++) CHECK_TEXT(c.at[0].at[i], fields[i]);
    csv_free(&c);
    str_free(&s);
    free(path);
}

static int damage(const char *text, size_t n) {
    char *path = test_path("t.csv");
    struct csv c;
    CHECK_OK(file_write(path, text, n));
    int status = csv_read(&c, path);
    csv_free(&c);
    free(path);
    return status;
}

TEST(damaged_tables_are_named_with_their_line) {
    CHECK_ERROR(damage("a\n\"b\nc", 6), ERR_DATA, "t.csv:2: a quote without its end");
    CHECK_ERROR(damage("\"a\"b", 4), ERR_DATA, "t.csv:1: text behind a quoted field");
    CHECK_ERROR(damage("a\rb", 3), ERR_DATA, "t.csv:1: a carriage return");
    CHECK_ERROR(damage("a\0b", 3), ERR_DATA, "a NUL byte");
}
