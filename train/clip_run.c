#include "train/clip_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "checkpoints/weights.h"
#include "data/region.h"
#include "data/set.h"
#include "data/templates.h"
#include "nn/models/text_bank.h"
#include "train/run.h"

/* Random weights of the seed of the stage that asks, so that new prompts are that stage's draw. */
static void make(struct clip_run *c, const struct node *asks, const struct node *shape,
                 const struct prompt_options *prompt) {
    *c = (struct clip_run){0};
    struct clip_options opt = clip_model(&node_clip(shape)->config.clip, prompt);
    struct rng r = rng_stream((uint64_t)asks->config.run.seed, "weights", 0);
    t_seed(rng_next(&r));
    int scope = t_scope_open("clip", T_NO_GRAD);
    clip_init(&c->clip, params_root(&c->params), &opt);
    t_scope_close(scope, NULL);
}

void clip_run_init(struct clip_run *c, const struct node *n, const struct prompt_options *prompt) {
    make(c, n, n, prompt);
}

/* Fine-tuning keeps those of its input. */
const struct prompt_options *clip_run_prompts(const struct node *n) {
    for (; n; n = node_from(n, "clip")) {
        int kind = n->config.run.stage;
        if (kind == STAGE_MASK_PROMPT || kind == STAGE_CLIP_JOINT) return &n->config.prompt;
    }
    return NULL;
}

int clip_run_open(struct clip_run *c, const struct node *n, const char *input,
                  const struct prompt_options *prompt) {
    static const char *const prompts[] = {"visual.mask_embedding"};
    const struct node_input *in = node_input(n, input);
    REQUIRE(in && in->node && node_clip(in->node), "no CLIP run as input %s", input);
    const struct prompt_options *has = clip_run_prompts(in->node);
    make(c, n, in->node, prompt ? prompt : has);
    char *file;
    int status = run_weights(in, &file);
    if (!status) {
        struct weights_options w = {
            .allow_missing = prompts, .n_allow_missing = prompt && !has, .exact = true};
        status = weights_load(file, &c->params, w);
    }
    free(file);
    if (status) clip_run_free(c);
    return status;
}

void clip_run_free(struct clip_run *c) {
    clip_free(&c->clip);
    params_free(&c->params);
    *c = (struct clip_run){0};
}

/* A list of sets ("vild") and of templates themselves. */
static int resolve_templates(const struct strings *given, struct strings *out) {
    int status = 0;
    for (size_t i = 0; !status && i < given->n; i++) {
        if (strchr(given->at[i], '{')) {
            status = template_check(given->at[i]);
            if (!status) strings_add(out, given->at[i]);
        } else {
            status = templates_named(given->at[i], out);
        }
    }
    if (!status && !out->n) status = error_set(ERR_CONFIG, "text.templates: there are none");
    return status;
}

/* Token ids of texts, [n, context]; NULL and the error. */
static int64_t *tokens_of(const struct strings *texts, int64_t context) {
    struct tokenizer tokenizer;
    if (tokenizer_open(&tokenizer, NULL)) return NULL;
    int64_t *ids = mem_alloc(texts->n, (size_t)context * sizeof *ids);
    int status = 0;
    for (size_t i = 0; !status && i < texts->n; i++)
        status = tokenizer_encode(&tokenizer, texts->at[i], context, false,
                                  ids + (int64_t)i * context, NULL);
    tokenizer_close(&tokenizer);
    if (status) {
        free(ids);
        return NULL;
    }
    return ids;
}

/* `count` texts stand for each class; neighbours with equally many go through the tower together.
 */
static tensor *encode_classes(const struct clip_run *c, const int64_t *ids, const size_t *count,
                              size_t n) {
    int scope = t_scope_open("classes", T_NO_GRAD);
    int64_t context = c->clip.opt.text.context;
    tensor **parts = mem_alloc(n, sizeof(tensor *));
    size_t n_parts = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && count[to] == count[from]; to++) {
        }
        parts[n_parts++] = text_bank(
            &c->clip.text, ids,
            (struct text_bank_args){(int64_t)(to - from), (int64_t)count[from], context, 0});
        ids += (int64_t)((to - from) * count[from]) * context;
    }
    tensor *x = n_parts == 1 ? parts[0] : t_cat(parts, n_parts, 0); /* [n, D] */
    free(parts);
    return t_scope_close(scope, x);
}

tensor *clip_vocabulary(const struct clip_run *c, const struct text_options *text,
                        const struct vocabulary *v) {
    struct strings templates = {0}, texts = {0};
    size_t *count = mem_alloc(v->n, sizeof *count);
    int status = resolve_templates(&text->templates, &templates);
    for (size_t i = 0; !status && i < v->n; i++) {
        size_t before = texts.n;
        status = vocabulary_prompts(v, i, &templates, &texts);
        count[i] = texts.n - before;
    }
    int64_t *ids = status ? NULL : tokens_of(&texts, c->clip.opt.text.context);
    tensor *features = ids ? encode_classes(c, ids, count, v->n) : NULL;
    free(ids);
    free(count);
    strings_free(&texts);
    strings_free(&templates);
    return features;
}

tensor *clip_names(const struct clip_run *c, const struct text_options *text, char *const *names,
                   int64_t n) {
    struct vocabulary v;
    vocabulary_of(&v, names, (size_t)n);
    tensor *features = clip_vocabulary(c, text, &v);
    vocabulary_close(&v);
    return features;
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

int clip_open_set(const struct node *n, const char *name, struct dataset *d) {
    char *file = mem_format("%s.h5", name), *path = node_input_path(n, "scenes", file);
    int status = set_open(d, path);
    free(path);
    free(file);
    return status;
}
