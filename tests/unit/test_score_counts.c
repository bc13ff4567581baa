#include "eval/score_counts.h"

#include "tests/torch.h"

/* Pixels of one line: what they are called, at which score, and what they are (9: nothing). */
static struct score_counts counted(const uint16_t *found, const float *score, const uint16_t *truth,
                                   int64_t n, int64_t K) {
    struct score_counts c;
    struct labels l = {.h = 1, .w = n, .at = (uint16_t *)found};
    struct scores s = {.h = 1, .w = n, .at = (float *)score};
    score_counts_open(&c, K);
    score_counts_add(&c, &l, &s, truth, 9);
    return c;
}

TEST(a_wrong_name_of_a_low_score_is_worth_less_than_none) {
    static const uint16_t found[] = {0, 0, 0, 1, 1, 0}, truth[] = {0, 0, 1, 1, 1, 9};
    static const float score[] = {0.9F, 0.8F, 0.2F, 0.7F, 0.6F, 0.1F};
    struct score_counts c = counted(found, score, truth, 6, 2);
    double *miou = mem_alloc(SCORE_BINS, sizeof *miou);
    score_counts_curve(&c, false, miou);
    CHECK_NEAR(miou[0], 100 * (2.0 / 3 + 2.0 / 3) / 2, 1e-9); /* one of 0 is wrong, one 1 missed */
    CHECK_NEAR(miou[300], 100 * (1 + 2.0 / 3) / 2, 1e-9);     /* the wrong one is unlabelled */
    CHECK_NEAR(miou[850], 100 * (0.5 + 0) / 2, 1e-9);
    CHECK_INT(score_counts_best(miou), 201); /* the first that leaves 0.2 out */
    score_counts_curve(&c, true, miou);
    CHECK_NEAR(miou[0], 100 * (0.5 + 2.0 / 3 + 0) / 3, 1e-9); /* what is nothing is called 0 */
    CHECK_NEAR(miou[150], 100 * (2.0 / 3 + 2.0 / 3 + 1) / 3, 1e-9); /* now it is not */
    CHECK_NEAR(miou[300], 100 * (1 + 2.0 / 3 + 1.0 / 2) / 3, 1e-9); /* nor is the wrong one */
    free(miou);
    score_counts_free(&c);
}

TEST(a_threshold_keeps_the_very_pixels_that_its_bin_counts) {
    enum { N = 4000, K = 3 };
    uint16_t *found = mem_alloc(N, sizeof *found), *truth = mem_alloc(N, sizeof *truth);
    float *score = mem_alloc(N, sizeof *score);
    for (int i = 0; i < N; i++) {
        found[i] = (uint16_t)(i % K);
        truth[i] = (uint16_t)(i / 3 % K);
        score[i] = (float)(i % 2100) / 1000.0F; /* at and about the edges of the bins */
    }
    struct score_counts c = counted(found, score, truth, N, K);
    static const int bins[] = {1, 3, 57, 137, 999, 1000, 1001, 2000};
    for (size_t b = 0; b < sizeof bins / sizeof *bins; b++) {
        int64_t kept = 0, want = 0;
        for (int i = 0; i < N; i++) want += !((double)score[i] < bins[b] / 1000.0);
        for (int64_t k = 0; k < K; k++)
            for (int64_t i = bins[b]; i < SCORE_BINS; i++)
                kept += c.right[k * SCORE_BINS + i] + c.wrong[k * SCORE_BINS + i];
        CHECK_INT(kept, want);
    }
    free(found);
    free(truth);
    free(score);
    score_counts_free(&c);
}

TEST(without_any_truth_there_is_no_figure_and_no_threshold) {
    static const uint16_t found[] = {0, 2}, truth[] = {9, 9};
    static const float score[] = {0.5F, 0.5F};
    struct score_counts c = counted(found, score, truth, 2, 2); /* 2: unlabelled already */
    double *miou = mem_alloc(SCORE_BINS, sizeof *miou);
    score_counts_curve(&c, false, miou);
    CHECK(isnan(miou[0]));
    CHECK_INT(score_counts_best(miou), 0);
    free(miou);
    score_counts_free(&c);
}
