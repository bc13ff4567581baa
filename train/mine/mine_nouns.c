#include "train/mine/mine_nouns.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/spans.h"
#include "train/mine/noun_source.h"
#include "train/run/graph.h"
#include "train/signals.h"

const char *const mine_nouns_files[] = {"nouns.weights", "nouns.tags", "nouns.phrases",
                                        "nouns.stop_list", NULL};

void mine_nouns_check(const struct node *n, struct problems *p) {
    const char *what, *key = noun_settings_problem(&n->config.nouns, &what);
    char *whole = mem_format("nouns.%s", key ? key : "");
    if (key) settings_problem(&n->doc, p, whole, "%s", what);
    free(whole);
}

/* caption[i] is an index into the set's captions. */
static int parse(const struct dataset *d, const int64_t *caption, struct noun_list *lists,
                 int64_t n, const struct nouns_options *o, int threads) {
    int code = 0;
    char *message = NULL;
    int64_t done = 0;
    struct progress progress;
    progress_open(&progress, "nouns", "captions", 0, n, 30);
#pragma omp parallel num_threads(threads)
    {
        struct nouns parser;
        int span = span_begin("load"), status = nouns_open(&parser, o);
        span_end(span);
        bool open = !status;
#pragma omp for schedule(dynamic, 16)
        for (int64_t i = 0; i < n; i++) {
            const char *text = d->caption[caption[i]];
            struct noun_caption c = {text, strlen(text), d->caption_id[caption[i]], caption[i]};
            if (!status && !signals_pending()) status = nouns_find(&parser, &c, &lists[i]);
            strings_free(&lists[i].token); /* most of it, and not used: 300 MB of COCO's captions */
            strings_free(&lists[i].tag);
#pragma omp critical(nouns)
            if (++done % 64 == 0 || done == n) progress_at(&progress, done, NULL);
        }
        if (open) nouns_close(&parser);
#pragma omp critical(nouns)
        if (status && !code) {
            code = status;
            message = mem_strdup(error_message());
        }
        if (status) error_clear(); /* of this thread; the caller gets it below */
    }
    progress_close(&progress);
    if (code) error_set(code, "%s", message);
    free(message);
    if (!code && signals_pending()) /* captions were left out */
        code = signals_error("the same command looks for the nouns again");
    return code;
}

static void tabulate(struct mine_nouns *t, const struct noun_list *lists, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        for (size_t k = 0; k < lists[i].n; k++) strings_add(&t->noun, lists[i].name.at[k]);
    strings_settle(&t->noun);
}

static void rows_of(const struct mine_nouns *t, const struct noun_list *l,
                    struct caption_nouns *c) {
    c->at = mem_alloc(l->n, sizeof *c->at);
    for (size_t k = 0; k < l->n; k++) {
        int64_t row = strings_find(&t->noun, l->name.at[k]);
        size_t at = 0; /* kept sorted: the order of the pairs */
        while (at < c->n && c->at[at] < row) at++;
        if (at < c->n && c->at[at] == row) continue;
        memmove(c->at + at + 1, c->at + at, (c->n++ - at) * sizeof *c->at);
        c->at[at] = row;
    }
}

static char *path_of(const struct node *n, const char *input) {
    static char none[] = "";
    const struct node_input *in = node_input(n, input);
    return in ? in->path : none;
}

/* The settings of the node with the paths that they mean from here. */
static struct noun_settings settings_of(const struct node *n) {
    struct noun_settings o = n->config.nouns;
    o.weights = path_of(n, "nouns.weights");
    o.tags = path_of(n, "nouns.tags");
    o.phrases = path_of(n, "nouns.phrases");
    o.stop_list = path_of(n, "nouns.stop_list");
    return o;
}

int mine_nouns_check_inputs(const struct node *n) {
    struct noun_source source;
    struct noun_settings settings = settings_of(n);
    struct nouns parser;
    int status = noun_source_open(&source, &settings);
    if (!status) {
        status = nouns_open(&parser, &source.options);
        if (!status) nouns_close(&parser);
    }
    noun_source_close(&source);
    return status;
}

int mine_nouns_find(struct mine_nouns *t, const struct dataset *d, int64_t n_images,
                    int64_t captions, const struct node *node, int threads) {
    struct noun_source source;
    struct noun_settings settings = settings_of(node);
    *t = (struct mine_nouns){.n_captions = d->n_captions};
    t->of = mem_alloc((size_t)d->n_captions, sizeof *t->of);
    int64_t *caption = mem_alloc((size_t)d->n_captions, sizeof *caption), n = 0;
    for (int64_t i = 0; i < n_images; i++)
        for (int64_t c = d->caption_at[i]; c < d->caption_at[i + 1]; c++)
            if (c < d->caption_at[i] + captions) caption[n++] = c;
    struct noun_list *lists = mem_alloc((size_t)n, sizeof *lists);
    int status = noun_source_open(&source, &settings);
    if (!status) status = parse(d, caption, lists, n, &source.options, threads);
    if (!status) tabulate(t, lists, n);
    for (int64_t i = 0; !status && i < n; i++) rows_of(t, &lists[i], &t->of[caption[i]]);
    if (!status && !t->noun.n)
        status = error_set(ERR_DATA, "no nouns in %lld captions", (long long)n);
    for (int64_t i = 0; i < n; i++) noun_list_free(&lists[i]);
    free(lists);
    free(caption);
    noun_source_close(&source);
    return status;
}

void mine_nouns_free(struct mine_nouns *t) {
    for (int64_t i = 0; t->of && i < t->n_captions; i++) free(t->of[i].at);
    free(t->of);
    strings_free(&t->noun);
    *t = (struct mine_nouns){0};
}
