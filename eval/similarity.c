#include "eval/similarity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/problems.h"
#include "data/csv.h"
#include "data/wordnet.h"

static int similarity_open(struct similarity *s, int64_t K) {
    *s = (struct similarity){.K = K, .at = mem_try((size_t)K * (size_t)K, sizeof *s->at)};
    for (int64_t k = 0; s->at && k < K; k++) s->at[k * K + k] = 1;
    return s->at ? 0 : error_status();
}

void similarity_free(struct similarity *s) {
    free(s->at);
    strings_free(&s->as);
    *s = (struct similarity){0};
}

static void stamp(struct similarity *s) {
    s->hash = hash_bytes(s->at, (size_t)(s->K * s->K) * sizeof *s->at);
}

/* ---- WordNet ---- */

/* The senses of a name, each with all that is above it. */
struct meanings {
    struct wordnet_paths *at;
    size_t n;
};

static void meanings_free(struct meanings *m) {
    for (size_t i = 0; i < m->n; i++) wordnet_paths_free(&m->at[i]);
    free(m->at);
}

static int find_meanings(const struct wordnet *w, const char *name, enum similarity_senses senses,
                         struct meanings *out, struct strings *as) {
    struct wordnet_senses found;
    char *word;
    int status = wordnet_find(w, name, &found, &word);
    if (status) return status;
    size_t most = senses == SENSES_FIRST && found.n > 1 ? 1 : found.n;
    out->at = mem_alloc(most, sizeof *out->at);
    for (; !status && out->n < most; out->n++)
        status = wordnet_paths_of(w, found.at[out->n], &out->at[out->n]);
    strings_add(as, word ? word : "");
    wordnet_senses_free(&found);
    free(word);
    return status;
}

static double nearest(const struct meanings *a, const struct meanings *b) {
    double best = 0;
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++) {
            double x = wordnet_similarity(&a->at[i], &b->at[k]);
            if (x > best) best = x;
        }
    return best;
}

int similarity_of_wordnet(struct similarity *s, const struct vocabulary *names, const char *dir,
                          enum similarity_senses senses) {
    int64_t K = (int64_t)names->n;
    struct wordnet w = {0};
    struct meanings *m = mem_alloc(names->n, sizeof *m);
    int status = similarity_open(s, K);
    if (!status) status = wordnet_open(&w, dir);
    for (int64_t k = 0; !status && k < K; k++) {
        status = find_meanings(&w, names->at[k].name, senses, &m[k], &s->as);
        s->unknown += !m[k].n;
    }
    for (int64_t i = 0; !status && i < K; i++)
        for (int64_t j = 0; j < i; j++) s->at[i * K + j] = s->at[j * K + i] = nearest(&m[i], &m[j]);
    for (size_t k = 0; k < names->n; k++) meanings_free(&m[k]);
    free(m);
    wordnet_close(&w);
    if (!status) stamp(s);
    return status;
}

/* ---- text features ---- */

int similarity_of_text(struct similarity *s, tensor *text) {
    if (t_shape(text).n == 3) text = t_select(text, 0, 0); /* of wordings: the names */
    int64_t K = t_size(text, 0);
    size_t n = (size_t)(K * K);
    int status = similarity_open(s, K);
    float *cosine = status ? NULL : mem_try(n, sizeof *cosine);
    if (!cosine) return error_status();
    int scope = t_scope_open("similarity", T_NO_GRAD);
    tensor *x = t_matmul(text, t_transpose(text, 0, 1)); /* [K, K] */
    status = t_copy_out(x, cosine, n * sizeof *cosine);
    t_scope_close(scope, NULL);
    for (int64_t i = 0; !status && i < K; i++)
        for (int64_t j = 0; j < K; j++)
            if (i != j) s->at[i * K + j] = fmin(1, fmax(0, (double)cosine[i * K + j]));
    free(cosine);
    if (!status) stamp(s);
    return status;
}

/* ---- a table of the user's ---- */

struct table {
    struct similarity *s;
    const struct vocabulary *names;
    const char *path;
    struct problems problems;
    bool *given; /* [K, K] */
};

/* The class of a name; names->n and a mistake when there is none. */
static size_t class_of(struct table *t, size_t line, const char *name) {
    size_t k = 0;
    while (k < t->names->n && strcmp(t->names->at[k].name, name) != 0) k++;
    if (k == t->names->n)
        problems_add(&t->problems, "%s:%zu: \"%s\" is no class of the set", t->path, line, name);
    return k;
}

static void take(struct table *t, size_t line, size_t i, size_t j, const char *text) {
    char *end;
    size_t K = t->names->n;
    errno = 0;
    double x = strtod(text, &end);
    if (!*text || *end || errno || !(x >= 0 && x <= 1)) {
        problems_add(&t->problems, "%s:%zu: \"%s\" is no similarity: a number of 0 to 1", t->path,
                     line, text);
        return;
    }
    if (i == j && x < 1)
        problems_add(&t->problems, "%s:%zu: \"%s\" is like itself: 1, not %s", t->path, line,
                     t->names->at[i].name, text);
    if (t->given[i * K + j])
        problems_add(&t->problems, "%s:%zu: \"%s\" and \"%s\" are given twice", t->path, line,
                     t->names->at[i].name, t->names->at[j].name);
    t->given[i * K + j] = true;
    t->s->at[i * K + j] = x;
}

static void take_square(struct table *t, const struct csv *c) {
    size_t K = t->names->n, n = c->at[0].n;
    size_t *column = mem_alloc(n, sizeof *column);
    for (size_t k = 1; k < n; k++) column[k] = class_of(t, c->at[0].line, c->at[0].at[k]);
    for (size_t r = 1; r < c->n; r++) {
        const struct csv_row *row = &c->at[r];
        size_t i = class_of(t, row->line, row->at[0]);
        if (row->n != n)
            problems_add(&t->problems, "%s:%zu: %zu fields, the first line has %zu", t->path,
                         row->line, row->n, n);
        for (size_t k = 1; i < K && row->n == n && k < n; k++)
            if (column[k] < K) take(t, row->line, i, column[k], row->at[k]);
    }
    free(column);
}

static void take_pairs(struct table *t, const struct csv *c) {
    size_t K = t->names->n;
    for (size_t r = 0; r < c->n; r++) {
        const struct csv_row *row = &c->at[r];
        if (row->n != 3) {
            problems_add(&t->problems, "%s:%zu: %zu fields, not NAME,NAME,SIMILARITY", t->path,
                         row->line, row->n);
            continue;
        }
        size_t i = class_of(t, row->line, row->at[0]), j = class_of(t, row->line, row->at[1]);
        if (i < K && j < K) take(t, row->line, i, j, row->at[2]);
    }
    for (size_t i = 0; i < K; i++)
        for (size_t j = 0; j < K; j++)
            if (t->given[i * K + j] && !t->given[j * K + i])
                t->s->at[j * K + i] = t->s->at[i * K + j];
}

int similarity_of_file(struct similarity *s, const struct vocabulary *names, const char *path) {
    struct csv c = {0};
    int status = similarity_open(s, (int64_t)names->n);
    if (!status) status = csv_read(&c, path);
    if (!status && !c.n) status = error_set(ERR_DATA, "%s: an empty table", path);
    if (!status) {
        struct table t = {.s = s, .names = names, .path = path};
        t.given = mem_alloc(names->n * names->n, sizeof *t.given);
        const char *corner = c.at[0].at[0];
        if (!*corner || strcmp(corner, "name") == 0)
            take_square(&t, &c);
        else
            take_pairs(&t, &c);
        free(t.given);
        status = problems_close(&t.problems, ERR_DATA);
    }
    csv_free(&c);
    if (!status) stamp(s);
    return status;
}
