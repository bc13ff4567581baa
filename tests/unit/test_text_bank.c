#include "data/text_bank.h"

#include "base/file.h"
#include "tests/test.h"

enum { D = 5 };

static void feature(int i, float out[D]) {
    for (int k = 0; k < D; k++) out[k] = (float)(i * 10 + k);
}

static void add(struct text_bank *b, const char *text, int i) {
    float f[D];
    feature(i, f);
    text_bank_add(b, text, f);
}

TEST(a_bank_begins_empty_and_keeps_what_is_added) {
    struct text_bank b;
    CHECK_OK(text_bank_open(&b, test_dir(), "model A", D));
    CHECK_INT(b.n, 0);
    CHECK_INT(text_bank_find(&b, "cat"), -1);
    char text[16];
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "noun %d", i);
        add(&b, text, i);
    }
    add(&b, "noun 3", 77); /* is there: keeps its feature */
    CHECK_INT(b.n, 500);
    CHECK_OK(text_bank_save(&b));
    text_bank_close(&b);

    CHECK_OK(text_bank_open(&b, test_dir(), "model A", D));
    CHECK_INT(b.n, 500);
    for (int i = 0; i < 500; i++) {
        float want[D];
        feature(i, want);
        snprintf(text, sizeof text, "noun %d", i);
        int64_t row = text_bank_find(&b, text);
        CHECK(row >= 0);
        CHECK(!memcmp(b.at + row * D, want, sizeof want));
    }
    CHECK_INT(text_bank_find(&b, "noun 500"), -1);
    text_bank_close(&b);
}

TEST(nothing_is_written_when_nothing_was_added) {
    struct text_bank b;
    CHECK_OK(text_bank_open(&b, test_dir(), "model A", D));
    CHECK_OK(text_bank_save(&b));
    CHECK(!file_exists(b.path));
    text_bank_close(&b);
}

TEST(banks_of_other_keys_do_not_meet) {
    struct text_bank a, b;
    CHECK_OK(text_bank_open(&a, test_dir(), "model A", D));
    add(&a, "cat", 1);
    CHECK_OK(text_bank_save(&a));
    CHECK_OK(text_bank_open(&b, test_dir(), "model B", D));
    CHECK_INT(b.n, 0);
    CHECK(strcmp(a.path, b.path) != 0);
    char *path = mem_strdup(b.path);
    text_bank_close(&b);
    struct bytes bytes;
    CHECK_OK(file_read(a.path, 1 << 20, &bytes));
    CHECK_OK(file_write(path, bytes.at, bytes.n));
    CHECK_ERROR(text_bank_open(&b, test_dir(), "model B", D), ERR_DATA, "of another model");
    bytes_free(&bytes);
    text_bank_close(&a);
    free(path);
}

TEST(the_file_depends_on_the_contents_and_not_on_their_order) {
    struct bytes file[2];
    for (int k = 0; k < 2; k++) {
        struct text_bank b;
        CHECK_OK(text_bank_open(&b, test_dir(), "model A", D));
        add(&b, k ? "cat" : "dog", k ? 1 : 2);
        add(&b, k ? "dog" : "cat", k ? 2 : 1);
        CHECK_OK(text_bank_save(&b));
        CHECK_OK(file_read(b.path, 1 << 20, &file[k]));
        CHECK_OK(file_remove(b.path));
        text_bank_close(&b);
    }
    CHECK_INT(file[0].n, file[1].n);
    CHECK(!memcmp(file[0].at, file[1].at, file[0].n));
    bytes_free(&file[0]);
    bytes_free(&file[1]);
}

TEST(another_width_and_damage_are_refused_by_name) {
    struct text_bank b;
    CHECK_OK(text_bank_open(&b, test_dir(), "model A", D));
    add(&b, "cat", 1);
    CHECK_OK(text_bank_save(&b));
    char *path = mem_strdup(b.path);
    text_bank_close(&b);
    CHECK_ERROR(text_bank_open(&b, test_dir(), "model A", D + 1), ERR_DATA, path);
    struct bytes good;
    CHECK_OK(file_read(path, 1 << 20, &good));
    for (size_t at = 0; at < good.n; at += 61) {
        good.at[at] ^= 0x10;
        CHECK_OK(file_write(path, good.at, good.n));
        CHECK_ERROR(text_bank_open(&b, test_dir(), "model A", D), ERR_DATA, path);
        good.at[at] ^= 0x10;
        CHECK_OK(file_write(path, good.at, at));
        CHECK_ERROR(text_bank_open(&b, test_dir(), "model A", D), ERR_DATA, path);
    }
    bytes_free(&good);
    free(path);
}

TEST(damage_in_large_features_is_found_on_opening) {
    struct text_bank b;
    int64_t d = 1 << 19; /* 2 MiB: bulk */
    float *f = mem_alloc((size_t)d, sizeof *f);
    CHECK_OK(text_bank_open(&b, test_dir(), "wide", d));
    text_bank_add(&b, "cat", f);
    CHECK_OK(text_bank_save(&b));
    char *path = mem_strdup(b.path);
    text_bank_close(&b);
    struct bytes good;
    CHECK_OK(file_read(path, 1 << 24, &good));
    good.at[good.n / 2] ^= 1;
    CHECK_OK(file_write(path, good.at, good.n));
    CHECK_ERROR(text_bank_open(&b, test_dir(), "wide", d), ERR_DATA, "damaged");
    bytes_free(&good);
    free(path);
    free(f);
}
