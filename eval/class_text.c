#include "eval/class_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/spans.h"
#include "base/utf8.h"
#include "data/templates.h"
#include "nn/models/text_bank.h"

enum { NOUNS_TILE = 1024 }; /* see nn/models/clip_text_packed.h */

/* A list of sets ("vild") and of templates themselves. */
int class_text_templates(const struct text_options *text, struct strings *out) {
    const struct strings *given = &text->templates;
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
static int64_t *tokens_of(const struct class_encoder *e, const struct strings *texts) {
    int64_t context = e->clip->opt.text.context;
    int64_t *ids = mem_try(texts->n, (size_t)context * sizeof *ids);
    int status = ids ? 0 : error_status();
    for (size_t i = 0; !status && i < texts->n; i++) {
        const char *text = texts->at[i];
        int64_t n;
        status = tokenizer_encode(&e->tokenizer, text, context, e->text->too_long == TEXT_CUT,
                                  ids + (int64_t)i * context, &n);
        if (!status && n > context)
            log_warn("\"%s\" has %lld tokens, the model reads the first %lld",
                     utf8_short(text, 80).at, (long long)n, (long long)context);
    }
    if (status) {
        free(ids);
        return NULL;
    }
    return ids;
}

/* What each template begins with. */
static void find_starts(const struct strings *templates, struct strings *texts) {
    for (size_t i = 0; i < templates->n; i++) {
        const char *text = templates->at[i];
        size_t n = strcspn(text, "{");
        while (n && text[n - 1] == ' ') n--; /* the blank is of no token */
        char *start = mem_format("%.*s", (int)n, text);
        strings_add(texts, start);
        free(start);
    }
}

static int open_starts(struct class_encoder *e) {
    int64_t context = e->clip->opt.text.context, n = (int64_t)e->templates.n;
    struct strings texts = {0};
    find_starts(&e->templates, &texts);
    int64_t *ids = tokens_of(e, &texts);
    strings_free(&texts);
    if (!ids) return error_status();
    for (int64_t i = 0; i < n; i++) { /* without their end tokens */
        int64_t *row = ids + i * context;
        row[clip_text_end(row, context)] = 0;
    }
    int scope = t_scope_open("starts", T_PRECISION(e->text->precision));
    int status = clip_starts_open(&e->starts, &e->clip->text, ids, n, context);
    t_scope_close(scope, NULL);
    free(ids);
    return status;
}

int class_encoder_open(struct class_encoder *e, const struct clip *c,
                       const struct text_options *text) {
    *e = (struct class_encoder){.clip = c, .text = text};
    int span = span_begin("text");
    int status = class_text_templates(text, &e->templates);
    if (!status) status = tokenizer_open(&e->tokenizer, text->vocabulary);
    if (!status && text->shared_starts) status = open_starts(e);
    span_end(span);
    return status;
}

void class_encoder_close(struct class_encoder *e) {
    clip_starts_free(&e->starts);
    tokenizer_close(&e->tokenizer);
    strings_free(&e->templates);
}

/* `count` texts stand for each class; neighbours with equally many go through the tower together.
 */
static tensor *encode_classes(const struct class_encoder *e, int64_t tile, const int64_t *ids,
                              const size_t *count, size_t n) {
    const struct clip *c = e->clip;
    int scope = t_scope_open("classes", T_NO_GRAD);
    int64_t context = c->opt.text.context;
    tensor **parts = mem_alloc(n, sizeof(tensor *));
    size_t n_parts = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && count[to] == count[from]; to++) {
        }
        struct text_bank_args args = {.names = (int64_t)(to - from),
                                      .templates = (int64_t)count[from],
                                      .columns = context,
                                      .starts = e->text->shared_starts ? &e->starts : NULL,
                                      .tile = tile,
                                      .precision = (enum precision)e->text->precision};
        parts[n_parts++] = text_bank(&c->text, ids, args);
        ids += (int64_t)((to - from) * count[from]) * context;
    }
    tensor *x = n_parts == 1 ? parts[0] : t_cat(parts, n_parts, 0); /* [n, D] */
    free(parts);
    return t_scope_close(scope, x);
}

static tensor *encode(const struct class_encoder *e, const struct vocabulary *v, int64_t tile) {
    struct strings texts = {0};
    int span = span_begin("text"), status = 0;
    size_t *count = mem_alloc(v->n, sizeof *count);
    for (size_t i = 0; !status && i < v->n; i++) {
        size_t before = texts.n;
        status = vocabulary_prompts(v, i, &e->templates, &texts);
        count[i] = texts.n - before;
    }
    int64_t *ids = status ? NULL : tokens_of(e, &texts);
    tensor *features = ids ? encode_classes(e, tile, ids, count, v->n) : NULL;
    free(ids);
    free(count);
    strings_free(&texts);
    span_end(span);
    return features;
}

tensor *class_text(const struct clip *c, const struct text_options *text,
                   const struct vocabulary *v) {
    struct class_encoder e;
    tensor *features = class_encoder_open(&e, c, text) ? NULL : encode(&e, v, 1);
    class_encoder_close(&e);
    return features;
}

/* The wording of that number, of each class: 0 the name; a class that has fewer repeats its name.
 */
static void take_wording(const struct vocabulary *v, size_t wording, struct vocabulary *out) {
    vocabulary_copy(v, out);
    for (size_t i = 0; i < out->n; i++) {
        struct vocabulary_class *c = &out->at[i];
        if (wording && wording <= c->synonyms.n) {
            free(c->name);
            c->name = mem_strdup(c->synonyms.at[wording - 1]);
        }
        strings_free(&c->synonyms);
    }
}

tensor *class_text_wordings(const struct clip *c, const struct text_options *text,
                            const struct vocabulary *v) {
    size_t most = 0;
    for (size_t i = 0; i < v->n; i++)
        if (v->at[i].synonyms.n > most) most = v->at[i].synonyms.n;
    if (!most) return class_text(c, text, v);
    int scope = t_scope_open("wordings", T_NO_GRAD);
    tensor **rows = mem_alloc(most + 1, sizeof(tensor *)), *x = NULL;
    bool whole = true;
    for (size_t w = 0; whole && w <= most; w++) {
        struct vocabulary one;
        take_wording(v, w, &one);
        tensor *features = class_text(c, text, &one); /* [n, D] */
        whole = features != NULL;
        if (whole) rows[w] = t_unsqueeze(features, 0);
        vocabulary_close(&one);
    }
    if (whole) x = t_cat(rows, most + 1, 0); /* [W, n, D] */
    free(rows);
    return t_scope_close(scope, x);
}

tensor *class_text_of_names(const struct clip *c, const struct text_options *text,
                            char *const *names, int64_t n) {
    struct vocabulary v;
    vocabulary_of(&v, names, (size_t)n);
    tensor *features = class_text(c, text, &v);
    vocabulary_close(&v);
    return features;
}

tensor *class_text_of_nouns(const struct class_encoder *e, char *const *nouns, int64_t n) {
    struct vocabulary v;
    vocabulary_of(&v, nouns, (size_t)n);
    tensor *features = encode(e, &v, NOUNS_TILE);
    vocabulary_close(&v);
    return features;
}
