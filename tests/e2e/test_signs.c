/* A training that comes to nothing is told while it runs, and one that is well is left in peace. */
/* ctest: timeout=600 labels=slow */
#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

TEST(a_rate_too_low_to_learn_anything_is_told_once_in_log_metrics_and_status) {
    static const char *const hopeless[] = {"optim.lr=1e-9", "optim.steps=140", "validate.every=0",
                                           "checkpoint.every=1000", NULL};
    struct ended e = train_run("out", "smoke/clip.yaml", hopeless);
    check_status(&e, 0);
    const char *told = strstr(e.err, "clip: step 100: the loss, ");
    CHECK(told);
    CHECK_HAS(told, "is no better than guessing: nothing was learnt so far. Is optim.lr too low");
    CHECK(!strstr(strchr(told, '\n'), "than guessing"));
    char *run = run_of("out", "clip"), *metrics = file_of("out", "clip", "metrics.jsonl");
    char *text = text_of(metrics);
    CHECK_HAS(text, "{\"kind\":\"sign\",\"step\":100,");
    CHECK_HAS(text, "\"loss_of_guessing\":3.");
    struct ended status = OVSEG("status", run);
    check_status(&status, 0);
    CHECK_HAS(status.out, "sign        step 100: loss_of_guessing 3.");
    ended_free(&e);
    ended_free(&status);
    free(run);
    free(metrics);
    free(text);
}

TEST(the_smoke_chain_shows_no_sign) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", NULL);
    check_status(&e, 0);
    char *dir = test_path("out");
    static const char *const stages[] = {"clip", "proposals", "finetune", "mpt", "mpt-only"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        char *metrics = file_of("out", stages[i], "metrics.jsonl"), *text = text_of(metrics);
        CHECK_HAS(text, "\"kind\":\"train\"");
        CHECK(!strstr(text, "\"kind\":\"sign\""));
        free(metrics);
        free(text);
    }
    CHECK(!strstr(e.err, "warning"));
    ended_free(&e);
    free(dir);
}
