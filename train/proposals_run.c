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

/* The same with a CLIP that is opened for it: `clip_from`, whose texts it was trained with. */
static int make_from(struct proposals_run *p, const struct node *of,
                     const struct node_input *clip_from, const struct vocabulary *v, int synonyms,
                     int modes) {
    struct clip_run clip;
    int status = clip_run_open_from(&clip, of, clip_from, NULL);
    if (status) return status;
    int scope = t_scope_open("proposals", T_NO_GRAD);
    tensor *text = segment_text(&clip.clip, &of->config.text, v, synonyms); /* [(W,) K, D] */
    status = make(p, of, &clip.clip, text, modes);
    t_scope_close(scope, NULL);
    clip_run_free(&clip);
    return status;
}

static bool same_strings(const struct strings *a, const struct strings *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = strcmp(a->at[i], b->at[i]) == 0;
    return same;
}

/* Whether one of those has the features that `make_from` would compute, to the bit. */
static const struct namer_run *find_namer(const struct namer_run *known, const struct node *of,
                                          const struct node_input *clip_from) {
    for (const struct namer_run *m = known; m; m = m->next)
        if (m->from->node == clip_from->node && m->from->best == clip_from->best &&
            same_strings(m->templates, &of->config.text.templates))
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
