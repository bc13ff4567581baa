#include "train/mine/mine_match.h"

#include <stdlib.h>

#include "base/mem.h"

static float dot(const float *a, const float *b, int64_t n) {
    double s = 0; /* one order of summation, whatever the machine's vector width */
    for (int64_t i = 0; i < n; i++) s += (double)a[i] * b[i];
    return (float)s;
}

/* The best of the candidates that are not taken; its margin is over all other masks. */
static struct noun_match best_of(const float *score, const float *const *crop, const bool *taken,
                                 size_t M) {
    struct noun_match b = {.candidate = -1, .similarity = -2};
    for (size_t k = 0; k < M; k++)
        if (!taken[k] && score[k] > b.similarity) {
            b.candidate = (int64_t)k;
            b.similarity = score[k];
        }
    if (b.candidate < 0) return b;
    float second = -2;
    bool other = false;
    for (size_t k = 0; k < M; k++) {
        if (crop[k] == crop[b.candidate]) continue; /* a copy is no rival */
        other = true;
        if (score[k] > second) second = score[k];
    }
    if (other) b.margin = b.similarity - second;
    return b;
}

/* In turns: of the nouns that have none the one with the greatest cosine takes its mask. */
static void match_alone(const float *score, size_t N, const float *const *crop, size_t M,
                        struct noun_match *out) {
    bool *taken = mem_alloc(M, sizeof *taken), *served = mem_alloc(N, sizeof *served);
    for (size_t turn = 0; turn < N; turn++) {
        size_t best = N;
        for (size_t i = 0; i < N; i++) {
            if (served[i]) continue;
            out[i] = best_of(score + i * M, crop, taken, M);
            if (out[i].candidate >= 0 && (best == N || out[i].similarity > out[best].similarity))
                best = i;
        }
        if (best == N) break;
        served[best] = true;
        for (size_t k = 0; k < M; k++) taken[k] |= crop[k] == crop[out[best].candidate];
    }
    free(taken);
    free(served);
}

void nouns_match(const float *const *text, size_t N, const float *const *crop, size_t M, int64_t D,
                 bool share, struct noun_match *out) {
    float *score = mem_alloc(N, M * sizeof *score);
    bool *none = mem_alloc(M, sizeof *none);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < M; k++) {
            bool again = k && crop[k] == crop[k - 1];
            score[i * M + k] = again ? score[i * M + k - 1] : dot(text[i], crop[k], D);
        }
    for (size_t i = 0; i < N; i++) out[i] = best_of(score + i * M, crop, none, M);
    if (!share) match_alone(score, N, crop, M, out);
    free(none);
    free(score);
}
