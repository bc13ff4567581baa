/* The chain on real photographs: JPEG files, COCO's JSON, pictures of many sizes. What it learns
 * from 80 of them is not judged. */
/* ctest: timeout=900 labels=slow */
#include "base/file.h"
#include "data/dataset.h"
#include "data/pairs.h"
#include "data/set.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static char *input_of(const char *name, const char *file) {
    char *path = test_coco_mini(file), *full = realpath(path, NULL);
    char *argument = mem_format("prepare:inputs.%s=%s", name, full ? full : path);
    free(path);
    free(full);
    return argument;
}

/* Held-out photographs are in no other set, and what is unseen is in no training mask. */
static void check_set(const char *name, int64_t images, int64_t captions, bool with_unseen) {
    char *file = mem_format("%s.h5", name), *path = file_of("coco", "prepare", file);
    struct dataset d;
    CHECK_OK(set_open(&d, path));
    CHECK_INT(d.n_images, images);
    CHECK_INT(d.n_captions, captions);
    CHECK_INT(d.n_classes, 80);
    bool unseen = false;
    for (int64_t i = 0; i < d.n_images; i++) {
        struct labels l;
        CHECK_OK(d.source->labels(&d, i, &l));
        CHECK((l.h < l.w ? l.h : l.w) <= 96);
        for (int64_t k = 0; k < l.h * l.w; k++)
            unseen |= l.at[k] < d.n_classes && !d.class_seen[l.at[k]];
        labels_free(&l);
    }
    CHECK_INT(unseen, with_unseen);
    dataset_close(&d);
    free(path);
    free(file);
}

static void check_pairs(void) {
    char *dir = file_of("coco", "mine", "pairs");
    struct pairs p;
    CHECK_OK(pairs_open(&p, dir));
    CHECK(p.n > 100); /* 300 captions; most have a noun that a proposal can be given to */
    CHECK(p.noun.n > 20);
    for (int64_t i = 0; i < p.n; i++) {
        CHECK(p.at[i].image < 60);
        CHECK(p.at[i].area >= 40); /* mine.min_area */
    }
    pairs_close(&p);
    free(dir);
}

TEST(the_chain_runs_on_photographs_from_jpeg_to_table) {
    char *images = input_of("images", "train2017");
    char *captions = input_of("captions", "annotations/captions_train2017.json");
    char *instances = input_of("instances", "annotations/instances_train2017.json");
    struct process p;
    const char *const arguments[] = {images, captions, instances, NULL};
    train_start(&p, "coco", "coco-mini/mpt.yaml", arguments, NULL);
    struct ended e = process_wait(&p, 850);
    check_status(&e, 0);
    check_set("clip", 60, 300, true);
    check_set("seen", 60, 300, false);
    check_set("val", 10, 50, true);
    check_set("test", 10, 50, true);
    check_pairs();
    static const char *const trained[] = {"clip", "proposals", "finetune", "mpt-only", "mpt"};
    static const int steps[] = {100, 120, 60, 60, 60};
    for (size_t i = 0; i < sizeof trained / sizeof *trained; i++) {
        char *name = mem_format("checkpoint-%06d/manifest.json", steps[i]);
        char *path = file_of("coco", trained[i], name);
        CHECK(file_exists(path));
        free(path);
        free(name);
    }
    static const char *const rows[] = {"raw CLIP", "MPT only", "FT only", "FT+MPT", "ensemble"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) CHECK_HAS(e.out, rows[i]);
    ended_free(&e);
    free(images);
    free(captions);
    free(instances);
}
