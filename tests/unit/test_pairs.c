#include "data/pairs.h"

#include "base/file.h"
#include "data/pairs_write.h"
#include "tests/test.h"

enum { SHARDS = 3, BLOCK = 4, EACH = 5 };

static struct pairs_source source = {{"aaaa", "bbbb", "cccc", "dddd"}};
static const char *const nouns[] = {"ant", "cat", "dog", "eel", "fox", "gnu", "hen"};

/* Pair j of image i; nouns rise within a caption, and differ between shards. */
static struct pair make_pair(int64_t i, int64_t j) {
    return (struct pair){.image = i,
                         .image_id = 1000 + 7 * i,
                         .caption = 2 * i + j / 3,
                         .caption_id = 5000 - i,
                         .proposal = j,
                         .similarity = 0.25F + (float)j / 64,
                         .margin = (float)i / 32,
                         .h = 20,
                         .w = 30,
                         .area = 6 + j,
                         .box = {j, 2, j + 5, 6}};
}

static const char *make_noun(int64_t i, int64_t j) { return nouns[(i / BLOCK) + j]; }

static void write_shard(int64_t k) {
    struct pairs_shard s;
    pairs_shard_open(&s, test_dir(), k, k * BLOCK, BLOCK, &source);
    for (int64_t i = k * BLOCK; i < (k + 1) * BLOCK; i++)
        for (int64_t j = 0; j < EACH; j++) {
            struct pair p = make_pair(i, j);
            char mask[32];
            int n = snprintf(mask, sizeof mask, "mask %lld %lld", (long long)i, (long long)j);
            pairs_shard_add(&s, &p, make_noun(i, j), mask, (size_t)n);
        }
    CHECK_OK(pairs_shard_commit(&s));
    pairs_shard_drop(&s);
}

static void write_all(void) {
    for (int64_t k = SHARDS - 1; k >= 0; k--) write_shard(k); /* in any order */
    CHECK_OK(pairs_manifest(test_dir(), SHARDS, &source));
}

static char *shard_file(int64_t k) {
    char name[32];
    snprintf(name, sizeof name, "pairs-%05lld.h5", (long long)k);
    return test_path(name);
}

TEST(pairs_come_back_from_all_shards_in_order) {
    struct pairs p;
    write_all();
    CHECK_OK(pairs_open(&p, test_dir()));
    CHECK_INT(p.n, SHARDS * BLOCK * EACH);
    CHECK_INT(p.noun.n, 7); /* each once, though shards share some */
    CHECK_TEXT(p.source.at[1], "bbbb");
    for (int64_t i = 0, row = 0; i < SHARDS * BLOCK; i++)
        for (int64_t j = 0; j < EACH; j++, row++) {
            struct pair want = make_pair(i, j), got = p.at[row];
            CHECK_TEXT(p.noun.at[got.noun], make_noun(i, j));
            got.noun = want.noun;
            CHECK(!memcmp(&got, &want, sizeof want));
            struct bytes mask;
            char text[32];
            int n = snprintf(text, sizeof text, "mask %lld %lld", (long long)i, (long long)j);
            CHECK_OK(pairs_mask(&p, row, &mask));
            CHECK_INT(mask.n, n);
            CHECK(!memcmp(mask.at, text, mask.n));
            bytes_free(&mask);
        }
    pairs_close(&p);
}

TEST(no_pairs_and_empty_shards_are_no_mistake) {
    struct pairs p;
    CHECK_OK(pairs_manifest(test_dir(), 0, &source));
    CHECK_OK(pairs_open(&p, test_dir()));
    CHECK_INT(p.n, 0);
    pairs_close(&p);
    struct pairs_shard s;
    pairs_shard_open(&s, test_dir(), 0, 0, BLOCK, &source);
    CHECK_OK(pairs_shard_commit(&s));
    pairs_shard_drop(&s);
    write_shard(1);
    pairs_shard_open(&s, test_dir(), 2, 2 * BLOCK, BLOCK, &source);
    CHECK_OK(pairs_shard_commit(&s));
    pairs_shard_drop(&s);
    CHECK_OK(pairs_manifest(test_dir(), 3, &source));
    CHECK_OK(pairs_open(&p, test_dir()));
    CHECK_INT(p.n, BLOCK * EACH);
    struct bytes mask;
    CHECK_OK(pairs_mask(&p, p.n - 1, &mask));
    CHECK_INT(mask.n, 8);
    bytes_free(&mask);
    pairs_close(&p);
}

TEST(equal_pairs_are_equal_files) {
    struct bytes a, b;
    char *path = shard_file(1);
    write_shard(1);
    CHECK_OK(file_read(path, 1 << 20, &a));
    write_shard(1);
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_INT(a.n, b.n);
    CHECK(!memcmp(a.at, b.at, a.n));
    bytes_free(&a);
    bytes_free(&b);
    free(path);
}

TEST(a_finished_shard_is_known_and_one_of_another_source_is_not) {
    CHECK(!pairs_shard_done(test_dir(), 1, BLOCK, BLOCK, &source, NULL, NULL));
    write_shard(1);
    CHECK(pairs_shard_done(test_dir(), 1, BLOCK, BLOCK, &source, NULL, NULL));
    CHECK(!pairs_shard_done(test_dir(), 1, BLOCK, BLOCK + 1, &source, NULL, NULL));
    struct pairs_source other = {{"aaaa", "bbbb", "cccc", "eeee"}};
    CHECK(!pairs_shard_done(test_dir(), 1, BLOCK, BLOCK, &other, NULL, NULL));
    char *path = shard_file(1);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    b.at[b.n / 2] ^= 1;
    CHECK_OK(file_write(path, b.at, b.n));
    CHECK(!pairs_shard_done(test_dir(), 1, BLOCK, BLOCK, &source, NULL, NULL));
    bytes_free(&b);
    free(path);
}

TEST(a_finished_shard_tells_which_images_could_not_be_read) {
    struct pairs_shard s;
    const int64_t bad[] = {BLOCK + 1, 2 * BLOCK - 1}, outside[] = {2 * BLOCK};
    int64_t *damaged;
    size_t n;
    pairs_shard_open(&s, test_dir(), 1, BLOCK, BLOCK, &source);
    pairs_shard_damaged(&s, bad, 2);
    CHECK_OK(pairs_shard_commit(&s));
    pairs_shard_drop(&s);
    CHECK(pairs_shard_done(test_dir(), 1, BLOCK, BLOCK, &source, &damaged, &n));
    CHECK_INT(n, 2);
    CHECK(!memcmp(damaged, bad, sizeof bad));
    free(damaged);
    pairs_shard_open(&s, test_dir(), 1, BLOCK, BLOCK, &source);
    pairs_shard_damaged(&s, outside, 1); /* made by nobody we know */
    CHECK_OK(pairs_shard_commit(&s));
    pairs_shard_drop(&s);
    CHECK(!pairs_shard_done(test_dir(), 1, BLOCK, BLOCK, &source, &damaged, &n));
    CHECK(!damaged && n == 0);
}

TEST(a_shard_of_another_source_does_not_enter_the_manifest) {
    write_shard(0);
    struct pairs_source other = {{"aaaa", "9999", "cccc", "dddd"}};
    CHECK_ERROR(pairs_manifest(test_dir(), 1, &other), ERR_DATA, "was mined with other clip");
    CHECK_ERROR(pairs_manifest(test_dir(), 2, &source), ERR_MISSING, "pairs-00001.h5");
}

TEST(a_replaced_shortened_or_missing_shard_is_refused_by_name) {
    struct pairs p;
    char *path = shard_file(2), *first = shard_file(0);
    struct bytes good, other;
    write_all();
    CHECK_OK(file_read(path, 1 << 20, &good));
    CHECK_OK(file_read(first, 1 << 20, &other));
    CHECK_OK(file_write(path, other.at, other.n));
    CHECK_ERROR(pairs_open(&p, test_dir()), ERR_DATA, "pairs-00002.h5: is not the file");
    for (size_t at = 0; at < good.n; at += 211) {
        CHECK_OK(file_write(path, good.at, at));
        CHECK_ERROR(pairs_open(&p, test_dir()), ERR_DATA, "pairs-00002.h5");
    }
    CHECK_OK(file_remove(path));
    CHECK_ERROR(pairs_open(&p, test_dir()), ERR_MISSING, "pairs-00002.h5");
    bytes_free(&good);
    bytes_free(&other);
    free(path);
    free(first);
}

TEST(a_damaged_manifest_never_passes_unnoticed) {
    struct pairs p;
    char *path = test_path("manifest.json");
    struct bytes good;
    write_all();
    CHECK_OK(file_read(path, 1 << 20, &good));
    int passed = 0;
    for (size_t at = 0; at < good.n; at += 3) {
        uint8_t bit = at % 2 ? 1 : 16;
        good.at[at] ^= bit;
        CHECK_OK(file_write(path, good.at, good.n));
        int status = pairs_open(&p, test_dir());
        if (!status) { /* white space, the tool's version, a key nobody reads */
            CHECK_INT(p.n, SHARDS * BLOCK * EACH);
            pairs_close(&p);
            passed++;
        }
        CHECK(status == 0 || status == ERR_DATA);
        error_clear();
        good.at[at] ^= bit;
    }
    CHECK(passed < (int)good.n / 6);
    for (size_t n = 0; n < good.n - 1; n += 23) {
        CHECK_OK(file_write(path, good.at, n));
        CHECK_ERROR(pairs_open(&p, test_dir()), ERR_DATA, "manifest.json");
    }
    bytes_free(&good);
    free(path);
}

/* Writes one odd pair in an otherwise good shard. */
static void check_odd(struct pair odd, const char *why) {
    struct pairs_shard s;
    struct pairs p;
    pairs_shard_open(&s, test_dir(), 0, 0, BLOCK, &source);
    pairs_shard_add(&s, &odd, "cat", "mask", 4);
    CHECK_OK(pairs_shard_commit(&s));
    pairs_shard_drop(&s);
    CHECK_OK(pairs_manifest(test_dir(), 1, &source));
    CHECK_ERROR(pairs_open(&p, test_dir()), ERR_DATA, why);
}

TEST(rows_that_cannot_be_are_refused) {
    struct pair p = make_pair(0, 0);
    p.box.x1 = p.w + 1;
    check_odd(p, "pairs-00000.h5: pair 0 has a box outside the image");
    p = make_pair(0, 0);
    p.area = 21; /* box of 5 x 4 */
    check_odd(p, "pair 0 has an impossible area");
    p = make_pair(0, 0);
    p.h = 1 << 20;
    check_odd(p, "pair 0 has an impossible size");
    p = make_pair(0, 0);
    p.proposal = -1;
    check_odd(p, "pair 0 has a negative index");
    p = make_pair(0, 0);
    p.similarity = NAN;
    check_odd(p, "pair 0 has a similarity that is not a number");
}
