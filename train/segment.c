#include "train/segment.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"

bool segment_is_clip(const char *input) {
    static const char *const others[] = {"scenes", "proposals", "names", "similarity"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(input, others[i]) == 0) return false;
    return true;
}

/* Prompts that nobody tuned blank out what they stand for (Q37). */
static void warn_of_prompts(const struct namer_run *m, const char *input) {
    const tensor *prompts = m->clip.clip.resnet ? NULL : m->clip.clip.visual.mask_embedding;
    if (!prompts || m->namer.no_prompts || error_status()) return;
    tensor *size =
        t_amax(t_reshape(t_abs(m->clip.clip.visual.mask_embedding), SHAPE(-1)), 0, false);
    if (t_item(size) == 0)
        log_warn("%s: all mask prompts are 0: were they tuned? eval.prompts=false does without",
                 input);
}

tensor *segment_text(const struct clip *c, const struct text_options *text,
                     const struct vocabulary *v, int synonyms) {
    return synonyms == SYNONYMS_MAX ? class_text_wordings(c, text, v) : class_text(c, text, v);
}

int namer_run_names(struct namer_run *m, const struct node *n, const struct vocabulary *v) {
    struct text_options text = clip_run_text(n, m->from);
    int scope = t_scope_open("names", T_NO_GRAD);
    tensor *features =
        t_hold(segment_text(&m->clip.clip, &text, v, n->config.eval.synonyms)); /* [(W,) K, D] */
    t_scope_close(scope, NULL);
    if (!features) return error_status();
    t_drop(m->namer.text);
    m->namer.text = features;
    return 0;
}

int namer_run_open(struct namer_run *m, const struct node *n, const char *input,
                   const struct vocabulary *v) {
    double given = n->config.eval.temperature;
    *m = (struct namer_run){.from = node_input(n, input), .how = &n->config.text};
    int status = clip_run_open(&m->clip, n, input, NULL);
    if (!status) status = namer_run_names(m, n, v);
    if (status) return status;
    int scope = t_scope_open("namer", T_NO_GRAD);
    m->namer.clip = &m->clip.clip;
    m->namer.temperature = given > 0 ? given : t_item(clip_scale(&m->clip.clip));
    m->namer.no_prompts = !n->config.eval.prompts;
    warn_of_prompts(m, input);
    t_scope_close(scope, NULL);
    return error_status();
}

void namer_run_close(struct namer_run *m) {
    t_drop(m->namer.text);
    clip_run_free(&m->clip);
    *m = (struct namer_run){0};
}

/* The short side of the first picture that a network without random crops was trained on. */
static int trained_side(const struct node *proposals, int64_t *side) {
    struct dataset d;
    struct image im = {0};
    int status = clip_open_set(proposals, "seen", &d);
    if (status) return status;
    status = d.source->image(&d, 0, &im);
    *side = im.h < im.w ? im.h : im.w;
    image_free(&im);
    dataset_close(&d);
    return status;
}

int segment_size_of(struct segment_size *s, const struct node *n) {
    enum { RATIO = 4 }; /* of the reference's longest and shortest sides */
    const struct node *proposals = node_from(n, "proposals");
    const struct eval_options *o = &n->config.eval;
    int status = 0;
    *s = (struct segment_size){o->shortest, o->longest};
    if (!s->shortest) s->shortest = proposals->config.segment.crop;
    bool imported = proposals->config.run.stage == STAGE_IMPORT || proposals->packaged;
    if (!s->shortest && imported)
        return error_set(ERR_CONFIG,
                         "%s: weights do not tell how large pictures were: set eval.shortest (the "
                         "released Swin-B has 640, the released R101c 512)",
                         proposals->path);
    if (!s->shortest) status = trained_side(proposals, &s->shortest);
    if (!s->longest) s->longest = RATIO * s->shortest;
    return status;
}
