/* Training against the trajectories of the reference's own criterion, matcher, optimiser and loops:
 * five steps of small proposal networks, one with a residual backbone, one with Swin; ten of tuning
 * the image tower, of mask prompts, and of one after the other (tests/parity/train.h).
 *
 * ctest: timeout=300
 */
#include "tests/parity/train.h"
#include "tests/torch.h"

static void replay(const char *name) {
    char *relative = mem_format("tests/golden/%s.json", name), *path = test_source(relative);
    struct verdicts r;
    CHECK_OK(train_replay(path, &r));
    if (r.failed || !r.compared)
        test_fail(__FILE__, __LINE__, "%s: %d of %d differ\n%s", name, r.failed, r.compared,
                  r.text.at);
    verdicts_free(&r);
    free(path);
    free(relative);
}

TEST(training_with_a_residual_backbone_follows_the_reference) { replay("segtrain_r50c"); }

TEST(training_with_swin_follows_the_reference) { replay("segtrain_swin"); }

TEST(tuning_the_image_tower_follows_the_reference) { replay("cliptrain_ft"); }

TEST(tuning_mask_prompts_follows_the_reference) { replay("cliptrain_mpt"); }

TEST(tuning_the_image_tower_and_then_prompts_follows_the_reference) { replay("cliptrain_ft_mpt"); }
