#include "train/vocab/vocab_lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "data/class_names.h"
#include "data/templates.h"
#include "data/tokenizer.h"

static void add(struct vocab_lint *l, size_t line, bool error, char *text) {
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] = (struct vocab_odd){line, error, text};
    l->errors += error;
}

/* ---- names ---- */

static void add_blanks(struct vocab_lint *l, const struct vocabulary *w) {
    for (size_t i = 0; i < w->n; i++)
        if (strstr(w->at[i].name, "  "))
            add(l, w->at[i].line, false,
                mem_format("\"%s\": two blanks side by side: one is enough", w->at[i].name));
}

/* A name of a class that another line repeats is told where the second one stands. */
static void add_odd(struct vocab_lint *l, const struct vocabulary *w, const size_t *class_of,
                    const struct odd_name *o) {
    if (o->other == w->n) {
        add(l, w->at[o->class].line, false, mem_strdup(o->what));
        return;
    }
    const char *a = w->at[o->class].name, *b = w->at[o->other].name;
    bool one = class_of[o->class] == class_of[o->other];
    add(l, w->at[o->other].line, false,
        one ? mem_format("\"%s\": the same as \"%s\", in the same class: one is enough", b, a)
            : mem_format("\"%s\": duplicated: line %zu has \"%s\"", b, w->at[o->class].line, a));
}

/* A word that is one token is one word to CLIP: "background" is not "back ground". */
static bool is_token(const struct tokenizer *t, const char *name) {
    enum { ROW = 3 }; /* start, the word, end */
    int64_t row[ROW], n;
    bool is = !tokenizer_encode(t, name, ROW, true, row, &n) && n == ROW;
    error_clear();
    return is;
}

int vocab_lint_names(struct vocab_lint *l, const struct vocabulary *v) {
    struct strings known = {0};
    struct odd_names odd = {0};
    struct vocabulary w;
    size_t *class_of;
    vocabulary_wordings(v, &w, &class_of);
    struct tokenizer t = {0};
    int status = class_names_known(&known);
    if (!status) status = tokenizer_open(&t, NULL);
    if (status) {
        vocabulary_close(&w);
        strings_free(&known);
        free(class_of);
        return status;
    }
    char **names = mem_alloc(w.n + 1, sizeof *names);
    for (size_t i = 0; i < w.n; i++) names[i] = w.at[i].name;
    class_names_find(names, w.n, &known, &odd);
    for (size_t i = 0; i < odd.n; i++)
        if (!odd.at[i].guess || !is_token(&t, w.at[odd.at[i].class].name))
            add_odd(l, &w, class_of, &odd.at[i]);
    add_blanks(l, &w);
    odd_names_free(&odd);
    tokenizer_close(&t);
    vocabulary_close(&w);
    strings_free(&known);
    free(names);
    free(class_of);
    return 0;
}

/* ---- lengths ---- */

static int add_length(struct vocab_lint *l, const struct vocabulary_class *c, const char *text,
                      const struct tokenizer *t, int64_t context, int64_t *row) {
    int64_t n;
    int status = tokenizer_encode(t, text, TOKENIZER_MAX_TEXT, false, row, &n);
    if (!status && n > context)
        add(l, c->line, true,
            mem_format("\"%s\": %lld tokens as \"%s\", CLIP reads %lld: shorten it",
                       utf8_short(c->name, 80).at, (long long)n, utf8_short(text, 80).at,
                       (long long)context));
    return status;
}

int vocab_lint_lengths(struct vocab_lint *l, const struct vocabulary *v,
                       const struct strings *templates, int64_t context) {
    struct tokenizer t = {0};
    struct vocabulary w;
    int64_t *row = mem_alloc(TOKENIZER_MAX_TEXT, sizeof *row);
    int status = tokenizer_open(&t, NULL);
    vocabulary_wordings(v, &w, NULL);
    for (size_t i = 0; !status && i < w.n; i++) {
        struct strings texts = {0};
        size_t before = l->n;
        status = vocabulary_prompts(&w, i, templates, &texts);
        for (size_t k = 0; !status && l->n == before && k < texts.n; k++)
            status = add_length(l, &w.at[i], texts.at[k], &t, context, row);
        strings_free(&texts);
    }
    vocabulary_close(&w);
    tokenizer_close(&t);
    free(row);
    return status;
}

int vocab_lint_plain(struct vocab_lint *l, const struct vocabulary *v, int64_t context) {
    struct strings templates = {0};
    int status = vocab_lint_names(l, v);
    if (!status) status = templates_named("vild", &templates);
    if (!status) status = vocab_lint_lengths(l, v, &templates, context);
    strings_free(&templates);
    return status;
}

/* ---- features ---- */

void vocab_lint_features(struct vocab_lint *l, const struct vocabulary *w, const size_t *class_of,
                         const float *feature, int64_t D, double least) {
    for (size_t i = 0; i < w->n; i++) {
        double most = least;
        size_t near = w->n;
        for (size_t j = 0; j < i; j++) {
            double cosine = 0;
            if (class_of[j] == class_of[i]) continue;
            for (int64_t d = 0; d < D; d++)
                cosine += (double)feature[i * (size_t)D + (size_t)d] *
                          (double)feature[j * (size_t)D + (size_t)d];
            if (cosine < most) continue;
            most = cosine;
            near = j;
        }
        if (near < w->n)
            add(l, w->at[i].line, false,
                mem_format("\"%s\": CLIP hardly tells it from \"%s\" of line %zu: cosine %.3f",
                           w->at[i].name, w->at[near].name, w->at[near].line, most));
    }
}

static int by_line(const void *a, const void *b) {
    const struct vocab_odd *x = a, *y = b;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->error != y->error) return x->error ? -1 : 1;
    return strcmp(x->text, y->text);
}

void vocab_lint_sort(struct vocab_lint *l) {
    if (l->n) qsort(l->at, l->n, sizeof *l->at, by_line);
}

void vocab_lint_free(struct vocab_lint *l) {
    for (size_t i = 0; i < l->n; i++) free(l->at[i].text);
    free(l->at);
    *l = (struct vocab_lint){0};
}
