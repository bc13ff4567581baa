#include "base/mem.h"

#include "tests/test.h"

TEST(a_string_grows_as_it_is_added_to) {
    struct str s = {0};
    size_t n = 0;
    for (int i = 0; i < 1000; i++) {
        str_add(&s, "%d,", i);
        str_put(&s, "ab", 2);
        n += (i < 10 ? 2u : i < 100 ? 3u : 4u) + 2;
    }
    CHECK_INT(s.n, n);
    CHECK_INT(strlen(s.at), n);
    CHECK(strncmp(s.at, "0,ab1,ab2,ab", 12) == 0);
    CHECK_TEXT(s.at + n - 6, "999,ab");
    str_free(&s);
    CHECK(!s.at && !s.n);
    str_put(&s, "", 0);
    CHECK_TEXT(s.at, "");
    str_free(&s);
}

TEST(a_list_of_strings_owns_them) {
    struct strings a = {0}, b = {0};
    char word[8] = "one";
    strings_add(&a, word);
    word[0] = 'x';
    for (int i = 0; i < 100; i++) strings_add(&a, "more");
    CHECK_TEXT(a.at[0], "one");
    CHECK_INT(a.n, 101);
    strings_add(&b, "old");
    strings_copy(&b, &a);
    strings_free(&a);
    CHECK_INT(b.n, 101);
    CHECK_TEXT(b.at[0], "one");
    strings_free(&b);
}

TEST(a_format_makes_its_own_room) {
    char *s = mem_format("%s-%05d-%0500d", "a", 42, 7);
    CHECK_INT(strlen(s), 508);
    CHECK(strncmp(s, "a-00042-000", 11) == 0);
    free(s);
}

TEST(a_list_grows_and_keeps_its_contents) {
    size_t cap = 0;
    int *p = NULL;
    for (int i = 0; i < 1000; i++) {
        p = mem_grow(p, &cap, (size_t)i + 1, sizeof *p);
        p[i] = i;
    }
    for (int i = 0; i < 1000; i++) CHECK_INT(p[i], i);
    CHECK_INT(cap, 1024);
    void *same = mem_grow(p, &cap, 1024, sizeof *p);
    CHECK(same == p);
    free(p);
}

TEST(allocations_are_zeroed_and_may_be_empty) {
    uint8_t *p = mem_alloc(4096, 1);
    for (int i = 0; i < 4096; i++) CHECK_INT(p[i], 0);
    free(p);
    free(mem_alloc(0, 8));
    free(mem_try(0, 8));
    CHECK(!error_status());
}

TEST(an_impossible_size_is_an_error_not_a_crash) {
    CHECK(mem_try(SIZE_MAX / 4, 8) == NULL); /* more than there are addresses */
    CHECK_INT(error_status(), ERR_INTERNAL);
    CHECK_HAS(error_message(), "out of memory: ");
    error_clear();
}

TEST(sizes_that_do_not_fit_are_noticed) {
    size_t x = 0;
    CHECK(size_mul(1u << 20, 1u << 20, &x) && x == (size_t)1 << 40);
    CHECK(!size_mul(SIZE_MAX, 2, &x));
    CHECK(!size_mul(SIZE_MAX / 2 + 1, 2, &x));
    CHECK(size_mul(SIZE_MAX / 2, 2, &x) && x == SIZE_MAX - 1);
    CHECK(size_add(SIZE_MAX - 1, 1, &x) && x == SIZE_MAX);
    CHECK(!size_add(SIZE_MAX, 1, &x));
}

TEST(the_first_error_stays_and_gets_context) {
    CHECK_INT(error_context("no error: nothing happens"), 0);
    CHECK_INT(error_set(ERR_DATA, "x: %d", 1), ERR_DATA);
    CHECK_INT(error_set(ERR_IO, "later"), ERR_DATA);
    CHECK_INT(error_context("file %s", "a"), ERR_DATA);
    CHECK_TEXT(error_message(), "file a: x: 1");
    error_clear();
    CHECK_TEXT(error_message(), "");
}

TEST(a_settled_list_is_sorted_has_each_text_once_and_is_searched) {
    struct strings l = {0};
    CHECK_INT(strings_find(&l, "a"), -1);
    strings_settle(&l);
    static const char *const words[] = {"b", "a", "b", "", "ab", "a", "b"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) strings_add(&l, words[i]);
    strings_settle(&l);
    CHECK_INT(l.n, 4);
    static const char *const sorted[] = {"", "a", "ab", "b"};
    for (size_t i = 0; i < l.n; i++) {
        CHECK_TEXT(l.at[i], sorted[i]);
        CHECK_INT(strings_find(&l, sorted[i]), (int64_t)i);
    }
    CHECK_INT(strings_find(&l, "abc"), -1);
    strings_free(&l);
}
