#include "train/mine/mine_match.h"

#include "base/rng.h"
#include "tests/test.h"

enum { D = 2, MOST = 6 };

/* Cosines of a noun and a crop that lie `angle` apart, in the plane. */
struct plane {
    float at[MOST][D];
    const float *row[MOST];
};

static void turn(struct plane *p, const double *angle, size_t n) {
    for (size_t i = 0; i < n; i++) {
        p->at[i][0] = (float)cos(angle[i]);
        p->at[i][1] = (float)sin(angle[i]);
        p->row[i] = p->at[i];
    }
}

TEST(every_noun_gets_the_most_similar_mask_with_its_margin) {
    struct plane text, crop;
    struct noun_match m[3];
    turn(&text, (const double[]){0.1, 1.0, 1.2}, 3);
    turn(&crop, (const double[]){0.0, 1.1, 3.0}, 3);
    nouns_match(text.row, 3, crop.row, 3, D, true, m);
    CHECK_INT(m[0].candidate, 0);
    CHECK_NEAR(m[0].similarity, cos(0.1), 1e-6);
    CHECK_NEAR(m[0].margin, cos(0.1) - cos(1.0), 1e-6);
    CHECK_INT(m[1].candidate, 1);
    CHECK_INT(m[2].candidate, 1); /* it serves both */
    nouns_match(text.row, 1, crop.row, 1, D, true, m);
    CHECK_NEAR(m[0].margin, 0, 0); /* there is no other */
    nouns_match(text.row, 1, crop.row, 0, D, true, m);
    CHECK_INT(m[0].candidate, -1);
    nouns_match(text.row, 0, crop.row, 3, D, true, m);
}

TEST(the_first_of_equal_masks_wins_and_a_copy_is_not_its_runner_up) {
    struct plane text, crop;
    struct noun_match m[1];
    turn(&text, (const double[]){0.2}, 1);
    turn(&crop, (const double[]){2.0, 0.3}, 2);
    const float *rows[] = {crop.row[0], crop.row[1], crop.row[1]};
    nouns_match(text.row, 1, rows, 3, D, true, m);
    CHECK_INT(m[0].candidate, 1);
    CHECK_NEAR(m[0].margin, cos(0.1) - cos(1.8), 1e-6);
    const float *apart[] = {crop.row[1], crop.row[0], crop.row[1]}; /* not neighbours */
    nouns_match(text.row, 1, apart, 3, D, true, m);
    CHECK_INT(m[0].candidate, 0);
    CHECK_NEAR(m[0].margin, cos(0.1) - cos(1.8), 1e-6);
    nouns_match(text.row, 1, rows + 1, 2, D, true, m);
    CHECK_INT(m[0].candidate, 0);
    CHECK_NEAR(m[0].margin, 0, 0); /* one mask, proposed twice: there is no other */
}

TEST(two_masks_that_are_equally_similar_have_no_margin) {
    struct plane text, crop;
    struct noun_match m[1];
    turn(&text, (const double[]){0.2}, 1);
    turn(&crop, (const double[]){0.3, 0.3}, 2);
    nouns_match(text.row, 1, crop.row, 2, D, true, m);
    CHECK_INT(m[0].candidate, 0);
    CHECK_NEAR(m[0].margin, 0, 0);
}

TEST(alone_the_greatest_cosine_takes_its_mask_first) {
    struct plane text, crop;
    struct noun_match m[3];
    turn(&text, (const double[]){1.0, 1.2, 1.15}, 3);
    turn(&crop, (const double[]){0.0, 1.1}, 2);
    const float *rows[] = {crop.row[0], crop.row[1], crop.row[1]}; /* one mask, proposed twice */
    nouns_match(text.row, 3, rows, 3, D, false, m);
    CHECK_INT(m[2].candidate, 1); /* 0.05 away */
    CHECK_INT(m[0].candidate, 0); /* 1.0 away, the other 1.2 */
    CHECK(m[0].margin < 0);       /* its best went to another noun */
    CHECK_NEAR(m[0].margin, cos(1.0) - cos(0.1), 1e-6);
    CHECK_INT(m[1].candidate, -1); /* nothing is left: the second proposal is the same mask */
}
