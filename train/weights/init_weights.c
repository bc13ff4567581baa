#include "train/weights/init_weights.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/import.h"
#include "train/clip_run.h"
#include "train/proposals_run.h"
#include "train/run/run.h"

static const char BACKBONE[] = "backbone.";
static const char *const swin_norms[] = {"backbone.norm[0-3].*"};
static const char *const prompts[] = {"visual.mask_embedding",
                                      "visual.prompt_embedding"}; /* by enum prompt_kind */
static const char *const clip_part[] = {"clip_adapter.clip_model.*"};

bool init_is_set(const struct node *n) { return n->init || node_input(n, "init.weights"); }

/* The file of weights, owned; NULL: none, or those of a run that is not done. */
static int weights_file(const struct node *n, char **file) {
    const struct node_input *in = node_input(n, "init.weights");
    const struct node *from = in ? in->node : NULL;
    *file = n->init ? mem_strdup(n->init) : NULL;
    if (!from) return 0;
    const struct node_input *of =
        from->config.run.stage == STAGE_IMPORT ? node_input(from, "file") : NULL;
    if (of && of->path && !from->done) {
        *file = mem_strdup(of->path);
        return 0;
    }
    return from->done ? run_weights(in, file) : 0;
}

/* The weights of a stage, open, and how they fill its registry. */
struct start {
    struct import im;
    struct import_options o;
    const char **allowed; /* of o.allow_missing: the user's, then a rule's */
    size_t allowed_cap;
    const char *rule; /* "backbone", "whole-model", "prompts", or "" */
};

static void allow(struct start *s, const char *pattern) {
    s->allowed =
        mem_grow(s->allowed, &s->allowed_cap, s->o.n_allow_missing + 1, sizeof *s->allowed);
    s->allowed[s->o.n_allow_missing++] = pattern;
    s->o.allow_missing = s->allowed;
}

static bool backbone_alone(const struct import *im) {
    for (size_t i = 0; i < im->kept; i++)
        if (strncmp(im->by_name[i]->name, BACKBONE, sizeof BACKBONE - 1) != 0) return false;
    return im->kept > 0;
}

static int tell_proposals(struct start *s) {
    if (backbone_alone(&s->im)) {
        s->rule = "backbone";
        s->o.prefix = s->o.into = BACKBONE;
        allow(s, *swin_norms);
        return 0;
    }
    if (!import_has_proposals(&s->im))
        return error_set(ERR_DATA, "%s: there is neither a proposal network nor a backbone in it",
                         s->im.path);
    const char *clip = import_clip_prefix(&s->im);
    if (clip && *clip) {
        s->rule = "whole-model";
        s->o.allow_unexpected = clip_part;
        s->o.n_allow_unexpected = 1;
    }
    return 0;
}

static bool makes_prompts(const struct node *n) {
    int kind = n->config.run.stage;
    return (kind == STAGE_MASK_PROMPT || kind == STAGE_CLIP_JOINT) &&
           !clip_run_prompts(node_from(n, "clip"));
}

static int tell_clip(struct start *s, const struct node *n) {
    const char *prefix = import_clip_prefix(&s->im);
    if (!prefix) return error_set(ERR_DATA, "%s: there is no CLIP in it", s->im.path);
    if (*prefix) {
        s->rule = "whole-model";
        s->o.prefix = prefix;
    }
    const char *of_kind = prompts[n->config.prompt.kind];
    char *name = mem_format("%s%s", prefix, of_kind);
    if (makes_prompts(n) && !import_find(&s->im, name)) {
        s->rule = "prompts";
        allow(s, of_kind);
    }
    free(name);
    return 0;
}

static int start_open(struct start *s, const struct node *n, const char *file) {
    *s = (struct start){.rule = ""};
    const struct strings *user = &n->config.init.allow_missing;
    int status = import_open(&s->im, file, NULL);
    if (status) return status;
    for (size_t i = 0; i < user->n; i++) allow(s, user->at[i]);
    return n->config.run.stage == STAGE_PROPOSALS ? tell_proposals(s) : tell_clip(s, n);
}

static void start_close(struct start *s) {
    import_close(&s->im);
    free(s->allowed);
}

static int at_setting(const struct node *n, const char *key) {
    struct str origin = {0};
    setting_origin(settings_find(&n->doc, key), &origin);
    int status = error_context("%s: %s", origin.at, key);
    str_free(&origin);
    return status;
}

int init_load(const struct node *n, struct params *p) {
    struct start s;
    char *file;
    int status = error_status();
    if (!status) status = weights_file(n, &file);
    if (status || !file) return status ? at_setting(n, "init.weights") : 0;
    status = start_open(&s, n, file);
    if (!status) status = import_copy(&s.im, p, s.o);
    if (!status)
        log_info("%s: starts from %s (%s)%s%s", n->name, file, import_family_name(&s.im),
                 *s.rule ? ", rule " : "", s.rule);
    start_close(&s);
    free(file);
    return status ? at_setting(n, "init.weights") : 0;
}

/* The shapes of the model that the stage will train. */
static void shapes_of(const struct node *n, struct params *p) {
    const struct clip_model_options *clip = &node_clip(n)->config.clip;
    int scope = t_scope_open("shapes", T_META);
    if (n->config.run.stage == STAGE_PROPOSALS) {
        struct maskformer *m = mem_alloc(1, sizeof *m);
        struct maskformer_options o =
            proposals_model(&n->config.proposals, clip_model(clip, NULL).features, 1);
        maskformer_init(m, params_root(p), &o);
        free(m);
    } else {
        struct clip c;
        struct clip_options o = clip_model(clip, clip_run_prompts(n));
        clip_init(&c, params_root(p), &o);
        clip_free(&c);
    }
    t_scope_close(scope, NULL);
}

static int check_frozen(const struct node *n, const struct params *p) {
    const struct strings *freeze = &n->config.init.freeze;
    struct problems problems = {0};
    for (size_t i = 0; i < freeze->n; i++) {
        size_t hits = 0;
        for (size_t k = 0; k < p->n; k++) hits += fnmatch(freeze->at[i], p->at[k].name, 0) == 0;
        if (!hits)
            settings_problem(&n->doc, &problems, "init.freeze", "no tensor of the model matches %s",
                             freeze->at[i]);
    }
    return problems_close(&problems, ERR_CONFIG);
}

int init_check(const struct node *n) {
    if (!init_is_set(n) && !n->config.init.freeze.n) return error_status();
    struct params p = {0};
    struct start s;
    char *file = NULL;
    shapes_of(n, &p);
    int status = error_status();
    if (!status) status = check_frozen(n, &p);
    if (!status) status = weights_file(n, &file);
    if (!status && file) {
        status = start_open(&s, n, file);
        if (!status) status = import_check(&s.im, &p, s.o);
        start_close(&s);
        if (status) at_setting(n, "init.weights");
    }
    free(file);
    params_free(&p);
    return status;
}

int init_groups(struct groups *g, const struct node *n, struct params *p,
                const struct group_rule *rules, size_t n_rules) {
    const struct strings *freeze = &n->config.init.freeze;
    struct group_rule *all = mem_alloc(freeze->n + n_rules, sizeof *all);
    for (size_t i = 0; i < freeze->n; i++) all[i] = (struct group_rule){freeze->at[i], 0, 0};
    memcpy(all + freeze->n, rules, n_rules * sizeof *all);
    int status = groups_open(g, p, all, freeze->n + n_rules);
    free(all);
    if (!status && !g->n)
        status = error_set(ERR_CONFIG, "%s: init.freeze: nothing is left to train", n->path);
    return status;
}
