/* Memory. Training does not grow: the resident memory of every training stage after 1,000 steps is
 * that after 100, within 2 %. Read from outside, while metrics.jsonl tells the step. Names cost an
 * evaluation little. */
/* ctest: timeout=3000 labels=slow */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "data/known_sets.h"
#include "data/set.h"
#include "data/vocabulary.h"
#include "eval/segment.h"
#include "tests/e2e/process.h"
#include "tests/e2e/resident.h"
#include "tests/torch.h"

static void watch(const char *config, const char *name, const char *part, long hole,
                  const char *const *arguments) {
    struct resident of;
    resident_watch(1, config, name, part, arguments, &of);
    check_resident(name, part, 1, hole, &of);
}
#define WATCH(config, name, part, hole, ...)                                                       \
    watch(config, name, part, hole, (const char *const[]){__VA_ARGS__, NULL})

/* The runs are far from their end when they are killed: metrics become visible late, and what comes
 * after the last step takes memory of its own. */
TEST(resident_memory_after_1000_steps_is_that_after_100) {
    struct ended e = TRAIN("out", "smoke/finetune.yaml", NULL); /* what the stages start from */
    check_status(&e, 0);
    WATCH("smoke/clip.yaml", "clip", "", RESIDENT_TOKEN_GRADIENT, "optim.steps=100000",
          "batch.global=2", "validate.every=0", "checkpoint.every=1000000");
    WATCH("smoke/proposals.yaml", "proposals", "pretrain/", 0, "pretrain.steps=100000",
          "batch.global=1", "checkpoint.every=1000000");
    WATCH("smoke/proposals.yaml", "proposals", "", 0, "pretrain.steps=0", "optim.steps=100000",
          "batch.global=1", "checkpoint.every=1000000");
    WATCH("smoke/finetune.yaml", "finetune", "", 0, "optim.steps=100000", "batch.global=2",
          "checkpoint.every=1000000");
    WATCH("smoke/mpt-only.yaml", "mpt-only", "", 0, "optim.steps=100000", "batch.global=2",
          "checkpoint.every=1000000");
    ended_free(&e);
}

static void draw_picture(struct image *im, int64_t i) {
    CHECK_OK(image_alloc(im, 640, 864, 3));
    for (int64_t p = 0; p < im->h * im->w; p++)
        for (int64_t c = 0; c < 3; c++)
            im->at[3 * p + c] = (uint8_t)(p / im->w * (c + 1) / 3 + p % im->w * (i + 1) / 4);
}

/* k847.h5 and the like: the first K classes of ADE20K's 847, two pictures of 640 x 864 or so. */
static void write_set(const char *dir, int64_t K) {
    struct vocabulary v;
    struct set_writer w;
    char *table = known_labels_path("ade20k_847.yaml"),
         *name = mem_format("k%lld.h5", (long long)K);
    char *path = path_join(dir, name), *names[847];
    bool seen[847] = {false};
    CHECK_OK(vocabulary_read(&v, table));
    CHECK_INT(v.n, 847);
    for (int64_t k = 0; k < K; k++) names[k] = v.at[k].name;
    CHECK_OK(set_create(&w, path, &(struct set_info){names, seen, K, UINT16_MAX, ""}));
    for (int64_t i = 0; i < 2; i++) {
        struct image im;
        struct labels l;
        struct bytes jpeg;
        draw_picture(&im, i);
        CHECK_OK(labels_alloc(&l, im.h, im.w));
        for (int64_t p = 0; p < im.h * im.w; p++)
            l.at[p] = (uint16_t)((p / im.w / 40 * 22 + p % im.w / 40 + i) % K);
        CHECK_OK(image_encode_jpeg(&im, 90, &jpeg));
        CHECK_OK(set_add(
            &w, &(struct set_item){
                    .id = i, .h = im.h, .w = im.w, .bytes = jpeg.at, .n = jpeg.n, .labels = &l}));
        bytes_free(&jpeg);
        image_free(&im);
        labels_free(&l);
    }
    CHECK_OK(set_finish(&w));
    set_drop(&w);
    vocabulary_close(&v);
    free(table);
    free(name);
    free(path);
}

/* The peak of a process that ends well, in KiB. */
static long peak_of(struct process *p) {
    long peak = 0, now = 1;
    for (; now; now = resident_now(p->pid, "VmHWM:")) {
        if (now > peak) peak = now;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    struct ended e = process_wait(p, 1500);
    check_status(&e, 0);
    ended_free(&e);
    return peak;
}

static long evaluation_peak(const char *config, const char *set, const char *shortest) {
    /* Some names have more tokens than the smoke chain's captions. */
    const char *const arguments[] = {set, shortest, "clip:clip.text.context=77", NULL};
    struct process p;
    train_start(&p, "out", config, arguments, NULL);
    return peak_of(&p);
}

/* Of `ovseg segment`, with the first K of the 847 names and the models of the evaluation: a picture
 * of 640 x 864 four times, so that some are being written while the next is segmented. */
static long segment_peak(int64_t K, const char *shortest) {
    char *table = known_labels_path("ade20k_847.yaml"), *names = test_path("names.txt");
    char *picture[4], *clip = run_of("out", "clip"), *proposals = run_of("out", "proposals");
    char *out = test_path("segmented"), *set = mem_strdup(shortest);
    struct vocabulary v;
    struct str text = {0};
    struct image im;
    struct bytes png;
    CHECK_OK(vocabulary_read(&v, table));
    for (int64_t k = 0; k < K; k++) str_add(&text, "%s\n", v.at[k].name);
    CHECK_OK(file_write(names, text.at, text.n));
    draw_picture(&im, 1);
    CHECK_OK(image_encode_png(&im, &png));
    for (int i = 0; i < 4; i++) {
        char *name = mem_format("large-%d.png", i);
        picture[i] = test_path(name);
        CHECK_OK(file_write(picture[i], png.at, png.n));
        free(name);
    }
    static const char program[] = TEST_BUILD_DIR "/bin/ovseg";
    const char *const argv[] = {program,       "segment",
                                "-m",          clip,
                                "--proposals", proposals,
                                "--classes",   names,
                                "--set",       set,
                                "--set",       "eval.longest=4096",
                                "--set",       "eval.mask_threshold=0.3",
                                "-o",          out,
                                picture[0],    picture[1],
                                picture[2],    picture[3],
                                NULL};
    struct process p;
    process_start(&p, argv, NULL);
    long peak = peak_of(&p);
    image_free(&im);
    bytes_free(&png);
    str_free(&text);
    vocabulary_close(&v);
    for (int i = 0; i < 4; i++) free(picture[i]);
    char *const owned[] = {table, names, clip, proposals, out, set};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return peak;
}

static char *write_evaluation(const char *sets) {
    char *dir = test_source("configs/smoke"), *here = realpath(dir, NULL);
    char *path = test_path("eval.yaml");
    char *text = mem_format(
        "stage: evaluate\n"
        "inputs: {scenes: %s, proposals: %s/proposals.yaml, raw: %s/clip.yaml}\n"
        "eval: {longest: 4096, mask_threshold: 0.3, min_area: 4, overlays: 2}\n"
        "measure: {oracles: true, predictions: true}\n",
        sets, here, here);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(dir);
    free(here);
    free(text);
    return path;
}

/* One map of all scores has 1,787 MiB more with 847 names than with 10. A tile of the scores takes
 * 31; the rest is heap that sizes other than those of 10 names leave open, 0 to 37 MiB, by the
 * kernels that the processor gets. */
TEST(segments_of_847_names_take_64_mib_more_than_of_10_and_an_evaluation_96) {
    char *sets = test_path("sets"), *config = write_evaluation(sets);
    CHECK_OK(dir_make(sets));
    write_set(sets, 10);
    write_set(sets, 847);
    evaluation_peak(config, "eval.set=k10", "eval.shortest=64"); /* the models are made */
    for (int resized = 0; resized < 2;
         resized++) { /* the network sees pictures as they are, or not */
        const char *shortest = resized ? "eval.shortest=480" : "eval.shortest=640";
        long few = evaluation_peak(config, "eval.set=k10", shortest);
        long many = evaluation_peak(config, "eval.set=k847", shortest);
        fprintf(stderr, "%s: %ld MiB with 10 names, %ld with 847\n", shortest, few >> 10,
                many >> 10);
        CHECK(few > 100 << 10);
        CHECK(many - few <= 96 << 10);
        few = segment_peak(10, shortest);
        many = segment_peak(847, shortest);
        fprintf(stderr, "segment, %s: %ld MiB with 10 names, %ld with 847\n", shortest, few >> 10,
                many >> 10);
        CHECK(many - few <= 64 << 10);
    }
    free(sets);
    free(config);
}

static void forget_peak(void) {
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, "5", 1, 0) == 1);
    close(fd);
}

/* All scores would be 1,787 MiB. */
TEST(the_labels_of_847_names_take_64_mib_beside_names_and_masks) {
    enum { Q = 100, K = 847, H = 640, W = 864 };
    mem_keep_pages(); /* as the program does */
    struct named n = {t_softmax(t_randn(SHAPE(Q, K), 1), -1),
                      t_sigmoid(t_randn(SHAPE(Q, H, W), 1))};
    struct image im;
    struct labels l;
    CHECK_OK(image_alloc(&im, H, W, 3));
    mem_return_pages(); /* what was needed to draw them does not count, and does not help */
    long before = resident_now(getpid(), "VmRSS:");
    forget_peak();
    CHECK_OK(segment_labels(n, &(struct judge){0}, &im, &l));
    double took = (double)(resident_now(getpid(), "VmHWM:") - before) / 1024;
    fprintf(stderr, "%.0f MiB\n", took);
    CHECK(took > 1);
    CHECK(took <= 64);
    labels_free(&l);
    image_free(&im);
}
