/* Image tower and mask prompts trained together: the comparison of the paper's Table 5. The
 * reference has no recipe for it; prompts and weights share the rate (reference-spec 6.2). */
#include "train/clip_tune.h"
#include "train/mine/pairs_input.h"

static int run(struct node *n) {
    const struct config *c = &n->config;
    const struct group_rule rules[] = {
        {"logit_scale", c->clip_train.freeze_scale ? 0 : 1, 0},
        {"visual.mask_embedding", 1, 0},
        {"visual.prompt_embedding", 1, 0},
        {"visual.*bias*", 1, 0},
        {"visual.*ln_*", 1, 0},
        {"visual.class_embedding", 1, 0},
        {"visual.*", 1, c->optim.weight_decay},
        {"*", 0, 0},
    };
    return clip_tune_run(n, rules, sizeof rules / sizeof *rules, &c->prompt);
}

static const char *const inputs[] = {"clip", "pairs", NULL};
static const char *const maybe[] = {"scenes", "more_pairs", NULL}; /* pairs_input_needs */
const struct stage stage_clip_joint = {
    .name = "clip-joint",
    .inputs = inputs,
    .maybe = maybe,
    .files = clip_probe_files,
    .ranks = true,
    .revision = 2,
    .check = check_prompts,
    .check_inputs = clip_tune_check_inputs,
    .run = run,
};
