#include "train/mine/mine_cache.h"

#include "base/file.h"
#include "base/rng.h"
#include "tests/test.h"

enum { N = 3, D = 5, ROWS = 7 };

static void make_regions(struct region_list *l) {
    struct rng r = rng_stream(1, "test.cache", 0);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 4 * i; k++) { /* the first picture has none */
            struct mask m;
            CHECK_OK(mask_alloc(&m, 9 + i, 12));
            for (int64_t p = 0; p < m.h * m.w; p++) m.at[p] = k % 4 == 3 || rng_chance(&r, 0.5);
            CHECK_OK(region_list_add(&l[i], 3 * k, &m));
            mask_free(&m);
        }
}

static void check_regions(const struct region_list *a, const struct region_list *b) {
    for (int i = 0; i < N; i++) {
        CHECK_INT(a[i].n, b[i].n);
        CHECK(a[i].h == b[i].h && a[i].w == b[i].w);
        CHECK_INT(a[i].bytes.n, b[i].bytes.n);
        CHECK(!a[i].n || !memcmp(a[i].at, b[i].at, a[i].n * sizeof *a[i].at));
        CHECK(!a[i].n || !memcmp(a[i].bytes.at, b[i].bytes.at, a[i].bytes.n));
    }
}

static void free_regions(struct region_list *l) {
    for (int i = 0; i < N; i++) region_list_free(&l[i]);
}

TEST(what_is_kept_is_found_by_its_key_alone) {
    struct mine_cache c;
    char *dir = test_path("a/cache");
    mine_cache_open(&c, dir);
    CHECK(c.dir);
    const struct mine_picture pictures[N] = {{1, 2, 3}, {UINT64_MAX, 5, 6}, {7, 8, 9}};
    struct mine_picture found[N];
    struct region_list made[N] = {{0}}, back[N] = {{0}};
    float feature[ROWS * D], read[ROWS * D];
    for (int i = 0; i < ROWS * D; i++) feature[i] = (float)i / 3;
    make_regions(made);
    CHECK(!mine_cache_pictures(&c, "key", found, N));
    CHECK(!mine_cache_masks(&c, "key", back, N));
    CHECK(!mine_cache_features(&c, "key", read, ROWS, D));
    mine_cache_keep_pictures(&c, "key", pictures, N);
    mine_cache_keep_masks(&c, "key", made, N);
    mine_cache_keep_features(&c, "key", feature, ROWS, D);
    CHECK(mine_cache_pictures(&c, "key", found, N));
    CHECK(!memcmp(found, pictures, sizeof found));
    CHECK(mine_cache_masks(&c, "key", back, N));
    check_regions(made, back);
    CHECK(mine_cache_features(&c, "key", read, ROWS, D));
    CHECK(!memcmp(read, feature, sizeof read));
    CHECK(!mine_cache_features(&c, "another key", read, ROWS, D));
    CHECK(!mine_cache_features(&c, "key", read, ROWS - 1, D)); /* told and made again */
    free_regions(made);
    free_regions(back);
    mine_cache_close(&c);
    free(dir);
}

/* The only file of a folder; owned. */
static char *only_file(const char *dir) {
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    CHECK_INT(names.n, 1);
    char *path = path_join(dir, names.at[0]);
    strings_free(&names);
    return path;
}

TEST(a_damaged_file_is_as_good_as_none_and_is_replaced) {
    struct mine_cache c;
    char *dir = test_path("cache");
    mine_cache_open(&c, dir);
    struct region_list made[N] = {{0}}, back[N] = {{0}};
    make_regions(made);
    mine_cache_keep_masks(&c, "key", made, N);
    char *path = only_file(dir);
    struct bytes good;
    CHECK_OK(file_read(path, 1 << 20, &good));
    for (size_t at = 0; at < good.n; at += 97) { /* cut short, and with a changed byte */
        CHECK_OK(file_write(path, good.at, at));
        CHECK(!mine_cache_masks(&c, "key", back, N));
        struct bytes bad = {.at = mem_alloc(good.n, 1), .n = good.n};
        memcpy(bad.at, good.at, good.n);
        bad.at[at] ^= 16;
        CHECK_OK(file_write(path, bad.at, bad.n));
        CHECK(!mine_cache_masks(&c, "key", back, N));
        bytes_free(&bad);
    }
    CHECK_INT(back[2].n, 0); /* nothing is left of a refused file */
    mine_cache_keep_masks(&c, "key", made, N);
    CHECK(mine_cache_masks(&c, "key", back, N));
    struct bytes again;
    CHECK_OK(file_read(path, 1 << 20, &again));
    CHECK_INT(again.n, good.n);
    CHECK(!memcmp(again.at, good.at, good.n)); /* equal contents are equal bytes */
    bytes_free(&again);
    bytes_free(&good);
    free_regions(made);
    free_regions(back);
    mine_cache_close(&c);
    free(path);
    free(dir);
}

TEST(without_a_folder_nothing_is_kept_and_nothing_fails) {
    struct mine_cache c;
    float x[2] = {1, 2};
    char *file = test_path("file"), *dir = test_path("file/cache");
    mine_cache_open(&c, NULL);
    mine_cache_keep_features(&c, "key", x, 1, 2);
    CHECK(!mine_cache_features(&c, "key", x, 1, 2));
    mine_cache_close(&c);
    CHECK_OK(file_write(file, "", 0));
    mine_cache_open(&c, dir); /* a file is in the way: told, no more */
    CHECK(!c.dir);
    mine_cache_close(&c);
    mine_cache_open(&c, test_dir());
    free(c.dir);
    c.dir = mem_strdup("/proc/no-such-folder");
    mine_cache_keep_features(&c, "key", x, 1, 2); /* it went away meanwhile */
    CHECK(!c.dir);
    mine_cache_close(&c);
    free(file);
    free(dir);
}
