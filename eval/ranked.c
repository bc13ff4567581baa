/* K names, n the best of them, h w the pixels that are looked at. */
#include "eval/ranked.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

static int ranked_alloc(struct ranked *r, int64_t H, int64_t W) {
    r->h = (H + r->stride - 1) / r->stride;
    r->w = (W + r->stride - 1) / r->stride;
    size_t n = (size_t)(r->n * r->h * r->w);
    r->name = mem_try(n, sizeof *r->name);
    r->score = mem_try(n, sizeof *r->score);
    if (!r->name || !r->score) return error_status();
    for (size_t i = 0; i < n; i++) {
        r->name[i] = RANKED_NONE;
        r->score[i] = -INFINITY;
    }
    return 0;
}

void ranked_free(struct ranked *r) {
    free(r->name);
    free(r->score);
    r->name = NULL;
    r->score = NULL;
}

/* [n, H, W] -> [n, h, w] */
static tensor *thin(const struct ranked *r, tensor *x) {
    if (r->stride == 1) return t_contiguous(x);
    double step = (double)r->stride;
    tensor *rows = t_cast(t_scale(t_cast(t_arange(r->h, T_I64), T_F32), step), T_I64);    /* [h] */
    tensor *columns = t_cast(t_scale(t_cast(t_arange(r->w, T_I64), T_F32), step), T_I64); /* [w] */
    return t_contiguous(t_index_select(t_index_select(x, 1, rows), 2, columns));
}

/* A name behind those that are as good or better: names come in the order of their indices. */
static void put(struct ranked *r, int64_t at, uint16_t name, float score) {
    int64_t pixels = r->h * r->w, i = r->n;
    while (i > 0 && score > r->score[(i - 1) * pixels + at]) {
        i--;
        if (i + 1 < r->n) {
            r->name[(i + 1) * pixels + at] = r->name[i * pixels + at];
            r->score[(i + 1) * pixels + at] = r->score[i * pixels + at];
        }
    }
    if (i == r->n) return;
    r->name[i * pixels + at] = name;
    r->score[i * pixels + at] = score;
}

int ranked_take(struct ranked *r, const struct score_groups *g, int64_t H, int64_t W) {
    int status = ranked_alloc(r, H, W);
    int64_t pixels = r->h * r->w;
    for (int64_t i = 0; !status && i < g->groups; i++) {
        int scope = t_scope_open("ranked", T_NO_GRAD | T_EVAL);
        int64_t from = g->K * i / g->groups, n = g->K * (i + 1) / g->groups - from;
        float *x = mem_try((size_t)n, (size_t)pixels * sizeof *x);
        status =
            x ? t_copy_out(thin(r, g->of(g->self, from, n)), x, (size_t)(n * pixels) * sizeof *x)
              : ERR_INTERNAL;
        for (int64_t k = 0; !status && k < n; k++)
            for (int64_t at = 0; at < pixels; at++)
                put(r, at, (uint16_t)(from + k), x[k * pixels + at]);
        free(x);
        t_scope_close(scope, NULL);
    }
    if (status) ranked_free(r);
    return status;
}
