/* Fine-tuning CLIP's image tower on mined mask-noun pairs: masked crops in, the text tower frozen
 * (reference-spec 6.2, FT). */
#include "train/clip_tune.h"
#include "train/mine/pairs_input.h"

static int run(struct node *n) {
    const struct config *c = &n->config;
    /* Vectors do not decay, matrices, the position table and the projection do. */
    const struct group_rule rules[] = {
        {"logit_scale", c->clip_train.freeze_scale ? 0 : 1, 0},
        {"visual.*bias*", 1, 0},
        {"visual.*ln_*", 1, 0},
        {"visual.*bn?.*", 1, 0}, /* of residual towers, as is the next */
        {"visual.*downsample.1.*", 1, 0},
        {"visual.class_embedding", 1, 0},
        {"visual.mask_embedding", 0, 0}, /* of prompts trained before: held fixed */
        {"visual.prompt_embedding", 0, 0},
        {"visual.*", 1, c->optim.weight_decay},
        {"*", 0, 0},
    };
    return clip_tune_run(n, rules, sizeof rules / sizeof *rules, NULL);
}

static const char *const inputs[] = {"clip", "pairs", NULL};
static const char *const maybe[] = {"scenes", "more_pairs", NULL}; /* pairs_input_needs */
const struct stage stage_clip_finetune = {
    .name = "clip-finetune",
    .inputs = inputs,
    .maybe = maybe,
    .files = clip_probe_files,
    .ranks = true,
    .revision = 2,
    .check = pairs_input_needs,
    .check_inputs = clip_tune_check_inputs,
    .run = run,
};
