#include "eval/regions.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"

int regions_of(struct regions *r, const struct proposals *p, double threshold, int64_t min_area) {
    *r = (struct regions){.query = mem_alloc((size_t)p->Q, sizeof *r->query),
                          .mask = mem_alloc((size_t)p->Q, sizeof *r->mask),
                          .box = mem_alloc((size_t)p->Q, sizeof *r->box)};
    for (int64_t q = 0; q < p->Q; q++) {
        struct mask *mask = &r->mask[r->n];
        if (mask_alloc(mask, p->h, p->w)) return error_status();
        bool counts =
            proposal_mask(p, q, threshold, mask) >= min_area && mask_box(mask, &r->box[r->n]);
        if (counts)
            r->query[r->n++] = q;
        else
            mask_free(mask);
    }
    return 0;
}

void regions_free(struct regions *r) {
    for (int64_t i = 0; i < r->n; i++) mask_free(&r->mask[i]);
    free(r->mask);
    free(r->box);
    free(r->query);
    free(r->feature);
    *r = (struct regions){0};
}

int regions_encode(struct regions *r, const struct image *pictures, int64_t n,
                   const struct region_options *o, struct region_encoder e, int64_t batch) {
    int span = span_begin("crops");
    struct region_batch b;
    int status = region_batch_open(&b, o, e, batch);
    for (int64_t i = 0; !status && i < n; i++) {
        free(r[i].feature);
        r[i].D = e.D;
        r[i].feature = mem_alloc((size_t)(r[i].n * e.D), sizeof *r[i].feature);
        for (int64_t k = 0; !status && k < r[i].n; k++) {
            const struct mask *m = &r[i].mask[k];
            const float *soft = r[i].soft ? r[i].soft + r[i].query[k] * m->h * m->w : NULL;
            status = region_batch_add(&b, &pictures[i], (struct region_mask){m, soft},
                                      r[i].feature + k * e.D);
        }
    }
    if (!status) status = region_batch_flush(&b);
    region_batch_free(&b);
    span_end(span);
    return status;
}
