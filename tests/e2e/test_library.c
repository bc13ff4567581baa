/* libovseg as a program sees it: include/ovseg.h alone, the library linked as users do. */
/* ctest: timeout=300 */
#include <pthread.h>

#include "include/ovseg.h"
#include "tests/e2e/process.h"
#include "tests/package_made.h"

enum { H = 48, W = 70, K = 3 };
static const char *const names[K] = {"sky", "tree", "road"};

static char *package(void) {
    char *file = made_whole(), *path = made_package(file, "m.ovseg");
    CHECK_OK(file_remove(file));
    free(file);
    return path;
}

#define LIB_OK(o, call)                                                                            \
    do {                                                                                           \
        int s_ = (call);                                                                           \
        if (s_) test_fail(__FILE__, __LINE__, "%s: %d, %s", #call, s_, ovseg_error(o));            \
    } while (0)

#define LIB_ERROR(o, call, code, text)                                                             \
    do {                                                                                           \
        CHECK_INT(call, code);                                                                     \
        CHECK_HAS(ovseg_error(o), text);                                                           \
    } while (0)

static ovseg *open_model(const char *path) {
    ovseg *o;
    struct ovseg_options options = {.size = sizeof options, .device = "cpu", .threads = 1};
    LIB_OK(NULL, ovseg_open(&o, path, &options));
    CHECK(o);
    return o;
}

static ovseg *open_named(const char *path) {
    ovseg *o = open_model(path);
    CHECK_INT(ovseg_names(o), 0);
    LIB_OK(o, ovseg_set_names(o, names, K));
    CHECK_INT(ovseg_names(o), K);
    CHECK_TEXT(ovseg_name(o, 2), "road");
    CHECK(!ovseg_name(o, K));
    return o;
}

/* Rows with a gap between them. */
enum { STRIDE = 3 * W + 11 };
static void fill(uint8_t rows[H * STRIDE]) {
    struct image im;
    made_picture(&im);
    memset(rows, 0xEE, H * STRIDE);
    for (int y = 0; y < H; y++) memcpy(rows + y * STRIDE, im.at + y * 3 * W, 3 * W);
    image_free(&im);
}

TEST(its_labels_are_those_of_the_program_and_the_highest_scores) {
    static uint8_t rows[H * STRIDE];
    static uint16_t labels[H * W], again[H * W];
    static float scores[K * H * W];
    char *path = package(), *png = test_path("picture.png"), *out = test_path("out");
    ovseg *o = open_named(path);
    fill(rows);
    LIB_OK(o, ovseg_segment(o, rows, H, W, STRIDE, labels, NULL));
    LIB_OK(o, ovseg_segment(o, rows, H, W, STRIDE, again, scores));
    CHECK(memcmp(labels, again, sizeof labels) == 0);
    for (int i = 0; i < H * W; i++)
        for (int k = 0; k < K; k++) CHECK(scores[k * H * W + i] <= scores[labels[i] * H * W + i]);
    struct image im;
    struct bytes file;
    made_picture(&im);
    CHECK_OK(image_encode_png(&im, &file));
    CHECK_OK(file_write(png, file.at, file.n));
    struct ended e = OVSEG("segment", "-q", "-m", path, "--classes", "sky,tree,road", "-o", out,
                           "--set", "device=cpu", png);
    check_status(&e, 0);
    ended_free(&e);
    bytes_free(&file);
    char *map = path_join(out, "picture.png");
    struct labels l;
    CHECK_OK(file_read(map, 1 << 20, &file));
    CHECK_OK(labels_decode_png(file.at, file.n, map, &l));
    CHECK_INT(l.h, H);
    CHECK(memcmp(l.at, labels, sizeof labels) == 0);
    ovseg_close(o);
    labels_free(&l);
    image_free(&im);
    bytes_free(&file);
    free(map);
    free(path);
    free(png);
    free(out);
}

TEST(mistakes_are_named_and_leave_the_handle_as_it_was) {
    static uint8_t rows[H * STRIDE];
    static uint16_t labels[H * W], again[H * W];
    char *path = package(), *names_file = test_path("names.txt");
    ovseg *o = (ovseg *)1;
    LIB_ERROR(NULL, ovseg_open(&o, "no/such.ovseg", NULL), OVSEG_MISSING, "no model package");
    CHECK(!o);
    LIB_ERROR(NULL, ovseg_open(&o, NULL, NULL), OVSEG_USAGE, "NULL");
    LIB_ERROR(NULL, ovseg_open(NULL, path, NULL), OVSEG_USAGE, "NULL");
    struct ovseg_options options = {0};
    LIB_ERROR(NULL, ovseg_open(&o, path, &options), OVSEG_USAGE, "options.size");
    const char *settings[] = {"eval.lamda=0.1"};
    options = (struct ovseg_options){
        .size = sizeof options, .device = "cpu", .settings = settings, .n_settings = 1};
    LIB_ERROR(NULL, ovseg_open(&o, path, &options), OVSEG_CONFIG, "eval.lambda");
    options = (struct ovseg_options){.size = sizeof options, .device = "tpu"};
    LIB_ERROR(NULL, ovseg_open(&o, path, &options), OVSEG_CONFIG, "device");
    o = open_model(path);
    CHECK_TEXT(ovseg_error(o), "");
    fill(rows);
    LIB_ERROR(o, ovseg_segment(o, rows, H, W, STRIDE, labels, NULL), OVSEG_USAGE, "no names");
    LIB_OK(o, ovseg_set_names(o, names, K));
    LIB_OK(o, ovseg_segment(o, rows, H, W, STRIDE, labels, NULL));
    LIB_ERROR(o, ovseg_set_names(o, names, 0), OVSEG_USAGE, "no names");
    LIB_ERROR(o, ovseg_set_names(o, (const char *const[]){"a", "A"}, 2), OVSEG_DATA, "class 1");
    LIB_ERROR(o, ovseg_set_names(o, (const char *const[]){"a", NULL}, 2), OVSEG_USAGE, "NULL");
    LIB_ERROR(o, ovseg_set_vocabulary(o, "no/such.txt"), OVSEG_MISSING, "no/such.txt");
    LIB_ERROR(o, ovseg_segment(o, rows, H, W, 3 * W - 1, labels, NULL), OVSEG_USAGE, "stride");
    LIB_ERROR(o, ovseg_segment(o, rows, 0, W, STRIDE, labels, NULL), OVSEG_USAGE, "sides");
    LIB_ERROR(o, ovseg_segment(o, rows, 1 << 20, W, STRIDE, labels, NULL), OVSEG_USAGE, "sides");
    LIB_ERROR(o, ovseg_segment(o, NULL, H, W, STRIDE, labels, NULL), OVSEG_USAGE, "NULL");
    CHECK_INT(ovseg_segment(NULL, rows, H, W, STRIDE, labels, NULL), OVSEG_USAGE);
    CHECK_INT(ovseg_names(o), K);
    LIB_OK(o, ovseg_segment(o, rows, H, W, STRIDE, again, NULL));
    CHECK(memcmp(labels, again, sizeof labels) == 0);
    CHECK_OK(file_write(names_file, "sky\ntree\nroad\n", 14));
    LIB_OK(o, ovseg_set_vocabulary(o, names_file));
    LIB_OK(o, ovseg_segment(o, rows, H, W, STRIDE, again, NULL));
    CHECK(memcmp(labels, again, sizeof labels) == 0);
    CHECK_INT(ovseg_unlabelled(o), 255);
    CHECK_TEXT(ovseg_version(), OVSEG_VERSION);
    ovseg_close(o);
    ovseg_close(NULL);
    free(path);
    free(names_file);
}

struct worker {
    ovseg *o;
    const uint8_t *rows;
    uint16_t labels[H * W];
    int status;
};

static void *work(void *of) {
    struct worker *w = of;
    for (int i = 0; i < 5 && !w->status; i++)
        w->status = ovseg_segment(w->o, w->rows, H, W, STRIDE, w->labels, NULL);
    return NULL;
}

TEST(two_handles_serve_two_threads_at_once) {
    static uint8_t rows[H * STRIDE];
    static uint16_t labels[H * W];
    static struct worker w[2];
    char *path = package();
    fill(rows);
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) w[i] = (struct worker){.o = open_named(path), .rows = rows};
    LIB_OK(w[0].o, ovseg_segment(w[0].o, rows, H, W, STRIDE, labels, NULL));
    for (int i = 0; i < 2; i++) CHECK_INT(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(thread[i], NULL), 0);
        LIB_OK(w[i].o, w[i].status);
        CHECK(memcmp(w[i].labels, labels, sizeof labels) == 0);
        ovseg_close(w[i].o);
    }
    free(path);
}
