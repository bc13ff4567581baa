/* From a folder to a table, by the commands a user types: `ovseg init`, then ovseg-train. What the
 * smallest models learn is not judged. */
/* ctest: timeout=900 labels=slow */
#include "base/file.h"
#include "data/set.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static void check_has(const char *text, const char *const *parts) {
    for (; *parts; parts++) CHECK_HAS(text, *parts);
}
#define HAS(text, ...) check_has(text, (const char *const[]){__VA_ARGS__, NULL})

/* Drawn scenes as plain files, in test_dir()/plain; owned. */
static char *drawn(const char *images, const char *masks) {
    struct ended e = TRAIN("world", "smoke/scenes.yaml", "count.clip=60", "count.seen=20");
    char *set = file_of("world", "scenes", "clip.h5"), *plain = test_path("plain");
    check_status(&e, 0);
    ended_free(&e);
    e = OVSEG("data", "export", set, plain, "--images", images, "--masks", masks);
    check_status(&e, 0);
    char *said = mem_format("%s: %s pictures, %s masks\n", plain, images, masks);
    CHECK_TEXT(e.out, said);
    free(said);
    ended_free(&e);
    free(set);
    return plain;
}

/* `ovseg init DIR --images FOLDER`, from the smallest models. */
static struct ended init(const char *dir, const char *folder) {
    char *clip = test_source("configs/smoke/clip.yaml");
    char *proposals = test_source("configs/smoke/proposals.yaml");
    struct ended e =
        OVSEG("init", dir, "--images", folder, "--clip", clip, "--proposals", proposals);
    free(clip);
    free(proposals);
    check_status(&e, 0);
    return e;
}

/* A set of the data that this chain made. */
static void check_set(const char *name, int64_t images, bool labels, bool captions) {
    char *file = mem_format("%s.h5", name), *path = file_of("out", "data", file);
    struct dataset d;
    CHECK_OK(set_open(&d, path));
    CHECK_INT(d.n_images, images);
    CHECK_INT(d.n_captions > 0, captions);
    for (int64_t i = 0; i < d.n_images && labels; i++) {
        struct labels l;
        CHECK_OK(d.source->labels(&d, i, &l));
        labels_free(&l);
    }
    dataset_close(&d);
    free(path);
    free(file);
}

/* Lists that a user has edited so that a stage would lack its pictures are told of before any
 * training begins. */
static void check_lists(const char *dir, const char *config) {
    char *val = path_join(dir, "split/val.txt"), *train = path_join(dir, "split/train.txt"),
         *away = path_join(dir, "split/away"), *held = text_of(val), *trains = text_of(train);
    struct str bare = {0};
    CHECK(rename(val, away) == 0);
    check_says(TRAIN("other", config, NULL), 65, NULL,
               "/split/val.txt: names no picture, or is not there, and validate.set of ");
    for (char *line = strtok(trains, "\n"); line; line = strtok(NULL, "\n")) {
        char *bare_name = path_stem(line), *mask = mem_format("plain/masks/%s.png", bare_name),
             *path = test_path(mask);
        if (!file_exists(path)) str_add(&bare, "%s\n", line);
        free(path);
        free(mask);
        free(bare_name);
    }
    CHECK(bare.n);
    CHECK_OK(file_write(train, held, strlen(held)));
    CHECK_OK(file_write(val, bare.at, bare.n));
    check_says(TRAIN("other", config, NULL), 65, NULL, "/split/val.txt: none of its ");
    CHECK_OK(file_write(val, held, strlen(held)));
    CHECK_OK(file_write(train, bare.at, bare.n));
    check_says(TRAIN("other", config, NULL), 65, NULL,
               "/masks.yaml trains on them: put some that have one into it");
    char *out = test_path("other");
    CHECK(!dir_exists(out));
    char *const owned[] = {val, train, away, held, trains, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    str_free(&bare);
}

TEST(drawn_scenes_with_captions_and_some_masks_go_from_init_to_a_table) {
    char *plain = drawn("40", "15"), *dir = test_path("mine"), *config = path_join(dir, "mpt.yaml");
    struct ended e = init(dir, plain);
    HAS(e.out, "captions   of 40 of 40", "masks      of 15 of 40", "next: ovseg-train");
    ended_free(&e);
    e = TRAIN("out", config, "masks:optim.steps=6", "finetune:optim.epochs=0",
              "finetune:optim.steps=6", "optim.epochs=0", "optim.steps=6");
    check_status(&e, 0);
    HAS(e.out, "raw CLIP", "FT only", "FT+MPT", "MaskFormer only", "ensemble");
    HAS(e.err, "masks: starts from ", "finetune: step 0, validation: mask_accuracy",
        " probe_accuracy ");
    ended_free(&e);
    e = OVSEG("report", config); /* in `runs`, where nobody ran it */
    check_status(&e, 66);
    HAS(e.err, "mpt.yaml: it was not run yet: ovseg-train ");
    ended_free(&e);
    check_set("clip", 37, false, true);
    check_set("seen", 12, true, true);
    check_set("val", 3, true, true);
    check_lists(dir, config);
    free(config);
    free(dir);
    free(plain);
}

TEST(captions_alone_and_masks_alone_are_enough_for_a_chain) {
    char *plain = drawn("16", "16"), *dir = test_path("a"), *config = path_join(dir, "mpt.yaml");
    char *masks = path_join(plain, "masks"), *captions = path_join(plain, "captions.jsonl");
    char *away = test_path("masks");
    CHECK(rename(masks, away) == 0);
    struct ended e = init(dir, plain);
    HAS(e.out, "masks      none: nothing can tell how good");
    ended_free(&e);
    char *scenes = test_source("configs/smoke/scenes.yaml");
    char *eval = mem_format("eval:inputs.scenes=%s", scenes);
    e = TRAIN("out", config, eval, "finetune:optim.steps=6", "optim.steps=6");
    check_status(&e, 0);
    HAS(e.out, "raw CLIP", "FT+MPT");
    ended_free(&e);
    char *run = run_of("out", "finetune"); /* nothing but the probe can judge what is between */
    check_says(OVSEG("eval", run, "--blend"), 0, "\n  0.0         -         -         -", NULL);
    check_says(OVSEG("eval", run, "--blend", "validate.set=val"), 65, NULL,
               "val: has no masks: validate.set wants a set with masks and names");
    free(run);
    free(dir);
    free(config);

    CHECK(rename(away, masks) == 0);
    CHECK_OK(file_remove(captions));
    dir = test_path("a folder, ä"); /* what comes next is to be copied into a shell */
    config = path_join(dir, "mpt.yaml");
    e = init(dir, plain);
    HAS(e.out, "captions   none: only the names of the masks will be learned",
        "/a folder, ä/mpt.yaml'\n");
    ended_free(&e);
    e = TRAIN("out2", config, "masks:optim.steps=6", "finetune:optim.steps=6", "optim.steps=6");
    check_status(&e, 0);
    HAS(e.out, "raw CLIP", "FT+MPT", "ensemble");
    ended_free(&e);
    char *const owned[] = {plain, dir, config, masks, captions, away, scenes, eval};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(photographs_with_captions_and_instances_of_coco_go_from_init_to_a_table) {
    char *images = test_coco_mini("train2017");
    char *captions = test_coco_mini("annotations/captions_train2017.json");
    char *instances = test_coco_mini("annotations/instances_train2017.json");
    char *dir = test_path("photos"), *config = path_join(dir, "mpt.yaml");
    char *clip = test_source("configs/smoke/clip.yaml");
    char *proposals = test_source("configs/smoke/proposals.yaml");
    struct ended e = OVSEG("init", dir, "--images", images, "--captions", captions, "--masks",
                           instances, "--clip", clip, "--proposals", proposals);
    check_status(&e, 0);
    HAS(e.out, "captions   of 80 of 80 pictures (100 %): 400, COCO JSON", "COCO instances",
        "split      train ");
    ended_free(&e);
    e = TRAIN("out", config, "masks:optim.steps=6", "finetune:optim.epochs=0",
              "finetune:optim.steps=6", "optim.epochs=0", "optim.steps=6");
    check_status(&e, 0);
    HAS(e.out, "raw CLIP", "FT+MPT", "ensemble", "-: none of the classes in the truth is unseen");
    CHECK(!strstr(e.out, "nan"));
    ended_free(&e);
    char *const owned[] = {images, captions, instances, dir, config, clip, proposals};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void put_config(const char *name, const char *text) {
    char *path = test_path(name), *smoke = test_source("configs/smoke"),
         *whole = realpath(smoke, NULL);
    struct str out = {0};
    for (const char *at = text; *at; at++)
        if (*at == '@')
            str_add(&out, "%s", whole);
        else
            str_add(&out, "%c", *at);
    CHECK_OK(file_write(path, out.at, out.n));
    str_free(&out);
    free(path);
    free(smoke);
    free(whole);
}

/* Pairs of true masks: no proposal network is behind the prompts. */
TEST(a_chain_of_masks_alone_is_exported_with_the_network_that_it_is_judged_with) {
    put_config("pairs.yaml",
               "stage: mine\ninputs: {scenes: @/scenes.yaml}\n"
               "mine: {ground_truth: true, min_area: 20}\n");
    put_config("mpt.yaml",
               "base: @/mpt-only.yaml\n"
               "inputs: {pairs: pairs.yaml}\nthen: eval.yaml\n");
    put_config("eval.yaml",
               "stage: evaluate\n"
               "inputs: {scenes: @/scenes.yaml, proposals: @/proposals.yaml, "
               "raw: @/clip.yaml, mpt: mpt.yaml}\n"
               "eval: {set: test, min_area: 12}\n");
    char *config = test_path("mpt.yaml"), *runs = test_path("out"),
         *package = test_path("mine.ovseg"), *output = mem_format("output_dir=%s", runs);
    struct ended e = TRAIN("out", config, NULL);
    check_status(&e, 0);
    ended_free(&e);
    e = OVSEG("export", config, "-o", package, output); /* as the chain was run */
    check_status(&e, 0);
    ended_free(&e);
    char *parts = path_join(package, "proposals.safetensors");
    CHECK(file_exists(parts));
    char *const owned[] = {config, runs, package, parts, output};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
