/* `ovseg init` on folders in every layout that it takes: what it finds, what it writes. */
/* ctest: timeout=600 */
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "data/own_set.h"
#include "tests/own_folder.h"
#include "tests/test.h"
#include "train/commands/cmd.h"
#include "train/run/graph.h"

/* The chain as ovseg-train would look at it, all inputs checked. */
static void check_chain(const char *scenes) {
    struct graph g;
    char *path = own_path("out/mpt.yaml"), *output = own_path("runs");
    struct override o[] = {
        {.scope = NULL, .key = mem_strdup("output_dir"), .value = mem_strdup(output)},
        {.scope = mem_strdup("eval"),
         .key = mem_strdup("inputs.scenes"),
         .value = mem_strdup(scenes ? scenes : "")}};
    CHECK_OK(graph_open(&g, path, o, scenes ? 2 : 1));
    CHECK_OK(graph_check_inputs(&g));
    graph_close(&g);
    for (int i = 0; i < 2; i++) override_free(&o[i]);
    free(output);
    free(path);
}

static void check_found(const char *out, const char *const *parts) {
    for (; *parts; parts++) CHECK_HAS(out, *parts);
}
#define FOUND(out, ...) check_found(out, (const char *const[]){__VA_ARGS__, NULL})

static void try_layout(void (*captions)(void), void (*masks)(int), const char *said) {
    own_pictures();
    if (captions) captions();
    if (masks) masks(OWN_PICTURES);
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    CHECK_HAS(e.out, said);
    CHECK_HAS(e.out, "pictures   12 in ");
    CHECK_HAS(e.out, "next: ovseg-train ");
    check_chain(NULL);
    own_ended_free(&e);
    own_remove("");
}

TEST(captions_are_found_in_each_form) {
    try_layout(own_captions_jsonl, NULL, "captions   of 12 of 12 pictures (100 %): 12, JSON Lines");
    try_layout(own_captions_tsv, NULL, "captions   of 12 of 12 pictures (100 %): 12, a table");
    try_layout(own_captions_coco, NULL, "captions   of 12 of 12 pictures (100 %): 12, COCO JSON");
    try_layout(own_captions_texts, NULL, "captions   of 12 of 12 pictures (100 %): 12, texts");
}

TEST(masks_are_found_in_each_form) {
    try_layout(NULL, own_masks_index, "masks      of 12 of 12 pictures (100 %): index PNG");
    try_layout(NULL, own_masks_colour, "masks      of 12 of 12 pictures (100 %): colour PNG");
    try_layout(NULL, own_masks_coco, "masks      of 12 of 12 pictures (100 %): COCO instances");
}

TEST(cocos_masks_of_windows_are_read) {
    own_pictures();
    own_captions_jsonl();
    own_masks_coco(OWN_PICTURES);
    char *json = own_text_of("instances.json");
    struct str windows = {0};
    for (const char *at = json; *at; at++) {
        bool name = strncmp(at, "p0", 2) == 0 || strncmp(at, "p1", 2) == 0;
        str_add(&windows, "%s%c", name ? "JPEGImages\\\\" : "", *at);
    }
    own_text("instances.json", windows.at);
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    CHECK_HAS(e.out, "masks      of 12 of 12 pictures");
    own_ended_free(&e);
    str_free(&windows);
    free(json);
}

TEST(captions_and_masks_go_together_in_every_form) {
    void (*const captions[])(void) = {own_captions_jsonl, own_captions_tsv, own_captions_coco,
                                      own_captions_texts};
    void (*const masks[])(int) = {own_masks_index, own_masks_colour, own_masks_coco};
    for (int c = 0; c < 4; c++) try_layout(captions[c], masks[c % 3], "masks      of 12");
}

TEST(a_folder_above_the_pictures_serves_as_well_and_names_may_be_a_table_of_values) {
    own_pictures();
    own_captions_tsv();
    own_masks_index(6);
    own_remove("names.txt");
    own_text("classes.csv", "id,name\n2,\"red car\"\n0,sky\n1,tree\n");
    char *names = own_path("classes.csv");
    struct own_ended e = INIT("--images", test_dir(), "--names", names);
    CHECK_INT(e.status, 64); /* what is written would lie among the pictures */
    own_ended_free(&e);
    char *root = own_path("");
    e = INIT("--images", root, "--names", names);
    CHECK_INT(e.status, 0);
    FOUND(e.out, "masks      of 6 of 12 pictures (50 %)", "names      3 of 3 occur");
    own_has("out/names.yaml", "{name: \"red car\", raw: 2}");
    own_ended_free(&e);
    free(root);
    free(names);
}

/* ---- what pictures look like to the stage that reads them ---- */

static void check_labels(const char *masks, const char *names, const int *rows, int n) {
    char *images = own_path("images"), *m = own_path(masks), *v = own_path(names);
    struct dataset d;
    struct own_files f = {.images = images, .masks = m, .names = v};
    CHECK_OK(own_set_open(&d, &f));
    CHECK_INT(d.n_images, OWN_PICTURES);
    struct labels l;
    CHECK(own_set_has_mask(&d, 0) && !own_set_has_mask(&d, OWN_PICTURES - 1));
    CHECK_OK(d.source->labels(&d, 0, &l));
    for (int i = 0; i < n; i++) CHECK_INT(l.at[l.w * (i * l.h / n + 1) + 10], rows[i]);
    labels_free(&l);
    CHECK_ERROR(d.source->labels(&d, OWN_PICTURES - 1, &l), ERR_MISSING, "p11");
    dataset_close(&d);
    free(images);
    free(m);
    free(v);
}

TEST(masks_of_every_form_are_read_to_the_same_classes) {
    static const int thirds[] = {0, 1, 2}, box[] = {255, 0, 255};
    own_pictures();
    own_masks_index(6);
    check_labels("masks", "names.txt", thirds, 3);
    own_remove("masks");
    own_masks_colour(6);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 65); /* six pictures have nothing */
    own_ended_free(&e);
    own_text("painted.yaml",
             "- {name: sky, colour: \"#4682b4\"}\n"
             "- {name: tree, colour: \"#008000\"}\n"
             "- {name: red car, colour: \"#dc143c\"}\n");
    check_labels("masks", "painted.yaml", thirds, 3);
    own_masks_coco(6);
    check_labels("instances.json", "names.txt", box, 3);
}

TEST(a_picture_without_a_caption_is_told_when_the_set_is_read) {
    own_pictures();
    own_captions_jsonl();
    own_picture_of("images/p12.jpg", OWN_W, OWN_H, 12);
    char *images = own_path("images"), *captions = own_path("captions.jsonl"), said[256];
    struct own_files f = {.images = images, .captions = captions};
    struct dataset d;
    CHECK_OK(own_set_open(&d, &f));
    log_warnings(said, sizeof said);
    CHECK_HAS(said, "captions.jsonl: 1 of 13 pictures has no caption");
    dataset_close(&d);
    free(images);
    free(captions);
}

TEST(windows_line_ends_and_marks_are_taken_as_they_are_and_said) {
    own_pictures();
    struct str s = {0};
    str_add(&s, "\xEF\xBB\xBFpicture\tcaption\r\n");
    for (int i = 0; i < OWN_PICTURES; i++) str_add(&s, "p%02d.jpg\t%s\r\n", i, own_caption(i));
    own_text("captions.tsv", s.at);
    own_masks_index(OWN_PICTURES);
    own_text("names.txt", "\xEF\xBB\xBFsky\r\ntree\r\nred car\r\n");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    FOUND(e.out, "captions.tsv: Windows line ends, taken as they are",
          "names.txt: Windows line ends, taken as they are", "captions   of 12 of 12");
    own_has("out/names.yaml", "{name: \"sky\", raw: 0}");
    own_has("out/names.yaml", "{name: \"red car\", raw: 2}");
    own_ended_free(&e);
    str_free(&s);
}

static void put_mark(const char *name) {
    char *text = own_text_of(name), *marked = mem_format("\xEF\xBB\xBF%s", text);
    own_text(name, marked);
    free(marked);
    free(text);
}

TEST(a_mark_in_front_of_json_is_left_out) {
    own_pictures();
    own_captions_coco();
    own_masks_coco(OWN_PICTURES);
    put_mark("captions.json");
    put_mark("instances.json");
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    FOUND(e.out, "captions   of 12 of 12 pictures (100 %): 12, COCO JSON", "COCO instances");
    own_ended_free(&e);
    own_remove("captions.json");
    own_captions_jsonl();
    put_mark("captions.jsonl");
    e = INIT(NULL);
    FOUND(e.out, "captions   of 12 of 12 pictures (100 %): 12, JSON Lines");
    own_ended_free(&e);
}

TEST(turned_cmyk_and_deep_photographs_are_handled_and_counted) {
    own_pictures();
    own_captions_jsonl();
    own_copy("images/p00.jpg", "tests/golden/images/exif6.jpg");
    own_copy("images/p01.jpg", "tests/golden/images/cmyk.jpg");
    own_remove("images/p02.jpg");
    own_copy("images/p02.png", "tests/golden/images/rgb16.png");
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%s", e.err);
    FOUND(e.out, "1 picture is turned upright by EXIF when it is read", "1 picture is CMYK",
          "1 picture has 16 bits, of which 8 are taken");
    own_ended_free(&e);
    own_remove("images/p04.jpg");
    own_remove("images/p05.jpg");
    own_copy("images/p04.jpg", "tests/golden/images/exif6.jpg");
    own_copy("images/p05.jpg", "tests/golden/images/cmyk.jpg");
    own_remove("out");
    e = INIT(NULL);
    FOUND(e.out, "2 pictures are turned upright by EXIF when they are read", "2 pictures are CMYK",
          "2 are nearly the same as others and on their side");
    own_ended_free(&e);
}

TEST(png_is_turned_by_exif_and_grey_of_16_bits_with_alpha_is_taken) {
    static const char *const files[] = {"exif6", "exif3behind", "grey_alpha16"};
    own_pictures();
    own_captions_jsonl();
    for (int i = 0; i < 3; i++) {
        char *old = mem_format("images/p%02d.jpg", i), *new = mem_format("images/p%02d.png", i),
             *from = mem_format("tests/golden/images/%s.png", files[i]);
        own_remove(old);
        own_copy(new, from);
        free(old);
        free(new);
        free(from);
    }
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%s", e.err);
    FOUND(e.out, "2 pictures are turned upright by EXIF when they are read",
          "1 picture has 16 bits, of which 8 are taken");
    own_ended_free(&e);
}

TEST(a_photograph_of_48_megapixels_goes_through) {
    own_pictures();
    own_captions_jsonl();
    own_picture_of("images/p05.jpg", 8064, 6048, 3);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "40 x 30 to 8064 x 6048");
    own_ended_free(&e);
}

/* ---- what is written ---- */

static size_t lines_of(const char *name) {
    char *text = own_text_of(name);
    size_t n = 0;
    for (const char *c = text; *c; c++) n += *c == '\n';
    free(text);
    return n;
}

static bool lists(const char *name, const char *file) {
    char *text = own_text_of(name), *line = mem_format("%s\n", file);
    bool has = strstr(text, line) != NULL;
    free(text);
    free(line);
    return has;
}

TEST(the_split_depends_on_the_seed_alone_and_keeps_what_is_alike_together) {
    enum { COPIES = 5, ALL = OWN_PICTURES + COPIES };
    own_pictures();
    for (int i = 0; i < COPIES; i++) { /* the same view, larger */
        char *name = mem_format("images/copy%d.jpg", i);
        own_picture_of(name, 80 + 4 * i, 60 + 3 * i, 7);
        free(name);
    }
    struct str s = {0};
    for (int i = 0; i < OWN_PICTURES; i++) str_add(&s, "p%02d.jpg\t%s\n", i, own_caption(i));
    for (int i = 0; i < COPIES; i++) str_add(&s, "copy%d.jpg\t%s\n", i, own_caption(i));
    own_text("captions.tsv", s.at);
    str_free(&s);
    char *first = NULL;
    for (int seed = 1; seed <= 6; seed++) {
        char number[8];
        snprintf(number, sizeof number, "%d", seed);
        for (int again = 0; again < 2; again++) {
            struct own_ended e = INIT("--seed", number, again ? "--threads" : NULL, "1");
            CHECK_INT(e.status, 0);
            CHECK_HAS(e.out, "5 are nearly the same as others");
            own_ended_free(&e);
            char *train = own_text_of("out/split/train.txt");
            if (again) CHECK_TEXT(train, first);
            free(first);
            first = train;
            CHECK_INT(lines_of("out/split/train.txt") + lines_of("out/split/val.txt"), ALL);
        }
        for (int i = 0; i < COPIES; i++) {
            char *name = mem_format("copy%d.jpg", i);
            CHECK(lists("out/split/val.txt", name) == lists("out/split/val.txt", "p07.jpg"));
            free(name);
        }
        own_remove("out");
    }
    free(first);
}

TEST(what_is_written_lies_outside_of_the_pictures) {
    own_pictures();
    own_captions_jsonl();
    char *inside = own_path("images/mine"), *images = own_path("images");
    char name[] = "ovseg init", option[] = "--images";
    char *argv[] = {name, inside, option, images, NULL}; /* argp changes their order */
    CHECK_INT(cmd_init(4, argv), ERR_USAGE);
    CHECK(!dir_exists(inside));
    free(inside);
    free(images);
}

TEST(a_dry_run_says_what_is_there_and_writes_nothing) {
    own_pictures();
    own_captions_jsonl();
    struct own_ended e = INIT("--dry-run");
    char *out = own_path("out");
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "captions   of 12 of 12");
    CHECK(!dir_exists(out));
    own_ended_free(&e);
    free(out);
}

TEST(ten_pictures_are_enough) {
    own_pictures();
    own_remove("images/p10.jpg");
    own_remove("images/p11.jpg");
    struct str s = {0};
    for (int i = 0; i < 10; i++) str_add(&s, "p%02d.jpg\t%s\n", i, own_caption(i));
    own_text("captions.tsv", s.at);
    str_free(&s);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "split      train 9, val 1, test 0");
    check_chain(NULL);
    own_ended_free(&e);
}

TEST(the_smallest_pictures_have_a_chain_too) {
    own_captions_jsonl();
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *picture = mem_format("images/p%02d.jpg", i), *mask = mem_format("masks/p%02d.png", i);
        own_picture_of(picture, 16, 16, i);
        own_mask_index(mask, 16, 16, 2);
        free(picture);
        free(mask);
    }
    own_text("names.txt", "sky\ntree\nred car\n");
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    own_has("out/eval.yaml", "min_area: 1,");
    check_chain(NULL);
    own_ended_free(&e);
}

TEST(names_without_masks_are_the_vocabulary_and_else_the_nouns_are) {
    own_pictures();
    own_captions_jsonl();
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_has("out/names.yaml", "{name: \"tree\"}");
    own_ended_free(&e);
    own_text("names.txt", "dog\nred car\n");
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    char *names = own_text_of("out/names.yaml");
    CHECK(strstr(names, "{name: \"red car\"}") && !strstr(names, "tree"));
    free(names);
    own_ended_free(&e);
}

TEST(values_may_begin_at_one) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    own_text("names.txt", "tree\nred car\n");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "value 2 at row 20, column 0 stands for no name");
    CHECK_HAS(e.err, "or, where 1 is the first name: --first 1");
    own_ended_free(&e);
    e = INIT("--first", "1");
    CHECK_INT(e.status, 0);
    own_has("out/names.yaml", "{name: \"tree\", raw: 1}");
    check_chain(NULL);
    own_ended_free(&e);
}
