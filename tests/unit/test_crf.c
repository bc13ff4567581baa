/* Dense CRF against mean field by plain loops in float64: every pixel looks at every pixel. */
#include "eval/crf.h"

#include "base/rng.h"
#include "tests/torch.h"

static double sum_of(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* Kernel value of two pixels; srgb 0: without colours. */
static double gaussian(const struct image *im, int64_t i, int64_t j, double sxy, double srgb) {
    int64_t x = i % im->w - j % im->w, y = i / im->w - j / im->w;
    double dx = (double)x / sxy, dy = (double)y / sxy;
    double sum = dx * dx + dy * dy;
    for (int k = 0; k < 3 && srgb > 0; k++) {
        double d = ((double)im->at[3 * i + k] - im->at[3 * j + k]) / srgb;
        sum += d * d;
    }
    return exp(-sum / 2);
}

/* compat K / sqrt(D D), added to all [n, n]. */
static void add_kernel(const struct image *im, double sxy, double srgb, double compat,
                       double *all) {
    int64_t n = im->h * im->w;
    double *k = mem_alloc((size_t)(n * n), sizeof *k), *D = mem_alloc((size_t)n, sizeof *D);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) k[i * n + j] = gaussian(im, i, j, sxy, srgb);
        D[i] = sum_of(k + i * n, n);
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) all[i * n + j] += compat * k[i * n + j] / sqrt(D[i] * D[j]);
    free(k);
    free(D);
}

/* q [K, n]: softmax over the names of x [K, n]. */
static void softmax(const double *x, double *q, int64_t K, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double top = x[i], sum = 0;
        for (int64_t k = 1; k < K; k++) top = fmax(top, x[k * n + i]);
        for (int64_t k = 0; k < K; k++) sum += q[k * n + i] = exp(x[k * n + i] - top);
        for (int64_t k = 0; k < K; k++) q[k * n + i] /= sum;
    }
}

/* Mean field; label [n]. Returns how many labels differ from those of the scores alone. */
static int64_t brute(const struct image *im, const float *scores, int64_t K,
                     const struct crf_options *o, uint16_t *label) {
    int64_t n = im->h * im->w, changed = 0;
    size_t volume = (size_t)(K * n);
    double *pairs = mem_alloc((size_t)(n * n), sizeof *pairs);
    double *u = mem_alloc(volume, sizeof *u), *q = mem_alloc(volume, sizeof *q),
           *x = mem_alloc(volume, sizeof *x);
    add_kernel(im, o->gaussian_sxy, 0, o->gaussian_compat, pairs);
    add_kernel(im, o->bilateral_sxy, o->bilateral_srgb, o->bilateral_compat, pairs);
    for (size_t i = 0; i < volume; i++) x[i] = (double)scores[i];
    softmax(x, q, K, n);
    for (size_t i = 0; i < volume; i++) u[i] = -log(fmin(fmax(q[i], 1e-5), 1));
    for (size_t i = 0; i < volume; i++) x[i] = -u[i];
    softmax(x, q, K, n);
    for (int64_t step = 0; step < o->iterations; step++) {
        for (int64_t k = 0; k < K; k++)
            for (int64_t i = 0; i < n; i++) {
                double message = 0;
                for (int64_t j = 0; j < n; j++) message += pairs[i * n + j] * q[k * n + j];
                x[k * n + i] = message - u[k * n + i];
            }
        softmax(x, q, K, n);
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t best = 0, before = 0;
        for (int64_t k = 1; k < K; k++) {
            if (q[k * n + i] > q[best * n + i]) best = k;
            if (scores[k * n + i] > scores[before * n + i]) before = k;
        }
        label[i] = (uint16_t)best;
        changed += best != before;
    }
    free(pairs);
    free(u);
    free(q);
    free(x);
    return changed;
}

enum picture_kind { NOISE, SMOOTH, PATCHES, FLAT, KINDS };

static struct image picture(enum picture_kind kind, int64_t h, int64_t w, struct rng *r) {
    struct image im;
    CHECK_OK(image_alloc(&im, h, w, 3));
    double phase[6];
    uint8_t colour[6][3];
    for (int k = 0; k < 6; k++) phase[k] = 6 * rng_uniform(r);
    for (int k = 0; k < 18; k++) colour[k / 3][k % 3] = (uint8_t)(256 * rng_uniform(r));
    for (int64_t i = 0; i < h * w; i++) {
        int64_t row = i / w, column = i % w;
        double y = (double)row, x = (double)column;
        int patch = (int)(3 * y / (double)h) * 2 + (int)(2 * x / (double)w);
        for (int k = 0; k < 3; k++) {
            double v = 100;
            if (kind == NOISE) v = 256 * rng_uniform(r);
            if (kind == SMOOTH)
                v = 127 + 60 * sin(x / 9 + phase[k]) + 60 * cos(y / 7 + phase[k + 3]);
            if (kind == PATCHES) v = fmin(255, colour[patch][k] * 0.95 + 12 * rng_uniform(r));
            im.at[3 * i + k] = (uint8_t)v;
        }
    }
    return im;
}

/* Scores [K, n] as an ensemble gives them: blobs, `sharp` times, and noise. */
static float *scores_of(int64_t K, int64_t h, int64_t w, double sharp, struct rng *r) {
    float *s = mem_alloc((size_t)(K * h * w), sizeof *s);
    for (int64_t k = 0; k < K; k++) {
        double cx = rng_uniform(r) * (double)w, cy = rng_uniform(r) * (double)h;
        for (int64_t i = 0; i < h * w; i++) {
            int64_t row = i / w, column = i % w;
            double dx = (double)column - cx, dy = (double)row - cy;
            double blob = exp(-(dx * dx + dy * dy) / (0.1 * (double)(h * w) + 1));
            s[k * h * w + i] = (float)(sharp * blob + sharp * rng_uniform(r));
        }
    }
    return s;
}

static struct labels ours(const struct image *im, const float *scores, int64_t K,
                          const struct crf_options *o, enum crf_way way) {
    struct crf c;
    struct labels l = {0};
    CHECK_OK(crf_open(&c, K, im->h, im->w));
    c.way = way;
    crf_put(&c, 0, 1, scores); /* in two parts */
    crf_put(&c, 1, K - 1, scores + im->h * im->w);
    CHECK_OK(crf_labels(&c, o, im, &l));
    crf_free(&c);
    return l;
}

struct agreement {
    double least;
    int64_t equal, all, changed;
};

static void compare(struct agreement *a, enum crf_way way, enum picture_kind kind, int64_t K,
                    int64_t h, int64_t w, double sharp, struct rng *r) {
    struct image im = picture(kind, h, w, r);
    float *scores = scores_of(K, h, w, sharp, r);
    uint16_t *want = mem_alloc((size_t)(h * w), sizeof *want);
    int64_t equal = 0;
    a->changed += brute(&im, scores, K, &crf_standard, want);
    struct labels l = ours(&im, scores, K, &crf_standard, way);
    for (int64_t i = 0; i < h * w; i++) equal += l.at[i] == want[i];
    a->equal += equal;
    a->all += h * w;
    a->least = fmin(a->least, (double)equal / (double)(h * w));
    labels_free(&l);
    free(want);
    free(scores);
    image_free(&im);
}

static double share(const struct agreement *a, const char *what) {
    double equal = (double)a->equal / (double)a->all;
    printf(
        "%s: %lld labels, %lld of them changed by the CRF: %.4f %% agree, of one picture at "
        "least %.2f %%\n",
        what, (long long)a->all, (long long)a->changed, 100 * equal, 100 * a->least);
    return equal;
}

TEST(small_pictures_get_the_labels_of_mean_field_over_all_pairs) {
    static const struct {
        int64_t K, h, w;
        double sharp;
    } cases[] = {{2, 1, 1, 1},    {3, 1, 9, 4},    {5, 7, 3, 1},     {2, 16, 16, 1},
                 {16, 16, 16, 1}, {17, 20, 31, 4}, {33, 24, 24, 1},  {3, 32, 32, 0.3},
                 {8, 32, 32, 10}, {21, 32, 32, 1}, {171, 12, 16, 1}, {3, 30, 9, 100}};
    struct agreement a = {.least = 1};
    struct rng r = rng_stream(7, "crf", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum picture_kind kind = 0; kind < KINDS; kind++)
            compare(&a, CRF_BY_SIZE, kind, cases[i].K, cases[i].h, cases[i].w, cases[i].sharp, &r);
    share(&a, "all pairs");
    CHECK(a.changed > a.all / 5); /* or there would be nothing to agree on */
    CHECK(a.least >= 0.998);
}

/* Half of each score is noise, so that many labels hang by a thread: what is measured is the
 * lattice, not the scores. */
TEST(the_lattice_gives_nearly_the_labels_of_all_pairs) {
    static const char *const names[KINDS] = {"noise", "smooth", "patches", "one colour"};
    static const double bar[KINDS] = {0.85, 0.94, 0.96, 0.95};
    for (enum picture_kind kind = 0; kind < KINDS; kind++) {
        struct agreement a = {.least = 1};
        struct rng r = rng_stream(8, "crf", (uint64_t)kind);
        compare(&a, CRF_LATTICE, kind, 5, 64, 48, 1, &r);
        compare(&a, CRF_LATTICE, kind, 3, 32, 32, 1, &r);
        compare(&a, CRF_LATTICE, kind, 33, 24, 24, 1, &r);
        compare(&a, CRF_LATTICE, kind, 12, 40, 50, 5, &r);
        CHECK(share(&a, names[kind]) >= bar[kind]);
        CHECK(a.changed > a.all / 5);
    }
}

static bool same(const struct labels *a, const struct labels *b) {
    return memcmp(a->at, b->at, (size_t)(a->h * a->w) * sizeof *a->at) == 0;
}

TEST(labels_do_not_depend_on_the_number_of_threads) {
    struct rng r = rng_stream(9, "crf", 0);
    for (enum crf_way way = CRF_PAIRS; way <= CRF_LATTICE; way++) {
        struct image im = picture(SMOOTH, 40, 50, &r);
        float *scores = scores_of(40, 40, 50, 1, &r);
        struct labels one = ours(&im, scores, 40, &crf_standard, way);
        t_set_threads(3);
        struct labels three = ours(&im, scores, 40, &crf_standard, way);
        t_set_threads(1);
        CHECK(same(&one, &three));
        labels_free(&one);
        labels_free(&three);
        free(scores);
        image_free(&im);
    }
}

TEST(large_pictures_take_the_lattice) {
    struct rng r = rng_stream(10, "crf", 0);
    struct image im = picture(SMOOTH, 1, CRF_PAIRS_MAX + 1, &r);
    float *scores = scores_of(4, im.h, im.w, 1, &r);
    struct labels any = ours(&im, scores, 4, &crf_standard, CRF_BY_SIZE);
    struct labels lattice = ours(&im, scores, 4, &crf_standard, CRF_LATTICE);
    CHECK(same(&any, &lattice));
    labels_free(&any);
    labels_free(&lattice);
    free(scores);
    image_free(&im);
}

TEST(of_equal_names_the_first_wins) {
    struct crf c;
    struct labels l;
    struct image im;
    float scores[4 * 20] = {0};
    for (int i = 0; i < 4; i++) scores[4 * 3 + i] = scores[4 * 18 + i] = 2; /* two groups of 16 */
    CHECK_OK(image_alloc(&im, 2, 2, 3));
    CHECK_OK(crf_open(&c, 20, 2, 2));
    crf_put(&c, 0, 20, scores);
    CHECK_OK(crf_labels(&c, &crf_standard, &im, &l));
    for (int i = 0; i < 4; i++) CHECK_INT(l.at[i], 3);
    crf_free(&c);
    labels_free(&l);
    image_free(&im);
}

TEST(too_large_a_volume_is_an_error_that_tells_its_size) {
    struct crf c;
    CHECK_ERROR(crf_open(&c, 65000, INT64_C(1) << 25, INT64_C(1) << 25), ERR_INTERNAL, "GB");
    crf_free(&c);
}
