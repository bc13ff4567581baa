/* What lies beside the pictures of a chain's lists is as if it were not there: it makes no run
 * again, and no bit of a set differs. */
/* ctest: timeout=300 */
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/own_folder.h"
#include "tests/test.h"

/* `ovseg init` of test_dir()/own, from the smallest models; the config of its data, owned. */
static char *init_to(const char *damaged) {
    char *clip = test_source("configs/smoke/clip.yaml"), *dir = test_path("chain");
    char *proposals = test_source("configs/smoke/proposals.yaml"), *images = own_path("images");
    struct ended e = OVSEG("init", dir, "--images", images, "--clip", clip, "--proposals",
                           proposals, "--damaged", damaged);
    check_status(&e, 0);
    ended_free(&e);
    char *config = path_join(dir, "data.yaml");
    char *const owned[] = {clip, proposals, dir, images};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return config;
}

static char *init(void) { return init_to("stop"); }

/* What it says. */
static char *prepare(const char *config, const char *out) {
    struct ended e = TRAIN(out, config, NULL);
    check_status(&e, 0);
    char *said = mem_strdup(e.err);
    ended_free(&e);
    return said;
}

static size_t count_runs(const char *out) {
    char *dir = test_path(out);
    struct strings names;
    size_t n = 0;
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) n += strncmp(names.at[i], "data-", 5) == 0;
    strings_free(&names);
    free(dir);
    return n;
}

static void check_equal_sets(const char *a, const char *b) {
    static const char *const sets[] = {"clip.h5", "seen.h5", "val.h5"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char *x = file_of(a, "data", sets[i]), *y = file_of(b, "data", sets[i]);
        struct bytes p, q;
        CHECK_OK(file_read(x, 1 << 24, &p));
        CHECK_OK(file_read(y, 1 << 24, &q));
        CHECK(p.n == q.n && memcmp(p.at, q.at, p.n) == 0);
        bytes_free(&p);
        bytes_free(&q);
        free(x);
        free(y);
    }
}

/* A picture in the middle of the others whose digits are another's, so that all would be numbered
 * otherwise; files that nobody sees. */
static void put_beside(void) {
    own_picture_of("images/p05b.jpg", 50, 40, 77);
    own_picture_of("images/more/p00a.png", 50, 40, 78);
    own_text("images/.DS_Store", "hidden");
    own_text("images/more/readme.md", "not a picture");
}

/* `change` is a text of a picture that is listed; it says something else afterwards. */
static void check_beside(void (*more)(void), const char *change) {
    char *config = init(), *said = prepare(config, "out");
    CHECK(!strstr(said, "left out"));
    free(said);
    put_beside();
    more();
    said = prepare(config, "out");
    CHECK_HAS(said,
              "own/images: 2 pictures in no list of inputs.split are left out "
              "(`ovseg init` takes in those that have a caption or a mask)");
    CHECK_INT(count_runs("out"), 1);
    free(said);
    free(prepare(config, "other"));
    check_equal_sets("out", "other");
    own_text(change, "a horse beside a fence\n");
    free(prepare(config, "out"));
    CHECK_INT(count_runs("out"), 2);
    free(config);
}

static void texts_and_masks(void) {
    own_text("images/p05b.txt", "a tree beside a red car\n");
    own_text("images/p05b.jpg.txt", "a red car\n"); /* of the same one */
    own_text("images/more/p00a.png.txt", "the sky\n");
    own_mask_index("masks/p05b.png", 50, 40, 2);
    own_text("images/nobody.txt", "of no picture\n");
}

TEST(a_picture_with_texts_and_a_mask_beside_the_listed_ones_changes_nothing) {
    own_pictures();
    own_captions_texts();
    own_masks_index(8);
    check_beside(texts_and_masks, "images/p03.txt");
}

static void rename_texts(void) {
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *from = mem_format("images/p%02d.txt", i), *to = mem_format("images/p%02d.jpg.txt", i);
        own_rename(from, to);
        free(from);
        free(to);
    }
}

TEST(texts_with_the_whole_name_of_their_picture_are_those_that_count) {
    own_pictures();
    own_captions_texts();
    rename_texts();
    own_masks_index(8);
    check_beside(texts_and_masks, "images/p03.jpg.txt");
}

TEST(captions_and_instances_in_files_of_their_own_count_as_a_whole) {
    own_pictures();
    own_captions_jsonl();
    own_masks_coco(8);
    char *captions = own_text_of("captions.jsonl");
    char *longer = mem_format("%s{\"image\": \"p05b.jpg\", \"caption\": \"a tree\"}\n", captions);
    char *config = init();
    free(prepare(config, "out"));
    put_beside();
    free(prepare(config, "out"));
    CHECK_INT(count_runs("out"), 1);
    free(prepare(config, "other"));
    check_equal_sets("out", "other");
    own_text("captions.jsonl", longer);
    free(prepare(config, "out"));
    CHECK_INT(count_runs("out"), 2);
    free(captions);
    free(longer);
    free(config);
}

TEST(listed_pictures_that_are_gone_are_all_named_with_their_lines) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(8);
    char *config = init();
    own_remove("images/p00.jpg");
    struct ended e = TRAIN("out", config, NULL);
    check_status(&e, 65);
    CHECK_HAS(e.err, "1 listed picture is gone; put it back, or take the line out");
    CHECK_HAS(e.err, "there is no picture p00.jpg");
    ended_free(&e);
    own_remove("images/p07.jpg"); /* of whichever list */
    e = TRAIN("out", config, NULL);
    check_status(&e, 65);
    CHECK_HAS(e.err, "2 listed pictures are gone; put them back");
    CHECK_HAS(e.err, "there is no picture p00.jpg");
    CHECK_HAS(e.err, "there is no picture p07.jpg");
    ended_free(&e);
    free(init_to("skip")); /* as it says */
    free(prepare(config, "out"));
    free(config);
}

TEST(two_pictures_of_one_name_that_are_in_no_list_harm_nobody) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(8);
    char *config = init();
    own_picture_of("images/x.jpg", 50, 40, 77);
    own_picture_of("images/more/x.png", 50, 40, 78);
    free(prepare(config, "out"));
    own_picture_of("images/more/p02.png", 50, 40, 78); /* of a listed one: which is meant? */
    struct ended e = TRAIN("out", config, NULL);
    check_status(&e, 65);
    CHECK_HAS(e.err, "more/p02.png and p02.jpg have one name; rename one of them");
    ended_free(&e);
    free(config);
}

static void check_same_runs(const char *config, size_t n) {
    free(prepare(config, "out"));
    CHECK_INT(count_runs("out"), n);
}

/* chain/NAME with CR LF, a blank line, and its first line last. */
static void stir(const char *name) {
    char *path = test_path(name);
    struct bytes b;
    struct str s = {0};
    CHECK_OK(file_read(path, 1 << 16, &b));
    const char *text = (const char *)b.at;
    size_t first = strcspn(text, "\n");
    for (const char *at = text + first + 1; *at; at += strcspn(at, "\n") + 1)
        str_add(&s, "%.*s\r\n\r\n", (int)strcspn(at, "\n"), at);
    str_add(&s, "%.*s", (int)first, text);
    CHECK_OK(file_write(path, s.at, s.n));
    bytes_free(&b);
    str_free(&s);
    free(path);
}

static void add_synonym(void) {
    char *path = test_path("chain/names.yaml");
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 16, &b));
    const char *text = (const char *)b.at, *name = strstr(text, "{name: \"tree\"");
    CHECK(name != NULL);
    name += strlen("{name: \"tree\"");
    char *more = mem_format("%.*s, synonyms: [oak]%s", (int)(name - text), text, name);
    CHECK_OK(file_write(path, more, strlen(more)));
    bytes_free(&b);
    free(more);
    free(path);
}

TEST(how_a_list_is_written_and_synonyms_of_a_name_make_no_data_anew) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(8);
    char *config = init();
    check_same_runs(config, 1);
    stir("chain/split/train.txt");
    add_synonym();
    check_same_runs(config, 1);
    free(config);
}

TEST(synonyms_count_where_they_are_what_categories_are_known_by) {
    own_pictures();
    own_captions_jsonl();
    own_masks_coco(8);
    char *config = init();
    check_same_runs(config, 1);
    add_synonym();
    check_same_runs(config, 2);
    free(config);
}

TEST(a_picture_in_two_lists_is_named_with_its_line) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(8);
    char *config = init(), *train = test_path("chain/split/train.txt");
    struct bytes b;
    CHECK_OK(file_read(train, 1 << 16, &b));
    char *name = mem_format("%.*s", (int)strcspn((char *)b.at, "\n"), (char *)b.at);
    char *val = test_path("chain/split/val.txt");
    CHECK_OK(file_write(val, name, strlen(name)));
    struct ended e = TRAIN("out", config, NULL);
    check_status(&e, 65);
    char *says = mem_format(
        "split/val.txt: line 1: %s is in another list, too: who trains cannot "
        "judge, so take it out of one of them",
        name);
    CHECK_HAS(e.err, says);
    ended_free(&e);
    bytes_free(&b);
    char *const owned[] = {config, train, name, val, says};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(the_same_bytes_as_another_kind_of_table_are_other_captions) {
    struct str text = {0};
    own_pictures();
    own_masks_index(8);
    for (int i = 0; i < OWN_PICTURES; i++)
        str_add(&text, "p%02d.jpg,a house\ta tree in front of a house\n", i);
    own_text("captions.csv", text.at);
    char *config = init(), *tabs = own_path("tabs.tsv");
    check_same_runs(config, 1);
    own_text("tabs.tsv", text.at);
    char *captions = mem_format("inputs.captions=%s", tabs);
    struct ended e = TRAIN("out", config, captions);
    check_status(&e, 0);
    ended_free(&e);
    CHECK_INT(count_runs("out"), 2);
    str_free(&text);
    free(captions);
    free(config);
    free(tabs);
}
