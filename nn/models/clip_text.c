#include "nn/models/clip_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static void redraw(tensor *x, double std) {
    int scope = t_scope_open("redraw", T_NO_GRAD);
    t_copy_(x, t_randn(t_shape(x), std));
    t_scope_close(scope, NULL);
}

void clip_text_init(struct clip_text *t, struct path at, const struct clip_text_options *opt,
                    int64_t features) {
    int64_t W = opt->width;
    *t = (struct clip_text){.opt = *opt};
    if (!t->opt.heads) t->opt.heads = W / 64;
    double std = 1 / sqrt((double)W), deep = std / sqrt(2 * (double)opt->layers);
    t->positional_embedding =
        path_param(at, "positional_embedding", t_randn(SHAPE(opt->context, W), 0.01));
    t->text_projection = path_param(at, "text_projection", t_randn(SHAPE(W, features), std));
    /* Plain: how the fused kernel sums a row depends on how many masked keys follow it. */
    struct clip_blocks_options blocks = {W, opt->layers, t->opt.heads, opt->activation, true};
    clip_blocks_init(&t->blocks, path_at(at, "transformer"), blocks);
    for (int64_t i = 0; i < opt->layers; i++) {
        struct clip_block *b = &t->blocks.at[i];
        redraw(b->attn.in_weight, std);
        redraw(b->attn.out.weight, deep);
        redraw(b->fc.weight, 1 / sqrt(2 * (double)W));
        redraw(b->proj.weight, deep);
    }
    t->token_embedding =
        path_param(path_at(at, "token_embedding"), "weight", t_randn(SHAPE(opt->vocab, W), 0.02));
    layer_norm_init(&t->ln_final, path_at(at, "ln_final"), W);
}

void clip_text_free(struct clip_text *t) { clip_blocks_free(&t->blocks); }

int64_t clip_text_end(const int64_t *row, int64_t context) {
    int64_t end = 0;
    for (int64_t i = 1; i < context; i++)
        if (row[i] > row[end]) end = i;
    return end;
}

/* The first `keep` columns, as [N, keep] i64, and the flat position of each row's end in them. */
static tensor *upload(const int64_t *ids, const int64_t *ends, int64_t n, int64_t columns,
                      int64_t keep, tensor **flat_ends) {
    int64_t *wide = mem_alloc((size_t)(n * (keep + 1)), sizeof *wide), *flat = wide + n * keep;
    for (int64_t i = 0; i < n; i++) {
        memcpy(wide + i * keep, ids + i * columns, (size_t)keep * sizeof *wide);
        flat[i] = i * keep + ends[i];
    }
    tensor *x = t_from_data(wide, SHAPE(n, keep), T_I64);
    *flat_ends = t_from_data(flat, SHAPE(n), T_I64);
    free(wide);
    return x;
}

/* Products with few inner elements are summed in another order, fewer than 12 by the kernels for
 * AVX2, fewer than 16 by those for AVX-512: stay above. */
static int64_t columns_to_keep(int64_t used, int64_t columns) {
    int64_t keep = used < 16 ? 16 : used;
    return keep < columns ? keep : columns;
}

tensor *clip_text_encode(const struct clip_text *t, const int64_t *ids, int64_t n,
                         int64_t columns) {
    REQUIRE(n > 0 && columns > 0 && columns <= t->opt.context,
            "%lld rows of %lld tokens, the context is %lld", (long long)n, (long long)columns,
            (long long)t->opt.context);
    int scope = t_scope_open("clip_text", T_MODEL);
    int64_t *ends = mem_alloc((size_t)n, sizeof *ends), longest = 0, W = t->opt.width;
    for (int64_t i = 0; i < n; i++) {
        ends[i] = clip_text_end(ids + i * columns, columns);
        if (ends[i] > longest) longest = ends[i];
    }
    int64_t L = t->opt.cut_at_end ? columns_to_keep(longest + 1, columns) : columns;
    tensor *flat, *tokens = upload(ids, ends, n, columns, L, &flat); /* [N, L] */
    free(ends);

    tensor *x = t_embedding(t->token_embedding, tokens);      /* [N, L, W] */
    x = t_add(x, t_narrow(t->positional_embedding, 0, 0, L)); /* [N, L, W] */
    for (int64_t i = 0; i < t->opt.layers; i++)
        x = t_next(x, clip_block(&t->blocks, i, x, L, true));
    x = t_index_select(t_reshape(x, SHAPE(n * L, W)), 0, flat);    /* [N, W] */
    x = t_matmul(layer_norm(&t->ln_final, x), t->text_projection); /* [N, D] */
    return t_scope_close(scope, as_f32(x));
}
