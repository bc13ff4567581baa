#include "train/proposals_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "train/segment.h"
#include "train/weights/run_weights.h"

/* The network's registry, with the text features of a CLIP. `of`: the node that has its settings.
 */
static int make(struct proposals_run *p, const struct node *of, const struct clip *clip,
                tensor *text, int modes) {
    int scope = t_scope_open("proposals", T_NO_GRAD | modes);
    p->text = t_hold(text); /* [K, D], or with wordings */
    double own = of->config.proposals.temperature, scale = own > 0 ? own : t_item(clip_scale(clip));
    struct maskformer_options opt =
        proposals_model(&of->config.proposals, t_size(p->text, -1), scale);
    struct rng r = rng_stream((uint64_t)of->config.run.seed, "weights", 0);
    t_seed(rng_next(&r));
    maskformer_init(&p->model, params_root(&p->params), &opt);
    t_scope_close(scope, NULL);
    if (error_status()) proposals_run_free(p);
    return error_status();
}

/* A CLIP that is opened for its texts: `clip_from`, whose texts the network was trained with.
 * *text: [(W,) K, D], in the caller's scope. */
static int speak(struct clip_run *clip, const struct node *of, const struct node_input *clip_from,
                 const struct vocabulary *v, int synonyms, tensor **text) {
    int status = clip_run_open_from(clip, of, clip_from, NULL);
    if (status) return status;
    struct text_options how = clip_run_text(of, clip_from);
    *text = segment_text(&clip->clip, &how, v, synonyms);
    if (!*text) clip_run_free(clip);
    return error_status();
}

/* The network with such a CLIP. */
static int make_from(struct proposals_run *p, const struct node *of,
                     const struct node_input *clip_from, const struct vocabulary *v, int synonyms,
                     int modes) {
    struct clip_run clip;
    tensor *text;
    int scope = t_scope_open("proposals", T_NO_GRAD);
    int status = speak(&clip, of, clip_from, v, synonyms, &text);
    if (!status) {
        status = make(p, of, &clip.clip, text, modes);
        clip_run_free(&clip);
    }
    t_scope_close(scope, NULL);
    return status;
}

static bool same_texts(const struct text_options *x, const struct text_options *y) {
    const struct strings *a = &x->templates, *b = &y->templates;
    bool same =
        a->n == b->n && x->shared_starts == y->shared_starts && x->precision == y->precision;
    for (size_t i = 0; same && i < a->n; i++) same = strcmp(a->at[i], b->at[i]) == 0;
    return same;
}

/* Whether one of those has the features that `make_from` would compute, to the bit. */
static const struct namer_run *find_namer(const struct namer_run *known, const struct node *of,
                                          const struct node_input *clip_from) {
    for (const struct namer_run *m = known; m; m = m->next)
        if (m->from->node == clip_from->node && m->from->best == clip_from->best &&
            same_texts(m->how, &of->config.text))
            return m;
    return NULL;
}

int proposals_run_new(struct proposals_run *p, const struct node *n, const struct dataset *set,
                      uint16_t *name_of) {
    char **names = mem_alloc((size_t)set->n_classes, sizeof *names);
    int64_t K = 0;
    for (int64_t k = 0; k < set->n_classes; k++) {
        name_of[k] = set->class_seen[k] ? (uint16_t)K : set->ignore;
        if (set->class_seen[k]) names[K++] = set->class_name[k];
    }
    struct vocabulary v;
    vocabulary_of(&v, names, (size_t)K);
    *p = (struct proposals_run){0};
    int status = make_from(p, n, node_input(n, "clip"), &v, SYNONYMS_MEAN, T_INHERIT);
    vocabulary_close(&v);
    free(names);
    return status;
}

int proposals_run_open(struct proposals_run *p, const struct node *n, const struct vocabulary *v,
                       const struct namer_run *known) {
    const struct node_input *in = node_input(n, "proposals");
    REQUIRE(in && in->node, "no run as input proposals");
    bool imported = in->node->config.run.stage == STAGE_IMPORT; /* has both */
    const struct node_input *clip = imported ? in : node_input(in->node, "clip");
    const struct namer_run *m = find_namer(known, in->node, clip);
    *p = (struct proposals_run){0};
    int status = m ? make(p, in->node, &m->clip.clip, t_clone(m->namer.text), T_UNDRAWN)
                   : make_from(p, in->node, clip, v, n->config.eval.synonyms, T_UNDRAWN);
    if (status) return status;
    status = run_load(in, WEIGHTS_PROPOSALS, &p->params, false);
    if (status) proposals_run_free(p);
    return status;
}

int proposals_run_names(struct proposals_run *p, const struct node *n, const struct vocabulary *v,
                        const struct namer_run *known) {
    const struct node_input *in = node_input(n, "proposals");
    bool imported = in->node->config.run.stage == STAGE_IMPORT;
    const struct node_input *clip = imported ? in : node_input(in->node, "clip");
    const struct namer_run *m = find_namer(known, in->node, clip);
    struct clip_run own;
    tensor *text = NULL;
    int scope = t_scope_open("names", T_NO_GRAD);
    int status = m ? 0 : speak(&own, in->node, clip, v, n->config.eval.synonyms, &text);
    if (!status && m) text = t_clone(m->namer.text);
    if (!status && !m) clip_run_free(&own);
    text = t_hold(text);
    t_scope_close(scope, NULL);
    if (!text) return error_status();
    t_drop(p->text);
    p->text = text;
    return 0;
}

void proposals_run_free(struct proposals_run *p) {
    t_drop(p->text);
    params_free(&p->params);
    *p = (struct proposals_run){0};
}

struct proposer proposals_run_proposer(const struct proposals_run *p) {
    return (struct proposer){&p->model, p->text};
}

void proposals_rules(struct group_rule rules[PROPOSALS_RULES], const struct optim_options *o) {
    double m = o->backbone_multiplier;
    const struct group_rule all[PROPOSALS_RULES] = {
        {"backbone.*norm*", m, o->weight_decay_norm},
        {"backbone.*relative_position_bias_table", m, 0},
        {"backbone.*", m, o->weight_decay},
        {"*norm*", 1, o->weight_decay_norm},
        {"*query_embed*", 1, o->weight_decay_embed},
        {"*", 1, o->weight_decay},
    };
    memcpy(rules, all, sizeof all);
}
