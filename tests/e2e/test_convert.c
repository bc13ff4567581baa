/* ovseg convert on weights of others. */
#include "base/file.h"
#include "checkpoints/tensor_file.h"
#include "tests/e2e/process.h"
#include "tests/same_tensors.h"
#include "tests/test.h"

#define SCRIPT_PATH TEST_SOURCE_DIR "/tests/data/pth/openai.pt"
static const char *const SCRIPT = SCRIPT_PATH;

#define CONVERT(...) convert((const char *const[]){__VA_ARGS__, NULL})
static struct ended convert(const char *const *arguments) {
    const char *argv[16] = {TEST_BUILD_DIR "/bin/ovseg", "convert"};
    for (int i = 0; arguments[i]; i++) argv[i + 2] = arguments[i];
    struct process p;
    process_start(&p, argv, NULL);
    return process_wait(&p, 60);
}

static struct shape shape_of(const char *path, const char *name, enum t_dtype dtype) {
    struct tensor_file f;
    CHECK_OK(tensor_file_open(&f, path, NULL));
    const struct st_tensor *x = st_table_find(f.table, name);
    CHECK(x && x->dtype == dtype);
    struct shape s = x->shape;
    CHECK(!st_table_find(f.table, "vocab_size") == (dtype == T_F32));
    tensor_file_close(&f);
    return s;
}

TEST(every_tensor_gets_its_verdict) {
    char *out = test_path("clip.safetensors"), *again = test_path("again.safetensors");
    struct ended e = CONVERT(SCRIPT, out);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "used logit_scale F32 [] ");
    CHECK_HAS(e.out, "\ncast visual.proj F16 -> F32 [4, 4] ");
    CHECK_HAS(e.out, "\ndropped(told-by-shapes) vocab_size I64 [] ");
    check_says(e, 0, "", "OpenAI's CLIP");
    CHECK_INT(shape_of(out, "visual.proj", T_F32).d[0], 4);
    check_says(CONVERT(out, again), 0, "used visual.proj F32 [4, 4] ", "ovseg's own");
    check_says(CONVERT("--image-size", "8", "--force", out, again), 0,
               "resized visual.positional_embedding F32 [17, 4] ", "");
    CHECK_INT(shape_of(again, "visual.positional_embedding", T_F32).d[0], 17);
    check_says(CONVERT("--raw", "--force", SCRIPT, again), 0, "used visual.proj F16 [4, 4] ", "");
    CHECK_INT(shape_of(again, "visual.proj", T_F16).d[0], 4);
    free(out);
    free(again);
}

TEST(a_blend_is_asked_for_with_its_share) {
    char *out = test_path("between.safetensors"), *plain = test_path("plain.safetensors");
    check_says(CONVERT("--blend", "--alpha", "0.5", SCRIPT, SCRIPT, out), 0,
               "\ncast+blended visual.proj F16 -> F32 [4, 4] ", "");
    check_says(CONVERT(SCRIPT, plain), 0, "", "");
    struct bytes a, b; /* halves of the same number are that number */
    CHECK_OK(file_read(out, 1 << 24, &a));
    CHECK_OK(file_read(plain, 1 << 24, &b));
    CHECK(a.n == b.n && memcmp(a.at, b.at, a.n) == 0);
    bytes_free(&a);
    bytes_free(&b);
    check_says(CONVERT("--blend", SCRIPT, SCRIPT, out), 64, "", "one needs the other");
    check_says(CONVERT("--alpha", "0.5", SCRIPT, out), 64, "", "one needs the other");
    check_says(CONVERT("--blend", "--alpha", "1.5", SCRIPT, SCRIPT, out), 64, "",
               "wanted is 0 to 1");
    check_says(CONVERT("--blend", "--alpha", "nan", SCRIPT, SCRIPT, out), 64, "",
               "wanted is 0 to 1");
    check_says(CONVERT("--blend", "--alpha", "1", SCRIPT, out), 64, "", "Usage");
    free(out);
    free(plain);
}

TEST(what_cannot_be_converted_leaves_nothing) {
    char *out = test_path("x.safetensors"), *dir = test_path("empty");
    CHECK_OK(dir_make(dir));
    const char *text = TEST_SOURCE_DIR "/README.md";
    const char *script = TEST_SOURCE_DIR "/tests/data/pth/script.pt";
    check_says(CONVERT(script, out), ERR_DATA, "", "no rule knows 11 of its tensors: visual.conv.");
    check_says(CONVERT(text, out), ERR_DATA, "", "README.md");
    check_says(CONVERT("--image-size", "7", SCRIPT, out), ERR_CONFIG, "", "not a multiple");
    check_says(CONVERT("--image-size", "x", SCRIPT, out), ERR_USAGE, "", "not a size");
    check_says(CONVERT("--image-size", "8", "--raw", SCRIPT, out), ERR_USAGE, "", "exclude");
    check_says(CONVERT("--part", "optimizer", SCRIPT, out), ERR_CONFIG, "", "no part");
    check_says(CONVERT(dir, out), ERR_DATA, "", "no complete checkpoint");
    CHECK(!file_exists(out));
    free(out);
    free(dir);
}

static void check_mistake(const char *const *arguments, int status, const char *about) {
    struct ended e = convert(arguments);
    if (e.status != status) test_fail(__FILE__, __LINE__, "ended with %d: %s", e.status, e.err);
    CHECK_HAS(e.err, about);
    CHECK_INT(strlen(e.out), 0);
    ended_free(&e);
}

TEST(mistakes_about_what_comes_out_say_what_to_do) {
    static const struct {
        const char *const arguments[8];
        int status;
        const char *about;
    } cases[] = {
        {{"--as", "onnx", "OUT"}, ERR_USAGE, "is none of safetensors, ovseg-pth, clip, open-clip"},
        {{"OUT"}, ERR_USAGE, "say --as"},
        {{"--as", "hf", "OUT.safetensors"}, ERR_USAGE, "writes a folder"},
        {{"--as", "clip", "OUT.safetensors"}, ERR_USAGE, "writes a file of PyTorch's"},
        {{"--as", "safetensors", "OUT.pth"}, ERR_USAGE, "writes a file of safetensors"},
        {{"--as", "hf", "OUT"}, ERR_CONFIG, "say --activation"},
        {{"--as", "open-clip", "OUT"}, ERR_CONFIG, "say --activation"},
        {{"--as", "open-clip", "--activation", "relu", "OUT"}, ERR_USAGE, "neither quickgelu nor"},
        {{"--as", "ovseg-pth", "OUT.pth"}, ERR_CONFIG, "is no whole OVSeg model"},
        {{"--as", "prompts", "OUT.safetensors"}, ERR_CONFIG, "has no mask prompts"},
        {{"--prompts", SCRIPT_PATH, "OUT.pth"}, ERR_CONFIG, "there are no mask prompts in it"},
        {{"--replace-clip", SCRIPT_PATH, "OUT.pth"}, ERR_CONFIG, "is no OVSeg model"},
        {{"--replace-clip", "no-such.pt", "OUT.pth"}, ERR_MISSING, "no-such.pt"},
        {{"--raw", "--as", "clip", "OUT.pth"}, ERR_USAGE, "exclude each other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *arguments[10] = {SCRIPT};
        char *out = NULL;
        for (int k = 0; cases[i].arguments[k]; k++) {
            arguments[k + 1] = cases[i].arguments[k];
            if (strncmp(arguments[k + 1], "OUT", 3) == 0)
                arguments[k + 1] = out = test_path(cases[i].arguments[k]);
        }
        check_mistake(arguments, cases[i].status, cases[i].about);
        CHECK(!file_exists(out) && !dir_exists(out));
        free(out);
    }
}

TEST(the_ending_tells_what_is_written) {
    char *st = test_path("clip.safetensors"), *back = test_path("back.safetensors");
    static const char *const endings[] = {"clip.pth", "clip.pt"};
    check_says(CONVERT(SCRIPT, st), 0, "cast visual.proj F16 -> F32 ", "");
    for (int i = 0; i < 2; i++) {
        char *torch = test_path(endings[i]);
        check_says(CONVERT(SCRIPT, torch), 0, "cast visual.proj F16 -> F32 ", "");
        check_says(CONVERT(torch, back, "--force"), 0, "used visual.proj F32 ", "open_clip");
        check_same_tensors(back, st);
        check_same_tensors(torch, st);
        free(torch);
    }
    free(st);
    free(back);
}
