/* The commands beside `train`, as a user types them, on the runs of one smoke chain. */
/* ctest: timeout=600 labels=slow */
#include <unistd.h>

#include "base/file.h"
#include "checkpoints/history.h"
#include "data/image.h"
#include "tests/e2e/process.h"
#include "tests/same_tensors.h"
#include "tests/test.h"

/* ovseg ARGUMENT... up to a NULL, with a file as its standard input. */
static struct ended reading(const char *input, const char *const *arguments) {
    enum { MOST = 32 };
    const char *argv[MOST + 1] = {TEST_BUILD_DIR "/bin/ovseg"};
    struct process p;
    for (int i = 1; i < MOST && *arguments; i++) argv[i] = *arguments++;
    CHECK(!*arguments);
    process_start_reading(&p, input, argv, NULL);
    return process_wait(&p, 300);
}
#define READING(input, ...) reading(input, (const char *const[]){__VA_ARGS__, NULL})

/* Ends with this status, says `text` on stderr and nothing on stdout. */
static void check_refused(struct ended s, int status, const char *text) {
    CHECK_HAS(s.err, text);
    CHECK_INT(s.status, status);
    CHECK_TEXT(s.out, "");
    ended_free(&s);
}

static void write_file(const char *path, const struct bytes *b, size_t n) {
    CHECK_OK(file_write(path, b->at, n));
}

/* Two halves of different colours. */
static struct image draw(int64_t h, int64_t w) {
    struct image im;
    CHECK_OK(image_alloc(&im, h, w, 3));
    for (int64_t i = 0; i < h * w; i++) {
        im.at[3 * i] = i % w < w / 2 ? 200 : 30;
        im.at[3 * i + 1] = (uint8_t)(i / w * 4);
        im.at[3 * i + 2] = 90;
    }
    return im;
}

enum { PNG_H = 40, PNG_W = 52, JPEG_H = 60, JPEG_W = 37 };

static char *pictures[3]; /* a PNG, a JPEG, a JPEG that is cut short */

static void make_pictures(void) {
    struct bytes bytes = {0};
    struct image a = draw(PNG_H, PNG_W), b = draw(JPEG_H, JPEG_W);
    pictures[0] = test_path("one.png");
    pictures[1] = test_path("two.jpg");
    pictures[2] = test_path("cut.jpg");
    CHECK_OK(image_encode_png(&a, &bytes));
    write_file(pictures[0], &bytes, bytes.n);
    bytes_free(&bytes);
    CHECK_OK(image_encode_jpeg(&b, 90, &bytes));
    write_file(pictures[1], &bytes, bytes.n);
    write_file(pictures[2], &bytes, bytes.n / 2);
    bytes_free(&bytes);
    image_free(&a);
    image_free(&b);
}

static void check_shares(const char *block, const struct labels *l, const char *const *names,
                         int64_t K) {
    for (int64_t k = 0; k < K; k++) {
        int64_t n = 0;
        for (int64_t i = 0; i < l->h * l->w; i++) n += l->at[i] == k;
        char *line =
            mem_format("  %6.2f %%  %s\n", 100.0 * (double)n / (double)(l->h * l->w), names[k]);
        CHECK_HAS(block, line);
        free(line);
    }
}

static struct labels read_labels(const char *dir, const char *name) {
    struct labels l;
    struct bytes b;
    char *path = path_join(dir, name);
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_OK(labels_decode_png(b.at, b.n, path, &l));
    bytes_free(&b);
    free(path);
    return l;
}

static void check_size(const char *dir, const char *name, int64_t least_h, int64_t w) {
    struct bytes b;
    char *path = path_join(dir, name);
    int64_t found_h, found_w;
    CHECK_OK(file_read(path, 1 << 24, &b));
    CHECK_OK(image_size(b.at, b.n, path, &found_h, &found_w));
    CHECK(found_h >= least_h);
    CHECK_INT(found_w, w);
    bytes_free(&b);
    free(path);
}

/* Good pictures are segmented, the damaged one is named, and the end says 65. */
static void check_segments(const char *model, const char *out) {
    static const char *const names[] = {"sky", "a red car", "grass"};
    struct ended s = OVSEG("segment", "-m", model, "--classes", "sky,a red car,grass", "-o", out,
                           pictures[0], pictures[2], pictures[1]);
    CHECK_HAS(s.err, pictures[2]);
    CHECK_HAS(s.err, "1 of 3 pictures");
    CHECK_INT(s.status, ERR_DATA);
    char *first = mem_format("%s  %d x %d\n", pictures[0], PNG_W, PNG_H);
    char *second = mem_format("%s  %d x %d\n", pictures[1], JPEG_W, JPEG_H);
    CHECK_HAS(s.out, first);
    CHECK_HAS(s.out, second);
    struct labels a = read_labels(out, "one.png"), b = read_labels(out, "two.png");
    CHECK(a.h == PNG_H && a.w == PNG_W && b.h == JPEG_H && b.w == JPEG_W);
    char *rest = strstr(s.out, second);
    check_shares(rest, &b, names, 3);
    *rest = '\0';
    check_shares(s.out, &a, names, 3);
    check_size(out, "one-overlay.png", 8 * PNG_H + 10, 8 * PNG_W); /* 416: at least 384 */
    check_size(out, "two-overlay.png", 11 * JPEG_H + 10, 11 * JPEG_W);
    labels_free(&a);
    labels_free(&b);
    free(first);
    free(second);
    ended_free(&s);
}

static void check_same_maps(const char *a, const char *b) {
    struct labels x = read_labels(a, "one.png"), y = read_labels(b, "one.png");
    CHECK(memcmp(x.at, y.at, (size_t)(x.h * x.w) * sizeof *x.at) == 0);
    labels_free(&x);
    labels_free(&y);
}

/* A config beside the runs that says the same as configs/smoke/mpt.yaml, and `more`. */
static char *copy_config(const char *folder, const char *runs, const char *more) {
    char *base = test_source("configs/smoke/mpt.yaml"), *full = realpath(base, NULL);
    char *dir = test_path(folder), *path = path_join(dir, "mpt.yaml");
    char *text = mem_format("base: %s\noutput_dir: %s\n%s", full, runs, more);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    free(base);
    free(full);
    free(dir);
    free(text);
    return path;
}

static void segment_walk(const char *runs) {
    char *evaluation = run_of("runs", "eval"), *mpt = run_of("runs", "mpt");
    char *out[] = {test_path("by-eval"), test_path("by-config"), test_path("by-run"),
                   test_path("by-name")};
    char *done = copy_config("done", runs, ""), *not_done = copy_config("not-done", "nowhere", "");
    char *otherwise = copy_config("otherwise", runs, "optim: {lr: 0.01}\n");
    char *meant = mem_format("makes it; %s is done, and differs in optim.lr: name it", mpt);
    char *scenes = run_of("runs", "scenes"), *clip = run_of("runs", "clip"),
         *folder = path_dir(done);
    check_segments(evaluation, out[0]);
    check_segments(done, out[1]); /* the same CLIP, and the settings of its `then` */
    check_segments(mpt, out[2]);
    check_same_maps(out[0], out[1]);
    CHECK_INT(setenv("OVSEG_RUNS", runs, 1), 0);
    check_segments("eval", out[3]);
    CHECK_INT(unsetenv("OVSEG_RUNS"), 0);
    check_same_maps(out[0], out[3]);

#define REFUSED(status, text, model, ...)                                                          \
    check_refused(                                                                                 \
        OVSEG("segment", "-m", model, "--classes", "sky,sea", "-o", out[0], __VA_ARGS__), status,  \
        text)
    REFUSED(ERR_MISSING, "is not finished: ovseg-train", not_done, pictures[0]);
    REFUSED(ERR_MISSING, meant, otherwise, pictures[0]); /* as settings on a command line do */
    REFUSED(ERR_MISSING, "no run folder, model package, config", "no/such/run", pictures[0]);
    REFUSED(ERR_USAGE, "\"\": an empty name: a run, model package", "", pictures[0]);
    REFUSED(ERR_MISSING, "@smoke: is a folder of configs that come", "@smoke", pictures[0]);
    REFUSED(ERR_USAGE, "@../x: leads out of the configs", "@../x", pictures[0]);
    REFUSED(ERR_MISSING, "/done: a folder, but no run, model package or weights", folder,
            pictures[0]);
    REFUSED(ERR_MISSING,
            "/done: a folder, but no run, model package or weights; and without masks: ", mpt,
            "--proposals", folder, pictures[0]);
    REFUSED(ERR_MISSING, "stage scenes", scenes, pictures[0]);
    REFUSED(ERR_MISSING, "--proposals", clip, pictures[0]); /* nothing was mined before it */
    REFUSED(ERR_CONFIG, "lambda", mpt, "--set", "eval.lamda=0.5", pictures[0]);
    REFUSED(ERR_CONFIG, "eval.lambda", mpt, "--set", "eval.lambda=2", pictures[0]);
    REFUSED(ERR_USAGE, "would both be written", mpt, pictures[0], "elsewhere/one.jpg");
    char *here = path_dir(pictures[0]);
    check_refused(OVSEG("segment", "-m", mpt, "--classes", "a,b", "-o", here, pictures[0]),
                  ERR_USAGE, "would be overwritten");
    check_refused(OVSEG("segment", "-m", mpt, "--classes", "a,b", pictures[0]), ERR_USAGE, "-o");
    check_refused(OVSEG("segment", "-m", mpt, "--classes", "a,,b", "-o", here, "x.jpg"), ERR_USAGE,
                  "name 2 of 3 is empty");
    free(here);

    char *proposals = run_of("runs", "proposals"), *DONE = path_join(mpt, "DONE");
    struct ended s = OVSEG("segment", "-m", clip, "--proposals", proposals, "--set",
                           "eval.lambda=0", "--classes", "sky,sea", "-o", out[0], pictures[0]);
    CHECK_INT(s.status, 0);
    ended_free(&s);
    CHECK_OK(file_remove(DONE));
    REFUSED(ERR_MISSING, "not finished", mpt, pictures[0]);
    CHECK_OK(file_write(DONE, "{\"seconds\":1}", 13));
    char *const owned[] = {evaluation, mpt,    done,   not_done, otherwise, meant,     scenes, clip,
                           folder,     out[0], out[1], out[2],   out[3],    proposals, DONE};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static bool same_bytes(const char *a, const char *b) {
    struct bytes x, y;
    CHECK_OK(file_read(a, 1 << 26, &x));
    CHECK_OK(file_read(b, 1 << 26, &y));
    bool same = x.n == y.n && memcmp(x.at, y.at, x.n) == 0;
    bytes_free(&x);
    bytes_free(&y);
    return same;
}

/* A flipped byte in any file of a checkpoint is found and named, and nothing is written. */
static void check_damage(const char *checkpoint, const char *file, const char *out) {
    char *path = path_join(checkpoint, file);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 26, &b));
    b.at[b.n - 2] ^= 1; /* of the last tensor, of the JSON */
    write_file(path, &b, b.n);
    struct ended s = OVSEG("convert", checkpoint, out);
    CHECK_HAS(s.err, file);
    if (strstr(file, ".safetensors")) CHECK_HAS(s.err, "tensor ");
    check_refused(s, ERR_DATA, "damaged");
    CHECK(!file_exists(out));
    b.at[b.n - 2] ^= 1;
    write_file(path, &b, b.n);
    bytes_free(&b);
    free(path);
}

static void convert_walk(void) {
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors", "state.json",
                                        "manifest.json"};
    char *mpt = run_of("runs", "mpt"), *last = history_last(mpt), *out = test_path("w.safetensors");
    char *model = path_join(last, files[0]), *optimizer = path_join(last, files[1]);
    for (int i = 0; i < 4; i++) check_damage(last, files[i], out);

    struct ended s = OVSEG("convert", mpt, out); /* the run, then its checkpoint, then a file */
    CHECK_INT(s.status, 0);
    CHECK_HAS(s.out, "used visual.mask_embedding F32 [");
    CHECK(same_bytes(model, out));
    check_refused(OVSEG("convert", last, out), ERR_USAGE, "--force");
    struct ended again = OVSEG("convert", "--force", last, out);
    CHECK_INT(again.status, 0);
    CHECK_TEXT(again.out, s.out);
    ended_free(&again);
    again = OVSEG("convert", "--force", model, out);
    CHECK_TEXT(again.out, s.out);
    ended_free(&again);
    ended_free(&s);
    s = OVSEG("convert", "--force", "--part", "optimizer", last, out);
    CHECK_INT(s.status, 0);
    CHECK(same_bytes(optimizer, out));
    ended_free(&s);
    check_refused(OVSEG("convert", "no/such/folder", "x.safetensors"), ERR_MISSING, "no such");
    check_refused(OVSEG("convert", pictures[0], "x.safetensors"), ERR_DATA, pictures[0]);
    check_refused(OVSEG("convert", last), ERR_USAGE, "Usage");
    char *const owned[] = {mpt, last, out, model, optimizer};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void check_done(struct ended s, const char *out) {
    if (s.status) test_fail(__FILE__, __LINE__, "ended with %d: %s", s.status, s.err);
    CHECK_HAS(s.out, out);
    ended_free(&s);
}

/* All 48894 merges, and the words that begin and end a text. */
static void check_tokenizer(const char *folder) {
    static const char *const names[] = {"merges.txt", "vocab.json"};
    struct bytes text[2];
    int lines = 0;
    for (int i = 0; i < 2; i++) {
        char *path = path_join(folder, names[i]);
        CHECK_OK(file_read(path, 1 << 24, &text[i]));
        free(path);
    }
    for (size_t i = 0; i < text[0].n; i++) lines += text[0].at[i] == '\n';
    CHECK_INT(lines, 1 + 48894);
    CHECK_HAS((const char *)text[0].at, "#version: 0.2\ni n\nt h\n");
    CHECK_HAS((const char *)text[0].at, "\n! !\n");
    CHECK_HAS((const char *)text[1].at, "{\"!\":0,\"\\\"\":1,");
    CHECK_HAS((const char *)text[1].at, "\"<|startoftext|>\":49406,\"<|endoftext|>\":49407}");
    bytes_free(&text[0]);
    bytes_free(&text[1]);
}

/* A trained CLIP out of its run, into others' layouts and into a whole model, and back. What its
 * tensors do not tell comes from the runs that it was made of. */
static void export_walk(void) {
    static const char *const folders[] = {"hf", "open-clip"};
    char *mpt = run_of("runs", "mpt"), *heads = run_of("runs", "proposals"),
         *last = history_last(mpt);
    char *model = path_join(last, "model.safetensors"), *back = test_path("back.safetensors");
    char *prompts = test_path("prompts.safetensors"), *whole = test_path("whole.pth");
    check_done(OVSEG("convert", mpt, prompts, "--as", "prompts"), "used visual.mask_embedding ");
    for (int i = 0; i < 2; i++) {
        char *folder = test_path(folders[i]);
        check_done(OVSEG("convert", mpt, folder, "--as", folders[i]), "dropped(prompts) ");
        check_done(OVSEG("convert", folder, back, "--force", "--prompts", prompts),
                   "used visual.mask_embedding ");
        check_same_tensors(back, model);
        check_refused(OVSEG("convert", mpt, folder, "--as", folders[i]), ERR_USAGE,
                      "is a folder already");
        if (!i) check_tokenizer(folder);
        free(folder);
    }
    check_done(OVSEG("convert", heads, whole, "--replace-clip", mpt), "made criterion.empty_");
    check_done(OVSEG("convert", whole, "--as", "clip", "--force", whole), "dropped(not-of-clip) ");
    check_done(OVSEG("convert", whole, back, "--force"), "used visual.mask_embedding ");
    check_same_tensors(back, model);
    char *const owned[] = {mpt, heads, last, model, back, prompts, whole};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void overlays_walk(void) {
    char *evaluation = run_of("runs", "eval"), *beyond = path_join(evaluation, "overlay-002.png");
    check_size(evaluation, "overlay-000.png", 384, 3 * 384 + 16); /* picture, found, truth */
    check_size(evaluation, "overlay-001.png", 384, 3 * 384 + 16);
    CHECK(!file_exists(beyond));
    free(evaluation);
    free(beyond);
}

static void runs_walk(const char *runs) {
    struct ended s = OVSEG("runs", "list", runs);
    CHECK_INT(s.status, 0);
    CHECK_HAS(s.out, "mpt\tmask-prompt\tdone\t");
    CHECK_HAS(s.out, "eval\tevaluate\tdone\t");
    int lines = 0;
    for (size_t i = 0; s.out[i]; i++) lines += s.out[i] == '\n';
    CHECK_INT(lines, 8);
    ended_free(&s);
    check_refused(OVSEG("runs", "list", "no/such"), ERR_MISSING, "no/such");
    check_refused(OVSEG("runs", "burn"), ERR_USAGE, "burn");
}

TEST(commands_use_the_runs_of_a_chain) {
    char *runs = test_path("runs"), *output = mem_format("output_dir=%s", runs);
    make_pictures();
    struct ended s =
        OVSEG("train", "configs/smoke/mpt.yaml", output, "threads=1", "*:eval.overlays=2");
    if (s.status) test_fail(__FILE__, __LINE__, "the chain ended with %d: %s", s.status, s.err);
    ended_free(&s);
    overlays_walk();
    runs_walk(runs);
    convert_walk();
    export_walk();
    segment_walk(runs);
    free(runs);
    free(output);
    for (int i = 0; i < 3; i++) free(pictures[i]);
}

TEST(nouns_come_out_as_one_json_object_a_line) {
    static const char captions[] = "Two dogs chase a red ball.\r\n\nun café \"noir\"\n";
    char *in = test_path("captions");
    CHECK_OK(file_write(in, captions, sizeof captions - 1));
    struct ended s = READING(in, "nouns");
    if (s.status == ERR_DEVICE) test_skip("a build without link-grammar");
    CHECK_INT(s.status, 0);
    CHECK_HAS(s.out,
              "{\"tokens\":[\"two\",\"dogs\",\"chase\",\"a\",\"red\",\"ball\",\".\"],"
              "\"nouns\":[1,5]}\n{\"tokens\":[],\"nouns\":[]}\n{\"tokens\":[\"un\",");
    CHECK_HAS(s.out, "\"\\\"\",\"noir\",\"\\\"\"]");
    CHECK_TEXT(s.err, "");
    ended_free(&s);
    CHECK_OK(file_write(in, "a\0b\n\xFF\xFE\n", 7));
    s = READING(in, "nouns");
    CHECK_INT(s.status, 0);
    CHECK_HAS(s.out, "{\"tokens\":[\"a\",\"b\"],");
    ended_free(&s);
    check_refused(OVSEG("nouns", "--backend", "magic"), ERR_USAGE, "magic");
    free(in);
}

TEST(nouns_by_a_tagger_can_be_read_back_as_tags) {
    static const char captions[] = "Anna holds two kites near a red table.\n\nA caf\u00E9 light\n";
    char *in = test_path("captions"), *tags = test_path("tags.jsonl");
    char *weights = test_source("tests/data/tagger/eng"), *phrases = test_path("phrases");
    CHECK_OK(file_write(in, captions, sizeof captions - 1));
    CHECK_OK(file_write(phrases, "red table\n", 10));
    struct ended s =
        READING(in, "nouns", "-b", "perceptron", "-w", weights, "-p", phrases, "--show-tags");
    CHECK_INT(s.status, 0);
    CHECK_HAS(s.out, "\"names\":[");
    CHECK_HAS(s.out, "\"red table\"]");
    CHECK_HAS(s.out, "\"tags\":[");
    CHECK_OK(file_write(tags, s.out, strlen(s.out)));
    ended_free(&s);
    struct ended first = READING(in, "nouns", "-b", "tags", "-t", tags);
    CHECK_INT(first.status, 0);
    CHECK_HAS(first.out, "\"red table\"]");
    CHECK_OK(file_write(tags, first.out, strlen(first.out)));
    struct ended second = READING(in, "nouns", "-b", "tags", "-t", tags);
    CHECK_TEXT(second.out, first.out);
    ended_free(&first);
    ended_free(&second);
    CHECK_OK(file_write(in, "no\n", 3));
    check_refused(READING(in, "nouns", "-b", "tags", "-t", tags), ERR_DATA, "stdin: line 1");
    CHECK_OK(file_write(in, "{\"id\": 7}\n", 10));
    check_refused(READING(in, "nouns", "-b", "perceptron", "-w", weights, "--json"), ERR_DATA,
                  "line 1");
    check_refused(OVSEG("nouns", "-b", "perceptron"), ERR_USAGE, "--weights");
    check_refused(OVSEG("nouns", "-b", "tags"), ERR_USAGE, "--tags");
    check_refused(OVSEG("nouns", "-t", tags), ERR_USAGE, "--tags");
    check_refused(OVSEG("nouns", "-b", "tags", "-t", "/nowhere"), ERR_MISSING, "/nowhere");
    char *const owned[] = {in, tags, weights, phrases};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(the_program_says_what_it_is_and_what_it_can) {
    struct ended s = OVSEG("--version");
    CHECK_INT(s.status, 0);
    CHECK_HAS(s.out, "ovseg ");
    CHECK_HAS(s.out, "\nlibtorch 2.");
    CHECK_HAS(s.out, "\nHDF5 1.");
    ended_free(&s);
    s = OVSEG("--help");
    CHECK_INT(s.status, 0);
    static const char *const names[] = {"train", "segment", "convert", "export",
                                        "nouns", "runs",    "settings"};
    for (int i = 0; i < 7; i++) {
        CHECK_HAS(s.out, names[i]);
        struct ended one = OVSEG(names[i], "--help");
        CHECK_INT(one.status, 0);
        CHECK_HAS(one.out, "Usage: ");
        ended_free(&one);
    }
    ended_free(&s);
    check_refused(OVSEG("segmnet"), ERR_USAGE, "segmnet");
    check_refused(OVSEG("settings", "lr"), ERR_USAGE, "did you mean optim.lr?");
}

/* As of a variable of the shell that is not set. */
TEST(an_empty_name_is_told_and_is_nothing_where_one_is_needed) {
    check_refused(OVSEG("init", "", "--images", "."), ERR_USAGE, "\"\": an empty name: where to?");
    check_refused(OVSEG("serve", ""), ERR_USAGE, "\"\": an empty name: a run, model package");
    check_refused(OVSEG("train", ""), ERR_MISSING, "\"\": No such file");
    check_refused(OVSEG("runs", "show", ""), ERR_MISSING, "\"\": no such run");
}
