/* What people and their machines call files: `ovseg init` takes it, or says what is in the way. */
/* ctest: timeout=300 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/own_folder.h"
#include "tests/test.h"
#include "train/commands/cmd.h"
#include "train/run/graph.h"

/* The chain that was written, as ovseg-train would look at it. */
static void check_chain(void) {
    struct graph g;
    char *path = own_path("out/mpt.yaml"), *output = own_path("runs");
    struct override o = {.key = mem_strdup("output_dir"), .value = output};
    CHECK_OK(graph_open(&g, path, &o, 1));
    CHECK_OK(graph_check_inputs(&g));
    graph_close(&g);
    override_free(&o);
    free(path);
}

static void check_taken(const char *said) {
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    CHECK_HAS(e.out, said);
    check_chain();
    own_ended_free(&e);
}

static void check_refused(const char *file, const char *says) {
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, file);
    CHECK_HAS(e.err, says);
    own_ended_free(&e);
}

/* Picture i under another name, with a caption in a text of this name. */
static void put_text(int i, const char *picture, const char *text) {
    char *was = mem_format("images/p%02d.jpg", i);
    own_rename(was, picture);
    own_text(text, own_caption(i));
    free(was);
}

TEST(a_text_belongs_to_the_picture_whatever_dots_and_case_its_name_has) {
    own_pictures();
    own_captions_texts();
    own_remove("images/p00.txt");
    own_remove("images/p01.txt");
    own_remove("images/p02.txt");
    put_text(0, "images/IMG.2020.01.JPG", "images/IMG.2020.01.txt");
    put_text(1, "images/DSC1.jpeg", "images/DSC1.TXT");
    put_text(2, "images/scan.jpg", "images/scan.jpg.txt");
    check_taken("captions   of 12 of 12 pictures (100 %): 12, texts (.txt)");
}

TEST(texts_beside_pictures_in_folders_below_are_found) {
    own_pictures();
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *was = mem_format("images/p%02d.jpg", i), *now = mem_format("images/a/p%02d.jpg", i);
        char *text = mem_format("images/a/p%02d.txt", i);
        own_text(text, own_caption(i));
        own_rename(was, now);
        free(was);
        free(now);
        free(text);
    }
    check_taken("captions   of 12 of 12 pictures");
}

TEST(masks_of_windows_and_folders_called_like_pictures_are_taken) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    own_rename("masks/p03.png", "masks/p03.PNG");
    own_text("images/trip.jpg/note.md", "a folder");
    own_rename("images/p04.jpg", "images/trip.jpg/p04.jpg");
    check_taken("masks      of 12 of 12 pictures");
}

TEST(a_name_that_no_list_can_hold_is_told) {
    static const struct {
        const char *file, *says;
    } names[] = {{"images/a\nb.jpg", "has a control character in its name: rename it"},
                 {"images/B\xe4r.jpg", "has a name that is not UTF-8: rename it"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        own_pictures();
        own_captions_jsonl();
        own_picture_of(names[i].file, OWN_W, OWN_H, 20);
        check_refused("own/images/", names[i].says);
        struct own_ended e = INIT("--damaged", "skip");
        CHECK_INT(e.status, 0);
        check_chain();
        own_ended_free(&e);
        own_remove("");
    }
}

TEST(names_that_only_look_the_same_are_told_with_the_difference) {
    own_pictures();
    own_captions_tsv();
    own_rename("images/p00.jpg", "images/A\xcc\x88pfel.jpg"); /* A and two dots, as macOS has it */
    own_text("captions.tsv", "\xc3\x84pfel.jpg\tapples\n\xc3\xa4pfel.jpg\tapples\n");
    check_refused("captions.tsv: line 1", "letters and their accents apart (NFD");
    check_refused("captions.tsv: line 2", "upper and lower case count: rename one");
}

TEST(a_link_that_leads_nowhere_is_not_taken_for_nothing) {
    own_pictures();
    own_masks_index(OWN_PICTURES);
    char *link = own_path("captions.jsonl"), *masks = own_path("masks");
    CHECK(!mkfifo(link, 0600));
    check_refused("own/captions.jsonl", "is no file: mend it, or take it away");
    CHECK_OK(file_remove(link));
    CHECK(!symlink("/nowhere/captions.jsonl", link));
    check_refused("own/captions.jsonl", "a link that leads nowhere: mend it, or take it away");
    CHECK_OK(file_remove(link));
    own_captions_jsonl();
    own_remove("masks");
    CHECK(!symlink("/nowhere/masks", masks));
    check_refused("own/masks", "a link that leads nowhere");
    free(link);
    free(masks);
}

TEST(of_two_files_for_one_thing_the_one_that_is_not_taken_is_named) {
    own_pictures();
    own_captions_jsonl();
    own_captions_tsv();
    own_masks_index(OWN_PICTURES);
    own_text("classes.txt", "sky\ntree\na red car\n");
    own_text("names.yaml", "- sky\n- tree\n- {name: red car}\n"); /* says what names.txt says */
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "captions.jsonl is taken, ");
    CHECK_HAS(e.out, "captions.tsv is not: --captions PATH takes another");
    CHECK_HAS(e.out, "names      3 of 3 occur in masks; ");
    CHECK_HAS(e.out, "own/names.yaml\n");
    CHECK(!strstr(e.out, "names.txt"));
    CHECK_HAS(e.out, "classes.txt is not: --names FILE takes another");
    own_ended_free(&e);
    char *captions = own_path("captions.tsv"), *names = own_path("classes.txt");
    e = INIT("--captions", captions, "--names", names, "--dry-run");
    CHECK_INT(e.status, 0);
    CHECK(!strstr(e.out, " is taken"));
    own_ended_free(&e);
    free(captions);
    free(names);
}

TEST(a_path_that_a_config_would_read_otherwise_is_told) {
    own_pictures();
    own_captions_tsv();
    own_rename("captions.tsv", "${mine}.tsv");
    char *path = own_path("${mine}.tsv");
    struct own_ended e = INIT("--captions", path);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "${mine}.tsv: ${ in a path of a config names a variable: rename");
    own_ended_free(&e);
    free(path);
}

TEST(a_list_in_json_and_an_open_quote_are_told_with_what_mends_them) {
    own_pictures();
    own_text("captions.json", "[{\"image\": \"p00.jpg\", \"caption\": \"a car\"}]");
    check_refused("captions.json", "is a list in JSON; write its objects a line each: jq -c '.[]'");
    own_text("captions.json", "\n<!DOCTYPE html>\n<html></html>\n");
    check_refused("captions.json", "is a web page: get the file itself");
    own_remove("captions.json");
    own_text("captions.jsonl", "[{\"image\": \"p00.jpg\",\n  \"caption\": \"a car\"}]");
    check_refused("captions.jsonl",
                  "is a list in JSON; write its objects a line each: jq -c '.[]'");
    check_refused("captions.jsonl", "captions.jsonl >NEW.jsonl");
    own_text("captions.jsonl", "{ \r\n  \"image\": \"p00.jpg\",\r\n  \"caption\": \"a car\"\r\n}");
    check_refused("captions.jsonl",
                  "has objects of several lines; write them a line each: jq -c .");
    own_remove("captions.jsonl");
    own_text("captions.tsv", "p00.jpg\ta car\np01.jpg\t\"Stop\" sign\n");
    check_refused("captions.tsv:2", "text behind a quoted field: quote all of it, and double");
    own_text("captions.tsv", "p00.jpg\ta car\np01.jpg\t\"A sign\n");
    check_refused("captions.tsv:2", "a quote without its end: add it, or take it out");
}

TEST(captions_in_the_form_of_other_programs_are_told_with_what_makes_them_ours) {
    own_pictures();
    own_text("captions.json", "[{\"image\": \"p00.jpg\", \"conversations\": []}]");
    check_refused("captions.json",
                  "a line each: jq -c '.[] | {image, captions: [.conversations[] | ");
    own_text("captions.json", "[{\"image_id\": 9, \"caption\": \"a car\"}]");
    check_refused("captions.json",
                  "is a list of COCO's results, where pictures have numbers: put it together with");
    own_text("captions.json", "{\"p00.jpg\": \"a car\"}");
    check_refused("captions.json",
                  "is a map in JSON, from pictures to captions; write them a line");
    own_text("captions.json", "{\n  \"p00.jpg\": [\"a car\"]\n}");
    check_refused("captions.json", "jq -c 'to_entries[] | {image: .key, captions: ([.value]");
    own_remove("captions.json");
    own_text("captions.jsonl",
             "{\"image\": \"p00.jpg\", \"caption\": \"a car\", \"captions\": [\"a tree\"]}\n");
    check_refused("captions.jsonl", "line 1: has both \"caption\" and \"captions\": leave one of");
    own_text("captions.jsonl", "{\"image\": \"p00.jpg\"}\n");
    check_refused("captions.jsonl", "line 1: needs \"caption\", a text, or \"captions\", a list");
}

/* captions.csv: `head`, then a row for each picture as printf has it, of number and caption. */
static void check_table(const char *head, const char *before, const char *between,
                        const char *says) {
    struct str s = {0};
    own_pictures();
    str_add(&s, "%s", head);
    for (int i = 0; i < OWN_PICTURES; i++)
        str_add(&s, "%sp%02d.jpg%s%s\n", before, i, between, own_caption(i));
    own_text("captions.csv", s.at);
    check_taken(says);
    own_remove("");
    str_free(&s);
}

TEST(tables_of_windows_and_of_other_spreadsheets_are_taken) {
    static const char all[] = "captions   of 12 of 12 pictures (100 %): 12, a table";
    check_table("image,caption\n", "C:\\data\\images\\", ",", all);
    check_table("sep=,\r\nimage,caption\n", "", ",", all);
    check_table("sep=;\n", "", ";", all);
    check_table("image;caption\n", "", ";", all);
    check_table("\"image\";\"caption\"\n", "", ";", all);
}

TEST(all_columns_of_captions_are_read) {
    static const char *const heads[] = {"image,caption,caption,caption\n",
                                        "image,caption,caption.1,caption.2\n",
                                        "image,caption1,caption2,caption_3\n"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        check_table(heads[i], "", ",a tree,,", "captions   of 12 of 12 pictures (100 %): 24");
    check_table("image,text,caption,caption\n", "", ",a word,a tree,",
                "captions   of 12 of 12 pictures (100 %): 24");
}

TEST(captions_that_are_there_twice_are_counted) {
    own_pictures();
    own_captions_tsv();
    char *text = own_text_of("captions.tsv"),
         *twice = mem_format("%s%s", text, strchr(text, '\n') + 1);
    own_text("captions.tsv", twice);
    check_taken("captions.tsv: 12 captions are there again, of the same picture, and count once");
    free(text);
    free(twice);
}

TEST(columns_that_spreadsheets_leave_empty_do_not_count) {
    struct str s = {0};
    own_pictures();
    str_add(&s, "image,caption,\n");
    for (int i = 0; i < OWN_PICTURES; i++) str_add(&s, "p%02d.jpg,%s,,\n", i, own_caption(i));
    own_text("captions.csv", s.at);
    check_taken("captions   of 12 of 12 pictures");
    str_free(&s);
}

TEST(two_entries_of_one_picture_are_told_and_neither_is_lost) {
    own_pictures();
    own_captions_jsonl();
    own_masks_coco(OWN_PICTURES);
    char *path = own_path("instances.json");
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    char *at = strstr((char *)b.at, "\"file_name\":\"p01.jpg\"");
    CHECK(at);
    at[15] = '0';
    own_put("instances.json", b.at, b.n);
    check_refused("instances.json", "images 1 and 2 are both p00.jpg: make one entry of them");
    bytes_free(&b);
    free(path);
}

TEST(the_value_of_unlabelled_pixels_is_no_name) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    own_remove("names.txt");
    own_text("names.csv", "name,value\nsky,0\ntree,1\nred car,2\nvoid,255\n");
    check_refused("names.csv", "void: has the value 255, which is that of unlabelled pixels: take");
}

TEST(names_of_a_table_may_hold_its_separator_in_quotation_marks) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    own_remove("names.txt");
    own_text("names.csv", "name,value\n\"sky, air\",0\n\"tree\",\"1\"\nred car,2\n");
    check_taken("names      3 of 3 occur in masks");
    own_text("names.csv", "\"sky, air\"\ntree\nred car\n");
    check_taken("names      3 of 3 occur in masks");
    char *path = own_path("out/names.yaml");
    struct bytes text;
    CHECK_OK(file_read(path, 1 << 16, &text));
    CHECK_HAS((char *)text.at, "{name: \"sky, air\", raw: 0}");
    CHECK_HAS((char *)text.at, "{name: \"tree\", raw: 1}");
    bytes_free(&text);
    free(path);
}

TEST(a_column_that_nobody_reads_may_be_missing_at_the_end_of_a_line) {
    struct str s = {0};
    own_pictures();
    str_add(&s, "image\tcaption\tsplit\n");
    for (int i = 0; i < OWN_PICTURES; i++)
        str_add(&s, "p%02d.jpg\ta red car%s\n", i, i % 2 ? "\ttrain" : "");
    own_text("captions.tsv", s.at);
    str_free(&s);
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "(100 %)");
    own_ended_free(&e);
}

TEST(names_behind_numbers_are_told) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    own_text("names.txt", "0: sky\n1: tree\n2: red car\n");
    check_taken("names.txt:1: \"0: sky\": begins with a number: write the name alone, \"sky\"");
}

TEST(lines_that_name_nothing_and_move_the_values_below_are_told) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    own_text("names.txt", "sky\n\ntree\n# made by hand\nred car\n\n");
    check_taken(
        "names.txt: line 2 is blank or begins with #, and does not count; 2 lines do not: "
        "\"tree\" in line 3 is the value 1; a name that begins with #");
    own_text("names.txt", "#dog\nsky\ntree\nred car\n");
    check_taken(
        "names.txt: line 1 is blank or begins with #, and does not count: \"sky\" in line "
        "2 is the value 0");
    own_text("names.txt", "sky\n\"#dog\"\ntree\n\n");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK(!strstr(e.out, "does not count"));
    own_has("out/names.yaml", "{name: \"#dog\", raw: 1}");
    own_ended_free(&e);
}

/* Bursts: shots that are nearly the same stay on one side, however many there are. */
static void burst(int scenes) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    for (int i = 0; i < OWN_PICTURES; i++) {
        char *name = mem_format("images/p%02d.jpg", i);
        own_picture_of(name, OWN_W, OWN_H, i % scenes);
        free(name);
    }
}

TEST(of_bursts_that_are_larger_than_the_share_one_is_held_out) {
    burst(2);
    check_taken("split      train 6, val 6, test 0");
    own_remove("");
    burst(1);
    check_refused("own/images", "12 pictures with masks are nearly the same: none could be held");
}

TEST(a_folder_without_a_model_is_said_with_its_option) {
    own_pictures();
    own_captions_jsonl();
    char *nothing = own_path("nothing");
    CHECK_OK(dir_make(nothing));
    struct own_ended e = INIT("--clip", nothing);
    CHECK_INT(e.status, 66);
    CHECK_HAS(e.err, "/nothing: a folder, but no run, model package or weights");
    own_ended_free(&e);
    e = INIT("--proposals", nothing);
    CHECK_INT(e.status, 66);
    CHECK_HAS(e.err, "--proposals ");
    CHECK_HAS(e.err, "or weights, and without masks");
    own_ended_free(&e);
    e = INIT("--clip", "@smoke");
    CHECK_INT(e.status, 66);
    CHECK_HAS(e.err, "--clip: @smoke: is a folder of configs that come with the program: name one");
    own_ended_free(&e);
    e = INIT("--clip", "@clip.yaml");
    CHECK_INT(e.status, 0);
    char *config = own_path("out/finetune.yaml");
    struct bytes text;
    CHECK_OK(file_read(config, 1 << 16, &text));
    CHECK_HAS((char *)text.at, "  clip: \"@clip.yaml\""); /* as it was said */
    bytes_free(&text);
    free(config);
    check_chain();
    own_ended_free(&e);
    free(nothing);
}

TEST(an_empty_line_among_names_is_told_since_values_count_names) {
    own_pictures();
    own_captions_jsonl();
    own_masks_index(OWN_PICTURES);
    own_text("names.txt", "# mine\nsky\n\ntree\n# a car\nred car\n");
    struct own_ended e = INIT(NULL);
    CHECK_INT(e.status, 0);
    CHECK_HAS(e.out, "names.txt: line 1 is blank or begins with #, and does not count; 3 lines");
    own_ended_free(&e);
    own_remove("out");
    own_text("names.txt", "sky\n\ntree\n");
    e = INIT(NULL);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "--first 1; line 2 of the names is empty or a comment: it has no value");
    own_ended_free(&e);
    own_text("names.txt", "# mine\n\nsky\ntree\nred car\n\n");
    e = INIT(NULL);
    CHECK_INT(e.status, 0);
    own_ended_free(&e);
}

TEST(the_first_line_says_in_which_order_colours_stand) {
    own_pictures();
    own_captions_jsonl();
    own_masks_colour(OWN_PICTURES);
    own_text("names.csv",
             "Blue,G,id,name,Red\n180,130,7,sky,70\n0,128,8,tree,0\n60,20,9,red car,220\n");
    struct own_ended e = INIT(NULL);
    if (e.status) test_fail(__FILE__, __LINE__, "%d: %s", e.status, e.err);
    own_has("out/names.yaml", "{name: \"sky\", colour: [70, 130, 180]}");
    own_has("out/names.yaml", "{name: \"red car\", colour: [220, 20, 60]}");
    own_ended_free(&e);
    own_remove("out");
    own_text("names.csv", "name,b,g,r\nsky,180,130,70\ntree,0,128\nred car,60,20,220\n");
    e = INIT(NULL);
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "names.csv: line 3: \"tree,0,128\" has no colour, others have");
    own_ended_free(&e);
}
