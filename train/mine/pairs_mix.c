#include "train/mine/pairs_mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/mine/pairs_input.h"

static int open_one(struct pairs_mix *m, const struct node *n, const char *input, int which) {
    char *dir = pairs_input_folder(n, input);
    int status = pairs_open(&m->of[which], dir);
    free(dir);
    m->n += m->of[which].n;
    return status;
}

static void join_nouns(struct pairs_mix *m) {
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < m->of[k].noun.n; i++) strings_add(&m->noun, m->of[k].noun.at[i]);
    strings_settle(&m->noun);
    for (int k = 0; k < 2; k++) {
        m->noun_at[k] = mem_alloc(m->of[k].noun.n, sizeof *m->noun_at[k]);
        for (size_t i = 0; i < m->of[k].noun.n; i++)
            m->noun_at[k][i] = strings_find(&m->noun, m->of[k].noun.at[i]);
    }
}

int pairs_mix_open(struct pairs_mix *m, const struct node *n) {
    *m = (struct pairs_mix){0};
    int status = open_one(m, n, "pairs", 0);
    if (!status && node_input(n, "more_pairs")) status = open_one(m, n, "more_pairs", 1);
    if (!status) join_nouns(m);
    return status;
}

void pairs_mix_close(struct pairs_mix *m) {
    for (int k = 0; k < 2; k++) {
        pairs_close(&m->of[k]);
        free(m->noun_at[k]);
    }
    strings_free(&m->noun);
    sampler_close(&m->sampler);
    sampler_close(&m->more_sampler);
    free(m->batch);
    *m = (struct pairs_mix){0};
}

const struct pairs *pairs_mix_find(const struct pairs_mix *m, int64_t i, int64_t *place) {
    bool more = i >= m->of[0].n;
    *place = more ? i - m->of[0].n : i;
    return &m->of[more];
}

int64_t pairs_mix_noun(const struct pairs_mix *m, int64_t i) {
    int64_t place;
    const struct pairs *p = pairs_mix_find(m, i, &place);
    return m->noun_at[p == &m->of[1]][p->at[place].noun];
}

static int too_few(const char *input, int64_t wanted, int64_t n) {
    return error_set(ERR_CONFIG, "batch.global: %lld of a batch, but %s has only %lld pairs",
                     (long long)wanted, input, (long long)n);
}

int pairs_mix_sample(struct pairs_mix *m, const struct node *n, int64_t B) {
    uint64_t seed = (uint64_t)n->config.run.seed;
    double share = n->config.pairs.mix;
    m->B = B;
    if (!node_input(n, "more_pairs") || share < 0) {
        sampler_open(&m->sampler, seed, "order", m->n, B);
        return 0;
    }
    m->n_more = llround(share * (double)B);
    int64_t first = B - m->n_more;
    if (m->of[0].n < B) return too_few("inputs.pairs", B, m->of[0].n); /* an epoch is of them */
    if (m->of[1].n < m->n_more) return too_few("inputs.more_pairs", m->n_more, m->of[1].n);
    if (first) sampler_open(&m->sampler, seed, "order", m->of[0].n, first);
    if (m->n_more) sampler_open(&m->more_sampler, seed, "order more", m->of[1].n, m->n_more);
    m->batch = mem_alloc((size_t)B, sizeof *m->batch);
    return 0;
}

const int64_t *pairs_mix_batch(struct pairs_mix *m, int64_t step) {
    if (!m->batch) return sampler_batch(&m->sampler, step);
    int64_t first = m->B - m->n_more;
    if (first) memcpy(m->batch, sampler_batch(&m->sampler, step), (size_t)first * sizeof(int64_t));
    const int64_t *more = m->n_more ? sampler_batch(&m->more_sampler, step) : NULL;
    for (int64_t k = 0; k < m->n_more; k++) m->batch[first + k] = m->of[0].n + more[k];
    return m->batch;
}

int64_t pairs_mix_epoch(const struct pairs_mix *m) { return (m->batch ? m->of[0].n : m->n) / m->B; }
