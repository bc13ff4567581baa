/* tests/golden/bootstrap.json: intervals by numpy (make_bootstrap.py); and cases whose answer is
 * known. */
#include "eval/bootstrap.h"

#include "base/rng.h"
#include "eval/confusion.h"
#include "tests/golden_file.h"
#include "tests/json_of.h"
#include "tests/torch.h"

static const double tolerance = 1e-10; /* percent points: both sum doubles, in another order */

/* Lines of a result, owned. */
struct lines {
    struct counted c;
    uint32_t *number[4]; /* image, intersection, union, truth */
    uint16_t *class;
};

static void lines_open(struct lines *l, size_t n) {
    for (int i = 0; i < 4; i++) l->number[i] = mem_alloc(n, sizeof *l->number[i]);
    l->class = mem_alloc(n, sizeof *l->class);
    l->c = (struct counted){0, l->number[0], l->class, l->number[1], l->number[2], l->number[3]};
}

static void lines_add(struct lines *l, const double x[5]) {
    size_t at = l->c.n++;
    l->number[0][at] = (uint32_t)x[0];
    l->class[at] = (uint16_t)x[1];
    for (int i = 1; i < 4; i++) l->number[i][at] = (uint32_t)x[i + 1];
}

static void lines_free(struct lines *l) {
    for (int i = 0; i < 4; i++) free(l->number[i]);
    free(l->class);
}

static void lines_of(struct lines *l, const cJSON *list) {
    const cJSON *line;
    lines_open(l, (size_t)cJSON_GetArraySize(list));
    cJSON_ArrayForEach(line, list) {
        double x[5];
        for (int i = 0; i < 5; i++) x[i] = cJSON_GetArrayItem(line, i)->valuedouble;
        lines_add(l, x);
    }
}

static void check_number(double x, const cJSON *expected) {
    if (cJSON_IsNull(expected))
        CHECK(isnan(x));
    else
        CHECK_NEAR(x, expected->valuedouble, tolerance);
}

static void check_interval(const struct interval *x, const cJSON *expected) {
    const double numbers[] = {x->a, x->b, x->low, x->high, x->better};
    for (int i = 0; i < 5; i++) check_number(numbers[i], cJSON_GetArrayItem(expected, i));
    CHECK_INT(x->draws, cJSON_GetArrayItem(expected, 5)->valueint);
}

TEST(intervals_of_figures_and_classes_are_those_of_numpy_on_the_same_draws) {
    cJSON *golden = golden_json("bootstrap");
    bool seen[6];
    for (int k = 0; k < 6; k++)
        seen[k] = cJSON_IsTrue(cJSON_GetArrayItem(json_item(golden, "seen"), k));
    struct bootstrap_options o = {.N = json_item(golden, "N")->valueint,
                                  .K = json_item(golden, "K")->valueint,
                                  .seen = seen,
                                  .resamples = json_item(golden, "resamples")->valueint,
                                  .seed = (uint64_t)json_item(golden, "seed")->valueint};
    struct lines a, b;
    struct interval figure[BOOTSTRAP_FIGURES], class[6];
    CHECK_INT(o.K, 6);
    lines_of(&a, json_item(golden, "a"));
    lines_of(&b, json_item(golden, "b"));
    CHECK_OK(bootstrap_pair(&a.c, &b.c, &o, figure, class));
    for (int f = 0; f < BOOTSTRAP_FIGURES; f++)
        check_interval(&figure[f], cJSON_GetArrayItem(json_item(golden, "figures"), f));
    for (int k = 0; k < 6; k++)
        check_interval(&class[k], cJSON_GetArrayItem(json_item(golden, "classes"), k));
    lines_free(&a);
    lines_free(&b);
    cJSON_Delete(golden);
}

enum { PICTURES = 400, PIXELS = 100 };

/* One class that fills every picture; B has `gain[i]` right pixels more than A's 50. */
static void made(struct lines *a, struct lines *b, const int gain[PICTURES]) {
    lines_open(a, PICTURES);
    lines_open(b, PICTURES);
    for (int i = 0; i < PICTURES; i++) {
        lines_add(a, (const double[]){i, 0, 50, PIXELS, PIXELS});
        lines_add(b, (const double[]){i, 0, 50 + gain[i], PIXELS, PIXELS});
    }
}

static void pair_of(const int gain[PICTURES], struct interval *figure, struct interval *class) {
    static const bool seen[] = {true};
    struct bootstrap_options o = {PICTURES, 1, seen, 10000, 1};
    struct lines a, b;
    made(&a, &b, gain);
    CHECK_OK(bootstrap_pair(&a.c, &b.c, &o, figure, class));
    lines_free(&a);
    lines_free(&b);
}

TEST(a_gain_that_every_picture_has_has_no_width) {
    int gain[PICTURES];
    struct interval figure[BOOTSTRAP_FIGURES], class;
    for (int i = 0; i < PICTURES; i++) gain[i] = 7;
    pair_of(gain, figure, &class);
    CHECK_NEAR(interval_gain(&figure[FIGURE_MIOU]), 7, 1e-12);
    CHECK_NEAR(figure[FIGURE_MIOU].low, 7, 1e-12);
    CHECK_NEAR(figure[FIGURE_MIOU].high, 7, 1e-12);
    CHECK_NEAR(class.low, 7, 1e-12);
    CHECK_NEAR(figure[FIGURE_PACC].better, 1, 0);
    CHECK(isnan(figure[FIGURE_MIOU_UNSEEN].low)); /* there is no such class */
    CHECK_INT(figure[FIGURE_MIOU_UNSEEN].draws, 0);
    CHECK(interval_says(&class));
}

/* The mean of N independent gains of deviation s has deviation s / sqrt(N). */
TEST(an_interval_is_as_wide_as_the_normal_distribution_of_a_mean) {
    int gain[PICTURES];
    struct interval figure[BOOTSTRAP_FIGURES], class;
    for (int i = 0; i < PICTURES; i++) gain[i] = i % 2 ? 11 : -9; /* mean 1, deviation 10 */
    pair_of(gain, figure, &class);
    double half = 1.959964 * 10 / sqrt(PICTURES); /* 0.98 */
    CHECK_NEAR(interval_gain(&class), 1, 1e-12);
    CHECK_NEAR(class.low, 1 - half, 0.06); /* the 2.5th of 100 of 10,000 draws: 0.013 each side */
    CHECK_NEAR(class.high, 1 + half, 0.06);
    CHECK_NEAR(class.better, 0.977, 0.01); /* beyond 2 deviations: 0.9772 */
}

TEST(equal_results_differ_by_nothing_and_neither_is_better) {
    int gain[PICTURES] = {0};
    struct interval figure[BOOTSTRAP_FIGURES], class;
    pair_of(gain, figure, &class);
    for (int f = 0; f < BOOTSTRAP_FIGURES; f++) {
        if (f == FIGURE_MIOU_UNSEEN) continue;
        CHECK(figure[f].low == 0 && figure[f].high == 0 && figure[f].better == 0.5);
    }
    CHECK(!interval_says(&class));
}

TEST(intervals_do_not_depend_on_the_number_of_threads) {
    int gain[PICTURES], threads = t_threads();
    struct interval figure[2][BOOTSTRAP_FIGURES], class[2];
    for (int i = 0; i < PICTURES; i++) gain[i] = i * 37 % 41 - 19;
    for (int k = 0; k < 2; k++) {
        t_set_threads(k ? 3 : 1);
        pair_of(gain, figure[k], &class[k]);
    }
    t_set_threads(threads);
    CHECK(class[0].low == class[1].low && class[0].high == class[1].high);
    for (int f = 0; f < BOOTSTRAP_FIGURES; f++) {
        if (f == FIGURE_MIOU_UNSEEN) continue;
        CHECK(figure[0][f].low == figure[1][f].low && figure[0][f].better == figure[1][f].better);
    }
}

/* Lines of random pictures: not a whole number of those that are counted together. */
enum { FEW = 37, CLASSES = 5, DRAWS = 203 };

static void random_lines(struct lines *l, uint64_t seed) {
    struct rng rng = rng_stream(seed, "lines", 0);
    lines_open(l, FEW * CLASSES);
    for (int i = 0; i < FEW; i++)
        for (int k = 0; k < CLASSES; k++) {
            double truth = (double)rng_below(&rng, 1000), right = floor(truth * 0.7);
            if (rng_chance(&rng, 0.4)) continue;
            lines_add(
                l, (const double[]){i, k, right, truth + (double)rng_below(&rng, 300) + 1, truth});
        }
}

/* One draw by itself, in the plainest way. */
static void plain_draw(const struct counted *c, int64_t r, struct tally tally[CLASSES]) {
    struct rng rng = rng_stream(1, "bootstrap", (uint64_t)r);
    int64_t times[FEW] = {0}, sum[CLASSES][3] = {{0}};
    for (int i = 0; i < FEW; i++) times[rng_below(&rng, FEW)]++;
    for (size_t i = 0; i < c->n; i++) {
        const uint32_t x[] = {c->intersection[i], c->unions[i], c->truth[i]};
        for (int v = 0; v < 3; v++) sum[c->class[i]][v] += times[c->image[i]] * (int64_t)x[v];
    }
    for (int k = 0; k < CLASSES; k++)
        tally[k] = (struct tally){(double)sum[k][0], (double)sum[k][2],
                                  (double)(sum[k][1] - sum[k][2]), sum[k][1] > 0};
}

TEST(draws_that_are_counted_together_are_those_counted_one_by_one_to_the_bit) {
    static const bool seen[CLASSES] = {true, false, true, true, false};
    struct bootstrap_options o = {FEW, CLASSES, seen, DRAWS, 1};
    struct lines a, b;
    struct bootstrap_drawn x, y;
    struct interval pair[BOOTSTRAP_FIGURES], apart[BOOTSTRAP_FIGURES], class[CLASSES];
    random_lines(&a, 1);
    random_lines(&b, 2);
    CHECK_OK(bootstrap_draw(&x, &a.c, &o));
    CHECK_OK(bootstrap_draw(&y, &b.c, &o));
    for (int64_t r = 0; r < DRAWS; r++) {
        struct tally tally[CLASSES];
        plain_draw(&a.c, r, tally);
        struct segmentation_metrics all = tally_metrics(tally, CLASSES, NULL);
        CHECK(x.figure[FIGURE_MIOU * DRAWS + r] == all.miou);
        CHECK(x.figure[FIGURE_FWIOU * DRAWS + r] == all.fwiou);
        CHECK(x.figure[FIGURE_MIOU_SEEN * DRAWS + r] == tally_metrics(tally, CLASSES, seen).miou);
    }
    CHECK_OK(bootstrap_pair(&a.c, &b.c, &o, pair, class));
    CHECK_OK(bootstrap_gains(&x, &y, apart));
    CHECK(memcmp(pair, apart, sizeof pair) == 0);
    bootstrap_drawn_free(&x);
    bootstrap_drawn_free(&y);
    lines_free(&a);
    lines_free(&b);
}

/* Numbers of pictures and classes are those of a file. */
TEST(more_pictures_than_memory_holds_are_an_error_that_tells_how_many) {
    bool seen[2] = {false, true};
    struct counted none = {0};
    struct bootstrap_options o = {.N = INT64_MAX / 2, .K = 2, .seen = seen, .resamples = 10};
    struct bootstrap_drawn d;
    struct interval figure[BOOTSTRAP_FIGURES], class[2];
    CHECK_ERROR(bootstrap_draw(&d, &none, &o), ERR_INTERNAL,
                "comparing results of 4611686018427387903 pictures and 2 classes: out of memory");
    CHECK(!d.figure);
    CHECK_ERROR(bootstrap_pair(&none, &none, &o, figure, class), ERR_INTERNAL, "out of memory");
}
