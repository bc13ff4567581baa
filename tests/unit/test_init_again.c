/* `ovseg init` on a folder that has changed since: who was held out stays so, and figures before
 * and after can be compared. */
/* ctest: timeout=300 */
#include "base/file.h"
#include "tests/fault/inject.h"
#include "tests/own_folder.h"
#include "tests/test.h"
#include "train/commands/cmd.h"

/* Twelve pictures with captions and masks, three of them in val.txt. */
static void good(void) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "split      train 9, val 3, test 0");
    own_ended_free(&e);
}

static char *list(const char *name) {
    char *file = mem_format("out/split/%s.txt", name), *text = own_text_of(file);
    free(file);
    return text;
}

static size_t lines_of(const char *text) {
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

/* Every line of `before` is one of `now`, but for `without`. */
static void check_kept(const char *before, const char *now, const char *without) {
    for (const char *at = before; *at; at += strcspn(at, "\n") + 1) {
        char *line = mem_format("%.*s\n", (int)strcspn(at, "\n"), at);
        if (strcmp(line, without) != 0) CHECK_HAS(now, line);
        free(line);
    }
}

static void remove_picture(const char *line) {
    char *name = mem_format("%.3s", line), *image = mem_format("images/%s.jpg", name),
         *mask = mem_format("masks/%s.png", name), *captions = own_text_of("captions.jsonl");
    own_remove(image);
    own_remove(mask);
    char *from = strstr(captions, name), *begin = from;
    while (begin > captions && begin[-1] != '\n') begin--;
    char *rest = mem_format("%.*s%s", (int)(begin - captions), captions, strchr(from, '\n') + 1);
    own_text("captions.jsonl", rest);
    char *const owned[] = {name, image, mask, captions, rest};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void add_picture(const char *name, int seed) {
    char *image = mem_format("images/%s.jpg", name), *mask = mem_format("masks/%s.png", name),
         *captions = own_text_of("captions.jsonl");
    own_picture_of(image, OWN_W, OWN_H, seed);
    own_mask_index(mask, OWN_W, OWN_H, 2);
    char *more = mem_format("%s{\"image\": \"%s.jpg\", \"caption\": \"a tree\"}\n", captions, name);
    own_text("captions.jsonl", more);
    char *const owned[] = {image, mask, captions, more};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_picture_that_goes_and_some_that_come_move_no_other) {
    good();
    char *train = list("train"), *val = list("val");
    remove_picture(val);
    add_picture("new1", 13);
    add_picture("new2", 16);
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    CHECK_HAS(e.out,
              "split/ stays as it was for the pictures that it had; 2 new ones are dealt "
              "out, 1 is gone; --seed N draws all anew");
    CHECK_HAS(e.out,
              "split      train 10, val 3, test 0"); /* one of the new ones takes its place */
    char *train_now = list("train"), *val_now = list("val");
    check_kept(train, train_now, "");
    char *gone = mem_format("%.*s\n", (int)strcspn(val, "\n"), val);
    check_kept(val, val_now, gone);
    CHECK(!strstr(val_now, gone));
    own_ended_free(&e);
    char *const owned[] = {train, val, train_now, val_now, gone};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_new_picture_that_is_nearly_a_held_out_one_is_held_out_too) {
    good();
    char *val = list("val");
    add_picture("burst", (int)strtol(val + 1, NULL, 10)); /* of "p07.jpg" */
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    char *now = list("val");
    CHECK_HAS(now, "burst.jpg\n");
    CHECK_INT(lines_of(now), 4);
    own_ended_free(&e);
    free(val);
    free(now);
}

TEST(lists_that_were_edited_are_gone_on_from_unless_a_seed_draws_anew) {
    good();
    char *train = list("train"), *val = list("val");
    size_t n = strcspn(train, "\n") + 1;
    char *moved = mem_format("%s%.*s", val, (int)n, train); /* one more to judge by */
    own_text("out/split/train.txt", train + n);
    own_text("out/split/val.txt", moved);
    struct own_ended e = INIT("--seed", "1");
    CHECK_INT(e.status, 74);
    CHECK_HAS(e.err, "out/split/train.txt: was changed since ovseg init wrote it");
    own_ended_free(&e);
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "split      train 8, val 4, test 0");
    CHECK(!strstr(e.out, "split/ stays")); /* nothing is new */
    char *now = list("val");
    check_kept(moved, now, "");
    own_ended_free(&e);
    char *const owned[] = {train, val, moved, now};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(masks_that_come_later_are_what_judges_then) {
    own_pictures();
    own_captions_jsonl();
    struct own_ended e = INIT(NULL);
    CHECK_HAS(e.out, "split      train 11, val 1, test 0");
    own_ended_free(&e);
    char *val = list("val"), *mask = mem_format("masks/%.3s.png", val);
    own_masks_index(OWN_PICTURES);
    own_remove(mask); /* the held-out picture has none */
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "split/ was drawn anew: nothing of val.txt can judge any more");
    CHECK_HAS(e.out, "val 2, test 0");
    own_ended_free(&e);
    free(val);
    free(mask);
}

static void check_refused(const char *says) {
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, says);
    own_ended_free(&e);
}

TEST(a_list_that_cannot_be_read_or_is_gone_lets_nothing_train_that_was_held_out) {
    good();
    char *val = list("val");
    own_put("out/split/val.txt", "\xFF\xFEp\0", 4);
    check_refused("out/split/val.txt");
    own_remove("out/split/val.txt");
    check_refused("out/split/val.txt: is gone: put it back");
    own_text("out/split/val.txt", val);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
    free(val);
}

TEST(a_held_out_picture_that_was_damaged_for_a_while_is_held_out_again) {
    good();
    char *val = list("val"), *name = mem_format("images/%.3s.jpg", val);
    char *line = mem_format("val %.3s\n", val);
    own_rename(name, "away.jpg");
    own_text(name, "half");
    struct own_ended e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "1 is gone");
    own_has("out/split/left-out.txt", line);
    own_ended_free(&e);
    own_rename("away.jpg", name);
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    char *now = list("val"), *left = own_path("out/split/left-out.txt");
    check_kept(val, now, "");
    CHECK(!file_exists(left));
    own_ended_free(&e);
    char *const owned[] = {val, name, line, now, left};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* Twelve more, so that there is a list for the table. */
static void many(void) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    for (int i = 0; i < 24; i++) {
        char *name = mem_format("q%02d", i);
        add_picture(name, 100 + 7 * i);
        free(name);
    }
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_has("out/eval.yaml", "set: test");
    own_ended_free(&e);
}

TEST(a_list_that_was_emptied_by_hand_is_taken_away) {
    many();
    char *val = list("val"), *test = list("test"), *both = mem_format("%s%s", val, test);
    own_text("out/split/val.txt", both);
    own_text("out/split/test.txt", "");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    char *now = list("val"), *path = own_path("out/split/test.txt");
    check_kept(both, now, "");
    CHECK(!file_exists(path));
    own_has("out/eval.yaml", "set: val");
    own_ended_free(&e);
    char *const owned[] = {val, test, both, now, path};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_table_is_of_pictures_that_have_masks) {
    many();
    char *test = list("test");
    for (const char *at = test; *at; at += strcspn(at, "\n") + 1) {
        char *mask = mem_format("masks/%.3s.png", at);
        own_remove(mask);
        free(mask);
    }
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_has("out/eval.yaml", "set: val");
    own_ended_free(&e);
    free(test);
}

/* A burst: nothing could be held out the first time either. */
TEST(pictures_that_are_all_alike_are_not_said_to_be_drawn_anew) {
    own_captions_jsonl();
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *name = mem_format("images/p%02d.jpg", i);
        own_picture_of(name, OWN_W, OWN_H, 3);
        free(name);
    }
    for (int call = 0; call < 2; call++) {
        struct own_ended e = INIT(NULL);
        CHECK_INT(e.status, 0);
        CHECK_HAS(e.out, "split      train 12, val 0, test 0");
        CHECK(!strstr(e.out, "drawn anew"));
        own_ended_free(&e);
    }
}

/* A picture more: lists change, and so do texts that say how many there are. */
TEST(a_config_that_was_changed_stays_and_what_it_would_be_now_is_beside_it) {
    good();
    char *names = own_text_of("out/names.yaml"), *train = list("train");
    char *more = mem_format("# mine\n%s", names);
    own_text("out/eval.yaml", "# my table\n");
    own_text("out/names.yaml", more);
    add_picture("new1", 13);
    add_picture("new2", 16);
    own_text("names.txt", "sky\ntree\nred car\nhouse\n");
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    CHECK_HAS(e.out, "out/eval.yaml was changed, and stays as it is\n");
    CHECK_HAS(e.out, "out/names.yaml was changed, and stays as it is; what it would be now is in ");
    own_has("out/eval.yaml", "# my table");
    own_has("out/names.yaml", "# mine");
    own_has("out/names.yaml.new", "house");
    char *none = own_path("out/eval.yaml.new"), *beside = own_path("out/names.yaml.new");
    CHECK(!file_exists(none)); /* there is no news for it */
    char *now = list("train");
    CHECK(lines_of(now) == lines_of(train) + 2);
    own_ended_free(&e);
    e = INIT(NULL); /* and again */
    CHECK_INT(e.status, 0);
    CHECK(file_exists(beside));
    own_has("out/names.yaml", "# mine");
    own_ended_free(&e);
    own_rename("out/names.yaml.new", "away"); /* taken over by hand: it is not offered again */
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "out/names.yaml was changed, and stays as it is\n");
    CHECK(!file_exists(beside));
    own_has("out/names.yaml", "# mine");
    own_ended_free(&e);
    own_rename("away", "out/names.yaml");
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK(!strstr(e.out, "names.yaml was changed"));
    CHECK(!file_exists(beside));
    own_ended_free(&e);
    char *const owned[] = {names, train, more, none, beside, now};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* The disk is full in the middle: some files are of that call, some of the one before. */
TEST(a_call_that_ends_half_way_can_be_repeated_and_writes_all) {
    good();
    add_picture("new1", 13); /* another count in every config's first lines */
    own_text("names.txt", "sky\ntree\nred car\nhouse\n");
    struct own_ended e;
    int failed = 0;
    for (int k = 2; k < 100; k += 2) {
        char *fault = mem_format("rename:%d+:ENOSPC", k);
        fault_set(fault, "/out/");
        e = INIT(NULL);
        fault_set(NULL, NULL);
        free(fault);
        CHECK(!strstr(e.out, "was changed"));
        if (!e.status) break;
        failed++;
        CHECK_INT(e.status, 74);
        own_ended_free(&e);
    }
    CHECK(failed > 2);
    own_ended_free(&e);
    own_has("out/names.yaml", "house");
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK(!strstr(e.out, "was changed"));
    own_ended_free(&e);
}

TEST(a_file_of_somebody_else_s_is_refused_by_a_later_call_too) {
    good();
    own_text("out/names.yaml", "# mine\n");
    own_text("out/names.yaml.new", "# mine, too\n");
    own_text("names.txt", "sky\ntree\nred car\nhouse\n");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 74);
    CHECK_HAS(e.err, "out/names.yaml.new: was there before, and not written by ovseg init");
    own_has("out/names.yaml.new", "# mine, too");
    own_ended_free(&e);
}
