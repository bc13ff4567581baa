/* What `ovseg init` starts from, and what is said of names before anything is trained on them. */
/* ctest: timeout=300 */
#include "base/file.h"
#include "checkpoints/weights.h"
#include "nn/models/clip.h"
#include "tests/own_folder.h"
#include "tests/torch.h"
#include "tests/unit/run_made.h"
#include "tests/whole_made.h"
#include "train/commands/cmd.h"
#include "train/run/graph.h"

static void good(void) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
}

static void check_refused(const char *option, const char *value, const char *says) {
    struct own_ended e = INIT(option, value);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, says);
    own_ended_free(&e);
    char *out = own_path("out");
    CHECK(!dir_exists(out));
    free(out);
}

/* own/NAME: weights of a CLIP that reads so many tokens. `told`: its activation, too. */
static char *put_clip(const char *name, int64_t width, int64_t context, bool told) {
    const struct clip_options o = {
        .image = {.image_size = 16, .patch = 8, .width = width, .layers = 1},
        .text = {.vocab = 64, .context = context, .width = 64, .layers = 1, .cut_at_end = true},
        .features = 16,
        .temperature = 0.07};
    const char *const meta[][2] = {
        {"format", "ovseg-weights"}, {"version", "1"}, {"clip", "{\"activation\":\"quick_gelu\"}"}};
    struct params p = {0};
    struct clip c;
    char *path = own_path(name);
    clip_init(&c, params_root(&p), &o);
    CHECK_OK(weights_save(path, &p, told ? meta : NULL, told ? 3 : 0));
    clip_free(&c);
    params_free(&p);
    return path;
}

TEST(published_weights_change_the_rates_and_the_size_of_pictures) {
    own_pictures();
    own_captions_jsonl();
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *name = mem_format("images/p%02d.jpg", i);
        own_picture_of(name, 900, 700, i);
        free(name);
    }
    char *clip = put_clip("clip.safetensors", 512, 77, true);
    char *proposals = made_whole_as("own/whole.safetensors");
    struct own_ended e = INIT("--clip", clip, "--proposals", proposals);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    own_has("out/finetune.yaml", "lr: 5e-6, weight_decay: 0.2");
    own_has("out/data.yaml", "shortest: 640");
    CHECK(!strstr(e.out, "miniature"));
    own_ended_free(&e);
    own_remove("out");
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "for real use name published weights: --clip ViT-B-16.pt --proposals");
    own_has("out/data.yaml", "shortest: 96");
    CHECK_HAS(e.out, "first trains a miniature CLIP and miniature proposals on drawn scenes");
    CHECK_HAS(e.out, ": --clip @smoke/clip.yaml --proposals @smoke/proposals.yaml\n");
    own_ended_free(&e);
    e = INIT("--clip", clip);
    CHECK_HAS(e.out, "first trains miniature proposals on drawn scenes");
    CHECK_HAS(e.out, "for real use name published weights: --proposals ovseg.pth");
    own_ended_free(&e);
    free(clip);
    free(proposals);
}

TEST(a_file_that_is_no_weights_is_refused_before_anything_is_written) {
    good();
    char *picture = own_path("images/p00.jpg"), *cut = own_path("cut.safetensors");
    char *clip = put_clip("clip.safetensors", 64, 77, true), *bare = own_path("bare.safetensors");
    struct bytes b;
    CHECK_OK(file_read(clip, 1 << 24, &b));
    own_put("cut.safetensors", b.at, 1000);
    own_put("half.safetensors", b.at, b.n / 2);
    bytes_free(&b);
    free(put_clip("bare.safetensors", 64, 77, false));
    char *half = own_path("half.safetensors");
    check_refused("--clip", picture, "p00.jpg: not weights: neither a file of torch.save nor");
    check_refused("--proposals", picture, "p00.jpg: not weights: neither a file of torch.save");
    check_refused("--clip", cut, "cut.safetensors: ends inside its header (cut short?)");
    check_refused("--proposals", cut, "cut.safetensors: ends inside its header (cut short?)");
    check_refused("--clip", half, "half.safetensors: ");
    check_refused("--proposals", clip, "there is no network that proposes masks in it");
    struct own_ended e = INIT("--clip", bare);
    CHECK_INT(e.status, 78);
    CHECK_HAS(e.err, "said by a config that imports it (docs/published-weights.md), to be named");
    CHECK_HAS(e.err, "nothing tells whether its activation is quickgelu");
    own_ended_free(&e);
    char *const owned[] = {picture, cut, clip, bare, half};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* "very very ... car", in own/names.txt. */
static void put_long_name(int words) {
    struct str s = {0};
    str_add(&s, "sky\n");
    for (int i = 0; i < words; i++) str_add(&s, "very ");
    str_add(&s, "old tree\nred car\n");
    own_text("names.txt", s.at);
    str_free(&s);
}

TEST(a_name_that_the_text_tower_cannot_read_is_refused_with_its_line) {
    good();
    put_long_name(90);
    char *wide = put_clip("clip.safetensors", 64, 120, true);
    check_refused("--seed", "1", "names.txt:2: \"very very very");
    check_refused("--seed", "1", ", CLIP reads 32: shorten it");
    check_refused("--clip", "@smoke/clip.yaml", ", CLIP reads 24: shorten it");
    struct own_ended e = INIT("--clip", wide);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
    own_remove("out");
    put_long_name(130);
    check_refused("--clip", wide, ", CLIP reads 120: shorten it");
    free(wide);
}

TEST(a_name_that_was_made_too_long_later_is_found_before_anything_is_trained) {
    good();
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
    struct str s = {0};
    str_add(&s, "- {name: sky, raw: 0}\n- {name: tree, raw: 1}\n- {raw: 2, name: ");
    for (int i = 0; i < 40; i++) str_add(&s, "very ");
    str_add(&s, "red car}\n");
    own_text("out/names.yaml", s.at);
    struct graph g;
    char *path = own_path("out/mpt.yaml");
    struct override o = {.key = mem_strdup("output_dir"), .value = own_path("runs")};
    CHECK_OK(graph_open(&g, path, &o, 1));
    CHECK_ERROR(graph_check_inputs(&g), ERR_DATA, "names.yaml:3: \"very very");
    for (size_t i = 0; i < g.n; i++) /* a set that is made has its names in it */
        if (g.at[i]->config.run.stage == STAGE_PREPARE) g.at[i]->done = true;
    CHECK_ERROR(graph_check_inputs(&g), ERR_MISSING, "/runs/data-"); /* but this one is not there */
    graph_close(&g);
    override_free(&o);
    free(path);
    str_free(&s);
}

TEST(odd_names_are_noted_a_few_times) {
    good();
    own_text("names.txt", "trafficlight\ntree\nred_car\ncars\nCAR\ntree s\na  b\nblue_car\n");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "names.txt:1: \"trafficlight\": looks joined");
    CHECK_HAS(e.out, "more names that look odd: ovseg vocab ");
    own_ended_free(&e);
}

TEST(masks_whose_names_are_all_unseen_are_refused) {
    good();
    own_remove("names.txt");
    own_text("names.yaml",
             "- {name: sky, raw: 0, split: unseen}\n- {name: tree, raw: 1, split: unseen}\n"
             "- {name: red car, raw: 2, split: unseen}\n- {name: house, raw: 3}\n");
    check_refused("--seed", "1", "names.yaml: all names that occur in masks are unseen, no mask");
    own_text("names.yaml",
             "- {name: sky, raw: 0}\n- {name: tree, raw: 1, split: unseen}\n"
             "- {name: red car, raw: 2, split: unseen}\n");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
}

TEST(a_config_whose_weights_lie_on_another_machine_is_taken_for_a_published_clip) {
    own_pictures();
    own_captions_jsonl();
    own_text("clip.yaml", "stage: import\ninputs: {file: not-there.pth}\n");
    char *clip = own_path("clip.yaml");
    struct own_ended e = INIT("--clip", clip);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "clip.yaml cannot be looked at here, and is taken for a published one: ");
    CHECK_HAS(e.out, "not-there.pth");
    own_has("out/finetune.yaml", "lr: 5e-6, weight_decay: 0.2");
    own_ended_free(&e);
    free(clip);
}

TEST(any_config_that_makes_a_clip_is_taken_and_others_are_named_with_their_stage) {
    good();
    struct own_ended e = INIT("--clip", "@smoke/mpt.yaml", "--proposals", "@smoke/proposals.yaml");
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    own_has("out/finetune.yaml", "  clip: \"@smoke/mpt.yaml\"");
    CHECK_HAS(e.out, "proposals  trained on your masks");
    own_ended_free(&e);
    own_remove("out");
    check_refused("--clip", "@smoke/mine.yaml", "makes no CLIP to start from (its stage is mine)");
}

TEST(proposals_that_are_not_trained_on_are_said_with_why) {
    good();
    char *whole = made_whole_as("own/whole.safetensors");
    struct own_ended e = INIT("--proposals", whole);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out,
              "proposals  as they are: on your masks it would go on from a run, or a config, "
              "of stage proposals, not from weights or a package");
    own_ended_free(&e);
    free(whole);
}

TEST(a_run_of_the_usual_folder_is_known_by_its_name) {
    good();
    char *runs = test_path("runs"), *one = made_run(runs, "a-00000000aaaa", "mine", "{}"),
         *two = made_run(runs, "b-00000000bbbb", "mine", "{}"),
         *three = made_run(runs, "b-00000000cccc", "mine", "{}");
    CHECK_INT(setenv("OVSEG_RUNS", runs, 1), 0);
    struct own_ended e = INIT("--proposals", "a");
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "/runs/a-00000000aaaa: proposes no masks (its stage is mine)");
    own_ended_free(&e);
    e = INIT("--clip", "b");
    CHECK_INT(e.status, 64);
    CHECK_HAS(e.err, "--clip: b: which one? b-00000000bbbb, b-00000000cccc");
    own_ended_free(&e);
    CHECK_INT(unsetenv("OVSEG_RUNS"), 0);
    char *const owned[] = {runs, one, two, three};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
