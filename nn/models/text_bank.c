#include "nn/models/text_bank.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { BATCH = 256, BATCHES_A_CHUNK = 16 };

struct row {
    int64_t length, index;
};

static int by_length(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return x->index < y->index ? -1
                               : x->index > y->index; /* ties: any order, but always the same */
}

/* Features of n rows, in their order: [n, D] of unit length; padded to the longest of a batch. */
static tensor *encode_padded(const struct clip_text *t, const int64_t *ids, int64_t n,
                             int64_t columns, int64_t batch) {
    int scope = t_scope_open("encode", T_INHERIT);
    struct row *rows = mem_alloc((size_t)n, sizeof *rows);
    int64_t *back = mem_alloc((size_t)n, sizeof *back); /* row -> place in the sorted order */
    int64_t *sorted = mem_alloc((size_t)(batch * columns), sizeof *sorted);
    size_t passes = (size_t)((n + batch - 1) / batch);
    tensor **parts = mem_alloc(passes, sizeof(tensor *));
    for (int64_t i = 0; i < n; i++)
        rows[i] = (struct row){clip_text_end(ids + i * columns, columns), i};
    qsort(rows, (size_t)n, sizeof *rows, by_length);
    for (int64_t i = 0; i < n; i++) back[rows[i].index] = i;
    for (size_t p = 0; p < passes; p++) {
        int64_t from = (int64_t)p * batch, m = n - from < batch ? n - from : batch;
        for (int64_t i = 0; i < m; i++)
            memcpy(sorted + i * columns, ids + rows[from + i].index * columns,
                   (size_t)columns * sizeof *sorted);
        parts[p] = normalize_rows(clip_text_encode(t, sorted, m, columns), 0); /* [m, D] */
    }
    tensor *x = t_index_select(t_cat(parts, passes, 0), 0, t_from_data(back, SHAPE(n), T_I64));
    free(parts);
    free(sorted);
    free(back);
    free(rows);
    return t_scope_close(scope, x);
}

tensor *text_bank(const struct clip_text *t, const int64_t *ids, struct text_bank_args args) {
    int64_t T = args.templates, batch = args.batch ? args.batch : BATCH;
    REQUIRE(args.names > 0 && T > 0 && batch > 0, "an empty text bank");
    int scope = t_scope_open("text_bank", T_NO_GRAD | T_PRECISION(args.precision));
    int64_t step = BATCHES_A_CHUNK * batch / T; /* names a chunk: bounds what is held unaveraged */
    if (step < 1) step = 1;
    size_t chunks = (size_t)((args.names + step - 1) / step);
    tensor **parts = mem_alloc(chunks, sizeof(tensor *));
    for (size_t c = 0; c < chunks; c++) {
        int inner = t_scope_open("chunk", T_INHERIT);
        int64_t from = (int64_t)c * step, n = args.names - from < step ? args.names - from : step;
        const int64_t *rows = ids + from * T * args.columns;
        tensor *x =
            args.starts
                ? normalize_rows(clip_text_encode_packed(t, args.starts, rows, n * T, args.columns,
                                                         args.tile ? args.tile : 1),
                                 0)
                : encode_padded(t, rows, n * T, args.columns, batch); /* [n * T, D] */
        x = t_reshape(x, SHAPE(n, T, t_size(x, 1)));                  /* [n, T, D] */
        x = normalize_rows(t_mean_dim(x, 1, false), 0);               /* [n, D] */
        parts[c] = t_scope_close(inner, x);
    }
    tensor *bank = t_cat(parts, chunks, 0); /* [names, D] */
    free(parts);
    return t_scope_close(scope, bank);
}
