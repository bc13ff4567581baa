/* Folders that can be read and that their owner means otherwise: masks in black and white, boxes in
 * the place of masks, pictures and names that COCO's JSON says twice or with a NUL in them. */
/* ctest: timeout=300 */
#include "base/file.h"
#include "data/image.h"
#include "tests/own_folder.h"
#include "tests/test.h"
#include "train/commands/cmd.h"

static void check_refused(const char *file, const char *says) {
    struct own_ended e = INIT(NULL);
    char *out = own_path("out");
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, file);
    CHECK_HAS(e.err, says);
    CHECK(!dir_exists(out));
    own_ended_free(&e);
    free(out);
}

static void check_taken(const char *said) {
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    CHECK_HAS(e.out, said);
    own_ended_free(&e);
    own_remove("out");
}

/* Maps of 12 pictures with one value above and one below. */
static void two_values(uint16_t above, uint16_t below) {
    struct labels l;
    struct bytes b;
    CHECK_OK(labels_alloc(&l, OWN_H, OWN_W));
    for (int64_t i = 0; i < OWN_H * OWN_W; i++) l.at[i] = i < 12 * OWN_W ? above : below;
    CHECK_OK(labels_encode_png(&l, &b));
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *name = mem_format("masks/p%02d.png", i);
        own_put(name, b.at, b.n);
        free(name);
    }
    bytes_free(&b);
    labels_free(&l);
}

TEST(black_and_white_masks_of_several_names_are_no_masks_of_the_first) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    two_values(0, 255);
    check_refused("masks/p00.png",
                  "holds nothing but 0, which is \"sky\", and 255, which is unlabelled; so do all "
                  "12 masks, and 3 names are given: write the value of each name into them");
    two_values(0, 0);
    check_refused("masks/p00.png", "holds nothing but 0, which is \"sky\"; so do all 12 masks");
    own_masks_index(1); /* one that has all three is enough */
    check_taken("names      3 of 3 occur in masks");
}

TEST(black_and_white_masks_of_one_name_are_taken_as_documented_and_said) {
    own_pictures();
    own_captions_jsonl();
    two_values(0, 255);
    own_text("names.txt", "sky\n");
    check_taken(
        "masks hold 0, which is \"sky\", and 255, which is unlabelled: where 255 is meant to "
        "be it, write 0 in its place and 255 elsewhere");
    two_values(0, 0);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK(!strstr(e.out, "unlabelled"));
    own_ended_free(&e);
}

TEST(masks_without_a_labelled_pixel_are_named_beside_captions_too) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    two_values(255, 255);
    check_refused("own/masks",
                  "no mask has a labelled pixel, all are 255: write the values of the "
                  "names into them; or take it away, and captions alone are learned "
                  "from");
    own_remove("captions.jsonl");
    check_refused("own/masks", "all are 255: write the values of the names into them\n");
}

TEST(masks_that_have_none_beside_others_that_do_are_named) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    two_values(255, 255);
    own_masks_index(7);
    check_taken("own/masks: 5 masks have no labelled pixel: p07.png, p08.png, p09.png, ...\n");
    own_masks_index(11);
    check_taken("own/masks: 1 mask has no labelled pixel: p11.png\n");
}

/* All captions are this one, but one of p05. */
static void captions_are(const char *caption) {
    struct str s = {0};
    for (int i = 0; i < OWN_PICTURES; i++)
        str_add(&s, "p%02d.jpg\t%s\n", i, i == 5 ? "a red car" : caption);
    own_text("captions.tsv", s.at);
    str_free(&s);
}

TEST(captions_that_are_hardly_english_are_told) {
    own_pictures();
    captions_are(
        "Ein Hund schl\xc3\xa4"
        "ft auf der Stra\xc3\x9f"
        "e");
    check_taken("captions are read as English: ");
    captions_are("0 0.5 0.25 1");
    check_taken(
        "captions.tsv: captions are read as English: 0.1 nouns a caption were found, and 0 "
        "of 12 captions have letters beyond a to z; nouns of another language are for");
    captions_are("a dog\xe2\x80\x99s house on the grass");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK(!strstr(e.out, "read as English"));
    own_ended_free(&e);
}

/* ---- COCO's instances ---- */

/* The text of a file with the first `from` replaced. */
static void change(const char *name, const char *from, const char *to) {
    char *path = own_path(name);
    struct bytes b;
    struct str s = {0};
    CHECK_OK(file_read(path, 1 << 20, &b));
    char *text = (char *)b.at, *at = strstr(text, from);
    CHECK(at);
    str_put(&s, text, (size_t)(at - text));
    str_add(&s, "%s%s", to, at + strlen(from));
    own_text(name, s.at);
    str_free(&s);
    bytes_free(&b);
    free(path);
}

static void boxes(int n) {
    for (int i = 0; i < n; i++)
        change("instances.json", ",\"segmentation\":[[5,5,25,5,25,15,5,15]]",
               i % 2 ? ",\"segmentation\": []" : "");
}

TEST(boxes_without_masks_beside_captions_are_no_masks) {
    own_pictures();
    own_captions_jsonl();
    own_masks_coco(OWN_PICTURES);
    boxes(3);
    check_taken("3 of 12 annotations are boxes without a mask, and count for nothing");
    own_masks_coco(OWN_PICTURES);
    boxes(1);
    check_taken("1 of 12 annotations is a box without a mask, and counts for nothing");
    boxes(OWN_PICTURES - 1);
    check_refused("instances.json",
                  "all annotations are boxes without a mask: they need \"segmentation\", "
                  "polygons or run lengths: export it again with masks; or take it away, and "
                  "captions alone are learned from");
}

TEST(categories_that_are_none_of_the_names_are_said_beside_captions_too) {
    own_pictures();
    own_captions_jsonl();
    own_masks_coco(OWN_PICTURES);
    own_text("names.txt", "dog\ncat\n");
    check_refused("instances.json", "none of its annotations is of one of the names: mend the");
}

TEST(instances_that_draw_nothing_in_a_picture_say_why) {
    own_pictures();
    own_captions_jsonl();
    own_masks_coco(OWN_PICTURES);
    for (int i = 0; i < OWN_PICTURES; i++)
        change("instances.json", "[[5,5,25,5,25,15,5,15]]", "[[45,35,65,35,65,45,45,45]]");
    check_refused("instances.json", "no mask has a labelled pixel, what it draws lies outside");
    own_text("instances.json",
             "{\"images\":[{\"id\":1,\"file_name\":\"p00.jpg\",\"height\":30,\"width\":40}],"
             "\"annotations\":[],"
             "\"categories\":[{\"id\":1,\"name\":\"sky\"}]}");
    check_refused("instances.json", "no mask has a labelled pixel, it has no annotations: draw");
}

TEST(two_pictures_of_one_name_in_instances_are_not_called_one) {
    own_pictures();
    own_masks_coco(OWN_PICTURES);
    change("instances.json", "p05.jpg", "old/p04.jpg");
    check_refused(
        "instances.json",
        "are p04.jpg and old/p04.jpg: suffix and folder do not count: rename one of them");
}

TEST(a_nul_in_a_name_is_said_with_its_place) {
    own_pictures();
    own_masks_coco(OWN_PICTURES);
    change("instances.json", "p03.jpg", "p03\\u0000.jpg");
    check_refused("instances.json:1: byte ",
                  "\"file_name\" in \"images\" holds a NUL (\\u0000): take it out");
    own_masks_coco(OWN_PICTURES);
    change("instances.json", "\"sky\"", "\"sky\\u0000\"");
    check_refused("instances.json:1: byte ", "\"name\" in \"categories\" holds a NUL (\\u0000)");
    own_remove("instances.json");
    own_captions_coco();
    change("captions.json", "a red car", "a red\\u0000 car");
    check_refused("captions.json:1: byte ", "\"caption\" in \"annotations\" holds a NUL (\\u0000)");
    own_remove("captions.json");
    own_captions_jsonl();
    change("captions.jsonl", "p03.jpg", "p03.jpg\\u0000.exe");
    check_refused("captions.jsonl", "line 4: holds a NUL (\\u0000): take it out");
    own_captions_jsonl();
    change("captions.jsonl", "a red car", "a red car \\\\u0000"); /* a backslash, then letters */
    check_taken("captions   of 12 of 12 pictures");
}

TEST(a_picture_that_captions_list_twice_has_those_of_both) {
    static const char again[] =
        "],\"annotations\":[{\"id\":90,\"image_id\":77,\"caption\":\"a dog\"},";
    own_pictures();
    own_captions_coco();
    change("captions.json", "],\"annotations\":[", again);
    change("captions.json", "[{", "[{\"id\":77,\"file_name\":\"p05.jpg\"},{");
    check_taken(
        "captions.json: 1 picture is listed twice, with the captions of both: images 6 and "
        "77 are both p05.jpg");
    change("captions.json", "\"file_name\":\"p05.jpg\"},", "\"file_name\":\"old/p05.jpg\"},");
    check_refused("captions.json",
                  "images 6 and 77 are p05.jpg and old/p05.jpg, suffix and folder do not count: "
                  "rename one of them, or take its entry and captions out");
    change("captions.json", "\"id\":77,", "\"id\":1,");
    change("captions.json", "\"image_id\":77,", "\"image_id\":1,");
    check_refused("captions.json", "image 1 is \"");
}
