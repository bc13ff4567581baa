/* Folders with one thing wrong in their captions or texts: `ovseg init` names the file, says what
 * to do, and writes nothing.
 */
/* ctest: timeout=600 */
#include "base/file.h"
#include "tests/unit/init_broken.h"

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

static const struct broken rows[] = {
    {empty_captions, "captions.jsonl", "is empty; write it"},
    {empty_text, "images/p03.txt", "is empty; write it, or leave it out"},
    {utf16_captions, "captions.tsv", "is UTF-16; make it UTF-8: iconv -f UTF-16"},
    {utf16_names, "names.txt", "is UTF-16LE; make it UTF-8: iconv -f UTF-16LE"},
    {utf16_text, "images/p05.txt", "is UTF-16; make it UTF-8: iconv"},
    {latin1_captions, "captions.tsv", "line 2: is not UTF-8; make it so"},
    {mac_lines, "captions.tsv", "carriage return alone; mend them: tr"},
    {broken_line, "captions.jsonl", "line 2: is not one JSON object"},
    {line_without_picture, "captions.jsonl", "line 1: needs \"image\", the name of a file"},
    {cut_json, "captions.json", "is not JSON"},
    {caption_of_unlisted, "captions.json", "caption 5 is of image 9, which is not listed"},
    {missing_picture, "captions.jsonl", "line 8: is of p07.jpg, and there is no such picture"},
    {caption_in_capitals, "captions.jsonl", "the picture is called P02.jpg: upper and lower"},
    {bare_picture, "images/extra.jpg", "has neither a caption nor a mask: write one"},
    {blank_caption, "captions.tsv", "line 2: the caption of p01.jpg is empty: write it"},
    {one_column, "captions.tsv", "line 2: has 1 column, 2 are needed, a picture and its caption"},
    {comma_in_a_caption, "captions.csv",
     "line 2: has 3 columns, 2 are needed, a picture and its caption: put captions that hold a "
     "comma in quotation marks"},
    {third_column, "captions.tsv",
     "line 2: has 3 columns, 2 are needed, a picture and its "
     "caption: take the others out, or name the columns"},
    {comma_below_a_header, "captions.csv",
     "line 3: has 4 columns, 3 are needed, as the first line has: put captions that hold"},
    {short_of_its_header, "captions.tsv",
     "line 2: has 2 columns, 3 are needed, as the first line has: put a tab between them"},
    {unknown_header, "captions.tsv",
     "line 1: looks like a header: the column of pictures is called one of image, file_name"},
    {header_of_one_known_word, "captions.csv", "that of captions one of caption, text, title"},
    {no_nouns, "captions.tsv", "no noun was found in 12 captions"},
    {other_pictures, "captions.tsv", "none of its captions is of a picture in"},
};

TEST(every_mistake_of_captions_is_named_with_file_and_remedy) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_broken(&rows[i], i);
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
