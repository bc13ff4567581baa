#include "data/pairs_tsv.h"

#include "base/file.h"
#include "tests/test.h"

static char path_key[] = "filepath", title_key[] = "title";
static const struct pairs_options as_published = {
    .path_column = path_key, .title_column = title_key, .separator = PAIRS_TAB};

static void check_table(const char *text, const struct pairs_options *o, const char *expected) {
    struct pairs_tsv t;
    struct str s = {0};
    CHECK_OK(pairs_tsv_parse(&t, "/data/set.csv", text, strlen(text), o));
    for (int64_t i = 0; i < t.n; i++) str_add(&s, "%s|%s;", t.file[i], t.texts.at[t.text[i]]);
    CHECK_TEXT(s.at, expected);
    str_free(&s);
    pairs_tsv_close(&t);
}

static void check_bad(const char *text, const char *why) {
    struct pairs_tsv t;
    CHECK_ERROR(pairs_tsv_parse(&t, "set.csv", text, strlen(text), &as_published), ERR_DATA, why);
}

TEST(columns_are_found_by_name_and_paths_start_at_the_table) {
    check_table("filepath\ttitle\na/1.jpg\ta photo of a cat.\n/abs/2.jpg\tdog\n", &as_published,
                "/data/a/1.jpg|a photo of a cat.;/abs/2.jpg|dog;");
    check_table("title\tx\tfilepath\r\ncat\t\ta.jpg\r\n\r\ndog\t9\tb.jpg", &as_published,
                "/data/a.jpg|cat;/data/b.jpg|dog;");
    check_table(
        "\xEF\xBB\xBF"
        "filepath\ttitle\na.jpg\t caf\xC3\xA9, 2 \n",
        &as_published, "/data/a.jpg| caf\xC3\xA9, 2 ;");
}

TEST(names_of_columns_and_the_separator_are_settings) {
    char image[] = "image", text[] = "text";
    struct pairs_options o = {.path_column = image, .title_column = text, .separator = PAIRS_COMMA};
    check_table("text,image\n\"a cat, asleep\",a.jpg\n", &o, "/data/a.jpg|a cat, asleep;");
    check_bad("text\timage\na\tb\n", "no column \"filepath\"; there are \"text\", \"image\"");
    check_bad("filepath,title\na,b\n", "pairs.separator");
}

TEST(quotes_are_read_as_pandas_reads_them) {
    check_table("filepath\ttitle\na.jpg\t\"a \"\"big\"\"\tcat\nasleep\"\nb.jpg\ta 5\" nail\n",
                &as_published, "/data/a.jpg|a \"big\"\tcat\nasleep;/data/b.jpg|a 5\" nail;");
    check_bad("filepath\ttitle\na.jpg\tcat\nb.jpg\t\"dog\nc.jpg\tcow\n",
              "set.csv:3: a quote without its end");
}

TEST(a_line_that_does_not_fit_is_named_by_its_number) {
    check_bad("filepath\ttitle\na.jpg\tcat\nb.jpg\n",
              "set.csv:3: 1 fields, but the first line has 2");
    check_bad("filepath\ttitle\n\n\na.jpg\tcat\tdog\n", "set.csv:4: 3 fields");
    check_bad("filepath\ttitle\na.jpg\t\n", "set.csv:2: an empty text");
    check_bad("filepath\ttitle\n\tcat\n", "set.csv:2: an empty path");
    check_bad("filepath\ttitle\n", "no pairs in it");
    check_bad("", "no column");
    struct pairs_tsv t;
    CHECK_ERROR(pairs_tsv_parse(&t, "set.csv", "filepath\ttitle\na\0b\tc", 20, &as_published),
                ERR_DATA, "a NUL byte");
    struct str s = {0};
    str_add(&s, "filepath\ttitle\na.jpg\t");
    for (int i = 0; i < 5000; i++) str_add(&s, "x");
    check_bad(s.at, "a field of more than 4096 bytes");
    str_free(&s);
}

TEST(equal_texts_are_one) {
    struct pairs_tsv t;
    const char *text = "filepath\ttitle\na\tdog\nb\tcat\nc\tdog\na\tdog\n";
    CHECK_OK(pairs_tsv_parse(&t, "set.csv", text, strlen(text), &as_published));
    CHECK_INT(t.n, 4);
    CHECK_INT(t.texts.n, 2);
    CHECK_TEXT(t.texts.at[0], "cat");
    CHECK_INT(t.text[0], t.text[2]);
    pairs_tsv_close(&t);
}

/* A left half of the fill and a right half of noise, as a PNG: nothing is lost. */
static void put_halves(const char *name) {
    char *path = test_path(name);
    struct image im;
    struct bytes png;
    CHECK_OK(image_alloc(&im, 64, 64, 3));
    for (int64_t i = 0; i < 64 * 64; i++)
        for (int c = 0; c < 3; c++)
            im.at[3 * i + c] = i % 64 < 32 ? (const uint8_t[]){124, 116, 103}[c] : 200;
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(file_write(path, png.at, png.n));
    bytes_free(&png);
    image_free(&im);
    free(path);
}

TEST(a_mask_is_what_differs_from_the_fill_after_crop_and_resize) {
    enum { S = 48 };
    char *table = test_path("set.csv");
    const char *text = "filepath\ttitle\nhalves.png\tcat\nnone.png\tdog\nbad.png\tcow\n";
    uint8_t pixels[S * S * 3], mask[S * S];
    struct pairs_tsv t;
    put_halves("halves.png");
    char *bad = test_path("bad.png");
    CHECK_OK(file_write(bad, "GIF89a", 6));
    CHECK_OK(file_write(table, text, strlen(text)));
    CHECK_OK(pairs_tsv_open(&t, table, &as_published));
    struct crop_options whole = {.area_lo = 1, .area_hi = 1},
                        part = {.area_lo = 0.3, .area_hi = 0.5};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng r = rng_stream(seed, "augment", 0);
        CHECK_OK(pairs_tsv_crop(&t, 0, &r, seed ? &part : &whole, S, pixels, mask));
        int64_t changes = 0;
        for (int64_t i = 0; i < S * S; i++) {
            const uint8_t *p = pixels + 3 * i;
            CHECK_INT(mask[i], p[0] != 124 || p[1] != 116 || p[2] != 103);
            if (i % S) changes += mask[i] != mask[i - 1];
        }
        CHECK(changes <= S); /* one edge, and bicubic's overshoot is on the side of the noise or
                                next to it */
    }
    struct rng r = rng_stream(1, "augment", 0);
    CHECK_ERROR(pairs_tsv_crop(&t, 1, &r, &whole, S, pixels, mask), ERR_MISSING, "none.png");
    CHECK_ERROR(pairs_tsv_crop(&t, 2, &r, &whole, S, pixels, mask), ERR_DATA, "bad.png");
    pairs_tsv_close(&t);
    free(table);
    free(bad);
}
