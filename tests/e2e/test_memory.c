/* Memory. Training does not grow: the resident memory of every training stage after 1,000 steps is
 * that after 100, within 2 %. Read from outside, while metrics.jsonl tells the step. Names cost an
 * evaluation little. */
/* ctest: timeout=3000 labels=slow */
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/known_sets.h"
#include "data/set.h"
#include "data/vocabulary.h"
#include "eval/segment.h"
#include "tests/e2e/process.h"
#include "tests/torch.h"

/* "VmRSS:" or "VmHWM:", its peak, in KiB; 0: the process has ended. */
static long resident(pid_t pid, const char *what) {
    char *path = mem_format("/proc/%ld/status", (long)pid), line[128];
    FILE *f = fopen(path, "r");
    long kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, what, 6) == 0) kib = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    free(path);
    return kib;
}

/* The step of the last whole line, or 0. */
static long last_step(const char *metrics) {
    char tail[1025];
    int fd = open(metrics, O_RDONLY);
    if (fd < 0) return 0;
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, tail, 1024, end > 1024 ? end - 1024 : 0);
    close(fd);
    tail[n > 0 ? n : 0] = '\0';
    char *newline = strrchr(tail, '\n'), *at = NULL;
    if (newline) *newline = '\0';
    for (char *hit = tail; newline && (hit = strstr(hit, "\"step\":")); hit++) at = hit;
    return at ? strtol(at + 7, NULL, 10) : 0;
}

/* Where the metrics of a config of this name are being written, NULL while nowhere; owned. */
static char *find_metrics(const char *out, const char *name, const char *part) {
    char *dir = test_path(out), *found = NULL;
    struct strings names = {0};
    if (dir_exists(dir)) CHECK_OK(dir_list(dir, &names));
    size_t n = strlen(name);
    for (size_t i = 0; i < names.n; i++) {
        if (strncmp(names.at[i], name, n) != 0 || strlen(names.at[i]) != n + 13) continue;
        char *path = mem_format("%s/%s/%smetrics.jsonl", dir, names.at[i], part);
        char *done = mem_format("%s/%s/DONE", dir, names.at[i]);
        if (file_exists(path) && !file_exists(done)) {
            free(found);
            found = mem_strdup(path);
        }
        free(path);
        free(done);
    }
    strings_free(&names);
    free(dir);
    return found;
}

/* A step of `clip` makes and frees the gradient of 49,408 token embeddings of 32 numbers, 6,176
 * KiB. Once a small block has come to lie in the hole that it leaves, a second place is needed: on
 * some processors before step 100, on others after step 200. A leak of 12 KiB a step is told all
 * the same. */
enum { NO_HOLE = 0, TOKEN_GRADIENT = 49408 * 32 * 4 / 1024 };

/* The largest size seen at steps [from, from + 50), which is past the transient of one step.
 * `hole`, KiB, may come later. */
static void watch(const char *config, const char *name, const char *part, long hole,
                  const char *const *arguments) {
    struct process p;
    train_start(&p, "out", config, arguments, NULL);
    char *metrics = NULL;
    long early = 0, late = 0;
    while (late == 0 || last_step(metrics) < 1050) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        if (process_ended(&p)) break;
        if (!metrics) metrics = find_metrics("out", name, part);
        long step = metrics ? last_step(metrics) : 0, kib = resident(p.pid, "VmRSS:");
        if (step >= 100 && step < 150 && kib > early) early = kib;
        if (step >= 1000 && step < 1050 && kib > late) late = kib;
    }
    bool early_end = process_ended(&p);
    if (!early_end) kill(p.pid, SIGKILL);
    struct ended e = process_wait(&p, 3000);
    if (early_end) test_fail(__FILE__, __LINE__, "%s: it has ended:\n%s", name, e.err);
    fprintf(stderr, "%s%s%s: %ld KiB after 100 steps, %ld after 1,000\n", name, *part ? " " : "",
            part, early, late);
    CHECK(early > 0);
    CHECK((double)late <= 1.02 * (double)early + (double)hole);
    ended_free(&e);
    free(metrics);
}
#define WATCH(config, name, part, hole, ...)                                                       \
    watch(config, name, part, hole, (const char *const[]){__VA_ARGS__, NULL})

/* The runs are far from their end when they are killed: metrics become visible late, and what comes
 * after the last step takes memory of its own. */
TEST(resident_memory_after_1000_steps_is_that_after_100) {
    struct ended e = TRAIN("out", "smoke/finetune.yaml", NULL); /* what the stages start from */
    check_status(&e, 0);
    WATCH("smoke/clip.yaml", "clip", "", TOKEN_GRADIENT, "optim.steps=100000", "batch.global=2",
          "validate.every=0", "checkpoint.every=1000000");
    WATCH("smoke/proposals.yaml", "proposals", "pretrain/", NO_HOLE, "pretrain.steps=100000",
          "batch.global=1", "checkpoint.every=1000000");
    WATCH("smoke/proposals.yaml", "proposals", "", NO_HOLE, "pretrain.steps=0",
          "optim.steps=100000", "batch.global=1", "checkpoint.every=1000000");
    WATCH("smoke/finetune.yaml", "finetune", "", NO_HOLE, "optim.steps=100000", "batch.global=2",
          "checkpoint.every=1000000");
    WATCH("smoke/mpt-only.yaml", "mpt-only", "", NO_HOLE, "optim.steps=100000", "batch.global=2",
          "checkpoint.every=1000000");
    ended_free(&e);
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
        CHECK_OK(image_alloc(&im, 640, 864, 3));
        CHECK_OK(labels_alloc(&l, im.h, im.w));
        for (int64_t p = 0; p < im.h * im.w; p++) {
            int64_t y = p / im.w, x = p % im.w;
            l.at[p] = (uint16_t)((y / 40 * 22 + x / 40 + i) % K);
            for (int64_t c = 0; c < 3; c++)
                im.at[3 * p + c] = (uint8_t)(y * (c + 1) / 3 + x * (i + 1) / 4);
        }
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

/* The peak of an evaluation, in KiB. */
static long evaluation_peak(const char *config, const char *set, const char *shortest) {
    /* Some names have more tokens than the smoke chain's captions. */
    const char *const arguments[] = {set, shortest, "clip:clip.text.context=77", NULL};
    struct process p;
    long peak = 0, now = 1;
    train_start(&p, "out", config, arguments, NULL);
    for (; now; now = resident(p.pid, "VmHWM:")) {
        if (now > peak) peak = now;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    struct ended e = process_wait(&p, 1500);
    check_status(&e, 0);
    ended_free(&e);
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
TEST(an_evaluation_of_847_names_takes_96_mib_more_than_one_of_10) {
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
    long before = resident(getpid(), "VmRSS:");
    forget_peak();
    CHECK_OK(segment_labels(n, &(struct judge){0}, &im, &l));
    double took = (double)(resident(getpid(), "VmHWM:") - before) / 1024;
    fprintf(stderr, "%.0f MiB\n", took);
    CHECK(took > 1);
    CHECK(took <= 64);
    labels_free(&l);
    image_free(&im);
}
