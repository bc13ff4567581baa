#include "eval/mask_accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static int reserve(struct mask_crops *c) {
    if (c->n < c->cap) return 0;
    int64_t cap = c->cap ? 2 * c->cap : 64;
    size_t pixels = (size_t)(c->S * c->S);
    float *region = realloc(c->region, (size_t)cap * 3 * pixels * sizeof *region);
    if (region) c->region = region;
    uint8_t *mask = realloc(c->mask, (size_t)cap * pixels);
    if (mask) c->mask = mask;
    int64_t *label = realloc(c->label, (size_t)cap * sizeof *label);
    if (label) c->label = label;
    if (!region || !mask || !label)
        return error_set(ERR_INTERNAL, "out of memory for the crops of %lld masks", (long long)cap);
    c->cap = cap;
    return 0;
}

static int add_crop(struct mask_crops *c, const struct image *im, const struct labels *l,
                    int64_t label, struct mask *m, const struct region_options *o,
                    int64_t min_area) {
    int64_t area = 0;
    for (int64_t i = 0; i < l->h * l->w; i++) area += m->at[i] = l->at[i] == label;
    struct box box;
    if (area < min_area || !region_box(m, o->expand, &box)) return 0;
    int status = reserve(c);
    if (status) return status;
    size_t pixels = (size_t)(c->S * c->S);
    status = region_crop(im, (struct region_mask){.hard = m}, box, o,
                         c->region + (size_t)c->n * 3 * pixels, c->mask + (size_t)c->n * pixels);
    if (!status) c->label[c->n++] = label;
    return status;
}

int mask_crops_add(struct mask_crops *c, const struct dataset *d, int64_t i,
                   const struct region_options *o, int64_t min_area) {
    struct image im = {0};
    struct labels l = {0};
    struct mask m = {0};
    int status = d->source->image(d, i, &im);
    if (!status) status = d->source->labels(d, i, &l);
    if (!status) status = mask_alloc(&m, l.h, l.w);
    for (int64_t k = 0; !status && k < d->n_classes; k++)
        status = add_crop(c, &im, &l, k, &m, o, min_area);
    image_free(&im);
    labels_free(&l);
    mask_free(&m);
    return status;
}

int mask_crops_of(struct mask_crops *c, const struct dataset *d, const struct region_options *o,
                  int64_t images, int64_t min_area) {
    *c = (struct mask_crops){.S = o->side};
    int64_t n = images && images < d->n_images ? images : d->n_images;
    int status = 0;
    for (int64_t i = 0; !status && i < n; i++) status = mask_crops_add(c, d, i, o, min_area);
    return status;
}

void mask_crops_free(struct mask_crops *c) {
    free(c->region);
    free(c->mask);
    free(c->label);
    *c = (struct mask_crops){0};
}

void mask_accuracy_free(struct mask_accuracy *a) {
    free(a->right);
    free(a->total);
    *a = (struct mask_accuracy){0};
}

int mask_accuracy_of(struct mask_accuracy *a, const struct mask_crops *c, struct region_encoder e,
                     tensor *text, int64_t batch) {
    int64_t K = t_size(text, 0), S = c->S;
    *a = (struct mask_accuracy){K, mem_alloc((size_t)K, sizeof(int64_t)),
                                mem_alloc((size_t)K, sizeof(int64_t))};
    int64_t *named = mem_alloc((size_t)batch, sizeof *named);
    for (int64_t first = 0; first < c->n; first += batch) {
        int64_t B = c->n - first < batch ? c->n - first : batch;
        int scope = t_scope_open("mask_accuracy", T_NO_GRAD | T_EVAL);
        tensor *region = t_from_data(c->region + first * 3 * S * S, SHAPE(B, 3, S, S), T_F32);
        tensor *mask = t_from_data(c->mask + first * S * S, SHAPE(B, S, S), T_U8);
        tensor *x = e.encode(e.model, region, mask);                      /* [B, D] */
        tensor *best = t_argmax(t_matmul(x, t_transpose(text, 0, 1)), 1); /* [B] */
        t_copy_out(best, named, (size_t)B * sizeof *named);
        t_scope_close(scope, NULL);
        if (error_status()) break;
        for (int64_t i = 0; i < B; i++) {
            a->total[c->label[first + i]]++;
            a->right[c->label[first + i]] += named[i] == c->label[first + i];
        }
    }
    free(named);
    return error_status();
}

double mask_accuracy_mean(const struct mask_accuracy *a, const bool *subset) {
    double sum = 0;
    int64_t n = 0;
    for (int64_t k = 0; k < a->K; k++) {
        if ((subset && !subset[k]) || !a->total[k]) continue;
        sum += (double)a->right[k] / (double)a->total[k];
        n++;
    }
    return n ? 100 * sum / (double)n : NAN;
}
