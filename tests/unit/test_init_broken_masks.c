/* Folders with one thing wrong in their masks or names: `ovseg init` names the file, says what to
 * do, and writes nothing.
 */
/* ctest: timeout=600 */
#include <unistd.h>

#include "base/file.h"
#include "data/image.h"
#include "tests/unit/init_broken.h"

static void folder_as_mask(void) {
    good_masks();
    own_remove("masks/p03.png");
    own_text("masks/p03.png/note.md", "no mask");
}

static void mask_of_other_size(void) {
    good_masks();
    own_mask_index("masks/p03.png", 20, 15, 2);
}

static void turned_mask(void) {
    good_masks();
    own_mask_index("masks/p03.png", OWN_H, OWN_W, 2);
}

/* The shipped photograph lies in the file and stands when EXIF is heeded. */
static void mask_of_the_stored_picture(void) {
    good_masks();
    own_copy("images/p03.jpg", "tests/golden/images/exif6.jpg");
    own_mask_index("masks/p03.png", 34, 21, 2);
}

static void mask_of_the_stored_png(void) {
    good_masks();
    own_remove("images/p03.jpg");
    own_copy("images/p03.png", "tests/golden/images/exif6.png");
    own_mask_index("masks/p03.png", 34, 21, 2);
}

static void value_without_name(void) {
    good_masks();
    own_mask_index("masks/p03.png", OWN_W, OWN_H, 5);
}

static void unlabelled_of_16_bits(void) {
    struct labels l;
    struct bytes b;
    good_masks();
    CHECK_OK(labels_alloc(&l, OWN_H, OWN_W));
    l.at[3 * OWN_W + 7] = UINT16_MAX;
    CHECK_OK(labels_encode_png(&l, &b));
    own_put("masks/p03.png", b.at, b.n);
    bytes_free(&b);
    labels_free(&l);
}

/* What a program that draws on a see-through canvas saves. */
static void grey_with_alpha(void) {
    good_masks();
    own_copy("masks/p03.png", "tests/golden/images/grey_alpha.png");
}

static void colour_without_name(void) {
    good_colours();
    own_text("names.csv", "name,r,g,b\nsky,70,130,180\ntree,0,128,0\n");
}

/* cv2.imwrite() of three equal channels. */
static void numbers_as_colours(void) {
    struct image im;
    struct bytes b;
    good_colours();
    CHECK_OK(image_alloc(&im, OWN_H, OWN_W, 3));
    for (int64_t k = 0; k < 3 * OWN_H * OWN_W; k++) im.at[k] = (uint8_t)(1 + k / 3 / OWN_W % 3);
    CHECK_OK(image_encode_png(&im, &b));
    own_put("masks/p00.png", b.at, b.n);
    bytes_free(&b);
    image_free(&im);
}

static void colours_without_table(void) {
    good_colours();
    own_remove("names.csv");
    own_text("names.txt", "sky\ntree\nred car\n");
}

static void one_colour_twice(void) {
    good_colours();
    own_text("names.csv", "name,r,g,b\nsky,70,130,180\ntree,70,130,180\nred car,220,20,60\n");
}

static void a_line_without_colour(void) {
    good_colours();
    own_text("names.csv", "name,r,g,b\nsky,70,130,180\ntree\nred car,220,20,60\n");
}

static void colours_in_one_column(void) {
    good_colours();
    own_text("names.csv", "name,colour\nsky,70 130 180\ntree,0 128 0\nred car,220 20 60\n");
}

static void grey_masks_of_colours(void) {
    good_masks();
    own_remove("names.txt");
    own_text("names.txt", "sky #4682b4\ntree #008000\nred car #dc143c\n");
}

static void jpeg_mask(void) {
    good_masks();
    own_picture_of("masks/p03.jpg", OWN_W, OWN_H, 1);
}

static void mask_without_picture(void) {
    good_masks();
    own_mask_index("masks/q03.png", OWN_W, OWN_H, 2);
}

static void append_to_masks(const char *suffix) {
    good_masks();
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *from = mem_format("masks/p%02d.png", i);
        char *to = mem_format("masks/p%02d%s.png", i, suffix);
        own_rename(from, to);
        free(from);
        free(to);
    }
}

static void masks_with_a_suffix(void) { append_to_masks("_mask"); }

static void masks_with_a_blank(void) { append_to_masks(" (1)"); } /* no word of a shell */

static void mask_in_capitals(void) {
    good_masks();
    own_rename("masks/p03.png", "masks/P03.png");
}

static void empty_mask(void) {
    good_masks();
    own_text("masks/p03.png", "");
}

static void no_masks(void) {
    good_masks();
    own_remove("masks");
    own_text("masks/readme.md", "later");
}

static void masks_among_pictures(void) {
    good_masks();
    own_rename("masks", "images/masks");
}

static void two_masks(void) {
    good_masks();
    own_mask_index("masks/more/p03.png", OWN_W, OWN_H, 2);
}

static void name_twice(void) {
    good_masks();
    own_text("names.txt", "sky\ntree\nsky\n");
}

static void name_in_two_cases(void) {
    good_masks();
    own_text("names.txt", "Tree\nsky\ntree\n");
}

static void no_names(void) {
    good_masks();
    own_text("names.txt", "# none yet\n");
}

static void names_in_one_line(void) {
    good_masks();
    own_text("names.txt", "sky, tree, red car\n");
}

static void yaml_of_names(void) {
    good_masks();
    own_remove("names.txt");
    own_text("names.yaml", "- {name: sky, colour: blue}\n");
}

static void category_not_listed(void) {
    good_coco();
    own_text("instances.json",
             "{\"images\":[{\"id\":1,\"file_name\":\"p00.jpg\",\"height\":30,\"width\":40}],"
             "\"annotations\":[{\"id\":4,\"image_id\":1,\"category_id\":8,"
             "\"segmentation\":[[5,5,25,5,25,15,5,15]]}],"
             "\"categories\":[{\"id\":1,\"name\":\"sky\"}]}");
}

static void coco_far_outside(void) {
    good();
    own_text("instances.json",
             "{\"images\":[{\"id\":1,\"file_name\":\"p00.jpg\",\"height\":30,\"width\":40}],"
             "\"annotations\":[{\"id\":4,\"image_id\":1,\"category_id\":1,"
             "\"segmentation\":[[-39,-5,80,-5,80,60,5,15]]},"
             "{\"id\":9,\"image_id\":1,\"category_id\":1,"
             "\"segmentation\":[[5,5,9,5,9,9],[5,5,9999,-50,25,15,5,15]]}],"
             "\"categories\":[{\"id\":1,\"name\":\"sky\"}]}");
}

static void coco_of_other_size(void) {
    good_coco();
    own_picture_of("images/p04.jpg", 50, 50, 4);
}

static void coco_without_picture(void) {
    good_coco();
    own_rename("images/p04.jpg", "images/new.jpg");
}

static const struct broken rows[] = {
    {folder_as_mask, "masks/p03.png", "is a folder, not a file"},
    {mask_of_other_size, "masks/p03.png", "is 20 x 15, its picture p03.jpg 40 x 30: make it"},
    {turned_mask, "masks/p03.png", "is 30 x 40, its picture p03.jpg 40 x 30: turn it by 90"},
    {mask_of_the_stored_picture, "masks/p03.png", "turn the mask, too (EXIF orientation 6)"},
    {mask_of_the_stored_png, "masks/p03.png", "turn the mask, too (EXIF orientation 6)"},
    {value_without_name, "masks/p03.png",
     "value 3 at row 15, column 0 stands for no name (600 pixels do): 3 names are the values 0 to "
     "2, 255 is unlabelled: add its name; or, where 1 is the first name: --first 1"},
    {unlabelled_of_16_bits, "masks/p03.png",
     "value 65535 at row 3, column 7 stands for no name (1 pixel does): 3 names are the values 0 "
     "to 2, 255 is unlabelled: where it means unlabelled, write 255\n"},
    {grey_with_alpha, "masks/p03.png",
     "is grey with an alpha channel; a label map is a grey or palette PNG: save it without alpha"},
    {colour_without_name, "masks/p00.png", "colour #dc143c at row 20, column 0 is in no table"},
    {numbers_as_colours, "masks/p00.png",
     "all are grey: where they are numbers of classes, save masks with one channel"},
    {colours_without_table, "masks/p00.png", "is painted in colours, and the names have none"},
    {one_colour_twice, "names.csv", "colour #4682b4 is that of sky and of tree: give each"},
    {a_line_without_colour, "names.csv", "line 3: \"tree\" has no colour, others have"},
    {colours_in_one_column, "names.csv",
     "line 2: \"sky,70 130 180\" has neither a value nor a colour: write name, value, or name, "
     "red"},
    {grey_masks_of_colours, "masks/p00.png", "is grey, and the names stand for colours"},
    {jpeg_mask, "masks/p03.jpg", "a mask is a PNG named NAME.png: export it again"},
    {mask_without_picture, "masks/q03.png", "there is no picture of this name"},
    {masks_with_a_suffix, "own/masks",
     "12 of 12 would be without \"_mask\": take it out of their names, in that folder by: for f in "
     "*_mask.png; do mv \"$f\" \"${f%_mask.png}.png\"; done"},
    {masks_with_a_blank, "own/masks",
     "12 of 12 would be without \" (1)\": take it out of their names\n"},
    {mask_in_capitals, "masks/P03.png", "the picture is called p03.jpg: upper and lower case"},
    {empty_mask, "masks/p03.png", "is empty: get it again"},
    {no_masks, "own/masks", "has no masks (NAME.png for the picture NAME.jpg)"},
    {masks_among_pictures, "images/masks", "masks lie in the folder of pictures"},
    {two_masks, "masks/p03.png", "rename one of them"},
    {name_twice, "names.txt", "\"sky\" names class 0 and class 2: rename one"},
    {name_in_two_cases, "names.txt", "\"tree\" names class 0 and class 2: rename one"},
    {no_names, "names.txt", "names no class: write a name a line"},
    {names_in_one_line, "names.txt",
     "is one line with commas, which would be one name: write a name"},
    {yaml_of_names, "names.yaml", "colour is [red, green, blue] of 0 to 255"},
    {category_not_listed, "instances.json", "is of category 8, which is not listed"},
    {coco_far_outside, "instances.json",
     "annotation 9 has a corner at 9999, -50, far outside of p00.jpg, 40 x 30: draw it again"},
    {coco_of_other_size, "instances.json", "the entry of p04.jpg: is 40 x 30, its picture"},
    {coco_without_picture, "instances.json", "p04.jpg, and there is no such picture"},
};

TEST(every_mistake_of_masks_and_names_is_named_with_file_and_remedy) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_broken(&rows[i], i);
}

TEST(masks_of_which_none_fits_cannot_be_left_out) {
    masks_with_a_suffix();
    own_captions_jsonl();
    struct own_ended e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "own/masks: none of the masks is of a picture in ");
    own_ended_free(&e);
    own_remove("masks");
    own_masks_coco(OWN_PICTURES);
    char *text = own_text_of("instances.json");
    for (char *at = text; (at = strstr(at, ".jpg")); at++) at[-1] = 'x'; /* p0x.jpg */
    own_text("instances.json", text);
    e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "instances.json: none of its images is a picture in ");
    own_ended_free(&e);
    free(text);
}
