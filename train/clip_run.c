#include "train/clip_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "data/region.h"
#include "data/set_index.h"
#include "train/weights/run_weights.h"

/* Random weights of the seed of the stage that asks, so that new prompts are that stage's draw. */
static void make(struct clip_run *c, const struct node *asks, const struct node *shape,
                 const struct prompt_options *prompt, int modes) {
    *c = (struct clip_run){0};
    struct clip_options opt = clip_model(&node_clip(shape)->config.clip, prompt);
    struct rng r = rng_stream((uint64_t)asks->config.run.seed, "weights", 0);
    t_seed(rng_next(&r));
    int scope = t_scope_open("clip", T_NO_GRAD | modes);
    clip_init(&c->clip, params_root(&c->params), &opt);
    t_scope_close(scope, NULL);
}

void clip_run_init(struct clip_run *c, const struct node *n, const struct prompt_options *prompt) {
    make(c, n, n, prompt, T_INHERIT);
}

/* Fine-tuning keeps those of its input. */
const struct prompt_options *clip_run_prompts(const struct node *n) {
    for (; n; n = node_from(n, "clip")) {
        int kind = n->config.run.stage;
        if (kind == STAGE_IMPORT) return n->config.prompt.depth ? &n->config.prompt : NULL;
        if (kind == STAGE_MASK_PROMPT || kind == STAGE_CLIP_JOINT) return &n->config.prompt;
    }
    return NULL;
}

int clip_run_open(struct clip_run *c, const struct node *n, const char *input,
                  const struct prompt_options *prompt) {
    const struct node_input *in = node_input(n, input);
    REQUIRE(in, "no input %s", input);
    return clip_run_open_from(c, n, in, prompt);
}

int clip_run_open_from(struct clip_run *c, const struct node *n, const struct node_input *in,
                       const struct prompt_options *prompt) {
    REQUIRE(in->node && node_clip(in->node), "no CLIP run as input %s", in->name);
    const struct prompt_options *has = clip_run_prompts(in->node);
    bool new_prompts = prompt && !has; /* whose draw comes after those of all other weights */
    make(c, n, in->node, prompt ? prompt : has, new_prompts ? T_INHERIT : T_UNDRAWN);
    int status = run_load(in, WEIGHTS_CLIP, &c->params, new_prompts);
    if (status) clip_run_free(c);
    return status;
}

struct text_options clip_run_text(const struct node *n, const struct node_input *in) {
    struct text_options text = n->config.text;
    text.vocabulary = in->node->vocabulary;
    return text;
}

void clip_run_free(struct clip_run *c) {
    clip_free(&c->clip);
    params_free(&c->params);
    *c = (struct clip_run){0};
}

struct region_encoder clip_regions(const struct clip *c) {
    return namer_encoder(&(struct namer){.clip = c});
}

tensor *clip_pixels(const uint8_t *at, int64_t B, int64_t S) {
    int scope = t_scope_open("pixels", T_INHERIT);
    float scale[3], shift[3]; /* (x / 255 - mean) / std, in one product and one sum */
    for (int k = 0; k < 3; k++) {
        scale[k] = 1 / (255 * REGION_STD[k]);
        shift[k] = -REGION_MEAN[k] / REGION_STD[k];
    }
    tensor *x = t_cast(t_from_data(at, SHAPE(B, S, S, 3), T_U8), T_F32); /* [B, S, S, 3] */
    x = t_mul(t_permute(x, SHAPE(0, 3, 1, 2)), t_from_data(scale, SHAPE(3, 1, 1), T_F32));
    x = t_add(x, t_from_data(shift, SHAPE(3, 1, 1), T_F32)); /* [B, 3, S, S] */
    return t_scope_close(scope, t_contiguous(x));
}

void made_up_pixels(uint8_t *at, int64_t n) {
    for (int64_t i = 0; i < n; i++) at[i] = (uint8_t)((uint64_t)i * 2654435761u >> 13);
}

int clip_open_set(const struct node *n, const char *name, struct dataset *d) {
    char *file = mem_format("%s.h5", name), *path = node_input_path(n, "scenes", file);
    int status = set_or_index_open(d, path);
    free(path);
    free(file);
    return status;
}
