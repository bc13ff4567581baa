/* tests/golden/metrics.json: figures of random label maps by numpy (make_metrics.py). */
#include "eval/confusion.h"

#include "tests/golden_file.h"
#include "tests/torch.h"

static const double tolerance = 1e-10; /* both sum doubles, in another order */

static const cJSON *item(const cJSON *o, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    CHECK(x);
    return x;
}

static int64_t whole(const cJSON *o, const char *key) { return (int64_t)item(o, key)->valuedouble; }

static uint16_t *map_of(const cJSON *picture, const char *key) {
    const cJSON *list = item(picture, key), *x;
    uint16_t *at = mem_alloc((size_t)cJSON_GetArraySize(list), sizeof *at);
    size_t i = 0;
    cJSON_ArrayForEach(x, list) at[i++] = (uint16_t)x->valuedouble;
    return at;
}

static void count(struct confusion *c, const cJSON *one) {
    const cJSON *picture;
    confusion_open(c, whole(one, "K"));
    cJSON_ArrayForEach(picture, item(one, "pictures")) {
        uint16_t *predicted = map_of(picture, "predicted"), *truth = map_of(picture, "truth");
        confusion_add(c, predicted, truth, whole(picture, "h") * whole(picture, "w"),
                      (uint16_t)whole(one, "ignore"));
        free(predicted);
        free(truth);
    }
}

static void check_figure(double x, const cJSON *expected, const char *key) {
    const cJSON *e = item(expected, key);
    if (cJSON_IsNull(e))
        CHECK(isnan(x));
    else
        CHECK_NEAR(x, e->valuedouble, tolerance);
}

static void check_figures(struct segmentation_metrics m, const cJSON *expected) {
    check_figure(m.miou, expected, "miou");
    check_figure(m.miou_truth, expected, "miou_truth");
    check_figure(m.miou_all, expected, "miou_all");
    check_figure(m.fwiou, expected, "fwiou");
    check_figure(m.macc, expected, "macc");
    check_figure(m.pacc, expected, "pacc");
}

static void check_subset(const struct confusion *c, const cJSON *one) {
    bool *in = mem_alloc((size_t)c->K, sizeof *in), *out = mem_alloc((size_t)c->K, sizeof *out);
    const cJSON *x;
    for (int64_t k = 0; k < c->K; k++) out[k] = true;
    cJSON_ArrayForEach(x, item(one, "subset")) {
        in[x->valueint] = true;
        out[x->valueint] = false;
    }
    struct segmentation_metrics a = confusion_metrics(c, in), b = confusion_metrics(c, out);
    check_figures(a, item(one, "in"));
    check_figures(b, item(one, "out"));
    check_figure(harmonic_mean(a.miou, b.miou), one, "hiou");
    free(in);
    free(out);
}

static void check_open(const struct confusion *c, const cJSON *one) {
    const cJSON *list = item(one, "likeness"), *x;
    if (cJSON_IsNull(list)) return;
    double *likeness = mem_alloc((size_t)(c->K * c->K), sizeof *likeness);
    size_t i = 0;
    cJSON_ArrayForEach(x, list) likeness[i++] = x->valuedouble;
    check_figures(confusion_open_metrics(c, likeness, NULL), item(one, "open"));
    free(likeness);
}

static void check_groups(const struct confusion *c, const cJSON *one) {
    int64_t *group = mem_alloc((size_t)c->K, sizeof *group);
    struct confusion merged;
    const cJSON *x;
    size_t i = 0;
    cJSON_ArrayForEach(x, item(one, "group")) group[i++] = x->valueint;
    confusion_merge(c, group, whole(one, "groups"), &merged);
    check_figures(confusion_metrics(&merged, NULL), item(one, "merged"));
    confusion_free(&merged);
    free(group);
}

static void check_pairs(const struct confusion *c, const cJSON *one) {
    struct confused pair[7];
    const cJSON *list = item(one, "pairs");
    size_t n = confusion_pairs(c, pair, 7);
    CHECK_INT(n, cJSON_GetArraySize(list));
    for (size_t i = 0; i < n; i++) {
        const cJSON *x = cJSON_GetArrayItem(list, (int)i);
        CHECK_INT(pair[i].truth, cJSON_GetArrayItem(x, 0)->valueint);
        CHECK_INT(pair[i].called, cJSON_GetArrayItem(x, 1)->valueint);
        CHECK_INT(pair[i].pixels, cJSON_GetArrayItem(x, 2)->valueint);
    }
}

TEST(all_figures_equal_numpys_on_random_label_maps) {
    cJSON *cases = golden_json("metrics");
    const cJSON *one;
    int n = 0;
    cJSON_ArrayForEach(one, cases) {
        struct confusion c;
        count(&c, one);
        check_figures(confusion_metrics(&c, NULL), item(one, "all"));
        check_subset(&c, one);
        check_open(&c, one);
        check_groups(&c, one);
        check_pairs(&c, one);
        confusion_free(&c);
        n++;
    }
    CHECK_INT(n, 9);
    cJSON_Delete(cases);
}

/* Zhou's formula with S the identity is the reference's mIoU, to the last bit. */
TEST(open_figures_of_the_identity_are_the_plain_ones_to_the_bit) {
    cJSON *cases = golden_json("metrics");
    const cJSON *one;
    cJSON_ArrayForEach(one, cases) {
        struct confusion c;
        count(&c, one);
        double *identity = mem_alloc((size_t)(c.K * c.K), sizeof *identity);
        for (int64_t k = 0; k < c.K; k++) identity[k * c.K + k] = 1;
        struct segmentation_metrics a = confusion_metrics(&c, NULL),
                                    b = confusion_open_metrics(&c, identity, NULL);
        CHECK(memcmp(&a, &b, sizeof a) == 0 || isnan(a.miou));
        for (int64_t k = 0; k < c.K; k++) {
            double x = confusion_iou(&c, k), y = confusion_open_iou(&c, identity, k);
            CHECK(memcmp(&x, &y, sizeof x) == 0 || (isnan(x) && isnan(y)));
        }
        free(identity);
        confusion_free(&c);
    }
    cJSON_Delete(cases);
}
