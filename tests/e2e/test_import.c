/* Published weights as the start of a chain, and as a model to segment with.
 *
 * ctest: timeout=600 labels=slow */
#include <cjson/cJSON.h>

#include "base/file.h"
#include "checkpoints/weights.h"
#include "data/image.h"
#include "eval/crf.h"
#include "eval/panoptic.h"
#include "nn/models/ovseg.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/torch.h"
#include "tests/whole_made.h"

static char *write_config(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

static void free_all(char *const *owned, size_t n) {
    for (size_t i = 0; i < n; i++) free(owned[i]);
}
#define FREE_ALL(...)                                                                              \
    free_all((char *const[]){__VA_ARGS__}, sizeof((char *const[]){__VA_ARGS__}) / sizeof(char *))

/* The smoke chain's CLIP in a file of its own. */
static char *write_clip(void) {
    struct ended e = TRAIN("out", "smoke/clip.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *run = run_of("out", "clip"), *file = test_path("own-clip.safetensors");
    e = OVSEG("convert", run, file);
    check_status(&e, 0);
    ended_free(&e);
    free(run);
    return file;
}

/* The hash of every tensor. */
static void check_same_tensors(const char *run_a, const char *run_b) {
    char *to[] = {test_path("a.safetensors"), test_path("b.safetensors")};
    struct ended a = OVSEG("convert", run_a, to[0]), b = OVSEG("convert", run_b, to[1]);
    check_status(&a, 0);
    check_status(&b, 0);
    CHECK(*a.out);
    CHECK_TEXT(a.out, b.out);
    ended_free(&a);
    ended_free(&b);
    free(to[0]);
    free(to[1]);
}

TEST(a_clip_out_of_a_file_is_fine_tuned_as_the_run_that_it_came_from) {
    char *file = write_clip(), *source = test_source("configs/smoke"),
         *here = realpath(source, NULL);
    char *import = write_config("import.yaml",
                                "stage: import\ninputs: {file: own-clip.safetensors}\n"
                                "clip: {activation: quickgelu, heads: 2, text: {heads: 2}}\n");
    char *text = mem_format(
        "base: %s/finetune.yaml\n"
        "inputs: {scenes: %s/scenes.yaml, pairs: %s/mine.yaml, clip: import.yaml}\n",
        here, here, here);
    char *tune = write_config("finetune.yaml", text);
    struct ended e = TRAIN("out", tune, NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *imported = run_of("out", "import"), *settings = path_join(imported, "settings.yaml");
    char *said = text_of(settings);
    CHECK_HAS(said, "\nclip.image_size: 32 ");
    CHECK_HAS(said, "\nclip.text.layers: 1 ");
    char *tuned = run_of("out", "finetune");
    struct ended own = TRAIN("own", "smoke/finetune.yaml", NULL);
    check_status(&own, 0);
    ended_free(&own);
    char *same = run_of("own", "finetune");
    check_same_metrics(tuned, same);
    check_same_tensors(tuned, same); /* their headers name two runs */
    FREE_ALL(file, source, here, import, text, tune, imported, settings, said, tuned, same);
}

TEST(a_file_that_does_not_tell_its_activation_asks_for_it) {
    char *file = write_clip(), *source = test_source("configs/smoke"),
         *here = realpath(source, NULL);
    char *text = mem_format(
        "base: %s/finetune.yaml\n"
        "inputs: {scenes: %s/scenes.yaml, pairs: %s/mine.yaml, clip: import.yaml}\n",
        here, here, here);
    char *tune = write_config("finetune.yaml", text);
    char *import = write_config("import.yaml",
                                "stage: import\ninputs: {file: own-clip.safetensors}\n"
                                "clip: {heads: 2, text: {heads: 2}}\n");
    struct ended e = TRAIN("other", tune, NULL);
    check_status(&e, 78);
    CHECK_HAS(e.err, "own-clip.safetensors");
    CHECK_HAS(e.err, "clip.activation");
    ended_free(&e);
    FREE_ALL(file, source, here, text, tune, import);
}

static char *write_picture(void) {
    struct image im;
    struct bytes png;
    char *path = test_path("picture.png");
    CHECK_OK(image_alloc(&im, 48, 70, 3));
    for (int64_t i = 0; i < 48 * 70 * 3; i++) im.at[i] = (uint8_t)(i * 7 % 251);
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(file_write(path, png.at, png.n));
    bytes_free(&png);
    image_free(&im);
    return path;
}

/* ovseg segment, of a file of weights, with what it does not tell. */
#define SEGMENT(model, out, ...)                                                                   \
    OVSEG("segment", "-m", model, "--set", "clip.activation=quickgelu", "--set",                   \
          "MODEL.BACKBONE.NAME=build_resnet_backbone", "--set", "INPUT.MIN_SIZE_TEST=64", "-o",    \
          out, __VA_ARGS__)

/* Segments with -m MODEL and some settings; the dump of the picture, owned. */
static char *dump_of(const char *model, const char *picture, const char *to) {
    char *out = test_path(to);
    struct ended e = SEGMENT(model, out, "--classes", "sky,tree,road", "--dump", out, picture);
    check_status(&e, 0);
    CHECK_HAS(e.out, "tree");
    ended_free(&e);
    char *file = path_join(out, "picture.safetensors");
    free(out);
    return file;
}

static bool same_bytes(const char *a, const char *b) {
    struct bytes x, y;
    CHECK_OK(file_read(a, 1 << 28, &x));
    CHECK_OK(file_read(b, 1 << 28, &y));
    bool same = x.n == y.n && memcmp(x.at, y.at, x.n) == 0;
    bytes_free(&x);
    bytes_free(&y);
    return same;
}

TEST(a_whole_model_segments_from_its_file_and_from_its_import_alike) {
    char *file = made_whole_as("whole.safetensors"), *picture = write_picture();
    char *dump = dump_of(file, picture, "from-file"), *nowhere = test_path("nowhere");
    struct ended unsaid = OVSEG("segment", "-m", file, "--classes", "sky,tree", "--set",
                                "clip.activation=quickgelu", "-o", nowhere, picture);
    check_status(&unsaid, 78);
    CHECK_HAS(unsaid.err, "eval.shortest");
    ended_free(&unsaid);
    struct tensor_file f;
    CHECK_OK(tensor_file_open(&f, dump, NULL));
    static const struct {
        const char *name;
        struct shape shape;
    } wanted[] = {{"text_features", {2, {4, 24}}}, {"pred_embed", {2, {5, 24}}},
                  {"pred_logits", {2, {5, 4}}},    {"sem_seg", {3, {3, 48, 70}}},
                  {"label", {2, {48, 70}}},        {"valid", {1, {5}}}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct st_tensor *x = st_table_find(f.table, wanted[i].name);
        CHECK(x && x->shape.n == wanted[i].shape.n);
        for (int d = 0; d < x->shape.n; d++) CHECK_INT(x->shape.d[d], wanted[i].shape.d[d]);
    }
    tensor_file_close(&f);
    char *config = write_config("model.yaml",
                                "stage: import\ninputs: {file: whole.safetensors}\n"
                                "clip.activation: quickgelu\n"
                                "proposals.backbone.dilations: [1, 1, 1]\n"
                                "eval.shortest: 64\n");
    struct ended e = TRAIN("out", config, NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *run = run_of("out", "model"), *out = test_path("from-run");
    e = OVSEG("segment", "-m", run, "--classes", "sky,tree,road", "--dump", out, "-o", out,
              picture);
    check_status(&e, 0);
    ended_free(&e);
    char *again = path_join(out, "picture.safetensors");
    CHECK(same_bytes(dump, again));
    FREE_ALL(file, picture, dump, nowhere, config, run, out, again);
}

TEST(an_evaluations_settings_go_with_weights_from_anywhere) {
    char *file = made_whole_as("whole.safetensors"), *picture = write_picture(),
         *out = test_path("named");
    char *dump = dump_of(file, picture, "from-file"), *to = test_path("named.safetensors");
    char *model = write_config("model.yaml",
                               "stage: import\ninputs: {file: not-there.pth}\n"
                               "clip.activation: quickgelu\n"
                               "proposals.backbone.dilations: [1, 1, 1]\neval.shortest: 32\n");
    char *config = write_config("eval.yaml",
                                "stage: evaluate\ninputs: {scenes: no-set.yaml, proposals: "
                                "model.yaml, it: model.yaml}\neval.shortest: 64\n");
    struct ended e = OVSEG("segment", "--config", config, "--weights", file, "--classes",
                           "sky,tree,road", "--dump", to, "-o", out, picture);
    check_status(&e, 0);
    ended_free(&e);
    CHECK(same_bytes(dump, to));
    e = OVSEG("segment", "--config", config, "--weights", file, "--classes", "sky,tree,road",
              "--dump", to, "-o", out, picture, "--set", "eval.lambda=0.1");
    check_status(&e, 0);
    ended_free(&e);
    CHECK(!same_bytes(dump, to)); /* the command line has the last word */
    e = OVSEG("segment", "-m", file, "--weights", file, "--classes", "sky", "-o", out, picture);
    check_status(&e, 64);
    CHECK_HAS(e.err, "--config");
    ended_free(&e);
    FREE_ALL(file, picture, out, dump, to, model, config);
}

TEST(overrides_beside_weights_are_the_models_or_the_evaluations) {
    char *file = made_whole_as("whole.safetensors"), *picture = write_picture(),
         *out = test_path("named");
    char *dump = dump_of(file, picture, "from-file"), *to = test_path("named.safetensors");
    char *model = write_config("model.yaml",
                               "stage: import\ninputs: {file: not-there.pth}\n"
                               "clip.activation: quickgelu\n");
    char *config = write_config("eval.yaml",
                                "stage: evaluate\ninputs: {scenes: no-set.yaml, "
                                "proposals: model.yaml, it: model.yaml}\n");
    struct ended e = OVSEG(
        "segment", "--config", config, "--weights", file, "--classes", "sky,tree,road", "--dump",
        to, "-o", out, picture, "--set", "MODEL.BACKBONE.NAME=build_resnet_backbone", "--set",
        "MODEL.MASK_FORMER.NUM_OBJECT_QUERIES=5", "--set", "INPUT.MIN_SIZE_TEST=64");
    check_status(&e, 0);
    ended_free(&e);
    CHECK(same_bytes(dump, to));
    e = OVSEG("segment", "--config", config, "--weights", file, "--classes", "sky,tree,road", "-o",
              out, picture, "--set", "optim.lr=0.1");
    check_status(&e, 78);
    CHECK_HAS(e.err, "optim.lr has no effect");
    ended_free(&e);
    FREE_ALL(file, picture, out, dump, to, model, config);
}

/* A tensor of a dump. */
static tensor *dumped(const char *dump, const char *name) {
    struct tensor_file f;
    CHECK_OK(tensor_file_open(&f, dump, NULL));
    const struct st_tensor *x = st_table_find(f.table, name);
    if (!x) test_fail(__FILE__, __LINE__, "%s: no %s", dump, name);
    tensor *t = tensor_file_tensor(&f, x);
    CHECK_OK(error_status());
    tensor_file_close(&f);
    return t;
}

static struct bytes bytes_of(const char *path) {
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 24, &b));
    return b;
}

static tensor *map_of(const struct labels *l) { /* [H, W] i64 */
    int64_t *at = mem_alloc((size_t)(l->h * l->w), sizeof *at);
    for (int64_t i = 0; i < l->h * l->w; i++) at[i] = l->at[i];
    tensor *x = t_from_data(at, SHAPE(l->h, l->w), T_I64);
    free(at);
    return x;
}

/* The labels of a dump are the CRF's of its scores and the picture. */
static void check_crf(const char *dump, const char *picture) {
    tensor *scores = dumped(dump, "sem_seg");
    int64_t n = t_numel(scores);
    float *at = mem_alloc((size_t)n, sizeof *at);
    struct bytes file = bytes_of(picture);
    struct image im;
    struct labels l;
    struct crf c;
    CHECK_OK(t_copy_out(scores, at, (size_t)n * sizeof *at));
    CHECK_OK(image_decode(file.at, file.n, picture, &im));
    CHECK_OK(crf_open(&c, t_size(scores, 0), im.h, im.w));
    crf_put(&c, 0, t_size(scores, 0), at);
    CHECK_OK(crf_labels(&c, &crf_standard, &im, &l));
    CHECK(test_equal_bits(map_of(&l), dumped(dump, "label")));
    CHECK(!test_equal_bits(t_argmax(scores, 0), dumped(dump, "label")));
    free(at);
    bytes_free(&file);
    image_free(&im);
    labels_free(&l);
    crf_free(&c);
}

TEST(a_dense_crf_labels_the_scores_that_are_dumped) {
    char *file = made_whole_as("whole.safetensors"), *picture = write_picture(),
         *out = test_path("crf");
    char *dump = path_join(out, "picture.safetensors");
    char *plain = test_path("plain.safetensors");
    struct ended e = SEGMENT(file, out, "--classes", "sky,tree,road", "--dump", plain, picture,
                             "--set", "eval.ensemble=false");
    check_status(&e, 0);
    ended_free(&e);
    e = SEGMENT(file, out, "--classes", "sky,tree,road", "--dump", out, picture, "--set",
                "eval.ensemble=false", "--set", "TEST.DENSE_CRF=True");
    check_status(&e, 0);
    ended_free(&e);
    check_crf(dump, picture);
    CHECK(test_equal_bits(dumped(dump, "sem_seg"), dumped(plain, "sem_seg")));
    e = SEGMENT(file, out, "--classes", "sky,tree,road", "--dump", out, picture, "--set",
                "eval.ensemble=false", "--set", "eval.crf.enabled=true", "--set",
                "eval.tta.enabled=true", "--set", "eval.tta.sizes=[48, 64]");
    check_status(&e, 0);
    ended_free(&e);
    check_crf(dump, picture); /* of the mean over the views */
    CHECK(!test_equal_bits(dumped(dump, "sem_seg"), dumped(plain, "sem_seg")));
    CHECK(test_equal_bits(dumped(dump, "text_features"), dumped(plain, "text_features")));
    FREE_ALL(file, picture, out, dump, plain);
}

/* The files say what the library makes of the dump. */
static void check_segments(const char *out, const char *dump, const bool *thing) {
    struct panoptic_source s = {.logits = dumped(dump, "pred_logits"),
                                .masks = dumped(dump, "pred_masks"),
                                .padded_h = 64,
                                .padded_w = 96, /* 64 x 93, to a multiple of 32 */
                                .h = 64,
                                .w = 93};
    struct panoptic_options o = {.enabled = true, .overlap = 0.2};
    struct panoptic want;
    struct labels found;
    CHECK_OK(panoptic_of(&o, &s, thing, 48, 70, &want));
    CHECK(want.n > 0);
    char *png = path_join(out, "picture-panoptic.png");
    char *json = path_join(out, "picture-panoptic.json");
    struct bytes b = bytes_of(png);
    CHECK_OK(labels_decode_png(b.at, b.n, png, &found));
    CHECK(memcmp(found.at, want.id.at, sizeof *found.at * 48 * 70) == 0);
    CHECK(test_equal_bits(map_of(&found), dumped(dump, "panoptic")));
    cJSON *j = json_of(json);
    const cJSON *segments = cJSON_GetObjectItem(j, "segments_info");
    const cJSON *categories = cJSON_GetObjectItem(j, "categories");
    CHECK_TEXT(cJSON_GetObjectItem(j, "file_name")->valuestring, "picture-panoptic.png");
    CHECK_INT(cJSON_GetArraySize(segments), (int64_t)want.n);
    for (size_t i = 0; i < want.n; i++) {
        const cJSON *x = cJSON_GetArrayItem(segments, (int)i);
        CHECK_INT(json_value(x, "id"), want.segment[i].id);
        CHECK_INT(json_value(x, "category_id"), want.segment[i].category);
        CHECK_INT(json_value(x, "area"), want.segment[i].area);
        CHECK_INT(json_value(x, "isthing"), want.segment[i].thing);
        CHECK_INT(cJSON_GetArrayItem(cJSON_GetObjectItem(x, "bbox"), 3)->valuedouble,
                  want.segment[i].box.y1 - want.segment[i].box.y0);
    }
    CHECK_INT(cJSON_GetArraySize(categories), 3);
    for (int k = 0; k < 3; k++)
        CHECK_INT(json_value(cJSON_GetArrayItem(categories, k), "isthing"), thing[k]);
    CHECK_TEXT(cJSON_GetObjectItem(cJSON_GetArrayItem(categories, 1), "name")->valuestring, "tree");
    cJSON_Delete(j);
    panoptic_free(&want);
    labels_free(&found);
    bytes_free(&b);
    FREE_ALL(png, json);
}

TEST(panoptic_segments_are_written_beside_the_labels) {
    char *file = made_whole_as("whole.safetensors"), *picture = write_picture(),
         *out = test_path("panoptic");
    char *dump = path_join(out, "picture.safetensors");
    char *names = write_config("names.yaml",
                               "- {name: sky, kind: stuff}\n"
                               "- {name: tree, kind: thing}\n"
                               "- {name: road, kind: stuff}\n");
    struct ended e = SEGMENT(file, out, "--classes", names, "--dump", out, picture, "--set",
                             "MODEL.MASK_FORMER.TEST.PANOPTIC_ON=True", "--set",
                             "MODEL.MASK_FORMER.TEST.OVERLAP_THRESHOLD=0.2");
    check_status(&e, 0);
    CHECK(!strstr(e.err, "taken as things"));
    ended_free(&e);
    check_segments(out, dump, (const bool[]){false, true, false});
    e = SEGMENT(file, out, "--classes", "sky,tree,road", "--dump", out, picture, "--set",
                "eval.panoptic.enabled=true", "--set", "eval.panoptic.overlap=0.2");
    check_status(&e, 0);
    CHECK_HAS(e.err, "3 of 3 names are taken as things");
    ended_free(&e);
    check_segments(out, dump, (const bool[]){true, true, true});
    FREE_ALL(file, picture, out, dump, names);
}

TEST(a_picture_that_is_not_there_is_missing_and_not_damaged) {
    char *file = made_whole_as("whole.safetensors"), *picture = write_picture(),
         *out = test_path("out");
    struct ended e = SEGMENT(file, out, "--classes", "sky,tree", "no-such.png", picture);
    check_status(&e, 66);
    CHECK_HAS(e.err, "no-such.png: No such file");
    CHECK_HAS(e.err, "1 of 2 pictures could not be read");
    CHECK_HAS(e.out, "tree");
    ended_free(&e);
    e = SEGMENT("no-such.pth", out, "--classes", "sky,tree", "no-such.png", "nor-this.png");
    check_status(&e, 66); /* before a model is looked for */
    CHECK_HAS(e.err, "no-such.png and the others: no such picture");
    ended_free(&e);
    FREE_ALL(file, picture, out);
}

TEST(what_excludes_each_other_is_said_at_once) {
    char *file = made_whole_as("whole.safetensors"), *picture = write_picture(),
         *out = test_path("refused");
    struct ended e = SEGMENT(file, out, "--classes", "sky,tree", picture, "--set",
                             "eval.panoptic.enabled=true", "--set", "TEST.AUG.ENABLED=True",
                             "--set", "eval.crf.enabled=true", "--set", "eval.demo=true");
    check_status(&e, 78);
    CHECK_HAS(e.err, "eval.panoptic.enabled: segments are of one view");
    CHECK_HAS(e.err, "eval.crf.enabled: the demonstration's labels are its own");
    CHECK(!file_exists(out));
    ended_free(&e);
    FREE_ALL(file, picture, out);
}
