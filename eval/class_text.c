#include "eval/class_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "data/templates.h"
#include "data/tokenizer.h"
#include "nn/models/text_bank.h"

/* A list of sets ("vild") and of templates themselves. */
static int resolve_templates(const struct strings *given, struct strings *out) {
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

/* `count` texts stand for each class; neighbours with equally many go through the tower together.
 */
static tensor *encode_classes(const struct clip *c, const int64_t *ids, const size_t *count,
                              size_t n) {
    int scope = t_scope_open("classes", T_NO_GRAD);
    int64_t context = c->opt.text.context;
    tensor **parts = mem_alloc(n, sizeof(tensor *));
    size_t n_parts = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && count[to] == count[from]; to++) {
        }
        parts[n_parts++] = text_bank(
            &c->text, ids,
            (struct text_bank_args){(int64_t)(to - from), (int64_t)count[from], context, 0});
        ids += (int64_t)((to - from) * count[from]) * context;
    }
    tensor *x = n_parts == 1 ? parts[0] : t_cat(parts, n_parts, 0); /* [n, D] */
    free(parts);
    return t_scope_close(scope, x);
}

tensor *class_text(const struct clip *c, const struct text_options *text,
                   const struct vocabulary *v) {
    struct strings templates = {0}, texts = {0};
    int span = span_begin("text");
    size_t *count = mem_alloc(v->n, sizeof *count);
    int status = resolve_templates(&text->templates, &templates);
    for (size_t i = 0; !status && i < v->n; i++) {
        size_t before = texts.n;
        status = vocabulary_prompts(v, i, &templates, &texts);
        count[i] = texts.n - before;
    }
    int64_t *ids = status ? NULL : tokens_of(&texts, c->opt.text.context);
    tensor *features = ids ? encode_classes(c, ids, count, v->n) : NULL;
    free(ids);
    free(count);
    strings_free(&texts);
    strings_free(&templates);
    span_end(span);
    return features;
}

tensor *class_text_of_names(const struct clip *c, const struct text_options *text,
                            char *const *names, int64_t n) {
    struct vocabulary v;
    vocabulary_of(&v, names, (size_t)n);
    tensor *features = class_text(c, text, &v);
    vocabulary_close(&v);
    return features;
}
