#include "eval/oracle.h"

#include <stdlib.h>

#include "base/error.h"
#include "nn/models/names.h"

void true_regions(struct regions *r, const struct labels *truth, int64_t K, int64_t min_area) {
    int64_t *pixels = mem_alloc((size_t)K, sizeof *pixels), n = 0;
    for (int64_t i = 0; i < truth->h * truth->w; i++)
        if (truth->at[i] < K) pixels[truth->at[i]]++;
    for (int64_t k = 0; k < K; k++) n += pixels[k] > 0;
    *r = (struct regions){.query = mem_alloc((size_t)n, sizeof *r->query),
                          .area = mem_alloc((size_t)n, sizeof *r->area),
                          .of = truth};
    for (int64_t k = 0; k < K; k++) {
        if (!pixels[k] || pixels[k] < min_area) continue;
        r->area[r->n] = pixels[k];
        r->query[r->n++] = k;
    }
    free(pixels);
}

int true_regions_name(const struct regions *r, const struct namer *m, int64_t min_area,
                      struct confusion *to, struct mask_accuracy *accuracy) {
    if (!r->n) return 0;
    int64_t *name = mem_alloc((size_t)r->n, sizeof *name);
    int scope = t_scope_open("true masks", T_NO_GRAD | T_EVAL);
    tensor *x = t_from_data(r->feature, SHAPE(r->n, r->D), T_F32); /* [V, D] */
    x = t_argmax(names_cosines(x, m->text), 1);                    /* [V] */
    int status = t_copy_out(x, name, (size_t)r->n * sizeof *name);
    t_scope_close(scope, NULL);
    for (int64_t v = 0; !status && v < r->n; v++) {
        int64_t area = r->area[v], k = r->query[v];
        if (to) confusion_put(to, name[v], k, area);
        if (area < min_area) continue;
        accuracy->total[k]++;
        accuracy->right[k] += name[v] == k;
    }
    free(name);
    return status;
}

struct named best_names(const struct proposals *p, const struct regions *r,
                        const struct labels *truth) {
    int64_t Q = p->Q, K = p->K, *inside = mem_alloc((size_t)K, sizeof *inside);
    float *name = mem_alloc((size_t)(Q * K), sizeof *name);
    for (int64_t v = 0; v < r->n; v++) {
        const struct mask *m = &r->mask[v];
        REQUIRE(m->h == truth->h && m->w == truth->w, "a region and a label map of two sizes");
        for (int64_t k = 0; k < K; k++) inside[k] = 0;
        for (int64_t i = 0; i < m->h * m->w; i++)
            if (m->at[i] && truth->at[i] < K) inside[truth->at[i]]++;
        int64_t best = 0;
        for (int64_t k = 1; k < K; k++)
            if (inside[k] > inside[best]) best = k;
        if (inside[best]) name[r->query[v] * K + best] = 1;
    }
    struct named n = {.name = t_from_data(name, SHAPE(Q, K), T_F32),
                      .mask = t_from_data(p->mask, SHAPE(Q, p->h, p->w), T_F32)};
    free(name);
    free(inside);
    return n;
}
