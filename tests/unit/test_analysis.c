/* analysis.h5 of label maps made here: what comes back, and what is refused. */
#include "train/evaluation/analysis.h"

#include "base/file.h"
#include "base/rng.h"
#include "data/csv.h"
#include "tests/test.h"
#include "train/evaluation/difference.h"
#include "train/memory.h"

enum { N = 5, K = 4, PIXELS = 64, J = 2 };

static char *names[K] = {"sky", "a \"red\", car", "tree", "nowhere"};
static const bool seen[K] = {true, false, true, false};
static const int64_t ids[N] = {7, 3, 12, 1, 5};

/* Counts random maps by both judges, and writes them, the last picture first where it says so. */
static void write_made(const char *dir, struct confusion matrix[J], uint64_t seed, bool backwards) {
    struct analysis_out a;
    struct class_counts counts;
    struct rng rng = rng_stream(seed, "maps", 0);
    uint16_t truth[N][PIXELS], found[J][N][PIXELS];
    CHECK_OK(analysis_open(&a, dir, N, K, J, 1));
    class_counts_open(&counts, K);
    for (int j = 0; j < J; j++) confusion_open(&matrix[j], K);
    matrix[1].unnamed_is_missed = true;
    for (int i = 0; i < N; i++) /* class 3 is nowhere, 255 is unlabelled */
        for (int x = 0; x < PIXELS; x++) {
            truth[i][x] = rng_chance(&rng, 0.1) ? 255 : (uint16_t)rng_below(&rng, 3);
            for (int j = 0; j < J; j++)
                found[j][i][x] = rng_chance(&rng, 0.2) ? 255 : (uint16_t)rng_below(&rng, 3);
        }
    for (int j = 0; j < J; j++)
        for (int step = 0; step < N; step++) {
            int i = backwards ? N - 1 - step : step;
            confusion_add(&matrix[j], found[j][i], truth[i], PIXELS, 255);
            class_counts_of(&counts, &matrix[j], found[j][i], truth[i], PIXELS, 255);
            CHECK_OK(analysis_add_counts(&a, (size_t)j, i, &counts));
        }
    for (uint32_t i = 0; i < N; i++) {
        struct analysis_proposal p = {.image = i, .proposal = i, .area = 9, .truth = K, .iou = 0};
        struct analysis_name name = {i == 2 ? K : 1, i == 2 ? 0.0f : 0.5f};
        a.image[i] = (struct analysis_image){8, 8, 4, 4, (int64_t)i + 100};
        CHECK_OK(analysis_add_proposal(&a, &p, &name));
    }
    struct analysis_names n = {
        .class_name = names, .class_seen = seen, .image_id = ids, .set = "test"};
    const struct confusion *const matrices[J] = {&matrix[0], &matrix[1]};
    strings_add(&n.judges, "maskformer");
    strings_add(&n.judges, "ensemble raw");
    n.confusion = matrices;
    CHECK_OK(analysis_commit(&a, &n));
    strings_free(&n.judges);
    class_counts_free(&counts);
    analysis_close(&a);
}

static void made_free(struct confusion matrix[J]) {
    for (int j = 0; j < J; j++) confusion_free(&matrix[j]);
}

/* mIoU of the sums over pictures. */
static struct segmentation_metrics metrics_of(const struct counted *c) {
    int64_t intersection[K] = {0}, unions[K] = {0}, truth[K] = {0};
    struct tally tally[K];
    for (size_t i = 0; i < c->n; i++) {
        intersection[c->class[i]] += c->intersection[i];
        unions[c->class[i]] += c->unions[i];
        truth[c->class[i]] += c->truth[i];
    }
    for (int k = 0; k < K; k++)
        tally[k] = (struct tally){(double)intersection[k], (double)truth[k],
                                  (double)(unions[k] - truth[k]), unions[k] > 0};
    return tally_metrics(tally, K, NULL);
}

TEST(sums_over_pictures_are_the_figures_of_the_matrix_to_the_bit) {
    char *dir = test_path("run"), *path = path_join(dir, ANALYSIS_FILE);
    struct confusion matrix[J];
    struct analysis a;
    CHECK_OK(dir_make(dir));
    write_made(dir, matrix, 1, false);
    CHECK_OK(analysis_read(&a, path));
    CHECK_INT(a.N, N);
    CHECK_INT(a.K, K);
    CHECK_TEXT(a.classes.at[1], "a \"red\", car");
    CHECK_INT(a.image_id[2], 12);
    CHECK_INT(a.labels[3], 103);
    CHECK(a.seen[0] && !a.seen[1]);
    CHECK_INT(analysis_judge(&a, "none of them"), J);
    for (size_t j = 0; j < J; j++) {
        struct analysis_counts c;
        CHECK_OK(analysis_counts(&a, j, &c));
        struct segmentation_metrics x = metrics_of(&c.lines),
                                    y = confusion_metrics(&matrix[j], NULL);
        CHECK(x.miou == y.miou && x.miou_truth == y.miou_truth && x.miou_all == y.miou_all);
        CHECK(x.fwiou == y.fwiou && x.macc == y.macc && x.pacc == y.pacc);
        analysis_counts_free(&c);
    }
    CHECK_OK(h5_verify(&a.file));
    analysis_free(&a);
    made_free(matrix);
    free(dir);
    free(path);
}

TEST(a_file_does_not_depend_on_the_order_in_which_pictures_were_counted) {
    char *dir[2] = {test_path("a"), test_path("b")};
    struct bytes file[2];
    for (int i = 0; i < 2; i++) {
        struct confusion matrix[J];
        char *path = path_join(dir[i], ANALYSIS_FILE);
        CHECK_OK(dir_make(dir[i]));
        write_made(dir[i], matrix, 1, i == 1);
        CHECK_OK(file_read(path, 1 << 20, &file[i]));
        made_free(matrix);
        free(path);
        free(dir[i]);
    }
    CHECK_INT(file[0].n, file[1].n);
    CHECK(memcmp(file[0].at, file[1].at, file[0].n) == 0);
    bytes_free(&file[0]);
    bytes_free(&file[1]);
}

static const char *field(const struct csv *c, size_t row, size_t column) {
    CHECK(row < c->n && column < c->at[row].n);
    return c->at[row].at[column];
}

TEST(csv_files_hold_the_same_and_no_class_is_an_empty_field) {
    char *dir = test_path("run"), *path;
    struct confusion matrix[J];
    struct csv c;
    int64_t pixels = 0, all = 0;
    CHECK_OK(dir_make(dir));
    write_made(dir, matrix, 1, false);
    CHECK(!analysis_has_csv(dir));
    CHECK_OK(analysis_export(dir));
    CHECK(analysis_has_csv(dir));
    CHECK_OK(csv_read(&c, path = path_join(dir, "confusion.csv")));
    free(path);
    for (size_t i = 1; i < c.n; i++)
        if (strcmp(field(&c, i, 0), "maskformer") == 0)
            pixels += strtoll(field(&c, i, 5), NULL, 10);
    for (int i = 0; i < (K + 1) * (K + 1); i++) all += matrix[0].at[i];
    CHECK_INT(pixels, all);
    CHECK_INT(all, N * PIXELS);
    csv_free(&c);
    CHECK_OK(csv_read(&c, path = path_join(dir, "per_image.csv")));
    free(path);
    CHECK_INT(c.n, 1 + J * N * 3);
    CHECK_TEXT(field(&c, 2, 4), "a \"red\", car");
    CHECK_TEXT(field(&c, 2, 2), "7");
    csv_free(&c);
    CHECK_OK(csv_read(&c, path = path_join(dir, "per_proposal.csv")));
    free(path);
    CHECK_INT(c.n, 1 + N);
    CHECK_TEXT(field(&c, 0, 13), "maskformer class");
    CHECK_TEXT(field(&c, 1, 13), "a \"red\", car");
    CHECK_TEXT(field(&c, 3, 13), "");
    CHECK_TEXT(field(&c, 3, 14), "");
    CHECK_TEXT(field(&c, 1, 15), "0.5");
    csv_free(&c);
    made_free(matrix);
    free(dir);
}

/* Alone, and as one of several that are compared: the same. */
static void check_why(const char *a, const char *b, const char *model, const char *why) {
    struct difference d, again;
    struct difference_side x = {a, "raw"}, y = {b, model};
    struct difference_drawn first, other;
    CHECK_OK(difference_of(&d, x, y, 100, 1));
    CHECK_OK(difference_open(&first, x));
    CHECK_OK(difference_open(&other, y));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(difference_between(&again, &first, &other, 100, 1));
        CHECK(!d.why == !again.why && !again.class);
        if (why)
            CHECK_TEXT(again.why, d.why);
        else
            CHECK(memcmp(d.figure, again.figure, sizeof d.figure) == 0);
        difference_free(&again);
    }
    if (why)
        CHECK_HAS(d.why, why);
    else
        CHECK(!d.why && d.class);
    difference_close(&first);
    difference_close(&other);
    difference_free(&d);
}

TEST(results_of_other_pictures_names_or_models_are_not_compared_and_it_says_why) {
    char *dir = test_path("a"), *other = test_path("b"), *none = test_path("none");
    struct confusion matrix[J];
    CHECK_OK(dir_make(dir));
    CHECK_OK(dir_make(other));
    write_made(dir, matrix, 1, false);
    made_free(matrix);
    write_made(other, matrix, 2, false);
    made_free(matrix);
    check_why(dir, other, "raw", NULL);
    check_why(dir, other, "mpt", "b/analysis.h5: has no model \"mpt\"");
    check_why(dir, none, "raw",
              "none/analysis.h5: not there: it was evaluated with measure.analysis");
    char *name = names[0];
    names[0] = "heaven";
    write_made(other, matrix, 2, false);
    made_free(matrix);
    check_why(dir, other, "raw", "class 0 is \"sky\" (seen) in A, \"heaven\" (seen) in B");
    names[0] = name;
    free(dir);
    free(other);
    free(none);
}

TEST(a_damaged_analysis_is_refused) {
    char *dir = test_path("run"), *path = path_join(dir, ANALYSIS_FILE);
    struct confusion matrix[J];
    struct bytes file;
    struct analysis a;
    CHECK_OK(dir_make(dir));
    write_made(dir, matrix, 1, false);
    CHECK_OK(file_read(path, 1 << 20, &file));
    file.at[file.n / 2] ^= 1;
    CHECK_OK(file_write(path, file.at, file.n));
    CHECK_ERROR(analysis_read(&a, path), ERR_DATA, "analysis.h5");
    CHECK_OK(file_write(path, file.at, file.n / 2));
    CHECK_ERROR(analysis_read(&a, path), ERR_DATA, "analysis.h5");
    bytes_free(&file);
    made_free(matrix);
    free(dir);
    free(path);
}

/* 60 of 847 names in each of 2,000 pictures by 3 judges, and 100 proposals of each picture. */
TEST(many_names_and_pictures_take_little_room_and_no_memory_that_grows_with_them) {
    enum { NAMES = 847, PICTURES = 2000, JUDGES = 3, SOME = 60, Q = 100, MEGABYTE = 1 << 20 };
    char *dir = test_path("large"), *path = path_join(dir, ANALYSIS_FILE), text[NAMES][8];
    char **class = mem_alloc(NAMES, sizeof(char *));
    bool *is_seen = mem_alloc(NAMES, sizeof *is_seen);
    int64_t *id = mem_alloc(PICTURES, sizeof *id);
    struct analysis_out a;
    struct class_counts counts;
    struct confusion matrix;
    CHECK_OK(dir_make(dir));
    for (int k = 0; k < NAMES; k++) {
        snprintf(text[k], sizeof text[k], "%d", k);
        class[k] = text[k];
    }
    confusion_open(&matrix, NAMES);
    class_counts_open(&counts, NAMES);
    CHECK_OK(analysis_open(&a, dir, PICTURES, NAMES, JUDGES, JUDGES));
    double before = memory_peak();
    for (uint32_t i = 0; i < PICTURES; i++) {
        for (int k = 0; k < NAMES; k++) /* every fourteenth, beginning elsewhere in each picture */
            counts.truth[k] = counts.called[k] = (k + (int)i) % (NAMES / SOME) == 0 ? 1000 : 0;
        for (size_t j = 0; j < JUDGES; j++) CHECK_OK(analysis_add_counts(&a, j, i, &counts));
        for (uint32_t q = 0; q < Q; q++) {
            struct analysis_proposal p = {.image = i, .proposal = q};
            CHECK_OK(analysis_add_proposal(&a, &p, (struct analysis_name[JUDGES]){{q, 1}}));
        }
    }
    struct analysis_names n = {.class_name = class, .class_seen = is_seen, .image_id = id};
    const struct confusion *const matrices[JUDGES] = {&matrix, &matrix, &matrix};
    for (int j = 0; j < JUDGES; j++) strings_add(&n.judges, text[j]);
    n.set = "test";
    n.confusion = matrices;
    CHECK_OK(analysis_commit(&a, &n));
    printf("%lld bytes, %lld KiB more at the peak\n", (long long)file_size(path),
           (long long)(memory_peak() - before) / 1024);
    CHECK(file_size(path) < 20 * MEGABYTE); /* 16 */
#if !defined(__SANITIZE_ADDRESS__)          /* it keeps freed memory */
    CHECK(memory_peak() - before < 16 * MEGABYTE);
#endif
    analysis_close(&a);
    class_counts_free(&counts);
    confusion_free(&matrix);
    strings_free(&n.judges);
    char *const owned[] = {dir, path, (char *)class, (char *)is_seen, (char *)id};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
