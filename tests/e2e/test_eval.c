/* `ovseg eval`, as a user types it.
 *
 * ctest: timeout=600 labels=slow */
#include <cjson/cJSON.h>

#include "base/file.h"
#include "checkpoints/weights.h"
#include "data/image.h"
#include "nn/models/clip.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/torch.h"

#define EVAL(...) OVSEG("eval", __VA_ARGS__)
#define CONVERT(...) OVSEG("convert", __VA_ARGS__)

/* A small CLIP with prompts and random weights. */
static char *write_clip(void) {
    struct clip_options o = {
        .image = {.image_size = 32, .patch = 8, .width = 64, .layers = 2, .prompt_depth = 1},
        .text = {.vocab = 49408, .context = 77, .width = 64, .layers = 1, .cut_at_end = true},
        .features = 24,
        .temperature = 0.07};
    struct params p = {0};
    struct clip c;
    clip_init(&c, params_root(&p), &o);
    char *file = test_path("clip.safetensors");
    CHECK_OK(weights_save(file, &p, NULL, 0));
    clip_free(&c);
    params_free(&p);
    return file;
}

/* A picture of noise with a left half of the colour of the fill. */
static void put_picture(const char *class, const char *name, unsigned seed) {
    char *dir = test_path(class), *path = path_join(dir, name);
    struct image im;
    struct bytes png;
    CHECK_OK(dir_make(dir));
    CHECK_OK(image_alloc(&im, 40, 48, 3));
    for (int64_t i = 0; i < 40 * 48; i++)
        for (int c = 0; c < 3; c++)
            im.at[3 * i + c] = i % 48 < 24 ? (const uint8_t[]){124, 116, 103}[c]
                                           : (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(file_write(path, png.at, png.n));
    bytes_free(&png);
    image_free(&im);
    free(dir);
    free(path);
}

static char *put_pictures(void) {
    put_picture("set/cat", "a.png", 1);
    put_picture("set/cat", "b.png", 2);
    put_picture("set/dog", "c.png", 3);
    return test_path("set");
}

TEST(the_pictures_of_a_folder_are_named_and_counted) {
    char *clip = write_clip(), *set = put_pictures(), *out = test_path("figures.json");
    char *lines = test_path("predictions.jsonl");
    struct ended e = EVAL(clip, "--images", set, "-o", out, "--predictions", lines,
                          "clip.activation=quickgelu", "MODEL.CLIP_ADAPTER.TEXT_TEMPLATES=vild");
    check_status(&e, 0);
    CHECK_HAS(e.out, "3 pictures, 2 classes");
    CHECK_HAS(e.out, "100.00 %  top-5");
    ended_free(&e);
    cJSON *j = json_of(out);
    const cJSON *classes = cJSON_GetObjectItem(j, "classes");
    CHECK_INT(cJSON_GetArraySize(classes), 2);
    double right = 0;
    for (int k = 0; k < 2; k++) right += json_value(cJSON_GetArrayItem(classes, k), "top1");
    CHECK_NEAR(json_value(j, "top1"), 100 * right / 3, 1e-9);
    CHECK_NEAR(json_value(cJSON_GetArrayItem(classes, 0), "pictures"), 2, 0);
    cJSON_Delete(j);
    char *text = text_of(lines);
    int n = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++) n++;
    CHECK_INT(n, 3);
    CHECK_HAS(text, "b.png\",\"class\":\"cat\",\"names\":[\"");
    struct ended plain = EVAL(clip, "--images", set, "--predictions", lines,
                              "clip.activation=quickgelu", "eval.prompts=false");
    check_status(&plain, 0);
    ended_free(&plain);
    char *other = text_of(lines);
    CHECK(strcmp(text, other) != 0); /* the left half was prompts */
    free(clip);
    free(set);
    free(out);
    free(lines);
    free(text);
    free(other);
}

TEST(a_folder_of_hugging_face_is_a_model) {
    char *clip = write_clip(), *set = put_pictures(), *folder = test_path("hf");
    struct ended e = CONVERT(clip, folder, "--as", "hf", "--activation", "quickgelu");
    check_status(&e, 0);
    ended_free(&e);
    e = EVAL(folder, "--images", set);
    check_status(&e, 0);
    CHECK_HAS(e.out, "3 pictures, 2 classes");
    ended_free(&e);
    free(clip);
    free(set);
    free(folder);
}

TEST(names_from_a_list_go_with_the_sub_folders_by_name_or_by_order) {
    char *clip = write_clip(), *set = put_pictures(), *lines = test_path("predictions.jsonl");
    struct ended e = EVAL(clip, "--images", set, "--predictions", lines, "--classes", "dog,cat",
                          "clip.activation=quickgelu");
    check_status(&e, 0);
    ended_free(&e);
    char *text = text_of(lines);
    CHECK_HAS(text, "a.png\",\"class\":\"cat\"");
    free(text);
    e = EVAL(clip, "--images", set, "--predictions", lines, "--classes", "a kitten,a puppy",
             "clip.activation=quickgelu");
    check_status(&e, 0);
    CHECK_HAS(e.err, "cat is \"a kitten\", ... dog is \"a puppy\"");
    ended_free(&e);
    text = text_of(lines);
    CHECK_HAS(text, "c.png\",\"class\":\"a puppy\"");
    free(text);
    e = EVAL(clip, "--images", set, "--classes", "dog,ca", "clip.activation=quickgelu");
    check_status(&e, 0);
    CHECK_HAS(e.err, "dog,ca: names 1 of the 2 sub-folders, but not cat");
    ended_free(&e);
    e = EVAL(clip, "--images", set, "--classes", "cat", "clip.activation=quickgelu");
    check_status(&e, 65);
    CHECK_HAS(e.err, "1 name for 2 sub-folders");
    ended_free(&e);
    free(clip);
    free(set);
    free(lines);
}

TEST(a_folder_of_hugging_faces_names_as_the_clip_that_it_was_made_of) {
    char *clip = write_clip(), *set = put_pictures(), *folder = test_path("clip-hf");
    char *lines[] = {test_path("own.jsonl"), test_path("hf.jsonl")};
    const char *program = TEST_BUILD_DIR "/bin/ovseg";
    const char *argv[] = {program, "convert",      clip,        folder, "--as",
                          "hf",    "--activation", "quickgelu", NULL};
    struct process p;
    process_start(&p, argv, NULL);
    struct ended e = process_wait(&p, 300);
    check_status(&e, 0);
    ended_free(&e);
    e = EVAL(clip, "--images", set, "--predictions", lines[0], "clip.activation=quickgelu",
             "eval.prompts=false");
    check_status(&e, 0);
    ended_free(&e);
    e = EVAL(folder, "--images", set, "--predictions", lines[1]);
    check_status(&e, 0);
    ended_free(&e);
    char *own = text_of(lines[0]), *hf = text_of(lines[1]);
    CHECK_HAS(own, "cosines");
    CHECK_TEXT(hf, own);
    free(clip);
    free(set);
    free(folder);
    for (int i = 0; i < 2; i++) free(lines[i]);
    free(own);
    free(hf);
}

TEST(a_picture_that_cannot_be_read_is_named_and_the_others_are_counted) {
    char *clip = write_clip(), *set = put_pictures(), *bad = test_path("set/dog/bad.jpg");
    CHECK_OK(file_write(bad, "GIF", 3));
    struct ended e = EVAL(clip, "--images", set, "clip.activation=quickgelu");
    check_status(&e, 65);
    CHECK_HAS(e.err, "bad.jpg");
    CHECK_HAS(e.err, "1 of 4 pictures could not be read");
    CHECK_HAS(e.out, "3 pictures, 2 classes");
    ended_free(&e);
    free(clip);
    free(set);
    free(bad);
}

TEST(figures_that_have_no_place_are_told_before_hours_go_into_them) {
    char *clip = write_clip(), *set = put_pictures(), *out = test_path("no/such/figures.json");
    struct ended e = EVAL(clip, "--images", set, "-o", out, "clip.activation=quickgelu");
    check_status(&e, 74);
    CHECK_HAS(e.err, "figures.json");
    CHECK_TEXT(e.out, "");
    ended_free(&e);
    e = EVAL(clip, "--images", set, "--predictions", set, "clip.activation=quickgelu");
    check_status(&e, 74);
    CHECK_HAS(e.err, "is a folder");
    ended_free(&e);
    free(clip);
    free(set);
    free(out);
}

TEST(what_makes_no_evaluation_is_said) {
    char *config = test_source("configs/smoke/clip.yaml"), *set = put_pictures();
    struct ended e = EVAL(config);
    check_status(&e, 78);
    CHECK_HAS(e.err, "--images DIR");
    ended_free(&e);
    e = EVAL(config, "--classes", "a,b");
    check_status(&e, 64);
    ended_free(&e);
    e = EVAL(config, "--images", set, "clip:eval.prompts=false");
    check_status(&e, 64);
    CHECK_HAS(e.err, "clip:eval.prompts");
    ended_free(&e);
    e = EVAL(set); /* not a config, as a file of weights */
    check_status(&e, 64);
    CHECK_HAS(e.err, "is no config");
    CHECK_HAS(e.err, "--images DIR");
    ended_free(&e);
    e = EVAL(config, "--blend", "runs/clip-1"); /* either may be meant to be the other */
    check_status(&e, 64);
    CHECK_HAS(e.err,
              "runs/clip-1: what --blend begins with is written behind =: ovseg eval RUN "
              "--blend=OTHER");
    ended_free(&e);
    e = EVAL(config, "--fit-threshold", "all");
    check_status(&e, 64);
    CHECK_HAS(e.err, "is written behind =: --fit-threshold=all");
    ended_free(&e);
    e = EVAL("no-such-model");
    check_status(&e, 66);
    ended_free(&e);
    e = EVAL("no-such-model", "--images", set);
    check_status(&e, 66);
    CHECK_HAS(e.err, "no-such-model");
    ended_free(&e);
    free(config);
    free(set);
}

TEST(a_config_of_stage_evaluate_is_run_as_by_ovseg_train) {
    char *config = test_source("configs/smoke/eval.yaml"), *to = test_path("out");
    char *output = mem_format("*:output_dir=%s", to);
    struct ended e = EVAL(config, output, "--quiet"), again;
    check_status(&e, 0);
    CHECK_HAS(e.out, "mIoU");
    ended_free(&e);
    again = TRAIN("out", "smoke/eval.yaml", NULL);
    check_status(&again, 0);
    char *run = run_of("out", "eval"); /* one alone: there was nothing left to do */
    free(run);
    ended_free(&again);
    free(config);
    free(to);
    free(output);
}
