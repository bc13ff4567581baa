#include "data/pairs_diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/rle.h"

/* A pair by what it is of. */
struct keyed {
    int64_t image, caption, proposal, row;
    const char *noun;
};

static int by_key(const struct keyed *x, const struct keyed *y) {
    if (x->image != y->image) return x->image < y->image ? -1 : 1;
    if (x->caption != y->caption) return x->caption < y->caption ? -1 : 1;
    return strcmp(x->noun, y->noun);
}

/* Of one noun and caption, which renames can double, equal proposals meet where they can. */
static int by_key_then_proposal(const void *a, const void *b) {
    const struct keyed *x = a, *y = b;
    int order = by_key(x, y);
    if (order) return order;
    if (x->proposal != y->proposal) return x->proposal < y->proposal ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static struct keyed *keys_of(const struct pairs *p) {
    struct keyed *k = mem_try((size_t)p->n + 1, sizeof *k);
    for (int64_t i = 0; k && i < p->n; i++)
        k[i] = (struct keyed){p->at[i].image_id, p->at[i].caption_id, p->at[i].proposal, i,
                              p->noun.at[p->at[i].noun]};
    if (k && p->n) qsort(k, (size_t)p->n, sizeof *k, by_key_then_proposal);
    return k;
}

static void add(struct pairs_diff *d, struct pair_difference x) {
    d->count[x.change]++;
    if (x.change == PAIR_SAME) return;
    d->at = mem_grow(d->at, &d->cap, d->n + 1, sizeof *d->at);
    d->at[d->n++] = x;
}

static double mask_iou(const struct mask *a, const struct mask *b) {
    int64_t both = 0, any = 0;
    if (a->h != b->h || a->w != b->w) return 0;
    for (int64_t i = 0; i < a->h * a->w; i++) {
        both += a->at[i] && b->at[i];
        any += a->at[i] || b->at[i];
    }
    return any ? (double)both / (double)any : 1;
}

/* Packed masks are equal exactly when the masks are. */
static int compare_masks(const struct pairs *a, const struct pairs *b, struct pair_difference *x) {
    const struct pair *pa = &a->at[x->a], *pb = &b->at[x->b];
    struct bytes ra = {0}, rb = {0};
    struct mask ma = {0}, mb = {0};
    int status = pairs_mask(a, x->a, &ra);
    if (!status) status = pairs_mask(b, x->b, &rb);
    bool same = !status && pa->h == pb->h && pa->w == pb->w && ra.n == rb.n &&
                memcmp(ra.at, rb.at, ra.n) == 0;
    if (!status && !same) {
        x->change = PAIR_MASK;
        status = rle_unpack(ra.at, ra.n, pa->h, pa->w, &ma);
        if (!status) status = rle_unpack(rb.at, rb.n, pb->h, pb->w, &mb);
        if (!status) x->iou = mask_iou(&ma, &mb);
    }
    bytes_free(&ra);
    bytes_free(&rb);
    mask_free(&ma);
    mask_free(&mb);
    return status;
}

static int compare(struct pairs_diff *d, const struct pairs *a, const struct pairs *b, int64_t ia,
                   int64_t ib, double tolerance) {
    struct pair_difference x = {.change = PAIR_SAME, .a = ia, .b = ib, .iou = 1};
    double by = fabs((double)a->at[ia].similarity - (double)b->at[ib].similarity);
    if (by > d->score_max) d->score_max = by;
    int status = compare_masks(a, b, &x);
    if (x.change == PAIR_SAME && by > tolerance) x.change = PAIR_SCORE;
    if (!status) add(d, x);
    return status;
}

int pairs_diff_of(struct pairs_diff *d, const struct pairs *a, const struct pairs *b,
                  double tolerance) {
    *d = (struct pairs_diff){0};
    struct keyed *ka = keys_of(a), *kb = keys_of(b);
    int status = error_status();
    for (int64_t i = 0, k = 0; ka && kb && !status && (i < a->n || k < b->n);) {
        int order = i == a->n ? 1 : k == b->n ? -1 : by_key(&ka[i], &kb[k]);
        if (order < 0)
            add(d, (struct pair_difference){.change = PAIR_ONLY_A, .a = ka[i++].row, .b = -1});
        else if (order > 0)
            add(d, (struct pair_difference){.change = PAIR_ONLY_B, .a = -1, .b = kb[k++].row});
        else
            status = compare(d, a, b, ka[i++].row, kb[k++].row, tolerance);
    }
    free(ka);
    free(kb);
    if (status) pairs_diff_free(d);
    return status;
}

void pairs_diff_free(struct pairs_diff *d) {
    free(d->at);
    *d = (struct pairs_diff){0};
}

static int by_change(const void *a, const void *b) {
    const struct noun_change *x = a, *y = b;
    int64_t dx = llabs(x->a - x->b), dy = llabs(y->a - y->b);
    if (dx != dy) return dx < dy ? 1 : -1;
    return strcmp(x->noun, y->noun);
}

static int64_t *count_nouns(const struct pairs *p) {
    int64_t *n = mem_alloc(p->noun.n + 1, sizeof *n);
    for (int64_t i = 0; i < p->n; i++) n[p->at[i].noun]++;
    return n;
}

struct noun_change *pairs_noun_changes(const struct pairs *a, const struct pairs *b, int64_t *n) {
    struct noun_change *c = mem_alloc(a->noun.n + b->noun.n + 1, sizeof *c);
    int64_t *na = count_nouns(a), *nb = count_nouns(b);
    *n = 0;
    for (size_t i = 0, k = 0; i < a->noun.n || k < b->noun.n;) { /* both are sorted */
        int order = i == a->noun.n ? 1 : k == b->noun.n ? -1 : strcmp(a->noun.at[i], b->noun.at[k]);
        struct noun_change x = {.noun = order <= 0 ? a->noun.at[i] : b->noun.at[k]};
        if (order <= 0) x.a = na[i++];
        if (order >= 0) x.b = nb[k++];
        if (x.a != x.b) c[(*n)++] = x;
    }
    if (*n) qsort(c, (size_t)*n, sizeof *c, by_change);
    free(na);
    free(nb);
    return c;
}
