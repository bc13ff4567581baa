#include "eval/class_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "data/templates.h"
#include "data/tokenizer.h"
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
static int64_t *tokens_of(const struct strings *texts, int64_t context) {
    struct tokenizer tokenizer;
    if (tokenizer_open(&tokenizer, NULL)) return NULL;
    int64_t *ids = mem_try(texts->n, (size_t)context * sizeof *ids);
    int status = ids ? 0 : error_status();
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

/* Appends what each template begins with. */
static void add_starts(const struct strings *templates, struct strings *texts) {
    for (size_t i = 0; i < templates->n; i++) {
        const char *text = templates->at[i];
        size_t n = strcspn(text, "{");
        while (n && text[n - 1] == ' ') n--; /* the blank is of no token */
        char *start = mem_format("%.*s", (int)n, text);
        strings_add(texts, start);
        free(start);
    }
}

/* ids: [n, context] of the starts, which lose their end tokens. */
static int open_starts(struct clip_starts *s, const struct clip *c, const struct text_options *o,
                       int64_t *ids, size_t n) {
    int64_t context = c->opt.text.context;
    for (size_t i = 0; i < n; i++) {
        int64_t *row = ids + (int64_t)i * context;
        row[clip_text_end(row, context)] = 0;
    }
    int scope = t_scope_open("starts", T_PRECISION(o->precision));
    int status = clip_starts_open(s, &c->text, ids, (int64_t)n, context);
    t_scope_close(scope, NULL);
    return status;
}

/* `count` texts stand for each class; neighbours with equally many go through the tower together.
 */
static tensor *encode_classes(const struct clip *c, const struct text_options *o,
                              const struct clip_starts *starts, int64_t tile, const int64_t *ids,
                              const size_t *count, size_t n) {
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
                                      .starts = o->shared_starts ? starts : NULL,
                                      .tile = tile,
                                      .precision = (enum precision)o->precision};
        parts[n_parts++] = text_bank(&c->text, ids, args);
        ids += (int64_t)((to - from) * count[from]) * context;
    }
    tensor *x = n_parts == 1 ? parts[0] : t_cat(parts, n_parts, 0); /* [n, D] */
    free(parts);
    return t_scope_close(scope, x);
}

static tensor *encode(const struct clip *c, const struct text_options *text,
                      const struct vocabulary *v, int64_t tile) {
    struct strings templates = {0}, texts = {0};
    int span = span_begin("text");
    size_t *count = mem_alloc(v->n, sizeof *count);
    int status = class_text_templates(text, &templates);
    for (size_t i = 0; !status && i < v->n; i++) {
        size_t before = texts.n;
        status = vocabulary_prompts(v, i, &templates, &texts);
        count[i] = texts.n - before;
    }
    size_t n = texts.n;
    if (text->shared_starts) add_starts(&templates, &texts);
    int64_t *ids = status ? NULL : tokens_of(&texts, c->opt.text.context);
    struct clip_starts starts = {0};
    if (ids && text->shared_starts)
        status = open_starts(&starts, c, text, ids + (int64_t)n * c->opt.text.context, templates.n);
    tensor *features =
        ids && !status ? encode_classes(c, text, &starts, tile, ids, count, v->n) : NULL;
    clip_starts_free(&starts);
    free(ids);
    free(count);
    strings_free(&texts);
    strings_free(&templates);
    span_end(span);
    return features;
}

tensor *class_text(const struct clip *c, const struct text_options *text,
                   const struct vocabulary *v) {
    return encode(c, text, v, 1);
}

static tensor *encode_names(const struct clip *c, const struct text_options *text,
                            char *const *names, int64_t n, int64_t tile) {
    struct vocabulary v;
    vocabulary_of(&v, names, (size_t)n);
    tensor *features = encode(c, text, &v, tile);
    vocabulary_close(&v);
    return features;
}

tensor *class_text_of_names(const struct clip *c, const struct text_options *text,
                            char *const *names, int64_t n) {
    return encode_names(c, text, names, n, 1);
}

tensor *class_text_of_nouns(const struct clip *c, const struct text_options *text,
                            char *const *nouns, int64_t n) {
    return encode_names(c, text, nouns, n, NOUNS_TILE);
}
