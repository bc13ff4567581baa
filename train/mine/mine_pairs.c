#include "train/mine/mine_pairs.h"

#include <stdlib.h>

#include "train/mine/mine_match.h"

/* A picture that is matched: its masks that are large enough, and the nouns of its captions. */
struct matching {
    size_t M, N;
    size_t *region;     /* [M] */
    const float **crop; /* [M] */
    int64_t *noun;      /* [N] rows of the table, rising, each once */
    const float **text; /* [N] */
    struct noun_match *match;
    bool *seen; /* [N]: an earlier caption had it */
};

static int by_row(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void matching_open(struct matching *t, const struct mine_names *m,
                          const struct mine_chunk *c, int64_t i, int64_t from, int64_t to) {
    const struct region_list *l = &c->regions[i];
    size_t most = 0;
    for (int64_t k = from; k < to; k++) most += m->nouns->of[k].n;
    *t = (struct matching){.region = mem_alloc(l->n, sizeof *t->region),
                           .crop = mem_alloc(l->n, sizeof(float *)),
                           .noun = mem_alloc(most, sizeof *t->noun),
                           .text = mem_alloc(most, sizeof(float *)),
                           .match = mem_alloc(most, sizeof *t->match),
                           .seen = mem_alloc(most, sizeof *t->seen)};
    for (size_t k = 0; k < l->n; k++) {
        if (c->row[i][k] < 0) continue;
        t->crop[t->M] = c->feature + c->row[i][k] * m->D;
        t->region[t->M++] = k;
    }
    size_t n = 0;
    for (int64_t k = from; k < to; k++)
        for (size_t w = 0; w < m->nouns->of[k].n; w++) t->noun[n++] = m->nouns->of[k].at[w];
    if (n) qsort(t->noun, n, sizeof *t->noun, by_row);
    for (size_t k = 0; k < n; k++)
        if (!t->N || t->noun[k] != t->noun[t->N - 1]) t->noun[t->N++] = t->noun[k];
    for (size_t k = 0; k < t->N; k++) t->text[k] = m->feature + t->noun[k] * m->D;
}

static void matching_close(struct matching *t) {
    free(t->region);
    free(t->crop);
    free(t->noun);
    free(t->text);
    free(t->match);
    free(t->seen);
}

static void add_pair(const struct mine_names *m, struct pairs_shard *shard, int64_t image,
                     int64_t caption, const char *noun, const struct region_list *l, size_t region,
                     const struct noun_match *match) {
    const struct packed_region *r = &l->at[region];
    struct pair p = {.image = image,
                     .image_id = m->set->image_id[image],
                     .caption = caption,
                     .caption_id = m->set->caption_id[caption],
                     .proposal = r->id,
                     .similarity = match->similarity,
                     .margin = match->margin,
                     .h = l->h,
                     .w = l->w,
                     .area = r->area,
                     .box = r->box};
    pairs_shard_add(shard, &p, noun, l->bytes.at + r->at, r->n);
}

void mine_pairs_of_captions(struct pairs_shard *shard, const struct mine_names *m,
                            const struct mine_chunk *c, int64_t i) {
    const struct mine_options *o = m->mine;
    int64_t image = c->first + i, from = m->set->caption_at[image];
    int64_t to = m->set->caption_at[image + 1];
    if (to > from + o->captions) to = from + o->captions;
    struct matching t;
    matching_open(&t, m, c, i, from, to);
    nouns_match(t.text, t.N, t.crop, t.M, m->D, o->share, t.match);
    for (int64_t k = from; k < to; k++)
        for (size_t w = 0; w < m->nouns->of[k].n; w++) {
            int64_t row = m->nouns->of[k].at[w];
            const int64_t *at = bsearch(&row, t.noun, t.N, sizeof *t.noun, by_row);
            const struct noun_match *match = &t.match[at - t.noun];
            bool again = t.seen[at - t.noun] && o->duplicates == DUPLICATES_FIRST;
            t.seen[at - t.noun] = true;
            if (again || match->candidate < 0 || match->similarity < (float)o->similarity ||
                match->margin < (float)o->margin)
                continue;
            add_pair(m, shard, image, k, m->nouns->noun.at[row], &c->regions[i],
                     t.region[match->candidate], match);
        }
    matching_close(&t);
}

int mine_pairs_of_labels(struct pairs_shard *shard, const struct mine_names *m, int64_t i,
                         const int64_t *order, int64_t n) {
    struct region_list l = {0};
    int status = mine_label_regions(m->set, i, order, n, &l);
    for (size_t r = 0; !status && r < l.n; r++) {
        const struct packed_region *p = &l.at[r];
        struct pair pair = {.image = i,
                            .image_id = m->set->image_id[i],
                            .proposal = p->id,
                            .similarity = 1,
                            .h = l.h,
                            .w = l.w,
                            .area = p->area,
                            .box = p->box};
        if (p->area >= m->mine->min_area)
            pairs_shard_add(shard, &pair, m->set->class_name[p->id], l.bytes.at + p->at, p->n);
    }
    region_list_free(&l);
    return status;
}
