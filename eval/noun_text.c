#include "eval/noun_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/text_bank.h"

/* Raised when tokens of a text, or what the tower makes of them, change. */
enum { REVISION = 1 };
enum { BLOCK = 1024 }; /* nouns computed before they are kept: half a minute, 14 templates */

/* Into the hash of a tower, by content. 0 or the pending error. */
static int add_tensor(struct hasher *h, tensor *x) {
    size_t n = (size_t)t_numel(x) * sizeof(float);
    void *copy = mem_try(n, 1);
    int status = copy ? t_copy_out(t_cast(x, T_F32), copy, n) : error_status();
    if (!status) hasher_add(h, copy, n);
    free(copy);
    return status;
}

static int hash_tower(const struct clip_text *t, uint64_t *out) {
    enum { WHOLE = 5, PARTS = 12 };
    tensor *const whole[WHOLE] = {t->token_embedding, t->positional_embedding, t->text_projection,
                                  t->ln_final.weight, t->ln_final.bias};
    struct hasher h;
    int scope = t_scope_open("hash", T_NO_GRAD), status = 0;
    hasher_open(&h);
    for (size_t i = 0; !status && i < WHOLE; i++) status = add_tensor(&h, whole[i]);
    for (int64_t i = 0; !status && i < t->opt.layers; i++) {
        const struct clip_block *b = &t->blocks.at[i];
        tensor *const parts[PARTS] = {b->ln_1.weight,  b->ln_1.bias,       b->attn.in_weight,
                                      b->attn.in_bias, b->attn.out.weight, b->attn.out.bias,
                                      b->ln_2.weight,  b->ln_2.bias,       b->fc.weight,
                                      b->fc.bias,      b->proj.weight,     b->proj.bias};
        for (size_t k = 0; !status && k < PARTS; k++) status = add_tensor(&h, parts[k]);
    }
    *out = hasher_close(&h);
    t_scope_close(scope, NULL);
    return status;
}

/* What decides the order of sums in products. */
static const char *processor(void) {
    return __builtin_cpu_supports("avx512f") ? "avx512"
           : __builtin_cpu_supports("avx2")  ? "avx2"
                                             : "other";
}

/* All that a feature depends on but its noun: also what moves its last bits. Owned; NULL and the
 * error. */
static char *key_of(const struct clip *c, const struct text_options *o) {
    const struct clip_text_options *t = &c->opt.text;
    uint64_t tower;
    char hex[17];
    struct str key = {0};
    struct strings templates = {0};
    if (class_text_templates(o, &templates) || hash_tower(&c->text, &tower)) {
        strings_free(&templates);
        return NULL;
    }
    hash_hex(tower, hex);
    str_add(&key,
            "revision %d; tower %s, %lld heads, %s, context %lld; libtorch %s, %s, %d threads; %s, "
            "starts %s; "
            "templates",
            REVISION, hex, (long long)t->heads, t->activation == CLIP_GELU ? "gelu" : "quickgelu",
            (long long)t->context, t_version(), processor(), t_threads(),
            precision_names[o->precision == PRECISION_RUN ? (int)t_precision() : o->precision],
            o->shared_starts ? "shared" : "whole");
    for (size_t i = 0; i < templates.n; i++)
        str_add(&key, " %zu:%s", strlen(templates.at[i]), templates.at[i]);
    strings_free(&templates);
    return key.at;
}

/* Computes nouns m of `missing` and puts them into the bank. */
static int add_block(struct text_bank *b, const struct class_encoder *e, char *const *missing,
                     int64_t m) {
    int scope = t_scope_open("nouns", T_NO_GRAD);
    size_t cells = (size_t)(m * b->d);
    float *at = mem_try(cells, sizeof *at);
    tensor *x = at ? class_text_of_nouns(e, missing, m) : NULL; /* [m, D] */
    int status = x ? t_copy_out(x, at, cells * sizeof *at) : error_status();
    for (int64_t i = 0; !status && i < m; i++) text_bank_add(b, missing[i], at + i * b->d);
    free(at);
    t_scope_close(scope, NULL);
    return status;
}

static void save(struct text_bank *b) {
    if (b->path && text_bank_save(b)) {
        log_warn("features of nouns are not kept: %s", error_message());
        error_clear();
        b->changed = false;
    }
}

/* Nouns that the bank lacks, each once. */
static char **missing_of(const struct text_bank *b, char *const *nouns, int64_t n, int64_t *m) {
    char **missing = mem_alloc((size_t)n, sizeof *missing);
    struct text_bank seen = {.d = 1};
    float nothing = 0;
    *m = 0;
    for (int64_t i = 0; i < n; i++) {
        if (text_bank_find(b, nouns[i]) >= 0 || text_bank_find(&seen, nouns[i]) >= 0) continue;
        text_bank_add(&seen, nouns[i], &nothing);
        missing[(*m)++] = nouns[i];
    }
    text_bank_close(&seen);
    return missing;
}

/* Nouns m of `missing`, a block at a time. */
static int compute_all(struct text_bank *b, const struct class_encoder *e, char *const *missing,
                       int64_t m, const struct noun_text_options *o) {
    int status = 0;
    for (int64_t at = 0; !status && at < m; at += BLOCK) {
        if (o->each) status = o->each(o->ctx, at, m);
        if (!status) status = add_block(b, e, missing + at, m - at < BLOCK ? m - at : BLOCK);
        if (!status) save(b);
    }
    if (!status && o->each) status = o->each(o->ctx, m, m);
    return status;
}

static int compute(struct text_bank *b, const struct clip *c, const struct text_options *text,
                   char *const *nouns, int64_t n, const struct noun_text_options *o) {
    int64_t m;
    char **missing = missing_of(b, nouns, n, &m);
    int status = 0;
    if (m) {
        struct class_encoder e;
        status = class_encoder_open(&e, c, text);
        if (!status) status = compute_all(b, &e, missing, m, o);
        class_encoder_close(&e);
    }
    free(missing);
    return status;
}

/* The rows of the nouns, [n, D]. */
static tensor *rows_of(const struct text_bank *b, char *const *nouns, int64_t n) {
    int64_t *row = mem_alloc((size_t)n, sizeof *row);
    int scope = t_scope_open("nouns", T_NO_GRAD);
    for (int64_t i = 0; i < n; i++) row[i] = text_bank_find(b, nouns[i]);
    tensor *all = t_from_data(b->at, SHAPE(b->n, b->d), T_F32);
    tensor *x = t_index_select(all, 0, t_from_data(row, SHAPE(n), T_I64)); /* [n, D] */
    free(row);
    return t_scope_close(scope, x);
}

/* A damaged file is removed: what was in it can be computed. */
static int open_bank(struct text_bank *b, const char *dir, const char *key, int64_t d) {
    int status = dir_make(dir);
    if (!status) dir_sweep(dir);
    if (!status) status = text_bank_open(b, dir, key, d);
    if (status != ERR_DATA) return status;
    char *file = text_bank_file(dir, key);
    log_warn("%s; it is removed, and its features are computed again", error_message());
    error_clear();
    status = file_remove(file);
    if (!status) status = text_bank_open(b, dir, key, d);
    free(file);
    return status;
}

tensor *noun_text(const struct clip *c, const struct text_options *text, char *const *nouns,
                  int64_t n, const struct noun_text_options *o) {
    struct text_bank bank = {.d = c->opt.features};
    if (error_status()) return NULL;
    if (o->dir) {
        char *key = key_of(c, text);
        if (!key) return NULL;
        if (open_bank(&bank, o->dir, key, c->opt.features)) {
            log_warn("features of nouns are not kept: %s", error_message());
            error_clear();
            bank = (struct text_bank){.d = c->opt.features};
        }
        free(key);
    }
    int status = compute(&bank, c, text, nouns, n, o);
    tensor *x = status ? NULL : rows_of(&bank, nouns, n);
    text_bank_close(&bank);
    return x;
}
