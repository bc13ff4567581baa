/* Ten steps of image tower tuning, of mask prompt tuning, and of one after the other, against the
 * trajectories of the reference's own training loop: tests/parity/train_clip.c. */
#include "tests/parity/train.h"
#include "tests/torch.h"

static void replay(const char *name) {
    char *relative = mem_format("tests/golden/%s.json", name), *path = test_source(relative);
    struct report r;
    CHECK_OK(train_replay(path, &r));
    if (r.failed || !r.compared)
        test_fail(__FILE__, __LINE__, "%s: %d of %d differ\n%s", name, r.failed, r.compared,
                  r.text.at);
    report_free(&r);
    free(path);
    free(relative);
}

TEST(tuning_the_image_tower_follows_the_reference) { replay("cliptrain_ft"); }

TEST(tuning_mask_prompts_follows_the_reference) { replay("cliptrain_mpt"); }

TEST(tuning_the_image_tower_and_then_prompts_follows_the_reference) { replay("cliptrain_ft_mpt"); }
