#include "train/segmenter.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "train/device.h"
#include "train/given.h"
#include "train/waiting.h"
#include "train/weights/run_weights.h"

/* The first one on the way back from a run to what it was made of; `in`: how it was named. */
static const struct node_input *find_proposals(const struct node *n) {
    for (size_t i = 0; i < n->n_inputs; i++) {
        const struct node *from = n->input[i].node;
        if (!from) continue;
        if (strcmp(n->input[i].name, "proposals") == 0) return &n->input[i];
        const struct node_input *found = find_proposals(from);
        if (found) return found;
    }
    return NULL;
}

/* Masks of others, where those are asked for, and what they exclude. */
static int open_given(struct segmenter *s, const struct model_options *o) {
    const char *why = given_excludes(&s->node->config.eval);
    if (why)
        return error_set(ERR_CONFIG, "--proposals %s: %s needs a proposal network; these are masks",
                         o->proposals, why);
    int status = mask_source_open(&s->masks, o->proposals);
    if (!status) log_info("%s: masks of others, named by CLIP alone", o->proposals);
    return status;
}

/* The proposals that the model came from, or is judged with, or those that were asked for. */
static int choose(struct segmenter *s, const struct model_options *o, struct node *model,
                  const struct node_input *clip, struct node_input *proposals) {
    *proposals = (struct node_input){0};
    if (s->given) return 0;
    if (o->proposals) {
        proposals->node = model_node(&s->graph, o->proposals, o, &proposals->best);
        if (!proposals->node) return error_status();
        if (proposals->node->packaged) *proposals = *node_input(proposals->node, "proposals");
    } else if (model->config.run.stage == STAGE_IMPORT) {
        *proposals = *clip;
    } else {
        const struct node_input *found = find_proposals(model);
        if (!found && model->then) found = node_input(model->then, "proposals");
        if (found) *proposals = *found;
    }
    bool has = false;
    int status = proposals->node ? run_has_proposals(proposals, &has) : 0;
    if (status || has) return status;
    return error_set(ERR_MISSING, "%s: %s: name the run of one by --proposals",
                     o->proposals ? o->proposals : o->name,
                     o->proposals ? "not a proposal network" : "no proposal network behind it");
}

static int make_node(struct segmenter *s, const struct model_options *o) {
    bool best;
    struct node_input clip, proposals;
    struct node *model = model_node(&s->graph, o->name, o, &best);
    if (!model) return error_status();
    int status = model_clip(model, best, &clip);
    if (!status) status = choose(s, o, model, &clip, &proposals);
    if (!status && !(s->node = model_evaluation(&s->graph, model, o))) status = error_status();
    if (status) return status;
    model_input(s->node, "clip", &clip);
    if (s->given) return open_given(s, o);
    model_input(s->node, "proposals", &proposals);
    return 0;
}

/* A name that is said to be neither is taken as a thing: proposals of it stay apart. */
static void tell_things(struct segmenter *s, const struct vocabulary *v) {
    size_t unknown = 0;
    free(s->thing);
    s->thing = mem_alloc(v->n, sizeof *s->thing);
    for (size_t k = 0; k < v->n; k++) {
        s->thing[k] = v->at[k].kind != KIND_STUFF;
        unknown += v->at[k].kind == KIND_UNKNOWN;
    }
    if (unknown && segmenter_panoptic(s))
        log_info(
            "%zu of %zu names are taken as things: no `kind: stuff` or `kind: thing` in a "
            "file of classes says what they are",
            unknown, v->n);
}

static void add_rival(const struct segmenter *s, struct vocabulary *v) {
    if (s->node->config.eval.demo && v->n == 1) vocabulary_add(v, "others");
}

static void take_names(struct segmenter *s, const struct vocabulary *v) {
    s->others = v->n == 2 && strcmp(v->at[1].name, "others") == 0;
    tell_things(s, v);
}

int segmenter_names(struct segmenter *s, struct vocabulary *v) {
    tensor *old = s->namer.namer.text; /* stays until both have theirs */
    add_rival(s, v);
    int scope = t_scope_open("", T_PRECISION(s->node->config.run.precision));
    s->namer.namer.text = NULL;
    int status = namer_run_names(&s->namer, s->node, v);
    if (!status && !s->given) status = proposals_run_names(&s->proposals, s->node, v, &s->namer);
    t_drop(status ? s->namer.namer.text : old);
    if (status) s->namer.namer.text = old;
    t_scope_close(scope, NULL);
    mem_return_pages();
    if (!status) take_names(s, v);
    return status;
}

int segmenter_open(struct segmenter *s, const struct model_options *o, struct vocabulary *v) {
    *s = (struct segmenter){.masks.file.fd = -1};
    s->given = o->proposals && given_is(o->proposals);
    int status = make_node(s, o);
    if (!status) status = device_open(s->node);
    waiting_choose(t_threads());
    if (!status) add_rival(s, v);
    if (!status) take_names(s, v);
    if (!status && !s->given) status = segment_size_of(&s->size, s->node);
    int scope =
        t_scope_open("", T_PRECISION(status ? PRECISION_FP32 : s->node->config.run.precision));
    if (!status) status = namer_run_open(&s->namer, s->node, "clip", v);
    if (!status && !s->given) status = proposals_run_open(&s->proposals, s->node, v, &s->namer);
    t_scope_close(scope, NULL);
    mem_return_pages(); /* the texts of many names took 300 MiB in small pieces */
    return status;
}

void segmenter_exchange(struct segmenter *s, struct segmenter_texts *t) {
    struct segmenter_texts now = {s->namer.namer.text, s->proposals.text, s->others, s->thing};
    s->namer.namer.text = t->namer;
    s->proposals.text = t->proposals;
    s->others = t->others;
    s->thing = t->thing;
    *t = now;
}

void segmenter_texts_free(struct segmenter_texts *t) {
    t_drop(t->namer);
    t_drop(t->proposals);
    free(t->thing);
    *t = (struct segmenter_texts){0};
}

void segmenter_close(struct segmenter *s) {
    mask_source_close(&s->masks);
    namer_run_close(&s->namer);
    proposals_run_free(&s->proposals);
    graph_close(&s->graph);
    free(s->thing);
    *s = (struct segmenter){0};
}

bool segmenter_panoptic(const struct segmenter *s) { return s->node->config.eval.panoptic.enabled; }

static int label_given(struct segmenter *s, const char *file, const struct image *im,
                       struct labels *out, struct scores *scores) {
    char *stem = path_stem(file);
    int status =
        given_picture(&s->masks, &s->namer.namer, &s->node->config, -1, stem, im, out, scores);
    free(stem);
    return status;
}

static int label(struct segmenter *s, const struct image *im, struct labels *out,
                 struct scores *scores, struct ranked *ranked, struct panoptic *panoptic,
                 struct dump *dump) {
    const struct config *c = &s->node->config;
    struct picture_models models = {.net = &s->proposals.model,
                                    .text = s->proposals.text,
                                    .eval = &c->eval,
                                    .crop = &c->crop,
                                    .size = s->size,
                                    .thing = s->thing};
    struct judge judge = judge_of(&c->eval, &s->namer.namer, s->others);
    judge.scores = scores;
    judge.ranked = ranked;
    return picture_segment(&models, &judge, 1, im, out, panoptic, dump);
}

int segmenter_labels(struct segmenter *s, const char *file, const struct image *im,
                     struct labels *out, struct panoptic *panoptic, struct dump *dump) {
    return segmenter_scored(s, file, im, out, NULL, panoptic, dump);
}

int segmenter_scored(struct segmenter *s, const char *file, const struct image *im,
                     struct labels *out, struct scores *scores, struct panoptic *panoptic,
                     struct dump *dump) {
    if (scores) *scores = (struct scores){0};
    int scope = t_scope_open("", T_PRECISION(s->node->config.run.precision));
    int status = s->given ? label_given(s, file, im, out, scores)
                          : label(s, im, out, scores, NULL, panoptic, dump);
    t_scope_close(scope, NULL);
    return status;
}

int segmenter_ranked(struct segmenter *s, const struct image *im, struct labels *out,
                     struct scores *scores, struct ranked *ranked) {
    REQUIRE(!s->given, "masks of others have no ranks");
    *scores = (struct scores){0};
    int scope = t_scope_open("", T_PRECISION(s->node->config.run.precision));
    int status = label(s, im, out, scores, ranked, NULL, NULL);
    t_scope_close(scope, NULL);
    return status;
}
