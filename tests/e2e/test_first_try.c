/* Each training stage tries its largest batch, its validation and a checkpoint before it begins. */
/* ctest: timeout=600 labels=slow */
#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static const char config[] = "smoke/mpt.yaml"; /* every kind of training is in its chain */

static const char *const stages[] = {"clip", "proposals", "finetune", "mpt", NULL};

static void check_said(const char *err, bool all) {
    static const char *const said[] = {
        "first try of 16 pictures of 32 x 32 and texts of 24 tokens, 16 at once",
        "first try of 4 pictures of 32 x 32 with 6 masks, 4 at once",
        "first try of 16 crops of 32 x 32, 16 at once",
        "clip: batch, validation and checkpoint work",
        "proposals: batch, validation and checkpoint work",
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (all)
            CHECK_HAS(err, said[i]);
        else
            CHECK(!strstr(err, said[i]));
}

/* Nothing of the tries is left in the run folders. */
static void check_clean(const char *out) {
    char *dir = test_path(out), *files = listing_of(dir);
    CHECK(!strstr(files, "first-try"));
    free(files);
    free(dir);
}

TEST(weights_are_the_same_with_a_first_try_and_without) {
    struct ended with = TRAIN("with", config, "then=");
    struct ended without = TRAIN("without", config, "then=", "*:first_try=false");
    check_status(&with, 0);
    check_status(&without, 0);
    check_said(with.err, true);
    check_said(without.err, false);
    for (int i = 0; stages[i]; i++) {
        char *a = run_of("with", stages[i]), *b = run_of("without", stages[i]);
        CHECK_TEXT(path_base(a), path_base(b)); /* one run, whether it was tried or not */
        check_same_checkpoint(a, b);
        check_same_metrics(a, b);
        free(a);
        free(b);
    }
    check_clean("with");
    ended_free(&with);
    ended_free(&without);
}

TEST(batches_in_parts_and_buffers_that_move_are_put_back_too) {
    static const char *const more[] = {"batch.micro=2", "proposals.backbone.norm=bn", NULL};
    static const char *const none[] = {"batch.micro=2", "proposals.backbone.norm=bn",
                                       "first_try=false", NULL};
    struct ended with = train_run("with", "smoke/proposals.yaml", more);
    struct ended without = train_run("without", "smoke/proposals.yaml", none);
    check_status(&with, 0);
    check_status(&without, 0);
    CHECK_HAS(with.err, "first try of 4 pictures of 32 x 32 with 6 masks, 2 at once");
    char *a = run_of("with", "proposals"), *b = run_of("without", "proposals");
    check_same_checkpoint(a, b);
    ended_free(&with);
    ended_free(&without);
    free(a);
    free(b);
}

/* A run with a fault of its first checkpoint's files. */
static struct ended run_with(const char *fault) {
    struct fault_environment f = fault_environment(fault, ".first-try");
    struct process p;
    train_start(&p, "out", "smoke/clip.yaml", (const char *const[]){NULL},
                (const char *const *)f.at);
    struct ended e = process_wait(&p, 300);
    fault_environment_free(&f);
    return e;
}

TEST(a_disk_that_is_full_is_found_out_before_the_first_step) {
    struct ended e = run_with("write:2+:ENOSPC");
    check_status(&e, 74);
    CHECK_HAS(e.err, "clip: first try of a checkpoint: ");
    CHECK_HAS(e.err, "No space left on device; ");
    CHECK_HAS(e.err, " are free there: make room, or set output_dir");
    char *metrics = file_of("out", "clip", "metrics.jsonl"), *text = text_of(metrics);
    CHECK_TEXT(text, "");
    check_clean("out");
    ended_free(&e);
    free(metrics);
    free(text);
}

TEST(what_a_try_left_that_was_killed_goes_and_a_run_that_goes_on_tries_nothing) {
    struct ended e = run_with("fsync:2:KILL");
    check_status(&e, 137);
    char *left = file_of("out", "clip", ".first-try");
    CHECK(dir_exists(left));
    struct fault_environment f = fault_environment("write:7:TERM", "metrics.jsonl");
    struct process p;
    train_start(&p, "out", "smoke/clip.yaml", (const char *const[]){NULL},
                (const char *const *)f.at);
    struct ended second = process_wait(&p, 300);
    fault_environment_free(&f);
    check_status(&second, 143);
    CHECK(!dir_exists(left));
    CHECK_HAS(second.err, "clip: first try of ");
    struct ended third = TRAIN("out", "smoke/clip.yaml", NULL);
    check_status(&third, 0);
    CHECK_HAS(third.err, "goes on from step ");
    CHECK(!strstr(third.err, "first try"));
    ended_free(&e);
    ended_free(&second);
    ended_free(&third);
    free(left);
}

TEST(two_ranks_try_together) {
    struct ended with = TRAIN_RANKS(2, "with", "smoke/clip.yaml", NULL);
    struct ended without = TRAIN_RANKS(2, "without", "smoke/clip.yaml", "first_try=false");
    check_status(&with, 0);
    check_status(&without, 0);
    CHECK_HAS(with.err, "first try of 8 pictures of 32 x 32");
    char *a = run_of("with", "clip"), *b = run_of("without", "clip");
    check_same_checkpoint(a, b);
    ended_free(&with);
    ended_free(&without);
    free(a);
    free(b);
}
