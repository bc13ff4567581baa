#include "data/pairs_edit.h"

#include "tests/unit/pairs_made.h"

static const struct made made[] = {
    {0, 0, "cat", 0.30F, 1}, {0, 0, "kitten", 0.20F, 1}, {0, 0, "sky", 0.10F, 2},
    {0, 1, "cat", 0.40F, 3}, {1, 2, "dog", 0.25F, 1},    {1, 2, "sky", 0.15F, 4},
    {2, 4, "cat", 0.35F, 2}, {2, 4, "puppy", 0.05F, 5},  {3, 6, "sky", 0.22F, 1},
};
enum { MADE = sizeof made / sizeof *made };

/* "3:17 noun, ..." of a folder. */
static char *told(const char *dir) {
    struct pairs p;
    struct str s = {0};
    CHECK_OK(pairs_open(&p, dir));
    for (int64_t i = 0; i < p.n; i++) {
        char id[24];
        pair_id_print(p.id[i], id);
        str_add(&s, "%s%s %s", i ? ", " : "", id, p.noun.at[p.at[i].noun]);
    }
    pairs_close(&p);
    return s.at;
}

/* Makes the edit of the folder `from` into `to`, and says what is there then. */
static char *edited(const char *from, const char *to, struct pairs_edit *e,
                    struct pairs_edited *d) {
    struct pairs p;
    char *out = test_path(to);
    CHECK_OK(pairs_open(&p, from));
    CHECK_OK(pairs_edit_write(&p, e, out, d));
    pairs_close(&p);
    char *text = told(out);
    free(out);
    return text;
}

static void check_edit(struct pairs_edit *e, const char *to, const char *expected) {
    struct pairs_edited d;
    char *from = make_pairs("pairs", made, MADE), *text = edited(from, to, e, &d);
    CHECK_TEXT(text, expected);
    free(text);
    free(from);
    pairs_edit_free(e);
}

static struct pairs_edit none(void) {
    struct pairs_edit e;
    pairs_edit_init(&e);
    return e;
}

TEST(an_id_names_file_and_row_and_is_read_back) {
    char text[24];
    int64_t id;
    pair_id_print(pair_id(3, 17), text);
    CHECK_TEXT(text, "3:17");
    CHECK_OK(pair_id_parse(text, &id));
    CHECK_INT(id, pair_id(3, 17));
    static const char *const bad[] = {"",     "3",    ":1",   "3:",         "3:1x",
                                      "-1:2", "3:-1", " 3:1", "99999999:1", "1:99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERROR(pair_id_parse(bad[i], &id), ERR_USAGE, "is no id of a pair");
}

TEST(without_options_pairs_are_copied_and_keep_masks_and_scores) {
    struct pairs_edit e = none();
    struct pairs_edited d;
    char *from = make_pairs("pairs", made, MADE), *text = edited(from, "copy", &e, &d);
    CHECK_INT(d.left, MADE);
    free(text);
    char *to = test_path("copy");
    struct pairs a, b;
    CHECK_OK(pairs_open(&a, from));
    CHECK_OK(pairs_open(&b, to));
    for (int64_t i = 0; i < a.n; i++) {
        CHECK(!memcmp(&a.at[i], &b.at[i], sizeof *a.at));
        CHECK_INT(b.id[i], a.id[i]);
        struct bytes x, y;
        CHECK_OK(pairs_mask(&a, i, &x));
        CHECK_OK(pairs_mask(&b, i, &y));
        CHECK(x.n == y.n && !memcmp(x.at, y.at, x.n));
        bytes_free(&x);
        bytes_free(&y);
    }
    CHECK_TEXT(b.source.at[2], "cccc");
    CHECK(!a.edits && b.edits);
    pairs_close(&a);
    pairs_close(&b);
    free(from);
    free(to);
}

TEST(pairs_are_dropped_or_kept_by_id) {
    struct pairs_edit e = none();
    pair_ids_add(&e.drop_id, pair_id(1, 0));
    pair_ids_add(&e.drop_id, pair_id(0, 1));
    check_edit(&e, "a", "0:0 cat, 0:2 sky, 0:3 cat, 0:4 dog, 0:5 sky, 1:1 puppy, 1:2 sky");
    e = none();
    e.keep_ids = true;
    pair_ids_add(&e.keep_id, pair_id(1, 1));
    pair_ids_add(&e.keep_id, pair_id(0, 3));
    pair_ids_add(&e.keep_id, pair_id(0, 99));
    check_edit(&e, "b", "0:3 cat, 1:1 puppy");
}

TEST(ids_stay_through_edits_of_edits) {
    struct pairs_edit e = none();
    struct pairs_edited d;
    char *from = make_pairs("pairs", made, MADE), *once = test_path("once");
    pair_ids_add(&e.drop_id, pair_id(0, 0));
    free(edited(from, "once", &e, &d));
    pairs_edit_free(&e);
    e = none();
    pair_ids_add(&e.drop_id, pair_id(0, 3));
    pair_ids_add(&e.drop_id, pair_id(0, 0)); /* gone already */
    char *text = edited(once, "twice", &e, &d);
    CHECK_TEXT(text, "0:1 kitten, 0:2 sky, 0:4 dog, 0:5 sky, 1:0 cat, 1:1 puppy, 1:2 sky");
    CHECK_INT(d.by_id, 1);
    CHECK_INT(d.unknown_ids, 1);
    pairs_edit_free(&e);
    free(text);
    free(from);
    free(once);
}

TEST(a_band_of_scores_holds_its_ends) {
    struct pairs_edit e = none();
    e.score_lo = (double)0.15F;
    e.score_hi = (double)0.30F;
    check_edit(&e, "a", "0:0 cat, 0:1 kitten, 0:4 dog, 0:5 sky, 1:2 sky");
}

/* kitten and cat of caption 0 lie on one proposal: the better-scored one stays. Names are sorted
 * anew within a caption. */
TEST(nouns_are_renamed_once_and_what_becomes_the_same_pair_is_one) {
    struct pairs_edit e = none();
    string_map_put(&e.rename, "kitten", "cat");
    string_map_put(&e.rename, "cat", "zebra"); /* not what was a kitten */
    string_map_put(&e.rename, "puppy", "ape");
    string_map_put(&e.rename, "gnu", "cat");
    struct pairs_edited d;
    char *from = make_pairs("pairs", made, MADE), *text = edited(from, "a", &e, &d);
    CHECK_TEXT(text,
               "0:1 cat, 0:2 sky, 0:0 zebra, 0:3 zebra, 0:4 dog, 0:5 sky, 1:1 ape, "
               "1:0 zebra, 1:2 sky");
    CHECK_INT(d.renamed, 5);
    CHECK_INT(d.unknown_nouns, 1);
    CHECK_INT(d.made_one, 0);
    free(text);
    pairs_edit_free(&e);
    e = none();
    string_map_put(&e.rename, "kitten", "cat");
    text = edited(from, "b", &e, &d);
    CHECK_TEXT(text, "0:0 cat, 0:2 sky, 0:3 cat, 0:4 dog, 0:5 sky, 1:0 cat, 1:1 puppy, 1:2 sky");
    CHECK_INT(d.made_one, 1);
    free(text);
    free(from);
    pairs_edit_free(&e);
}

TEST(nouns_are_dropped_or_kept_by_their_new_names) {
    struct pairs_edit e = none();
    string_map_put(&e.rename, "puppy", "dog");
    strings_add(&e.drop_noun, "dog");
    check_edit(&e, "a", "0:0 cat, 0:1 kitten, 0:2 sky, 0:3 cat, 0:5 sky, 1:0 cat, 1:2 sky");
    e = none();
    string_map_put(&e.rename, "puppy", "dog");
    strings_add(&e.keep_noun, "dog");
    e.keep_nouns = true;
    check_edit(&e, "b", "0:4 dog, 1:1 dog");
}

TEST(rare_nouns_go_by_what_is_left_of_them) {
    struct pairs_edit e = none();
    e.min_count = 3;
    check_edit(&e, "a", "0:0 cat, 0:2 sky, 0:3 cat, 0:5 sky, 1:0 cat, 1:2 sky");
    e = none();
    e.min_count = 3;
    pair_ids_add(&e.drop_id, pair_id(1, 2));
    check_edit(&e, "b", "0:0 cat, 0:3 cat, 1:0 cat");
}

TEST(the_best_scored_pairs_of_a_noun_stay) {
    struct pairs_edit e = none();
    e.max_per_noun = 1;
    e.best = true;
    check_edit(&e, "a", "0:1 kitten, 0:3 cat, 0:4 dog, 1:1 puppy, 1:2 sky");
}

/* "cat" of a text as told() makes it; owned. */
static char *cats(char *text) {
    struct str s = {0};
    for (char *at = text, *next; at; at = next) {
        next = strstr(at, ", ");
        if (next) *next = '\0', next += 2;
        if (strstr(at, " cat")) str_add(&s, "%s;", at);
    }
    free(text);
    return s.at;
}

TEST(the_choice_of_a_noun_depends_on_the_seed_and_not_on_other_nouns) {
    struct pairs_edited d;
    char *from = make_pairs("pairs", made, MADE);
    bool other = false;
    for (int64_t seed = 0; seed < 8; seed++) {
        struct pairs_edit all = none(), alone = none();
        char name[3][16];
        for (int k = 0; k < 3; k++) snprintf(name[k], sizeof name[k], "%d-%d", (int)seed, k);
        all.max_per_noun = alone.max_per_noun = 2;
        all.seed = alone.seed = seed;
        alone.keep_nouns = true;
        strings_add(&alone.keep_noun, "cat");
        char *a = cats(edited(from, name[0], &all, &d)),
             *b = cats(edited(from, name[1], &alone, &d));
        CHECK_TEXT(a, b);
        all.seed = seed + 1;
        char *c = cats(edited(from, name[2], &all, &d));
        other = other || strcmp(a, c) != 0;
        pairs_edit_free(&all);
        pairs_edit_free(&alone);
        free(a);
        free(b);
        free(c);
    }
    CHECK(other);
    free(from);
}

static char *file_in(const char *dir, const char *name) {
    char *folder = test_path(dir), *path = path_join(folder, name);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    free(folder);
    free(path);
    struct str s = {0};
    str_put(&s, b.at, b.n);
    bytes_free(&b);
    return s.at;
}

TEST(the_same_edit_is_the_same_bytes_and_the_manifest_tells_it) {
    struct pairs_edited d;
    char *from = make_pairs("pairs", made, MADE), *once = test_path("a"), hex[24];
    for (int k = 0; k < 2; k++) {
        struct pairs_edit e = none();
        e.min_count = 2;
        e.max_per_noun = 2;
        e.seed = 5;
        free(edited(from, k ? "b" : "a", &e, &d));
        pairs_edit_free(&e);
    }
    static const char *const files[] = {"manifest.json", "pairs-00000.h5", "pairs-00001.h5"};
    for (size_t i = 0; i < 3; i++) {
        char *pa = path_join(once, files[i]), *other = test_path("b"),
             *pb = path_join(other, files[i]);
        struct bytes x, y;
        CHECK_OK(file_read(pa, 1 << 20, &x));
        CHECK_OK(file_read(pb, 1 << 20, &y));
        CHECK(x.n == y.n && !memcmp(x.at, y.at, x.n));
        bytes_free(&x);
        bytes_free(&y);
        free(pa);
        free(pb);
        free(other);
    }
    struct pairs p;
    CHECK_OK(pairs_open(&p, from));
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)p.hash);
    pairs_close(&p);
    struct pairs_edit e = none();
    string_map_put(&e.rename, "sky", "a \"blue\" sky");
    free(edited(once, "c", &e, &d));
    pairs_edit_free(&e);
    char *text = file_in("c", "manifest.json"), *first = strstr(text, hex);
    CHECK(first);
    CHECK_HAS(first, "\"min_count\":\t2");
    CHECK_HAS(first, "\"max_per_noun\":\t2");
    CHECK_HAS(first, "\"chosen\":\t\"random\"");
    CHECK_HAS(first, "\"seed\":\t5");
    char *second = strstr(first, "\"rename\"");
    CHECK(second);
    CHECK_HAS(second, "a \\\"blue\\\" sky");
    free(text);
    free(from);
    free(once);
}

TEST(an_edit_that_leaves_nothing_is_refused_and_writes_nothing) {
    struct pairs_edit e = none();
    struct pairs_edited d;
    struct pairs p;
    char *from = make_pairs("pairs", made, MADE), *to = test_path("to");
    e.min_count = 99;
    CHECK_OK(pairs_open(&p, from));
    CHECK_ERROR(pairs_edit_write(&p, &e, to, &d), ERR_DATA, "no pair of 9 would be left");
    CHECK(!dir_exists(to));
    struct strings names;
    CHECK_OK(dir_list(test_dir(), &names));
    CHECK_INT(names.n, 1);
    strings_free(&names);
    pairs_close(&p);
    free(from);
    free(to);
}

static void check_rename(const char *name, const char *text, const char *expected) {
    struct string_map m;
    struct str s = {0};
    CHECK_OK(pairs_rename_parse(&m, name, text, strlen(text)));
    for (size_t i = 0; i < m.names.n; i++) str_add(&s, "%s=%s;", m.names.at[i], m.values.at[i]);
    CHECK_TEXT(s.at, expected);
    str_free(&s);
    string_map_free(&m);
}

static void check_no_rename(const char *name, const char *text, const char *why) {
    struct string_map m;
    CHECK_ERROR(pairs_rename_parse(&m, name, text, strlen(text)), ERR_DATA, why);
}

TEST(new_names_are_read_from_lines_and_from_yaml) {
    check_rename("x.tsv", "puppy\tdog\r\n# a note\n\n  st. bernard \tbig dog\n",
                 "puppy=dog;st. bernard=big dog;");
    check_rename("x.yaml", "puppy: dog\n\"st. bernard\": big dog\n",
                 "puppy=dog;st. bernard=big dog;");
    check_no_rename("x.tsv", "puppy\tdog\nkitten\n", "x.tsv:2: no tab");
    check_no_rename("x.tsv", "puppy\t\n", "x.tsv:1: an empty noun");
    check_no_rename("x.tsv", "a\tb\tc\n", "x.tsv:1: two tabs");
    check_no_rename("x.tsv", "a\tb\nc\td\na\te\n", "\"a\" is renamed twice");
    check_no_rename("x.tsv", "\n", "renames no noun");
    check_no_rename("x.yaml", "- a\n- b\n", "is no map of nouns");
    check_no_rename("x.yaml", "a: [b, c]\n", "a: must be the new noun");
    check_no_rename("x.yaml", "a:\n", "a: must be the new noun");
}
