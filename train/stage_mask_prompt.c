/* Mask prompt tuning (reference-spec 1.11, 6.2).
 *
 * A masked crop is mostly one colour: patches that hold nothing of the region. CLIP has never seen
 * such pictures. Instead of their colour it now gets learned tokens, one for each position and
 * depth, and nothing else of CLIP is changed: the prompts are a few thousand numbers that can be
 * put on and taken off.
 */
#include "train/clip_tune.h"
#include "train/mine/pairs_input.h"

static int run(struct node *n) {
    const struct config *c = &n->config;
    /* The reference trains the temperature beside the prompts, at the same rate (Q29). */
    const struct group_rule rules[] = {
        {"visual.mask_embedding", 1, c->optim.weight_decay},
        {"visual.prompt_embedding", 1, c->optim.weight_decay}, /* the comparison: prompt.kind */
        {"logit_scale", c->clip_train.freeze_scale ? 0 : 1, 0},
        {"*", 0, 0},
    };
    return clip_tune_run(n, rules, sizeof rules / sizeof *rules, &c->prompt);
}

void check_prompts(const struct node *n, struct problems *p) {
    pairs_input_needs(n, p);
    const struct node *clip = node_clip(n);
    struct clip_options o = {0};
    if (clip) o = clip_model(&clip->config.clip, NULL);
    if (o.resnet.width)
        problems_add(p, "%s: a residual image tower has no mask prompts", n->path);
    else if (clip && n->config.prompt.depth > o.image.layers)
        problems_add(p, "%s: prompt.depth %lld, but the image tower has %lld blocks", n->path,
                     (long long)n->config.prompt.depth, (long long)o.image.layers);
    const struct prompt_options *has = clip_run_prompts(node_from(n, "clip"));
    if (has && (has->kind != n->config.prompt.kind ||
                (has->kind == PROMPT_TOKENS && has->tokens != n->config.prompt.tokens)))
        problems_add(p,
                     "%s: prompt.kind: inputs.clip has prompts of another kind or number, which "
                     "go on",
                     n->path);
    if (has && has->depth != n->config.prompt.depth)
        problems_add(
            p, "%s: prompt.depth %lld, but inputs.clip has prompts of depth %lld, which go on",
            n->path, (long long)n->config.prompt.depth, (long long)has->depth);
}

static const char *const inputs[] = {"clip", "pairs", NULL};
static const char *const maybe[] = {"scenes", "more_pairs", NULL}; /* pairs_input_needs */
const struct stage stage_mask_prompt = {
    .name = "mask-prompt",
    .inputs = inputs,
    .maybe = maybe,
    .files = clip_probe_files,
    .ranks = true,
    .revision = 2,
    .check = check_prompts,
    .check_inputs = clip_tune_check_inputs,
    .run = run,
};
