#include "data/pairs_stats.h"

#include "tests/unit/pairs_made.h"

static const struct made made[] = {
    {0, 0, "cat", 0.30F, 1}, {0, 0, "kitten", 0.20F, 1}, {0, 0, "sky", 0.10F, 2},
    {0, 1, "cat", 0.40F, 3}, {1, 2, "dog", 0.25F, 1},    {1, 2, "sky", 0.15F, 4},
    {2, 4, "cat", 0.35F, 2}, {2, 4, "puppy", 0.05F, 5},  {3, 6, "sky", 0.22F, 1},
};
enum { MADE = sizeof made / sizeof *made };

static void open_made(struct pairs *p) {
    char *dir = make_pairs("pairs", made, MADE);
    CHECK_OK(pairs_open(p, dir));
    free(dir);
}

static void check_pick(const struct pairs *p, struct pairs_filter f, const char *expected) {
    int64_t n, *row = pairs_pick(p, &f, &n);
    struct str s = {0};
    for (int64_t i = 0; i < n; i++) str_add(&s, "%lld ", (long long)row[i]);
    CHECK_TEXT(s.at ? s.at : "", expected);
    str_free(&s);
    free(row);
}

TEST(pairs_are_picked_by_noun_score_and_picture) {
    struct pairs p;
    open_made(&p);
    check_pick(&p, pairs_filter_all(), "0 1 2 3 4 5 6 7 8 ");
    struct pairs_filter f = pairs_filter_all();
    f.noun = "sky";
    check_pick(&p, f, "2 5 8 ");
    f.hi = 0.2;
    check_pick(&p, f, "2 5 ");
    f = pairs_filter_all();
    int64_t image = made_id(1);
    f.image = &image;
    check_pick(&p, f, "4 5 ");
    f.noun = "gnu";
    check_pick(&p, f, "");
    pairs_close(&p);
}

TEST(a_draw_is_of_the_seed_and_in_order) {
    int64_t a[100], b[100], n = 100, m = 100;
    for (int64_t i = 0; i < 100; i++) a[i] = b[i] = i;
    pairs_draw(a, &n, 10, 1);
    pairs_draw(b, &m, 10, 1);
    CHECK_INT(n, 10);
    CHECK(!memcmp(a, b, 10 * sizeof *a));
    for (int64_t i = 1; i < 10; i++) CHECK(a[i] > a[i - 1]);
    for (int64_t i = 0; i < 100; i++) b[i] = i;
    m = 100;
    pairs_draw(b, &m, 10, 2);
    CHECK(memcmp(a, b, 10 * sizeof *a) != 0);
    n = 5;
    for (int64_t i = 0; i < 5; i++) a[i] = i;
    pairs_draw(a, &n, 10, 1);
    CHECK_INT(n, 5);
}

TEST(counts_nouns_and_scores_are_those_of_the_pairs) {
    struct pairs p;
    struct pairs_stats s;
    open_made(&p);
    struct pairs_filter f = pairs_filter_all();
    int64_t n, *row = pairs_pick(&p, &f, &n), sum = 0;
    pairs_stats_of(&s, &p, row, n);
    CHECK_INT(s.n, MADE);
    CHECK_INT(s.images, 4);
    CHECK_INT(s.captions, 5);
    CHECK_INT(s.n_nouns, 5);
    CHECK_TEXT(p.noun.at[s.noun[0].noun], "cat");
    CHECK_INT(s.noun[0].n, 3);
    CHECK_TEXT(p.noun.at[s.noun[1].noun], "sky");
    CHECK_TEXT(p.noun.at[s.noun[4].noun], "puppy");
    CHECK_NEAR(s.min, 0.05, 1e-6);
    CHECK_NEAR(s.max, 0.40, 1e-6);
    CHECK_NEAR(s.mean, 2.02 / 9, 1e-6);
    CHECK_NEAR(s.edge[0], 0.04, 0);
    CHECK_NEAR(s.edge[1], 0.06, 0);
    CHECK_NEAR(s.edge[8], 0.20, 0);
    CHECK_TEXT(p.noun.at[pairs_stats_rare(&s, 0)->noun], "dog");
    CHECK_TEXT(p.noun.at[pairs_stats_rare(&s, 2)->noun], "puppy");
    CHECK_TEXT(p.noun.at[pairs_stats_rare(&s, 3)->noun], "cat");
    CHECK_TEXT(p.noun.at[pairs_stats_rare(&s, 4)->noun], "sky");
    for (int64_t b = 0; b < s.n_bins; b++) sum += s.bin[b];
    CHECK_INT(sum, MADE);
    CHECK_INT(s.bin[0], 1);  /* 0.05 */
    CHECK_INT(s.bin[8], 2);  /* 0.20, and 0.22, which as a float is a little less */
    CHECK_INT(s.bin[10], 1); /* 0.25 */
    pairs_stats_free(&s);
    pairs_stats_of(&s, &p, row, 0);
    CHECK_INT(s.n_nouns, 0);
    CHECK_INT(s.n_bins, 0);
    pairs_stats_free(&s);
    free(row);
    pairs_close(&p);
}

/* One pair, or many of one score, have a bin. */
TEST(scores_that_are_all_the_same_fill_one_bin) {
    static const struct made same[] = {{0, 0, "cat", 1, 1}, {0, 0, "dog", 1, 2}};
    struct pairs p;
    struct pairs_stats s;
    char *dir = make_pairs("pairs", same, 2);
    CHECK_OK(pairs_open(&p, dir));
    pairs_stats_of(&s, &p, (const int64_t[]){0, 1}, 2);
    CHECK_INT(s.n_bins, 1);
    CHECK_INT(s.bin[0], 2);
    pairs_stats_free(&s);
    pairs_close(&p);
    free(dir);
}
