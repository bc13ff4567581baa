#include "data/vocabulary.h"

#include "base/file.h"
#include "base/rng.h"
#include "tests/test.h"

static char *write_file(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

TEST(a_yaml_file_gives_all_that_is_known_of_a_class) {
    char *path = write_file(
        "v.yaml",
        "classes:\n"
        "  - sky\n"
        "  - name: building, edifice\n"
        "    synonyms: [house, skyscraper]\n"
        "    prompts: [\"a facade of a {}.\", \"a town\"]\n"
        "    colour: [70, 80, 90]\n"
        "    kind: stuff\n"
        "    raw: 12\n"
        "    split: unseen\n"
        "  - {name: cat, kind: thing, color: \"#0aFf10\", split: seen, synonyms: kitten}\n");
    struct vocabulary v;
    CHECK_OK(vocabulary_open(&v, path));
    CHECK_INT(v.n, 3);
    CHECK_TEXT(v.at[0].name, "sky");
    CHECK(v.at[0].kind == KIND_UNKNOWN && !v.at[0].has_colour && !v.at[0].unseen);
    CHECK_INT(v.at[0].raw, -1);
    CHECK_TEXT(v.at[1].name, "building, edifice");
    CHECK_INT(v.at[1].synonyms.n, 2);
    CHECK_TEXT(v.at[1].synonyms.at[1], "skyscraper");
    CHECK(v.at[1].kind == KIND_STUFF && v.at[1].has_colour && v.at[1].unseen);
    CHECK_INT(v.at[1].colour[2], 90);
    CHECK_INT(v.at[1].raw, 12);
    CHECK(v.at[2].kind == KIND_THING && !v.at[2].unseen);
    CHECK_INT(v.at[2].colour[0], 0x0A);
    CHECK_INT(v.at[2].colour[1], 0xFF);
    CHECK_TEXT(v.at[2].synonyms.at[0], "kitten");
    vocabulary_close(&v);
    free(path);
}

TEST(classes_are_found_by_name_or_else_by_synonym_and_may_have_a_group) {
    char *path = write_file("g.yaml",
                            "- {name: couch, group: seats, synonyms: [Divan]}\n"
                            "- {name: Sofa, group: seats}\n"
                            "- sky\n");
    struct vocabulary v;
    CHECK_OK(vocabulary_read(&v, path));
    CHECK_TEXT(v.at[0].group, "seats");
    CHECK(!v.at[2].group);
    CHECK_INT(vocabulary_find(&v, "sofa"), 1); /* case does not count */
    CHECK_INT(vocabulary_find(&v, "divan"), 0);
    CHECK_INT(vocabulary_find(&v, "chair"), 3); /* none */
    CHECK_INT(vocabulary_find(&v, ""), 3);
    vocabulary_close(&v);
    free(path);
    path = write_file("bad.yaml", "- {name: a, group: [b]}\n");
    CHECK_ERROR(vocabulary_read(&v, path), ERR_DATA, "class 0: group is a text");
    free(path);
}

TEST(a_text_file_has_one_name_a_line_with_its_commas) {
    char *path =
        write_file("v.txt", "\xEF\xBB\xBF# ADE-150\r\nwall\r\n\r\n  door, double door  \n#no\nsky");
    struct vocabulary v;
    CHECK_OK(vocabulary_read(&v, path));
    CHECK_INT(v.n, 3);
    CHECK_TEXT(v.at[0].name, "wall");
    CHECK_TEXT(v.at[1].name, "door, double door");
    CHECK_TEXT(v.at[2].name, "sky");
    vocabulary_close(&v);
    free(path);
}

TEST(a_table_of_colours_or_values_is_no_list_of_names) {
    static const char *const tables[] = {"name,r,g,b\nbus,205,249,99\nroad, 1, 2, 3\n",
                                         "bus\t12\nroad\t13\n", "#cdf963;bus\nroad;#0102Ff\n",
                                         "0,bus\n1,road\n"};
    static const char *const names[] = {"sky\nroute, 66\ndoor, double door\n", "7,11\nbus,\n"};
    struct vocabulary v;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *path = write_file("names.csv", tables[i]);
        CHECK_ERROR(vocabulary_open(&v, path), ERR_DATA,
                    "names.csv: is a table of names and numbers, and names are wanted, a name a "
                    "line: line ");
        free(path);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = write_file("names.txt", names[i]);
        CHECK_OK(vocabulary_open(&v, path));
        vocabulary_close(&v);
        free(path);
    }
}

TEST(a_text_file_of_another_encoding_is_named_with_the_command_that_mends_it) {
    static const char wide[] = "\xFF\xFEs\0k\0y\0\n\0";
    char *path = test_path("wide.txt");
    struct vocabulary v;
    CHECK_OK(file_write(path, wide, sizeof wide - 1));
    CHECK_ERROR(vocabulary_read(&v, path), ERR_DATA, "is UTF-16; make it UTF-8: iconv");
    CHECK_OK(file_write(path, "sky\ngr\xFC n\n", 10));
    CHECK_ERROR(vocabulary_read(&v, path), ERR_DATA, "line 2: is not UTF-8; make it so");
    CHECK_OK(file_write(path, "sky\rgrass\r", 10));
    CHECK_ERROR(vocabulary_read(&v, path), ERR_DATA, "carriage return alone; mend them");
    free(path);
}

TEST(a_list_of_the_command_line_is_split_at_commas) {
    struct vocabulary v;
    CHECK_OK(vocabulary_open(&v, "cat, teddy bear ,sky"));
    CHECK_INT(v.n, 3);
    CHECK_TEXT(v.at[1].name, "teddy bear");
    vocabulary_close(&v);
    CHECK_ERROR(vocabulary_open(&v, "names.txt"), ERR_MISSING, "names.txt");
    CHECK_ERROR(vocabulary_open(&v, "sub/names"), ERR_MISSING, "sub/names");
}

TEST(what_is_wrong_with_a_list_is_usage_and_names_the_place) {
    static const struct {
        const char *names, *says;
    } wrong[] = {{"sky,", "the names \"sky,\": name 2 of 2 is empty: write it, or take its comma"},
                 {",sky", "name 1 of 2 is empty"},
                 {"cat, ,sky", "name 2 of 3 is empty"},
                 {"", "the names \"\": name 1 of 1 is empty"},
                 {"sky,Sky", "the names \"sky,Sky\": \"sky\" names class 0 and class 1"},
                 {"a\xff,b", "a name must be UTF-8"}};
    struct vocabulary v;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_ERROR(vocabulary_open(&v, wrong[i].names), ERR_USAGE, wrong[i].says);
        CHECK_INT(v.n, 0);
    }
    CHECK_INT(vocabulary_open(&v, "a,,b,"), ERR_USAGE); /* all of them */
    CHECK_HAS(error_message(), "name 2 of 4");
    CHECK_HAS(error_message(), "name 4 of 4");
    error_clear();
}

TEST(all_mistakes_are_told_at_once_with_their_places) {
    char *path = write_file("bad.yaml",
                            "classes:\n"
                            "  - {name: cat, raw: 70000}\n"
                            "  - {name: Cat, kind: thingy}\n"
                            "  - {name: dog, colour: [1, 2]}\n"
                            "  - {nam: x}\n"
                            "  - [a, b]\n"
                            "  - {name: elk, split: maybe, synonyms: {a: b}}\n");
    struct vocabulary v;
    int status = vocabulary_open(&v, path);
    CHECK_INT(status, ERR_DATA);
    CHECK_HAS(error_message(), "bad.yaml:2:17: class 0: raw is a whole number");
    CHECK_HAS(error_message(), "class 1: kind is thing or stuff");
    CHECK_HAS(error_message(), "class 2: colour is [red, green, blue]");
    CHECK_HAS(error_message(), "class 3: nam is no key of a class");
    CHECK_HAS(error_message(), "class 4");
    CHECK_HAS(error_message(), "class 5: split is seen or unseen");
    CHECK_HAS(error_message(), "class 5: synonyms is a list of texts");
    error_clear();
    free(path);
}

TEST(no_name_and_no_raw_value_means_two_classes) {
    char *path = write_file(
        "d.yaml", "- {name: cat, raw: 1}\n- {name: dog, raw: 1, synonyms: [CAT]}\n- {raw: 2}\n");
    struct vocabulary v;
    int status = vocabulary_open(&v, path);
    CHECK_INT(status, ERR_DATA);
    CHECK_HAS(error_message(), "\"cat\" names class 0 and class 1");
    CHECK_HAS(error_message(), "raw value 1 means class 0 and class 1");
    CHECK_HAS(error_message(), "class 2: an empty name");
    error_clear();
    free(path);
}

TEST(a_name_is_one_line_of_text) {
    char *path = write_file("c.yaml", "- \"sky\\nroad\"\n- tree\n");
    struct vocabulary v;
    CHECK_ERROR(vocabulary_open(&v, path), ERR_DATA, "class 0: a line's end");
    free(path);
    path = write_file("c.txt", "sky\troad\n");
    CHECK_ERROR(vocabulary_open(&v, path), ERR_DATA, "class 0: a line's end or another control");
    free(path);
}

TEST(what_is_no_list_of_classes_is_refused) {
    static const char *const bad[] = {
        "classes: cat\n", "names: [a]\n",     "classes: [a]\nother: 1\n", "[]\n", "{}\n", "",
        "cat\n",          "classes: [[a]]\n", "classes: [~, {}]\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *path = write_file("b.yaml", bad[i]);
        struct vocabulary v;
        CHECK_ERROR(vocabulary_open(&v, path), ERR_DATA, "b.yaml");
        CHECK_INT(v.n, 0);
        free(path);
    }
    char *path = write_file("b.txt", "a\xFF\n");
    struct vocabulary v;
    CHECK_ERROR(vocabulary_open(&v, path), ERR_DATA, "UTF-8");
    free(path);
}

TEST(prompts_are_templates_with_the_name_and_its_synonyms_or_its_own) {
    char *path = write_file("p.yaml",
                            "- {name: cat, synonyms: [kitten]}\n"
                            "- {name: sky, synonyms: [heaven], prompts: [\"a blue {}\", above]}\n");
    struct vocabulary v;
    CHECK_OK(vocabulary_open(&v, path));
    struct strings templates = {0}, out = {0};
    strings_add(&templates, "a {}");
    strings_add(&templates, "the {}");
    CHECK_OK(vocabulary_prompts(&v, 0, &templates, &out));
    CHECK_OK(vocabulary_prompts(&v, 1, &templates, &out));
    static const char *const want[] = {"a cat",      "the cat", "a kitten",     "the kitten",
                                       "a blue sky", "above",   "a blue heaven"};
    CHECK_INT(out.n, 7);
    for (size_t i = 0; i < out.n; i++) CHECK_TEXT(out.at[i], want[i]);
    strings_free(&templates);
    strings_free(&out);
    vocabulary_close(&v);
    free(path);
    static const char *const bad[] = {"a {", "{} and {}", "a } {}"};
    for (int i = 0; i < 3; i++) {
        char *text = mem_format("- sky\n- {name: dog, prompts: [\"good {}\", \"%s\"]}\n", bad[i]);
        path = write_file("bad.yaml", text);
        CHECK_ERROR(
            vocabulary_open(&v, path), ERR_DATA,
            "bad.yaml:2:15: class 1: prompts is a list of texts that have {}, for the name");
        free(text);
        free(path);
    }
}

TEST(any_bytes_are_a_vocabulary_or_an_error) {
    struct rng r = rng_stream(1, "test.vocabulary", 0);
    static const char *const parts[] = {"- ", "name",   ": ",      "\n",       "  ",      "[",
                                        "]",  "{",      "}",       ",",        "classes", "raw",
                                        "12", "colour", "#ff0000", "synonyms", "prompts", "kind",
                                        "\"", "split",  "seen"};
    for (int i = 0; i < 2000; i++) {
        struct str text = {0};
        int64_t n = rng_below(&r, 40);
        for (int64_t k = 0; k < n; k++) {
            if (rng_chance(&r, 0.1))
                str_add(&text, "%c", (int)(1 + rng_below(&r, 255)));
            else
                str_add(&text, "%s", parts[rng_below(&r, sizeof parts / sizeof *parts)]);
        }
        char *path = write_file(i % 2 ? "f.yaml" : "f.txt", text.at ? text.at : "");
        struct vocabulary v;
        int status = vocabulary_open(&v, path);
        CHECK(status == 0 || status == ERR_DATA);
        if (status)
            error_clear();
        else
            CHECK(v.n > 0 && v.at[0].name[0]);
        vocabulary_close(&v);
        free(path);
        str_free(&text);
    }
}
