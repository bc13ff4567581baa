/* R tokens of a pass, N texts of it, C width, H heads, D = C / H. A group: n texts of S tokens
 * behind one start of P. */
#include "nn/models/clip_text_packed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { PASS_TOKENS = 4096 }; /* enough for the products to be at full speed, 32 MiB of [R, 4C] */

struct row {
    int64_t index, start,
        length; /* start -1: none; length: tokens behind it, the end token's too */
};

/* Texts of one start and one length follow each other, from token `at` and text `text` on. */
struct group {
    int64_t at, text, n, length, start;
};

struct pass {
    const struct clip_text *tower;
    const struct clip_starts *starts;
    const struct row *row; /* [N] */
    struct clip_starts
        *record; /* these texts are starts: their keys and values go there; or NULL */
    struct group *group;
    size_t n_groups;
    int64_t tile;
    int64_t tokens, texts;   /* filled up to multiples of `tile` */
    tensor *ids, *positions; /* [R] */
    tensor *ends;            /* [N]: the last token of each text */
};

static int by_start_and_length(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int64_t start_length(const struct clip_starts *s, int64_t start) {
    return start < 0 ? 0 : s->length[start];
}

/* The longest start of a text whose last token is at `end`; -1: none. */
static int64_t find_start(const struct clip_starts *s, const int64_t *ids, int64_t end) {
    int64_t best = -1;
    for (int64_t i = 0; i < s->n; i++) {
        int64_t P = s->length[i];
        if (P <= end && P > start_length(s, best) &&
            memcmp(ids, s->ids + i * s->columns, (size_t)P * sizeof *ids) == 0)
            best = i;
    }
    return best;
}

static int64_t whole_tiles(int64_t n, int64_t tile) { return (n + tile - 1) / tile * tile; }

/* Takes rows from the front, of up to PASS_TOKENS tokens, into a pass; how many. */
static size_t plan(struct pass *p, size_t n, const int64_t *ids, int64_t columns) {
    const struct row *rows = p->row;
    size_t taken = 0;
    p->tokens = 0;
    while (taken < n && (!taken || p->tokens + rows[taken].length <= PASS_TOKENS))
        p->tokens += rows[taken++].length;
    p->tokens = whole_tiles(p->tokens, p->tile);
    p->texts = whole_tiles((int64_t)taken, p->tile);
    p->group = mem_alloc(taken, sizeof *p->group);
    p->n_groups = 0;
    int64_t *token = mem_alloc((size_t)(2 * p->tokens + p->texts), sizeof *token);
    int64_t *position = token + p->tokens, *end = position + p->tokens, at = 0;
    for (size_t i = 0; i < taken; i++) {
        const struct row *r = &rows[i];
        int64_t P = start_length(p->starts, r->start);
        if (!i || r->start != rows[i - 1].start || r->length != rows[i - 1].length)
            p->group[p->n_groups++] = (struct group){
                .at = at, .text = (int64_t)i, .length = r->length, .start = r->start};
        p->group[p->n_groups - 1].n++;
        memcpy(token + at, ids + r->index * columns + P, (size_t)r->length * sizeof *token);
        for (int64_t k = 0; k < r->length; k++) position[at + k] = P + k;
        at += r->length;
        end[i] = at - 1;
    }
    p->ids = t_from_data(token, SHAPE(p->tokens), T_I64);
    p->positions = t_from_data(position, SHAPE(p->tokens), T_I64);
    p->ends = t_from_data(end, SHAPE(p->texts), T_I64);
    free(token);
    return taken;
}

/* [n * L, C] -> [n, H, L, D] */
static tensor *heads_first(tensor *x, int64_t n, int64_t heads) {
    int64_t L = t_size(x, 0) / n, C = t_size(x, 1);
    return t_transpose(t_reshape(x, SHAPE(n, L, heads, C / heads)), 1, 2);
}

/* A start's part in front of a group's own: [H, P, D], [n, H, S, D] -> [n, H, P + S, D] */
static tensor *behind(tensor *start, tensor *own) {
    tensor *parts[] = {t_expand(t_unsqueeze(start, 0), SHAPE(t_size(own, 0), -1, -1, -1)), own};
    return t_cat(parts, 2, 2);
}

/* Of starts: their keys and values in this layer, [n, H, P, D]. */
static void record(const struct pass *p, const struct group *g, int64_t layer, tensor *k,
                   tensor *v) {
    struct clip_starts *s = p->record;
    for (int64_t i = 0; i < g->n; i++) {
        int64_t at = p->row[g->text + i].index * s->layers + layer;
        s->key[at] = t_hold(t_contiguous(t_select(k, 0, i)));
        s->value[at] = t_hold(t_contiguous(t_select(v, 0, i)));
    }
}

/* q: [n * Q, C], the queries of S tokens a text, or of its last one; kv: [n * S, 2C]
 * -> [n * Q, C] */
static tensor *attend(const struct pass *p, const struct group *g, int64_t layer, tensor *q,
                      tensor *kv) {
    int64_t n = g->n, H = p->tower->blocks.opt.heads, C = t_size(q, 1), P = 0, rows = t_size(q, 0);
    double scale = 1 / sqrt((double)C / (double)H);
    int scope = t_scope_open("attention", T_INHERIT);
    q = heads_first(q, n, H);                             /* [n, H, Q, D] */
    tensor *k = heads_first(t_narrow(kv, 1, 0, C), n, H); /* [n, H, S, D] */
    tensor *v = heads_first(t_narrow(kv, 1, C, C), n, H); /* [n, H, S, D] */
    if (p->record) record(p, g, layer, k, v);
    if (g->start >= 0) {
        int64_t at = g->start * p->starts->layers + layer;
        P = p->starts->length[g->start];
        k = behind(p->starts->key[at], k);   /* [n, H, P + S, D] */
        v = behind(p->starts->value[at], v); /* [n, H, P + S, D] */
    }
    tensor *scores = t_matmul(t_scale(q, scale), t_transpose(k, -2, -1)); /* [n, H, Q, P + S] */
    scores = as_f32(scores);
    int64_t Q = t_size(q, 2), K = t_size(k, 2);
    if (Q > 1) scores = t_add(scores, t_triu(t_full(SHAPE(Q, K), -INFINITY, T_F32), P + 1));
    tensor *x = t_matmul(t_softmax(scores, -1), v);      /* [n, H, Q, D] */
    x = t_reshape(t_transpose(x, 1, 2), SHAPE(rows, C)); /* [n * Q, C] */
    return t_scope_close(scope, x);
}

/* What fills the tiles up has no attention: zeros for it. */
static tensor *attend_all(const struct pass *p, int64_t layer, bool last, tensor *q, tensor *kv) {
    int64_t done = 0, all = t_size(q, 0), C = t_size(q, 1);
    tensor **parts = mem_alloc(p->n_groups + 1, sizeof(tensor *));
    for (size_t k = 0; k < p->n_groups; k++) {
        const struct group *g = &p->group[k];
        int64_t rows = last ? g->n : g->n * g->length;
        tensor *own = t_narrow(q, 0, last ? g->text : g->at, rows);
        parts[k] = attend(p, g, layer, own, t_narrow(kv, 0, g->at, g->n * g->length));
        done += rows;
    }
    parts[p->n_groups] = t_zeros(SHAPE(error_status() ? 0 : all - done, C), t_dtype(q));
    tensor *x = t_cat(parts, p->n_groups + 1, 0); /* as q */
    free(parts);
    return x;
}

/* [R, C] -> [R, C]; of the last block, whose other tokens nobody reads, the ends alone: [N, C] */
static tensor *block(const struct pass *p, int64_t i, bool last, tensor *x) {
    const struct clip_block *b = &p->tower->blocks.at[i];
    int64_t C = p->tower->blocks.opt.width;
    int scope = t_scope_open(b->name, T_INHERIT);
    tensor *y = layer_norm(&b->ln_1, x), *q, *kv; /* [R, C] */
    if (last) {
        tensor *w = b->attn.in_weight, *bias = b->attn.in_bias;
        kv = t_linear(y, t_narrow(w, 0, C, 2 * C), t_narrow(bias, 0, C, 2 * C)); /* [R, 2C] */
        y = t_index_select(y, 0, p->ends);                                       /* [N, C] */
        q = t_linear(y, t_narrow(w, 0, 0, C), t_narrow(bias, 0, 0, C));          /* [N, C] */
        x = t_index_select(x, 0, p->ends);                                       /* [N, C] */
    } else {
        tensor *qkv = t_linear(y, b->attn.in_weight, b->attn.in_bias); /* [R, 3C] */
        q = t_narrow(qkv, 1, 0, C);
        kv = t_narrow(qkv, 1, C, 2 * C);
    }
    y = attend_all(p, i, last, q, kv); /* as q */
    x = clip_block_mlp(&p->tower->blocks, i, t_add(x, linear(&b->attn.out, y)));
    return t_scope_close(scope, x);
}

/* -> [N, W] in front of ln_final, in the order of the pass. */
static tensor *run(const struct pass *p) {
    const struct clip_text *t = p->tower;
    int scope = t_scope_open("pass", T_INHERIT);
    tensor *x = t_add(t_embedding(t->token_embedding, p->ids),
                      t_index_select(t->positional_embedding, 0, p->positions)); /* [R, W] */
    for (int64_t i = 0; i < t->opt.layers; i++) /* [R, W], at last [N, W] */
        x = t_next(x, block(p, i, i + 1 == t->opt.layers && !p->record, x));
    return t_scope_close(scope, x);
}

int clip_starts_open(struct clip_starts *s, const struct clip_text *t, const int64_t *ids,
                     int64_t n, int64_t columns) {
    static const struct clip_starts none = {0};
    size_t cells = (size_t)(n * t->opt.layers);
    *s = (struct clip_starts){.n = n, .columns = columns, .layers = t->opt.layers};
    s->length = mem_alloc((size_t)n, sizeof *s->length);
    s->ids = mem_alloc((size_t)(n * columns), sizeof *s->ids);
    s->key = mem_alloc(cells, sizeof(tensor *));
    s->value = mem_alloc(cells, sizeof(tensor *));
    memcpy(s->ids, ids, (size_t)(n * columns) * sizeof *ids);
    struct row *rows = mem_alloc((size_t)n, sizeof *rows);
    for (int64_t i = 0; i < n; i++) {
        while (s->length[i] < columns && ids[i * columns + s->length[i]]) s->length[i]++;
        REQUIRE(s->length[i] > 0, "a start of no tokens");
        rows[i] = (struct row){i, -1, s->length[i]};
    }
    qsort(rows, (size_t)n, sizeof *rows, by_start_and_length);
    for (size_t at = 0; !error_status() && at < (size_t)n;) {
        int scope = t_scope_open("starts", T_NO_GRAD | T_MODEL);
        struct pass p = {.tower = t, .starts = &none, .record = s, .row = rows + at, .tile = 1};
        at += plan(&p, (size_t)n - at, ids, columns);
        run(&p);
        free(p.group);
        t_scope_close(scope, NULL);
    }
    free(rows);
    return error_status();
}

void clip_starts_free(struct clip_starts *s) {
    for (int64_t i = 0; i < s->n * s->layers; i++) {
        t_drop(s->key[i]);
        t_drop(s->value[i]);
    }
    free(s->key);
    free(s->value);
    free(s->length);
    free(s->ids);
    *s = (struct clip_starts){0};
}

tensor *clip_text_encode_packed(const struct clip_text *t, const struct clip_starts *s,
                                const int64_t *ids, int64_t n, int64_t columns, int64_t tile) {
    REQUIRE(tile > 0, "tiles of %lld rows", (long long)tile);
    REQUIRE(n > 0 && columns > 0 && columns <= t->opt.context,
            "%lld rows of %lld tokens, the context is %lld", (long long)n, (long long)columns,
            (long long)t->opt.context);
    int scope = t_scope_open("clip_text", T_NO_GRAD | T_MODEL);
    struct row *rows = mem_alloc((size_t)n, sizeof *rows);
    int64_t *back = mem_alloc((size_t)n, sizeof *back); /* row -> place in the sorted order */
    for (int64_t i = 0; i < n; i++) {
        int64_t end = clip_text_end(ids + i * columns, columns);
        int64_t start = find_start(s, ids + i * columns, end);
        rows[i] = (struct row){i, start, end + 1 - start_length(s, start)};
    }
    qsort(rows, (size_t)n, sizeof *rows, by_start_and_length);
    for (int64_t i = 0; i < n; i++) back[rows[i].index] = i;
    tensor **parts = mem_alloc((size_t)n, sizeof(tensor *)); /* a pass has at least one */
    size_t passes = 0;
    for (size_t at = 0; !error_status() && at < (size_t)n;) {
        int inner = t_scope_open("pass", T_INHERIT);
        struct pass p = {.tower = t, .starts = s, .row = rows + at, .tile = tile};
        int64_t taken = (int64_t)plan(&p, (size_t)n - at, ids, columns);
        at += (size_t)taken;
        tensor *x = t_matmul(layer_norm(&t->ln_final, run(&p)), t->text_projection);
        x = t_narrow(as_f32(x), 0, 0, taken);
        parts[passes++] = t_scope_close(inner, x); /* [texts of the pass, D] */
        free(p.group);
    }
    tensor *x = NULL;
    if (!error_status()) x = t_cat(parts, passes, 0);
    x = t_index_select(x, 0, t_from_data(back, SHAPE(n), T_I64)); /* [N, D] */
    free(parts);
    free(back);
    free(rows);
    return t_scope_close(scope, x);
}
