/* `ovseg data`, as a user types it, on the miniatures of tests/data/sets. */
/* ctest: timeout=300 labels=slow */
#include "base/file.h"
#include "base/hash.h"
#include "data/set.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

#define PROGRAM TEST_BUILD_DIR "/bin/ovseg"
#define SETS TEST_SOURCE_DIR "/tests/data/sets/"

static const char TREE[] = SETS "tree", OWN[] = SETS "tree/own", ARCHIVES[] = SETS "archives";
static const char ELSEWHERE[] = TEST_SOURCE_DIR "/docs";

static struct ended run(const char *const *arguments, const char *const *environment) {
    enum { MOST = 20 };
    const char *argv[MOST] = {PROGRAM, "data"};
    for (int i = 0; arguments[i]; i++) {
        CHECK(i + 3 < MOST);
        argv[i + 2] = arguments[i];
    }
    struct process p;
    process_start(&p, argv, environment);
    return process_wait(&p, 60);
}

#define DATA(...) run((const char *const[]){__VA_ARGS__, NULL}, NULL)

static void check_said(struct ended e, int status, const char *out, const char *err) {
    check_status(&e, status);
    if (out) CHECK_HAS(e.out, out);
    if (err) CHECK_HAS(e.err, err);
    ended_free(&e);
}

static uint64_t hash_at(const char *path) {
    uint64_t hash = 0;
    CHECK_OK(hash_file(path, &hash));
    return hash;
}

/* ---- kills ---- */

TEST(a_preparation_that_is_killed_anywhere_goes_on_to_the_same_bytes) {
    enum { STEP = 17 };
    char *whole = test_path("whole.h5"), *path = test_path("set.h5");
    char *part = mem_format("%s.part", path);
    check_said(DATA("prepare", "voc-20", "--root", ARCHIVES, "-o", whole), 0, "2 pictures", NULL);
    int kills = 0;
    for (bool happened = true; happened; kills++) {
        char *spec = mem_format("any:%d:KILL", 1 + kills * STEP);
        const char *const arguments[] = {"prepare", "voc-20", "--root", ARCHIVES, "-o", path, NULL};
        struct fault_environment f = fault_environment(spec, path);
        struct ended e = run(arguments, (const char *const *)f.at);
        happened = e.status == 128 + 9;
        check_status(&e, happened ? 137 : 0);
        ended_free(&e);
        if (happened) CHECK(!file_exists(path) || hash_at(path) == hash_at(whole));
        check_said(run(arguments, NULL), 0, "2 pictures", NULL);
        CHECK(hash_at(path) == hash_at(whole));
        CHECK(!dir_exists(part));
        CHECK_OK(file_remove(path));
        fault_environment_free(&f);
        free(spec);
    }
    CHECK(kills > 5);
    printf("%d kills\n", kills - 1);
    free(whole);
    free(path);
    free(part);
}

TEST(a_signal_ends_a_preparation_and_the_same_command_goes_on) {
    char *path = test_path("set.h5");
    const char *const arguments[] = {"prepare", "voc-20", "--root", ARCHIVES, "-o", path, NULL};
    struct fault_environment f = fault_environment("write:2:TERM", path);
    check_said(run(arguments, (const char *const *)f.at), 143, NULL,
               "stopped by SIGTERM; the same command goes on from here");
    CHECK(!file_exists(path));
    check_said(run(arguments, NULL), 0, "2 pictures", NULL);
    fault_environment_free(&f);
    free(path);
}

/* ---- what it says ---- */

TEST(a_dry_run_says_what_is_there_and_makes_nothing) {
    char *path = test_path("set.h5");
    check_said(DATA("prepare", "ade20k-150", "--root", TREE, "-o", path, "--dry-run"), 0,
               "pictures  3\nexpected  2000\n", "3 pictures; there are 2000 in the whole set");
    CHECK(!file_exists(path));
    check_said(DATA("prepare", "voc-20", "--root", ARCHIVES, "-o", path, "--dry-run"), 0,
               "SegmentationClassAug.zip", NULL);
    char *part = mem_format("%s.part", path);
    CHECK(!dir_exists(part));
    free(part);
    free(path);
}

TEST(strict_takes_the_published_archives_and_numbers_only) {
    char *path = test_path("set.h5");
    check_said(DATA("prepare", "voc-20", "--root", ARCHIVES, "-o", path, "--strict"), 65, NULL,
               "is not the published file (MD5 ");
    check_said(DATA("prepare", "voc-20", "--root", TREE, "-o", path, "--strict"), 65, NULL,
               "3 pictures; there are 1449");
    CHECK(!file_exists(path));
    free(path);
}

TEST(damaged_files_end_it_or_are_left_out_by_a_flag) {
    char *dir = test_path("own"), *from = test_path("set.h5"), *path = test_path("again.h5");
    check_said(DATA("prepare", "folder", "--root", OWN, "-o", from), 0, "3 pictures", NULL);
    check_said(DATA("export", from, dir), 0, NULL, NULL);
    char *bad = path_join(dir, "images/kitchen.png");
    CHECK_OK(file_write(bad, "no picture", 10));
    check_said(DATA("prepare", "folder", "--root", dir, "-o", path), 65, NULL,
               "kitchen.png: is not an image");
    check_said(DATA("prepare", "folder", "--root", dir, "-o", path, "--damaged", "skip"), 0,
               "2 pictures, 2 captions, 3 classes; 1 damaged", "left out: ");
    check_said(DATA("check", "folder", "--root", dir, "-o", path), 65, "unreadable       1\n",
               "1 of 3 pictures are damaged");
    free(bad);
    free(dir);
    free(from);
    free(path);
}

TEST(a_check_prints_the_histogram_and_draws_a_sheet) {
    char *path = test_path("set.h5"), *sheet = test_path("sheet.png");
    check_said(DATA("prepare", "voc-20", "--root", TREE, "-o", path, "--index"), 0, "2 pictures",
               NULL);
    check_said(DATA("check", path, "-o", sheet), 0, "aeroplane", NULL);
    check_said(DATA("check", path, "-o", sheet), 0, "\"pottedplant\": looks joined", NULL);
    CHECK(file_exists(sheet));
    free(path);
    free(sheet);
}

TEST(mistakes_of_the_command_line_are_told) {
    check_said(DATA("prepare", "ade", "--root", "."), 64, NULL, "none of the data sets");
    check_said(DATA("prepare", "voc-20"), 64, NULL, "--root DIR");
    check_said(DATA("prepare", "voc-20", "--root", ".", "--split", "test"), 64, NULL, "no split");
    check_said(DATA("prepare", "voc-20", "--root", ELSEWHERE), 66, NULL, "JPEGImages");
    check_said(DATA("check", "nowhere.h5"), 66, NULL, "nowhere.h5");
    check_said(DATA("split", TREE, "-o", "x"), 64, NULL, "--parts");
    check_said(DATA("polish", "x"), 64, NULL, "no action \"polish\"");
}

TEST(a_folder_in_the_place_of_a_set_is_answered_with_the_sets_in_it) {
    char *dir = test_path("run"), *a = path_join(dir, "seen.h5"), *b = path_join(dir, "test.h5");
    char *other = path_join(dir, "analysis.h5"), *out = test_path("plain");
    CHECK_OK(dir_make(dir));
    check_said(DATA("export", dir, out), 66, NULL,
               "/run: is a folder without a set: runs of stage scenes and prepare have some");
    check_said(DATA("prepare", "voc-20", "--root", TREE, "-o", b), 0, "2 pictures", NULL);
    CHECK_OK(file_write(other, "none of ours", 12));
    check_said(DATA("export", dir, out), 64, NULL,
               "/run: is a folder, and one of its sets is meant: ");
    check_said(DATA("prepare", "voc-20", "--root", TREE, "-o", a, "--index"), 0, "2 pictures",
               NULL);
    char *both = mem_format("is meant: name one of %s, %s\n", a, b);
    check_said(DATA("export", dir, out), 64, NULL, both);
    check_said(DATA("check", dir), 64, NULL, both);
    check_said(DATA("check", "nowhere/else"), 66, NULL, "nowhere/else: no such file");
    char *const owned[] = {dir, a, b, other, out, both};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(parts_of_a_set_serve_as_the_scenes_of_a_stage) {
    struct ended e = TRAIN("runs", "smoke/scenes.yaml", "seed=1");
    check_status(&e, 0);
    ended_free(&e);
    char *clip = file_of("runs", "scenes", "clip.h5"), *dir = test_path("sets");
    check_said(DATA("split", clip, "-o", dir, "--parts", "clip=0.75,val=rest"), 0, "clip.h5", NULL);
    char *scenes = mem_format("inputs.scenes=%s", dir);
    e = TRAIN("runs", "smoke/clip.yaml", scenes, "optim.steps=4", "data.easy=0");
    check_status(&e, 0);
    ended_free(&e);
    free(scenes);
    free(clip);
    free(dir);
}
