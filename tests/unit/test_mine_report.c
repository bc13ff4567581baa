#include "train/mine/mine_report.h"

#include "base/error.h"
#include "tests/unit/pairs_made.h"

/* Pictures of one class, cats; the map of picture 1 is damaged, and picture 2 has none. */
static int labels_of(const struct dataset *d, int64_t i, struct labels *out) {
    (void)d;
    if (i == 1) return error_set(ERR_DATA, "map of picture 1: damaged");
    if (i == 2) return error_set(ERR_MISSING, "picture 2 has no map");
    CHECK_OK(labels_alloc(out, MADE_H, MADE_W));
    memset(out->at, 0, sizeof *out->at * MADE_H * MADE_W);
    return 0;
}

static const struct made all[] = {{0, 0, "cat", 0.9F, 0}, {0, 0, "dog", 0.9F, 1},
                                  {1, 1, "cat", 0.9F, 0}, {1, 1, "cats", 0.9F, 1},
                                  {2, 2, "cat", 0.9F, 0}, {3, 3, "dog", 0.9F, 0}};

static int report(bool stop, struct mine_report *r, int64_t *met) {
    static char cat[] = "cat", dog[] = "dog";
    char *names[] = {cat, dog};
    bool seen[] = {true, false};
    const struct dataset_source source = {.labels = labels_of};
    const struct dataset d = {.n_images = 4,
                              .n_classes = 2,
                              .class_name = names,
                              .class_seen = seen,
                              .has_labels = true,
                              .ignore = 255,
                              .source = &source};
    struct damage damage;
    struct pairs p;
    char *dir = make_pairs("pairs", all, sizeof all / sizeof *all);
    CHECK_OK(pairs_open(&p, dir));
    damage_open(&damage, (struct damage_options){stop, 1}, d.n_images);
    int status = mine_report_of(r, &p, &d, &damage);
    *met = damage_count(&damage);
    damage_close(&damage);
    pairs_close(&p);
    free(dir);
    return status;
}

TEST(pairs_are_right_where_most_of_their_labelled_pixels_are_of_the_class_of_the_noun) {
    struct mine_report r;
    int64_t met;
    CHECK_OK(report(false, &r, &met));
    CHECK_INT(r.pairs, 6);
    CHECK_INT(r.classed, 3); /* of pictures 0 and 3 */
    CHECK_INT(r.right, 1);
    CHECK_INT(r.seen, 1);
    CHECK_INT(r.seen_right, 1);
    CHECK_INT(r.unseen, 2);
    CHECK_INT(r.unseen_right, 0);
}

TEST(a_share_of_no_pairs_is_none) {
    CHECK(isnan(mine_percent(0, 0)));
    CHECK_NEAR(mine_percent(1, 4), 25, 0);
}

TEST(a_damaged_label_map_is_counted_once_or_ends_the_report) {
    struct mine_report r;
    int64_t met;
    CHECK_OK(report(false, &r, &met));
    CHECK_INT(met, 1);
    CHECK_ERROR(report(true, &r, &met), ERR_DATA, "map of picture 1");
}
