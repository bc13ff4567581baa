#include "base/hash.h"

#include "base/file.h"
#include "tests/test.h"

TEST(hashes_are_xxh3_64) {
    /* Hashes stand in file formats and in the names of runs: they must never change. */
    CHECK(hash_bytes("", 0) == 0x2D06800538D394C2u);
    CHECK(hash_string("abc") == 0x78AF5F94892F3950u);
}

TEST(pieces_and_the_whole_have_one_hash) {
    uint8_t data[5000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7);
    struct hasher h;
    hasher_open(&h);
    for (size_t i = 0; i < sizeof data; i += 100) hasher_add(&h, data + i, 100);
    CHECK(hasher_close(&h) == hash_bytes(data, sizeof data));
}

static uint64_t of_two(const char *a, const char *b) {
    struct hasher h;
    hasher_open(&h);
    hasher_add_string(&h, a);
    hasher_add_string(&h, b);
    return hasher_close(&h);
}

TEST(strings_do_not_run_together) { CHECK(of_two("ab", "c") != of_two("a", "bc")); }

TEST(a_file_has_the_hash_of_its_bytes) {
    char *path = test_path("a");
    struct str s = {0};
    uint64_t h;
    for (int i = 0; i < 20000; i++) str_add(&s, "%d ", i); /* more than one block of reading */
    CHECK_OK(file_write(path, s.at, s.n));
    CHECK_OK(hash_file(path, &h));
    CHECK(h == hash_bytes(s.at, s.n));
    CHECK_INT(hash_file("/nonexistent/x", &h), ERR_MISSING);
    CHECK_TEXT(error_message(), "/nonexistent/x: No such file or directory");
    error_clear();
    CHECK_INT(hash_file(test_dir(), &h), ERR_MISSING);
    CHECK_HAS(error_message(), ": Is a directory");
    error_clear();
    str_free(&s);
    free(path);
}

TEST(a_hash_is_16_digits_there_and_back) {
    char text[17];
    uint64_t h;
    hash_hex(0x00F0123456789ABCu, text);
    CHECK_TEXT(text, "00f0123456789abc");
    CHECK_OK(hash_parse(text, &h));
    CHECK(h == 0x00F0123456789ABCu);
    static const char *const bad[] = {"",
                                      "00f0123456789ab",
                                      "00f0123456789abcd",
                                      "00F0123456789ABC",
                                      "0x0123456789abcd",
                                      " 0f0123456789abc"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(hash_parse(bad[i], &h), ERR_DATA);
        CHECK_HAS(error_message(), "is not a 16-digit hash");
        error_clear();
    }
}
