/* What an evaluation opens: the set, what is known of its names, the models. */
#include "train/evaluation/evaluation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/problems.h"
#include "data/csv.h"
#include "data/wordnet.h"
#include "dist/comm.h"
#include "eval/class_text.h"
#include "train/prepare_sets.h"
#include "train/vocab/vocab_lint.h"

static bool *flags(int64_t K) { return mem_alloc((size_t)K, sizeof(bool)); }

/* ---- classes of measure.subsets ---- */

/* A class by name or by index; K: none. */
static int64_t class_of(const struct evaluation *e, const char *text) {
    for (int64_t k = 0; k < e->K; k++)
        if (strcmp(e->set.class_name[k], text) == 0) return k;
    char *end;
    errno = 0;
    long long k = strtoll(text, &end, 10);
    return *text && !*end && !errno && k >= 0 && k < e->K ? k : e->K;
}

static char *trimmed(const char *s, size_t n) {
    while (n && *s == ' ') s++, n--;
    while (n && s[n - 1] == ' ') n--;
    return mem_format("%.*s", (int)n, s);
}

/* "a; b; c", or by commas where there is no semicolon; a name that has commas itself may stand
 * alone. */
static void read_subset(struct evaluation *e, struct evaluation_subset *s, const char *text,
                        struct problems *p) {
    const char *separator = strchr(text, ';') || class_of(e, text) < e->K ? ";" : ",";
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, separator);
        char *name = trimmed(at, n);
        int64_t k = class_of(e, name);
        if (k < e->K)
            s->in[k] = true;
        else if (*name)
            problems_add(p, "%s: measure.subsets.%s: \"%s\" is no class of the set", e->node->path,
                         s->name, name);
        free(name);
        at += n;
        if (!*at) break;
    }
    bool some = false, rest = false;
    for (int64_t k = 0; k < e->K; k++) {
        s->out[k] = !s->in[k];
        some |= s->in[k];
        rest |= s->out[k];
    }
    if (!some || !rest)
        problems_add(p, "%s: measure.subsets.%s: must be some of the classes, not %s",
                     e->node->path, s->name, some ? "all" : "none");
}

static int open_subsets(struct evaluation *e) {
    const struct string_map *m = &e->node->config.measure.subsets;
    struct problems p = {0};
    e->subset = mem_alloc(m->names.n, sizeof *e->subset);
    for (size_t i = 0; i < m->names.n; i++) {
        struct evaluation_subset *s = &e->subset[e->n_subsets++];
        *s = (struct evaluation_subset){m->names.at[i], flags(e->K), flags(e->K)};
        read_subset(e, s, m->values.at[i], &p);
    }
    return problems_close(&p, ERR_CONFIG);
}

/* ---- inputs.names: groups, and the values of files ---- */

/* The first entry of the group that an entry is in; without a group, itself. */
static size_t group_of(const struct vocabulary *v, size_t entry) {
    const char *group = v->at[entry].group;
    for (size_t i = 0; group && i < entry; i++)
        if (v->at[i].group && strcmp(v->at[i].group, group) == 0) return i;
    return entry;
}

/* The texts and the colour of a class, from its entry. Synonyms of an entry that several classes
 * share are names of these classes, not wordings. */
static void take_wordings(struct evaluation *e, const struct vocabulary *v, const size_t *entry) {
    bool texts = e->node->config.eval.wordings;
    int64_t *uses = mem_alloc(v->n + 1, sizeof *uses);
    for (int64_t k = 0; k < e->K; k++) uses[entry[k]]++;
    for (int64_t k = 0; k < e->K; k++) {
        struct vocabulary_class *c = &e->names.at[k];
        size_t at = entry[k];
        if (at == v->n) continue;
        if (v->at[at].has_colour) {
            c->has_colour = true;
            memcpy(c->colour, v->at[at].colour, sizeof c->colour);
        }
        if (!texts || uses[at] > 1) continue;
        for (size_t i = 0; i < v->at[at].synonyms.n; i++) /* not the one that is its name here */
            if (strcmp(v->at[at].synonyms.at[i], c->name) != 0)
                strings_add(&c->synonyms, v->at[at].synonyms.at[i]);
        if (strcmp(v->at[at].name, c->name) != 0) strings_add(&c->synonyms, v->at[at].name);
        strings_copy(&c->prompts, &v->at[at].prompts);
    }
    free(uses);
}

/* Classes whose names are one entry's name and synonyms are one group, too. */
static void take_names(struct evaluation *e, const struct vocabulary *v, const char *path,
                       struct problems *p) {
    int64_t *number = mem_alloc(v->n, sizeof *number), with_raw = 0;
    for (size_t i = 0; i < v->n; i++) {
        number[i] = -1;
        with_raw += v->at[i].raw >= 0;
    }
    e->group = mem_alloc((size_t)e->K, sizeof *e->group);
    size_t *entries = mem_alloc((size_t)e->K, sizeof *entries);
    for (int64_t k = 0; k < e->K; k++) {
        size_t entry = entries[k] = vocabulary_find(v, e->set.class_name[k]);
        if (entry == v->n) {
            problems_add(p, "%s: no name and no synonym is \"%s\", a class of the set", path,
                         e->set.class_name[k]);
            continue;
        }
        size_t first = group_of(v, entry);
        if (number[first] < 0) number[first] = e->groups++;
        e->group[k] = number[first];
        if (with_raw && v->at[entry].raw < 0)
            problems_add(p, "%s: class \"%s\" has no raw value; others have", path,
                         v->at[entry].name);
        if (with_raw) e->category[k] = v->at[entry].raw;
    }
    take_wordings(e, v, entries);
    free(entries);
    free(number);
}

static int open_names(struct evaluation *e) {
    const struct node_input *in = node_input(e->node, "names");
    vocabulary_of(&e->names, e->set.class_name, (size_t)e->K);
    e->category = mem_alloc((size_t)e->K, sizeof *e->category);
    for (int64_t k = 0; k < e->K; k++) e->category[k] = k;
    if (!in) return 0;
    struct vocabulary v;
    struct problems p = {0};
    int status = vocabulary_read(&v, in->path);
    if (status) return status;
    take_names(e, &v, in->path, &p);
    vocabulary_close(&v);
    return problems_close(&p, ERR_DATA);
}

static int open_likeness(struct evaluation *e) {
    const struct measure_options *o = &e->node->config.measure;
    switch ((enum similarity_source)o->similarity) {
    case SIMILARITY_NONE: return 0;
    case SIMILARITY_WORDNET:
        return similarity_of_wordnet(&e->likeness, &e->names, o->wordnet,
                                     (enum similarity_senses)o->senses);
    case SIMILARITY_TEXT: return similarity_of_text(&e->likeness, e->row->namer.namer.text);
    case SIMILARITY_FILE:
        return similarity_of_file(&e->likeness, &e->names, node_input(e->node, "similarity")->path);
    }
    REQUIRE(false, "similarity %d", o->similarity);
}

/* ---- models, and the whole ---- */

static void open_grid(struct evaluation_row *r, const struct evaluation *e) {
    const struct config *c = &e->node->config;
    const struct reals *lambdas = &c->measure.lambdas, *thresholds = &c->measure.thresholds;
    size_t n = lambdas->n ? lambdas->n : 1, m = thresholds->n ? thresholds->n : 1;
    if (!measure_searches(&c->measure)) return;
    r->n_grid = n * m;
    r->grid = mem_alloc(r->n_grid, sizeof *r->grid);
    for (size_t t = 0; t < m; t++)
        for (size_t l = 0; l < n; l++) {
            struct grid_point *g = &r->grid[t * n + l];
            g->threshold = thresholds->n ? thresholds->at[t] : c->eval.mask_threshold;
            g->lambda = lambdas->n ? lambdas->at[l] : c->eval.lambda;
            confusion_open(&g->pixels, e->K);
        }
}

static int row_open(struct evaluation_row *r, const struct evaluation *e, const char *name) {
    size_t K = (size_t)e->K;
    r->name = name;
    r->accuracy =
        (struct mask_accuracy){e->K, mem_alloc(K, sizeof(int64_t)), mem_alloc(K, sizeof(int64_t))};
    confusion_open(&r->alone, e->K);
    confusion_open(&r->fused, e->K);
    confusion_open(&r->true_masks, e->K);
    naming_open(&r->naming, e->K);
    if (e->node->config.measure.min_score) score_counts_open(&r->scores, e->K);
    r->fused.unnamed_is_missed = r->alone.unnamed_is_missed = e->given;
    open_grid(r, e);
    return namer_run_open(&r->namer, e->node, name, &e->names);
}

static void row_close(struct evaluation_row *r) {
    confusion_free(&r->alone);
    confusion_free(&r->fused);
    confusion_free(&r->true_masks);
    naming_free(&r->naming);
    score_counts_free(&r->scores);
    for (size_t i = 0; i < r->n_grid; i++) confusion_free(&r->grid[i].pixels);
    free(r->grid);
    mask_accuracy_free(&r->accuracy);
    namer_run_close(&r->namer);
}

static int open_models(struct evaluation *e) {
    struct node *n = e->node;
    const struct namer_run *open = NULL;
    const struct node_input *in = node_input(n, "proposals");
    e->given = in->path != NULL;
    int status = e->given ? mask_source_open(&e->masks, in->path) : segment_size_of(&e->size, n);
    e->row = mem_alloc(n->n_inputs, sizeof *e->row);
    for (size_t i = 0; !status && i < n->n_inputs; i++) {
        if (!segment_is_clip(n->input[i].name)) continue;
        struct evaluation_row *r = &e->row[e->n_rows++];
        status = row_open(r, e, n->input[i].name);
        r->namer.next = open;
        open = &r->namer;
    }
    if (status || e->given) return status;
    return proposals_run_open(&e->proposals, n, &e->names, open);
}

static int open_set(struct evaluation *e) {
    const struct eval_options *o = &e->node->config.eval;
    int status = clip_open_set(e->node, o->set, &e->set);
    if (status) return status;
    if (!e->set.has_labels)
        return error_set(ERR_DATA, "%s: set %s has no label maps: nothing can be counted",
                         e->node->path, o->set);
    if (e->set.ignore < e->set.n_classes)
        return error_set(ERR_DATA,
                         "%s: set %s: label %d means class \"%s\", and \"unlabelled\": prepare "
                         "it with 16-bit maps and 65535",
                         e->node->path, o->set, e->set.ignore, e->set.class_name[e->set.ignore]);
    e->K = e->set.n_classes;
    e->n_images = o->images && o->images < e->set.n_images ? o->images : e->set.n_images;
    e->seen = flags(e->K);
    e->unseen = flags(e->K);
    for (int64_t k = 0; k < e->K; k++) e->unseen[k] = !(e->seen[k] = e->set.class_seen[k]);
    confusion_open(&e->maskformer, e->K);
    confusion_open(&e->best_names, e->K);
    region_recall_open(&e->recall, e->K);
    return 0;
}

int evaluation_open(struct evaluation *e, struct node *n) {
    *e = (struct evaluation){.node = n, .masks.file.fd = -1};
    int status = open_set(e);
    if (!status) status = open_subsets(e);
    if (!status) status = open_names(e);
    if (!status) status = open_models(e);
    if (!status) status = open_likeness(e);
    if (!status && n->config.measure.predictions && !comm_rank(n->comm))
        status = predictions_open(e);
    if (!status && n->config.measure.analysis) status = evaluation_analysis_open(e);
    return status;
}

void evaluation_close(struct evaluation *e) {
    for (size_t k = 0; k < e->n_rows; k++) row_close(&e->row[k]);
    for (size_t k = 0; k < e->n_subsets; k++) {
        free(e->subset[k].in);
        free(e->subset[k].out);
    }
    if (e->has_predictions) file_out_close(&e->predictions);
    evaluation_analysis_close(e);
    free(e->row);
    free(e->subset);
    free(e->seen);
    free(e->unseen);
    free(e->group);
    free(e->category);
    similarity_free(&e->likeness);
    confusion_free(&e->maskformer);
    confusion_free(&e->best_names);
    region_recall_free(&e->recall);
    proposals_run_free(&e->proposals);
    mask_source_close(&e->masks);
    vocabulary_close(&e->names);
    dataset_close(&e->set);
    *e = (struct evaluation){0};
}

/* The set: where the scenes are there already, or will be made of a user's files. */
static int find_set(const struct node *n) {
    const struct node *scenes = node_from(n, "scenes"); /* NULL: a folder of sets */
    const char *set = n->config.eval.set;
    if (scenes && !scenes->done) return prepare_sets_check(scenes, set, n, "eval.set");
    char *file = mem_format("%s.h5", set), *path = node_input_path(n, "scenes", file);
    char *dir = path_dir(path);
    struct strings all = {0};
    struct str there = {0};
    int status = 0;
    if (!file_exists(path)) {
        status = dir_list(dir, &all);
        for (size_t i = 0; i < all.n; i++) {
            size_t length = strlen(all.at[i]);
            if (length > 3 && strcmp(all.at[i] + length - 3, ".h5") == 0)
                str_add(&there, "%s%.*s", there.n ? ", " : "", (int)length - 3, all.at[i]);
        }
        if (!status && there.n) /* a folder without any is told when it is opened */
            status = error_set(ERR_MISSING, "%s: eval.set: %s has no set \"%s\"; there are %s",
                               n->path, dir, set, there.at);
    }
    strings_free(&all);
    str_free(&there);
    free(dir);
    free(path);
    free(file);
    return status;
}

/* What the shortest of the text towers reads; 0: there is none. */
static int64_t least_context(const struct node *n) {
    int64_t least = 0;
    for (size_t i = 0; i < n->n_inputs; i++) {
        const struct node *clip = node_clip(n->input[i].node);
        int64_t reads = clip ? clip_model(&clip->config.clip, NULL).text.context : 0;
        if (reads && (!least || reads < least)) least = reads;
    }
    return least;
}

/* Names of the set's own file that a CLIP cannot read are told before anything is trained. Of a set
 * that is made the names that count are in it; the file may be another one by now, or gone. */
static int check_lengths(const struct node *n) {
    const struct node *scenes = node_from(n, "scenes");
    const struct node_input *names = scenes ? node_input(scenes, "names") : NULL;
    int64_t context = least_context(n);
    if (!names || !context || scenes->done) return 0;
    struct vocabulary v = {0};
    struct strings templates = {0};
    struct vocab_lint l = {0};
    int status = vocabulary_read(&v, names->path);
    for (size_t k = 0; k < v.n; k++) { /* a set's classes are their names alone */
        strings_free(&v.at[k].synonyms);
        strings_free(&v.at[k].prompts);
    }
    if (!status) status = class_text_templates(&n->config.text, &templates);
    if (!status) status = vocab_lint_lengths(&l, &v, &templates, context);
    if (!status && l.n)
        status = error_set(ERR_DATA, "%s:%zu: %s", names->path, l.at[0].line, l.at[0].text);
    vocab_lint_free(&l);
    strings_free(&templates);
    vocabulary_close(&v);
    return status;
}

int evaluation_check_inputs(const struct node *n) {
    const struct measure_options *o = &n->config.measure;
    const struct node_input *names = node_input(n, "names"), *table = node_input(n, "similarity");
    struct vocabulary v = {0};
    struct csv c = {0};
    struct wordnet w = {0};
    int status = find_set(n);
    if (!status) status = check_lengths(n);
    if (!status) status = given_check_inputs(n);
    if (!status && names) status = vocabulary_read(&v, names->path);
    if (!status && table) status = csv_read(&c, table->path);
    if (!status && o->similarity == SIMILARITY_WORDNET) status = wordnet_open(&w, o->wordnet);
    vocabulary_close(&v);
    csv_free(&c);
    wordnet_close(&w);
    return status;
}

/* Masks of others have no network behind them. */
static void check_given(const struct node *n, struct problems *p) {
    const struct node_input *in = node_input(n, "proposals");
    if (!in || !in->path) return;
    const struct measure_options *m = &n->config.measure;
    const char *excluded = given_excludes(&n->config.eval);
    if (!excluded && m->oracles) excluded = "measure.oracles";
    if (!excluded && measure_searches(m)) excluded = "a grid of measure.lambdas or thresholds";
    if (excluded)
        problems_add(p, "%s: inputs.proposals: %s needs a proposal network; these are masks",
                     n->path, excluded);
}

void evaluation_check(const struct node *n, struct problems *p) {
    size_t rows = 0;
    bool file = n->config.measure.similarity == SIMILARITY_FILE;
    for (size_t i = 0; i < n->n_inputs; i++) rows += segment_is_clip(n->input[i].name);
    if (!rows)
        problems_add(p, "%s: inputs: no model to evaluate beside scenes and proposals", n->path);
    if (n->config.eval.panoptic.enabled)
        problems_add(
            p,
            "%s: eval.panoptic.enabled: `ovseg segment` writes segments, here nothing counts them",
            n->path);
    if (file && !node_input(n, "similarity"))
        problems_add(p, "%s: measure.similarity: file: missing inputs.similarity, the table",
                     n->path);
    if (!file && node_input(n, "similarity"))
        problems_add(p, "%s: inputs.similarity: is not read without measure.similarity=file",
                     n->path);
    if (n->config.eval.wordings && !node_input(n, "names"))
        problems_add(p, "%s: eval.wordings: missing inputs.names, the vocabulary that has them",
                     n->path);
    eval_check(&n->config.eval, n->path, p);
    check_given(n, p);
    measure_check(&n->config.measure, &n->config.eval, n->path, p);
}
