/* 847 names: labels, oracles and grids of a picture without a volume of scores [K, H, W].
 *
 * ctest: timeout=300 */
#include <sys/resource.h>

#include "base/rng.h"
#include "eval/oracle.h"
#include "eval/views_sum.h"
#include "tests/torch.h"

#if defined(__SANITIZE_ADDRESS__) /* it keeps freed memory: nothing is counted, and less does */
static const bool counts = false;
enum { PART = 2 };
#else
static const bool counts = true;
enum { PART = 1 };
#endif

enum { K = 847, Q = 40, H = 160 / PART, W = 240 / PART, D = 16 };

static int64_t peak(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (int64_t)u.ru_maxrss << 10;
}

static void fill(float *at, int64_t n, const char *name, int64_t top) {
    struct rng r = rng_stream(1, name, 0);
    for (int64_t i = 0; i < n; i++) at[i] = (float)(rng_uniform(&r) / (double)top);
}

static void make(struct proposals *p, struct regions *r, struct labels *truth) {
    *p = (struct proposals){.Q = Q, .K = K, .h = H, .w = W};
    p->prob = mem_alloc(Q * K, sizeof *p->prob);
    p->mask = mem_alloc((size_t)Q * H * W, sizeof *p->mask);
    fill(p->prob, Q * K, "prob", K);
    fill(p->mask, (int64_t)Q * H * W, "mask", 1);
    CHECK_OK(regions_of(r, p, 0.5, 1));
    r->D = D;
    r->feature = mem_alloc((size_t)(r->n * D), sizeof *r->feature);
    fill(r->feature, r->n * D, "feature", 1);
    CHECK_OK(labels_alloc(truth, H, W));
    for (int64_t i = 0; i < H * W; i++) truth->at[i] = (uint16_t)(i / 97 % (K + 1));
}

TEST(no_volume_of_scores_is_made_for_847_names) {
    struct proposals p;
    struct regions r;
    struct labels truth;
    struct confusion c;
    make(&p, &r, &truth);
    confusion_open(&c, K);
    float *text = mem_alloc(K * D, sizeof *text);
    fill(text, K * D, "text", 1);
    struct namer m = {.text = t_hold(t_from_data(text, SHAPE(K, D), T_F32)), .temperature = 10};
    struct image im = {.h = H, .w = W};
    struct image large = {.h = 2 * H, .w = 2 * W};
    int64_t before = peak(), volume = (int64_t)K * H * W * (int64_t)sizeof(float);
    for (int i = 0; i < 4; i++) { /* three values of a grid, and the oracle of names */
        struct judge j = {.namer = i < 3 ? &m : NULL, .lambda = 0.5 + 0.1 * i};
        struct labels found = {0}, resized = {0};
        int scope = t_scope_open("judge", T_NO_GRAD | T_EVAL);
        struct named n = i < 3 ? segment_named(&p, &r, &j) : best_names(&p, &r, &truth);
        CHECK_OK(segment_labels(n, &j, &im, &found));
        if (i == 3) CHECK_OK(segment_labels(n, &j, &large, &resized));
        t_scope_close(scope, NULL);
        confusion_add(&c, found.at, truth.at, H * W, 65535);
        if (i == 3) CHECK_INT(resized.h, 2 * H);
        labels_free(&found);
        labels_free(&resized);
    }
    int64_t grown = peak() - before;
    if (counts && grown > volume / 2)
        test_fail(__FILE__, __LINE__, "%lld MiB more; a volume of scores has %lld",
                  (long long)grown >> 20, (long long)volume >> 20);
    t_drop(m.text);
    free(text);
    confusion_free(&c);
    proposals_free(&p);
    regions_free(&r);
    labels_free(&truth);
}

static tensor *mean_scores(const void *self, int64_t from, int64_t n) {
    return views_sum_scores(self, 0, from, n);
}

/* Two views, then one more in two tiles. A map of all scores has 1,034 MiB, and a view in tiles
 * would need a second one; a group of names has 128, with its parts 256. */
TEST(no_volume_of_scores_is_made_of_many_views_either) {
    enum { HEIGHT = 480 / PART, WIDTH = 668 / PART, TILE = 400 / PART };
    static const struct view_place place[] = {
        {0},
        {.mirrored = true},
        {false, true, false, {0, 0, TILE, HEIGHT}, HEIGHT, WIDTH},
        {false, true, true, {WIDTH - TILE, 0, WIDTH, HEIGHT}, HEIGHT, WIDTH}};
    int scope = t_scope_open("views", T_NO_GRAD | T_EVAL);
    struct judge judge = {0};
    struct views_sum s;
    struct labels found = {0};
    struct image im = {.h = HEIGHT, .w = WIDTH};
    views_sum_open(&s, &judge, 1, K, HEIGHT, WIDTH);
    for (int i = 0; i < 4; i++) {
        struct mask_logits m = {t_randn(SHAPE(1, Q, 120 / PART, 104 / PART), 3), 480 / PART,
                                416 / PART, HEIGHT, TILE};
        views_sum_add(&s, place[i], &m);
        views_sum_name(&s, 0, t_softmax(t_randn(SHAPE(Q, K), 2), -1));
    }
    struct score_groups g = {&s, K, views_sum_groups(&s), mean_scores};
    int64_t before = peak(), volume = (int64_t)K * HEIGHT * WIDTH * (int64_t)sizeof(float);
    CHECK_OK(segment_labels_of(&g, &judge, &im, &found));
    int64_t grown = peak() - before;
    fprintf(stderr, "%lld MiB more; a volume of scores has %lld\n", (long long)grown >> 20,
            (long long)volume >> 20);
    CHECK(!counts || grown < volume / 2);
    labels_free(&found);
    views_sum_free(&s);
    t_scope_close(scope, NULL);
}
