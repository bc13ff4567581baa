/* Folders with one thing wrong: `ovseg init` names the file, says what to do, and writes nothing.
 */
/* ctest: timeout=600 */
#include <unistd.h>

#include "base/file.h"
#include "data/image.h"
#include "tests/own_folder.h"
#include "tests/test.h"
#include "train/commands/cmd.h"

/* ---- what is done to a good folder ---- */

static void good(void) {
    own_pictures();
    own_captions_jsonl();
}

static void good_masks(void) {
    good();
    own_masks_index(OWN_PICTURES);
}

static void good_colours(void) {
    good();
    own_masks_colour(OWN_PICTURES);
}

static void good_coco(void) {
    good();
    own_masks_coco(OWN_PICTURES);
}

static void nothing_but_pictures(void) { own_pictures(); }

static void masks_without_names(void) {
    good_masks();
    own_remove("names.txt");
}

static void no_pictures(void) {
    good();
    own_remove("images");
    own_text("images/readme.txt", "they are elsewhere");
}

static void few_pictures(void) {
    own_picture_of("images/a.jpg", 40, 30, 1);
    own_text("captions.tsv", "a.jpg\ta red car\n");
}

static void empty_captions(void) {
    good();
    own_text("captions.jsonl", "");
}

static void empty_text(void) {
    own_pictures();
    own_captions_texts();
    own_text("images/p03.txt", "\n");
}

static void utf16_captions(void) {
    static const char text[] = "\xff\xfep\0.\0j\0p\0g\0\t\0a\0 \0c\0a\0r\0\n";
    good();
    own_remove("captions.jsonl");
    own_put("captions.tsv", text, sizeof text);
}

static void utf16_names(void) {
    static const char text[] = "s\0k\0y\0\n\0t\0r\0e\0e\0\n";
    good_masks();
    own_put("names.txt", text, sizeof text);
}

static void utf16_text(void) {
    static const char text[] = "\xfe\xff\0a\0 \0c\0a\0r";
    own_pictures();
    own_captions_texts();
    own_put("images/p05.txt", text, sizeof text - 1);
}

static void latin1_captions(void) {
    own_pictures();
    own_text("captions.tsv", "p00.jpg\ta tree\np01.jpg\ta caf\xe9 table\n");
}

static void mac_lines(void) {
    own_pictures();
    own_text("captions.tsv", "p00.jpg\ta tree\rp01.jpg\ta table\r");
}

static void broken_line(void) {
    good();
    own_text("captions.jsonl",
             "{\"image\": \"p00.jpg\", \"caption\": \"a car\"}\n"
             "{\"image\": \"p01.jpg\", \"caption\": \"a car}\n");
}

static void line_without_picture(void) {
    good();
    own_text("captions.jsonl", "{\"caption\": \"a car\"}\n");
}

static void cut_json(void) {
    own_pictures();
    own_text("captions.json",
             "{\"images\":[{\"id\":1,\"file_name\":\"p00.jpg\"}],\"annotations\":[");
}

static void caption_of_unlisted(void) {
    own_pictures();
    own_text("captions.json",
             "{\"images\":[{\"id\":1,\"file_name\":\"p00.jpg\"}],"
             "\"annotations\":[{\"id\":5,\"image_id\":9,\"caption\":\"a car\"}]}");
}

static void missing_picture(void) {
    good();
    own_remove("images/p07.jpg");
}

static void caption_in_capitals(void) {
    good();
    own_rename("images/p02.jpg", "images/P02.jpg");
}

static void bare_picture(void) {
    good();
    own_picture_of("images/extra.jpg", 40, 30, 20);
}

static void blank_caption(void) {
    own_pictures();
    own_captions_tsv();
    own_text("captions.tsv", "p00.jpg\ta car\np01.jpg\t \n");
}

static void one_column(void) {
    own_pictures();
    own_text("captions.tsv", "p00.jpg\ta car\np01.jpg a tree\n");
}

static void comma_in_a_caption(void) {
    own_pictures();
    own_text("captions.csv", "p00.jpg,\"a car, parked\"\np01.jpg,a house, and a tree\n");
}

static void third_column(void) {
    own_pictures();
    own_text("captions.tsv", "p00.jpg\ta car\np01.jpg\ta tree\tgreen\n");
}

static void comma_below_a_header(void) {
    own_pictures();
    own_text("captions.csv", "id,image,caption\n0,p00.jpg,a car\n1,p01.jpg,a house, and a tree\n");
}

static void short_of_its_header(void) {
    own_pictures();
    own_text("captions.tsv", "image\tsplit\tcaption\np00.jpg\ta car\n");
}

static void unknown_header(void) {
    own_pictures();
    own_text("captions.tsv", "img\tsplit\tsentence\np00.jpg\ttrain\ta car\n");
}

static void header_of_one_known_word(void) {
    own_pictures();
    own_text("captions.csv", "id,caption\np00,a car\n");
}

static void no_nouns(void) {
    struct str s = {0};
    own_pictures();
    for (int i = 0; i < OWN_PICTURES; i++) str_add(&s, "p%02d.jpg\t0 0.5 0.25 1\n", i);
    own_text("captions.tsv", s.at);
    str_free(&s);
}

static void other_pictures(void) {
    own_pictures();
    own_text("captions.tsv", "q00.jpg\ta car\nq01.jpg\ta tree\n");
}

static void twice(void) {
    good();
    own_picture_of("images/p04.png", 40, 30, 21);
}

static void twice_but_for_case(void) {
    good();
    own_picture_of("images/P04.jpg", 40, 30, 21);
}

static void twice_in_folders(void) {
    good();
    own_picture_of("images/more/p04.jpg", 40, 30, 21);
}

static void empty_picture(void) {
    good();
    own_text("images/p01.jpg", "");
}

static void link_to_nowhere(void) {
    good();
    own_remove("images/p01.jpg");
    char *path = own_path("images/p01.jpg");
    CHECK(!symlink("/nowhere/p01.jpg", path));
    free(path);
}

static void folder_as_picture(void) {
    good_masks();
    own_remove("images/p01.jpg");
    own_text("images/p01.jpg/note.md", "no picture");
}

static void folder_as_mask(void) {
    good_masks();
    own_remove("masks/p03.png");
    own_text("masks/p03.png/note.md", "no mask");
}

static void link_back(void) {
    good();
    char *path = own_path("images/all");
    CHECK(!symlink(".", path));
    free(path);
}

static void cut_picture(void) {
    good();
    char *path = own_path("images/p01.jpg");
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    own_put("images/p01.jpg", b.at, b.n / 2);
    bytes_free(&b);
    free(path);
}

static void a_gif(void) {
    good();
    own_text("images/p01.jpg", "GIF89a and so on");
}

static void a_web_page(void) {
    good();
    own_text("images/p01.jpg", "<html><body>404</body></html>");
}

static void heic(void) {
    good();
    own_text("images/IMG_0001.HEIC", "anything");
}

static void grey16(void) {
    good();
    own_remove("images/p01.jpg");
    own_mask_index("images/p01.png", 40, 30, 3000);
}

static void too_large(void) {
    static const uint8_t head[] = {0x89, 'P',  'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0, 0,
                                   13,   'I',  'H', 'D', 'R',  0,    0,    0x4e, 0x20, 0, 0,
                                   0x4e, 0x20, 8,   2,   0,    0,    0,    0,    0,    0, 0};
    good();
    own_remove("images/p01.jpg");
    own_put("images/p01.png", head, sizeof head);
}

static void too_small(void) {
    good();
    own_picture_of("images/p01.jpg", 8, 8, 1);
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

static const struct broken {
    void (*make)(void);
    int status;
    const char *file, *says;
} rows[] = {
    {nothing_but_pictures, 65, "own/images", "neither captions nor masks: name them, --captions"},
    {masks_without_names, 65, "own/masks", "masks without names: write a file with a name a line"},
    {no_pictures, 65, "own/images", "has no pictures (.jpg, .jpeg, .png, .webp)"},
    {few_pictures, 65, "own/images", "has 1 picture that can be used; at least 10"},
    {empty_captions, 65, "captions.jsonl", "is empty; write it"},
    {empty_text, 65, "images/p03.txt", "is empty; write it, or leave it out"},
    {utf16_captions, 65, "captions.tsv", "is UTF-16; make it UTF-8: iconv -f UTF-16"},
    {utf16_names, 65, "names.txt", "is UTF-16LE; make it UTF-8: iconv -f UTF-16LE"},
    {utf16_text, 65, "images/p05.txt", "is UTF-16; make it UTF-8: iconv"},
    {latin1_captions, 65, "captions.tsv", "line 2: is not UTF-8; make it so"},
    {mac_lines, 65, "captions.tsv", "carriage return alone; mend them: tr"},
    {broken_line, 65, "captions.jsonl", "line 2: is not one JSON object"},
    {line_without_picture, 65, "captions.jsonl", "line 1: needs \"image\", the name of a file"},
    {cut_json, 65, "captions.json", "is not JSON"},
    {caption_of_unlisted, 65, "captions.json", "caption 5 is of image 9, which is not listed"},
    {missing_picture, 65, "captions.jsonl", "line 8: is of p07.jpg, and there is no such picture"},
    {caption_in_capitals, 65, "captions.jsonl", "the picture is called P02.jpg: upper and lower"},
    {bare_picture, 65, "images/extra.jpg", "has neither a caption nor a mask: write one"},
    {blank_caption, 65, "captions.tsv", "line 2: the caption of p01.jpg is empty: write it"},
    {one_column, 65, "captions.tsv",
     "line 2: has 1 column, 2 are needed, a picture and its caption"},
    {comma_in_a_caption, 65, "captions.csv",
     "line 2: has 3 columns, 2 are needed, a picture and its caption: put captions that hold a "
     "comma in quotation marks"},
    {third_column, 65, "captions.tsv",
     "line 2: has 3 columns, 2 are needed, a picture and its "
     "caption: take the others out, or name the columns"},
    {comma_below_a_header, 65, "captions.csv",
     "line 3: has 4 columns, 3 are needed, as the first line has: put captions that hold"},
    {short_of_its_header, 65, "captions.tsv",
     "line 2: has 2 columns, 3 are needed, as the first line has: put a tab between them"},
    {unknown_header, 65, "captions.tsv",
     "line 1: looks like a header: the column of pictures is called one of image, file_name"},
    {header_of_one_known_word, 65, "captions.csv", "that of captions one of caption, text, title"},
    {no_nouns, 65, "captions.tsv", "no noun was found in 12 captions"},
    {other_pictures, 65, "captions.tsv", "none of its captions is of a picture in"},
    {twice, 65, "images/p04.png",
     "has the name of p04.jpg, suffix and folder do not count: rename"},
    {twice_but_for_case, 65, "images/p04.jpg", "but for upper and lower case"},
    {twice_in_folders, 65, "images/p04.jpg", "rename one of them"},
    {empty_picture, 65, "images/p01.jpg", "is empty: get it again"},
    {link_to_nowhere, 65, "images/p01.jpg", "a link that leads nowhere: mend it, or take it away"},
    {folder_as_picture, 65, "images/p01.jpg", "is a folder, not a file\n"},
    {folder_as_mask, 65, "masks/p03.png", "is a folder, not a file"},
    {link_back, 65, "images/all", "a link that leads back to a folder it is in: remove it"},
    {cut_picture, 65, "images/p01.jpg", "cut short; get the file again"},
    {a_gif, 65, "images/p01.jpg", "is a GIF; need JPEG, PNG or WebP"},
    {a_web_page, 65, "images/p01.jpg", "is a web page; need JPEG"},
    {heic, 65, "images/IMG_0001.HEIC", "heic is not read here: convert it to JPEG or PNG"},
    {grey16, 65, "images/p01.png", "grey of 16 bits"},
    {too_large, 65, "images/p01.png", "20000 x 20000 pixels are too many"},
    {too_small, 65, "images/p01.jpg", "is 8 x 8, too small"},
    {mask_of_other_size, 65, "masks/p03.png", "is 20 x 15, its picture p03.jpg 40 x 30: make it"},
    {turned_mask, 65, "masks/p03.png", "is 30 x 40, its picture p03.jpg 40 x 30: turn it by 90"},
    {mask_of_the_stored_picture, 65, "masks/p03.png", "turn the mask, too (EXIF orientation 6)"},
    {mask_of_the_stored_png, 65, "masks/p03.png", "turn the mask, too (EXIF orientation 6)"},
    {value_without_name, 65, "masks/p03.png",
     "value 3 at row 15, column 0 stands for no name (600 pixels do): 3 names are the values 0 to "
     "2, 255 is unlabelled: add its name; or, where 1 is the first name: --first 1"},
    {unlabelled_of_16_bits, 65, "masks/p03.png",
     "value 65535 at row 3, column 7 stands for no name (1 pixel does): 3 names are the values 0 "
     "to 2, 255 is unlabelled: where it means unlabelled, write 255\n"},
    {grey_with_alpha, 65, "masks/p03.png",
     "is grey with an alpha channel; a label map is a grey or palette PNG: save it without alpha"},
    {colour_without_name, 65, "masks/p00.png", "colour #dc143c at row 20, column 0 is in no table"},
    {numbers_as_colours, 65, "masks/p00.png",
     "all are grey: where they are numbers of classes, save masks with one channel"},
    {colours_without_table, 65, "masks/p00.png", "is painted in colours, and the names have none"},
    {one_colour_twice, 65, "names.csv", "colour #4682b4 is that of sky and of tree: give each"},
    {a_line_without_colour, 65, "names.csv", "line 3: \"tree\" has no colour, others have"},
    {colours_in_one_column, 65, "names.csv",
     "line 2: \"sky,70 130 180\" has neither a value nor a colour: write name, value, or name, "
     "red"},
    {grey_masks_of_colours, 65, "masks/p00.png", "is grey, and the names stand for colours"},
    {jpeg_mask, 65, "masks/p03.jpg", "a mask is a PNG named NAME.png: export it again"},
    {mask_without_picture, 65, "masks/q03.png", "there is no picture of this name"},
    {masks_with_a_suffix, 65, "own/masks",
     "12 of 12 would be without \"_mask\": take it out of their names, in that folder by: for f in "
     "*_mask.png; do mv \"$f\" \"${f%_mask.png}.png\"; done"},
    {masks_with_a_blank, 65, "own/masks",
     "12 of 12 would be without \" (1)\": take it out of their names\n"},
    {mask_in_capitals, 65, "masks/P03.png", "the picture is called p03.jpg: upper and lower case"},
    {empty_mask, 65, "masks/p03.png", "is empty: get it again"},
    {no_masks, 65, "own/masks", "has no masks (NAME.png for the picture NAME.jpg)"},
    {masks_among_pictures, 65, "images/masks", "masks lie in the folder of pictures"},
    {two_masks, 65, "masks/p03.png", "rename one of them"},
    {name_twice, 65, "names.txt", "\"sky\" names class 0 and class 2: rename one"},
    {name_in_two_cases, 65, "names.txt", "\"tree\" names class 0 and class 2: rename one"},
    {no_names, 65, "names.txt", "names no class: write a name a line"},
    {yaml_of_names, 65, "names.yaml", "colour is [red, green, blue] of 0 to 255"},
    {category_not_listed, 65, "instances.json", "is of category 8, which is not listed"},
    {coco_far_outside, 65, "instances.json",
     "annotation 9 has a corner at 9999, -50, far outside of p00.jpg, 40 x 30: draw it again"},
    {coco_of_other_size, 65, "instances.json", "the entry of p04.jpg: is 40 x 30, its picture"},
    {coco_without_picture, 65, "instances.json", "p04.jpg, and there is no such picture"},
};

static void check_broken(const struct broken *b, size_t row) {
    b->make();
    struct own_ended e = INIT(NULL);
    char *out = own_path("out");
    if (e.status != b->status || !strstr(e.err, b->file) || !strstr(e.err, b->says))
        test_fail(__FILE__, __LINE__, "row %zu: status %d, expected %d, %s and \"%s\" in:\n%s", row,
                  e.status, b->status, b->file, b->says, e.err);
    CHECK(!dir_exists(out));
    own_ended_free(&e);
    own_remove("");
    free(out);
}

TEST(every_broken_folder_is_named_with_file_and_remedy_before_anything_is_written) {
    size_t n = sizeof rows / sizeof *rows;
    CHECK(n >= 30);
    for (size_t i = 0; i < n; i++) check_broken(&rows[i], i);
}

TEST(a_folder_in_a_picture_s_place_is_one_mistake_that_can_be_left_out) {
    folder_as_picture();
    struct own_ended e = INIT(NULL);
    CHECK_HAS(e.err, "1 thing is wrong"); /* and not its caption and its mask, too */
    own_ended_free(&e);
    e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "1 left out");
    own_ended_free(&e);
}

TEST(captions_are_counted_of_the_pictures_that_are_taken) {
    own_pictures();
    own_captions_coco();
    own_remove("images/p07.jpg");       /* its caption stays in the file */
    own_text("images/p01.jpg", "half"); /* this one has a caption, and is left out */
    struct own_ended e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "captions   of 10 of 10 pictures (100 %): 10, COCO JSON");
    own_ended_free(&e);
}

TEST(what_is_not_there_is_said_with_its_option) {
    own_pictures();
    static const struct {
        const char *option, *says;
    } missing[] = {{"--captions", "--captions /nowhere/x: there is no such file or folder"},
                   {"--masks", "--masks /nowhere/x: there is no"},
                   {"--names", "--names /nowhere/x: there is no"},
                   {"--clip", "--clip /nowhere/x: there is no such run, file or config"},
                   {"--proposals", "--proposals /nowhere/x: there is no such run"}};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        struct own_ended e = INIT(missing[i].option, "/nowhere/x");
        CHECK_INT(e.status, 66);
        CHECK_HAS(e.err, missing[i].says);
        own_ended_free(&e);
    }
}

TEST(several_mistakes_are_all_named_and_many_of_a_kind_are_counted) {
    good_masks();
    own_text("images/p01.jpg", "");
    own_mask_index("masks/p03.png", 20, 15, 2);
    for (int i = 0; i < 30; i++) {
        char *name = mem_format("images/extra%02d.jpg", i);
        own_picture_of(name, 40, 30, i);
        free(name);
    }
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "images/p01.jpg: is empty");
    CHECK_HAS(e.err, "masks/p03.png: is 20 x 15");
    CHECK_HAS(e.err, "images/extra00.jpg: has neither");
    CHECK_HAS(e.err, "and 22 more of these kinds");
    CHECK_HAS(e.err, "32 things are wrong, nothing was written");
    CHECK(!strstr(e.err, "images/extra29.jpg"));
    own_ended_free(&e);
    e = INIT("--damaged", "skip");
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.err, "left out: ");
    CHECK_HAS(e.out, "32 left out");
    CHECK_HAS(e.out, "split      train");
    own_ended_free(&e);
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
