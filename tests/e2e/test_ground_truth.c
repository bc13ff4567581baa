/* ctest: timeout=300 labels=slow */
#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

TEST(pairs_of_label_maps_need_no_model_and_are_all_right) {
    struct ended e = TRAIN("gt", "embedded/mine-gt.yaml", "scenes:count.clip=48",
                           "scenes:count.easy=0", "scenes:count.seen=8", "scenes:count.val=4",
                           "scenes:count.test=4", "mine.shard_images=20");
    if (e.status) test_fail(__FILE__, __LINE__, "status %d: %s", e.status, e.err);
    ended_free(&e);
    char *path = file_of("gt", "mine-gt", "mining.json"), *text = text_of(path);
    CHECK_HAS(text, "\"classes\":100");
    free(text);
    free(path);
}

TEST(fine_tuning_after_prompts_keeps_them_and_can_be_evaluated) {
    char *dir = test_source("configs/smoke"), *here = realpath(dir, NULL);
    char *finetune = test_path("after.yaml"), *eval = test_path("eval-after.yaml");
    char *a = mem_format(
        "base: %s/finetune.yaml\n"
        "inputs: {scenes: %s/scenes.yaml, clip: %s/mpt-only.yaml, pairs: %s/mine.yaml}\n"
        "then: eval-after.yaml\n",
        here, here, here, here);
    char *b = mem_format(
        "stage: evaluate\n"
        "inputs: {scenes: %s/scenes.yaml, proposals: %s/proposals.yaml, "
        "mpt-ft: after.yaml}\neval: {mask_threshold: 0.3, min_area: 4}\n",
        here, here);
    CHECK_OK(file_write(finetune, a, strlen(a)));
    CHECK_OK(file_write(eval, b, strlen(b)));
    struct ended e = TRAIN("order", finetune, NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "status %d: %s", e.status, e.err);
    CHECK_HAS(e.out, "mpt-ft");
    ended_free(&e);
    free(a);
    free(b);
    free(dir);
    free(here);
    free(eval);
    free(finetune);
}

static char *write_config(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

TEST(pairs_of_other_scenes_than_those_they_were_mined_from_are_refused_before_the_first_step) {
    char *dir = test_source("configs/smoke"), *here = realpath(dir, NULL);
    char *scenes = mem_format("base: %s/scenes.yaml\nseed: 7\n", here);
    char *mine = mem_format(
        "stage: mine\ninputs: {scenes: %s/scenes.yaml}\n"
        "mine: {ground_truth: true, images: 40}\n",
        here);
    char *tune = mem_format(
        "base: %s/finetune.yaml\n"
        "inputs: {scenes: other.yaml, clip: %s/clip.yaml, pairs: mine.yaml}\n",
        here, here);
    char *const paths[] = {write_config("other.yaml", scenes), write_config("mine.yaml", mine),
                           write_config("tune.yaml", tune)};
    struct ended e = TRAIN("out", paths[2], NULL);
    check_status(&e, 78);
    char *said = strstr(e.err, "inputs.pairs is mined from the scenes of "),
         *out = test_path("out");
    CHECK_HAS(said, "/scenes-");
    CHECK_HAS(said, "inputs.scenes is ");
    CHECK_HAS(said, "/other-");
    CHECK(!dir_exists(out)); /* nothing was begun */
    ended_free(&e);
    char *const owned[] = {dir, here, scenes, mine, tune, paths[0], paths[1], paths[2], out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_run_finds_what_it_was_made_from_in_another_output_folder_and_after_a_move) {
    struct ended scenes = TRAIN("a", "smoke/scenes.yaml", NULL);
    check_status(&scenes, 0);
    char *dir = test_source("configs/smoke"), *here = realpath(dir, NULL);
    char *made = run_of("a", "scenes"), *whole = realpath(made, NULL);
    char *text = mem_format(
        "stage: mine\ninputs: {scenes: %s}\nmine: {ground_truth: true, images: 40}\n", made);
    char *config = write_config("mine.yaml", text);
    struct ended beside = TRAIN("a", config, NULL), elsewhere = TRAIN("b", config, NULL);
    check_status(&beside, 0);
    check_status(&elsewhere, 0);

    /* The same pairs from where they are, and from a tree that was moved. */
    char *a = test_path("a"), *b = test_path("b"), *c = test_path("c");
    char *there = run_of("b", "mine"), *said = path_join(there, "inputs.json");
    char *inputs = text_of(said);
    CHECK_HAS(inputs, whole);
    char *base = mem_format("%s/finetune.yaml", here),
         *pairs = mem_format("inputs.pairs=%s", there);
    struct ended e = TRAIN("out", base, "--dry-run", pairs);
    check_status(&e, 0);
    CHECK_INT(rename(a, c), 0);
    char *moved = run_of("c", "mine"), *pairs_moved = mem_format("inputs.pairs=%s", moved);
    struct ended f = TRAIN("out", base, "--dry-run", pairs_moved);
    check_status(&f, 0);
    ended_free(&scenes);
    ended_free(&beside);
    ended_free(&elsewhere);
    ended_free(&e);
    ended_free(&f);
    char *const owned[] = {dir, here,  made, whole,  text, config, a,     b,
                           c,   there, said, inputs, base, pairs,  moved, pairs_moved};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
