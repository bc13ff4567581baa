/* What checkpoints cost the steps that follow them: the fine-tuning of the embedded chain at its
 * size, on a disk, a save every 100 steps; written behind the steps, and at once. What it starts
 * from is made in few steps. */
/* ctest: timeout=900 labels=full-saving processors=2 */
#include "tests/e2e/process.h"
#include "tests/test.h"

static const char *const small[] = {
    "optim.epochs=0",        "checkpoint.every=100",         "validate.every=0",
    "scenes:count.easy=100", "scenes:count.clip=400",        "scenes:count.seen=200",
    "scenes:count.val=20",   "scenes:count.test=20",         "clip:optim.steps=4",
    "clip:validate.every=0", "proposals:pretrain.steps=2",   "proposals:optim.steps=4",
    "mine:mine.images=200",  "mine:mine.mask_threshold=0.3", "-v"};

enum { SMALL = sizeof small / sizeof *small };

/* The percent of the time of the steps; says how long that was. */
static double held_percent(const char *steps, const char *behind, double *held, double *all) {
    static const char says[] = "finetune: checkpoints held up steps for ";
    const char *arguments[SMALL + 3] = {steps, behind};
    memcpy(arguments + 2, small, sizeof small);
    struct ended e = train_run("out", "finetune.yaml", arguments);
    check_status(&e, 0);
    char *at = strstr(e.err, says), *rest = NULL;
    CHECK(at);
    *held = strtod(at + strlen(says), &rest);
    CHECK(strncmp(rest, " s of ", 6) == 0);
    *all = strtod(rest + 6, NULL);
    CHECK(*all > 1);
    ended_free(&e);
    return 100 * *held / *all;
}

TEST(one_checkpoint_in_100_steps_holds_them_up_for_at_most_1_percent) {
    double held, all, held_at_once, all_at_once;
    setenv("TMPDIR", TEST_BUILD_DIR, 1); /* what is in memory is written in no time */
    double percent = held_percent("optim.steps=400", "checkpoint.behind=true", &held, &all);
    double at_once =
        held_percent("optim.steps=401", "checkpoint.behind=false", &held_at_once, &all_at_once);
    fprintf(stderr,
            "full: embedded fine-tuning, a save every 100 of 400 steps: %.3f of %.1f s waited for "
            "(%.3f %%, bar: 1 %%); written at once: %.3f of %.1f s (%.3f %%)\n",
            held, all, percent, held_at_once, all_at_once, at_once);
    CHECK(percent <= 1);
    CHECK(held < held_at_once);
}
