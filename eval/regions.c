#include "eval/regions.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"

int regions_of(struct regions *r, const struct proposals *p, double threshold, int64_t min_area) {
    *r = (struct regions){.query = mem_alloc((size_t)p->Q, sizeof *r->query),
                          .mask = mem_alloc((size_t)p->Q, sizeof *r->mask),
                          .box = mem_alloc((size_t)p->Q, sizeof *r->box),
                          .above = mem_alloc((size_t)p->Q, sizeof *r->above)};
    for (int64_t q = 0; q < p->Q; q++) {
        struct mask *mask = &r->mask[r->n];
        if (mask_alloc(mask, p->h, p->w)) return error_status();
        r->above[q] = proposal_mask(p, q, threshold, mask);
        bool counts = r->above[q] >= min_area && mask_box(mask, &r->box[r->n]);
        if (counts)
            r->query[r->n++] = q;
        else
            mask_free(mask);
    }
    return 0;
}

void regions_free(struct regions *r) {
    for (int64_t i = 0; r->mask && i < r->n; i++) mask_free(&r->mask[i]);
    free(r->mask);
    free(r->area);
    free(r->box);
    free(r->above);
    free(r->query);
    free(r->feature);
    *r = (struct regions){0};
}

/* The pixels of one value. */
static void fill(struct mask *m, const struct labels *l, int64_t value) {
    for (int64_t i = 0; i < l->h * l->w; i++) m->at[i] = l->at[i] == value;
}

/* The regions of one picture into the batch; `made`: room for a mask of a label map. */
static int add(struct region_batch *b, const struct regions *r, const struct image *picture,
               struct mask *made) {
    int status = r->of ? mask_alloc(made, r->of->h, r->of->w) : 0;
    for (int64_t k = 0; !status && k < r->n; k++) {
        if (r->of) fill(made, r->of, r->query[k]);
        const struct mask *m = r->of ? made : &r->mask[k];
        const float *soft = r->soft ? r->soft + r->query[k] * m->h * m->w : NULL;
        status = region_batch_add(b, picture, (struct region_mask){m, soft}, r->feature + k * r->D);
    }
    return status;
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
        struct mask made = {0};
        status = add(&b, &r[i], &pictures[i], &made);
        mask_free(&made);
    }
    if (!status) status = region_batch_flush(&b);
    region_batch_free(&b);
    span_end(span);
    return status;
}
