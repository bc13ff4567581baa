/* Imported tags, and the rules that hold for every backend: they need no parser. */
#include "data/noun_tags.h"

#include "base/file.h"
#include "data/nouns.h"
#include "tests/test.h"

static char *written(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

static int read_tags(struct noun_tags *t, const char *text) {
    char *path = written("tags.jsonl", text);
    int status = noun_tags_read(t, path);
    free(path);
    return status;
}

static struct noun_caption caption(const char *text, int64_t id, int64_t number) {
    return (struct noun_caption){text, strlen(text), id, number};
}

/* The nouns of a caption as "index:name index:name". */
static const char *found(const struct nouns_options *o, const char *text, int64_t id,
                         int64_t number) {
    static char out[512];
    struct nouns n;
    struct noun_list l = {0};
    struct noun_caption c = caption(text, id, number);
    CHECK_OK(nouns_open(&n, o));
    CHECK_OK(nouns_find(&n, &c, &l));
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < l.n; i++) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%zu:%s", i ? " " : "", l.at[i],
                               l.name.at[i]);
        CHECK(at < sizeof out && l.at[i] < l.token.n);
    }
    noun_list_free(&l);
    nouns_close(&n);
    return out;
}

TEST(lines_are_matched_by_id_or_by_order) {
    struct noun_tags t;
    struct nouns_options o = {.backend = NOUNS_TAGS, .tags = &t};
    CHECK_OK(read_tags(&t,
                       "{\"id\": 9, \"tokens\": [\"a\", \"dog\"], \"nouns\": [1]}\n"
                       "{\"tags\": [\"CD\", \"NNS\", \"NNP\", \"PROPN\", \"NOUN\", \"NNX\"],"
                       " \"tokens\": [\"Two\", \"cats\", \"in\", \"Rome\", \"b\", \"c\"],"
                       " \"id\": 4, \"score\": {\"x\": [1]}}"));
    CHECK_TEXT(found(&o, "A dog", 9, 7), "1:dog");
    CHECK_TEXT(found(&o, "Two  cats in romeb c", 4, 7), "1:cats 2:in 3:rome 4:b");
    noun_tags_free(&t);
    CHECK_OK(read_tags(&t,
                       "{\"tokens\": [\"a\", \"dog\"], \"nouns\": []}\n"
                       "{\"tokens\": [], \"nouns\": []}\n"
                       "{\"tokens\": [\"dog\"], \"nouns\": [0]}\n"));
    CHECK_TEXT(found(&o, "A dog", 9, 0), "");
    CHECK_TEXT(found(&o, " ", 9, 1), "");
    CHECK_TEXT(found(&o, "dog", 9, 2), "0:dog");
    noun_tags_free(&t);
}

TEST(tokens_are_the_text_of_their_caption_however_it_was_split) {
    static const char line[] =
        "{\"tokens\": [\"A\", \"man\", \"'s\", \"``\", \"big\", \"''\", \"caf\u00E9\", \"do\", "
        "\"n't\","
        " \"\uFFFD\", \"\u03C3\"], \"nouns\": [1]}\n";
    struct noun_tags t;
    CHECK_OK(read_tags(&t, line));
    static const char *const same[] = {"A man's \"big\" caf\u00E9 don't \xFF \u03A3",
                                       "aman's\"big\"CAF\u00C9 don't\t\xC3 \u03C3"};
    for (int i = 0; i < 2; i++) CHECK(noun_tags_find(&t, 0, 0, same[i], strlen(same[i])));
    static const char *const other[] = {"A man's \"big\" cafe don't \xFF \u03C3", "A man's", "",
                                        "A man's \"big\" caf\u00E9 don't \xFF \u03C3 too"};
    for (int i = 0; i < 4; i++) {
        const struct noun_tags_line *l = noun_tags_find(&t, 0, 0, other[i], strlen(other[i]));
        CHECK_ERROR(l ? 0 : error_status(), ERR_DATA, "line 1: its tokens");
    }
    CHECK_ERROR(noun_tags_find(&t, 0, 1, "x", 1) ? 0 : error_status(), ERR_DATA,
                "1 lines, none for caption 2");
    noun_tags_free(&t);
}

TEST(no_noun_holds_a_tab_or_a_second_line) {
    struct noun_tags t;
    struct nouns_options o = {.backend = NOUNS_TAGS, .tags = &t};
    CHECK_OK(read_tags(&t,
                       "{\"tokens\": [\"a\", \"fire\\thydrant\", \"\\n\"], \"nouns\": [1]}\n"
                       "{\"tokens\": [\"dog\"], \"nouns\": [0], \"names\": [\"hot\\ndog\"]}\n"));
    CHECK_TEXT(found(&o, "a fire hydrant", 0, 0), "1:fire hydrant");
    CHECK_TEXT(found(&o, "dog", 0, 1), "0:hot dog");
    noun_tags_free(&t);
}

TEST(damaged_tags_are_refused_with_their_line) {
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "line 1: is not JSON"},
        {"[]", "line 1: is not a JSON object"},
        {"{\"tokens\": [\"a\"]", "line 1: is not JSON"},
        {"{\"tokens\": [\"a\"], \"nouns\": [0]} x", "line 1: is not JSON"},
        {"{\"nouns\": []}", "line 1: \"tokens\" must be a list of texts"},
        {"{\"tokens\": [1], \"nouns\": []}", "line 1: \"tokens\" must be a list of texts"},
        {"{\"tokens\": [\"\"], \"nouns\": []}", "line 1: \"tokens\" must be a list of texts"},
        {"{\"tokens\": [\"a\"]}", "line 1: neither \"nouns\""},
        {"{\"tokens\": [\"a\"], \"nouns\": 0}", "line 1: neither \"nouns\""},
        {"{\"tokens\": [\"a\"], \"nouns\": [1]}", "line 1: \"nouns\" holds something"},
        {"{\"tokens\": [\"a\"], \"nouns\": [-1]}", "line 1: \"nouns\" holds something"},
        {"{\"tokens\": [\"a\"], \"nouns\": [0.5]}", "line 1: \"nouns\" holds something"},
        {"{\"tokens\": [\"a\"], \"nouns\": [\"a\"]}", "line 1: \"nouns\" holds something"},
        {"{\"tokens\": [\"a\"], \"nouns\": [1e300]}", "line 1: \"nouns\" holds something"},
        {"{\"tokens\": [\"a\", \"b\"], \"nouns\": [1, 1]}", "line 1: \"nouns\" must rise"},
        {"{\"tokens\": [\"a\", \"b\"], \"tags\": [\"NN\"]}", "line 1: 1 tags of 2 tokens"},
        {"{\"tokens\": [\"a\"], \"tags\": [\"NN\", \"NN\"]}", "line 1: 2 tags of 1 tokens"},
        {"{\"tokens\": [\"a\"], \"tags\": [1]}", "line 1: \"tags\" holds something"},
        {"{\"tokens\": [\"a\"], \"nouns\": [0], \"names\": []}", "line 1: \"names\" must be"},
        {"{\"tokens\": [\"a\"], \"nouns\": [0], \"names\": [0]}", "line 1: \"names\" must be"},
        {"{\"id\": 1.5, \"tokens\": [], \"nouns\": []}", "line 1: \"id\" must be a whole number"},
        {"{\"id\": \"1\", \"tokens\": [], \"nouns\": []}", "line 1: \"id\" must be a whole"},
        {"{\"id\": 1, \"tokens\": [], \"nouns\": []}\n{\"tokens\": [], \"nouns\": []}",
         "line 2: no \"id\", where the lines before have one"},
        {"{\"tokens\": [], \"nouns\": []}\n{\"id\": 1, \"tokens\": [], \"nouns\": []}",
         "line 2: an \"id\", where the lines before have none"},
        {"{\"id\": 5, \"tokens\": [], \"nouns\": []}\n{\"id\": 4, \"tokens\": [], \"nouns\": []}\n"
         "{\"id\": 5, \"tokens\": [], \"nouns\": []}",
         "lines 1 and 3 have the same id 5"},
    };
    struct noun_tags t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_ERROR(read_tags(&t, *cases[i].line ? cases[i].line : "\n"), ERR_DATA, cases[i].says);
    CHECK_ERROR(noun_tags_read(&t, "/nowhere/t.jsonl"), ERR_MISSING, "/nowhere/t.jsonl");
    CHECK_OK(read_tags(&t, ""));
    noun_tags_free(&t);
}

/* A backend that marks what the line says, for the rules behind it. */
static struct noun_tags marked;
static struct nouns_options with_line(const char *line) {
    noun_tags_free(&marked);
    CHECK_OK(read_tags(&marked, line));
    return (struct nouns_options){.backend = NOUNS_TAGS, .tags = &marked};
}

#define HYDRANTS                                                                                   \
    "{\"tokens\": [\"two\", \"fire\", \"hydrants\", \"near\", \"a\", \"man's\", \"dog\", "         \
    "\"house\", "                                                                                  \
    "\".\"], \"nouns\": [1, 2, 5, 6, 7]}\n"
static const char hydrants[] = "Two fire hydrants near a man's dog house.";

TEST(compounds_lemmas_and_plurals_are_options) {
    struct nouns_options o = with_line(HYDRANTS);
    CHECK_TEXT(found(&o, hydrants, 0, 0), "1:fire 2:hydrants 5:man's 6:dog 7:house");
    o.compounds = true;
    CHECK_TEXT(found(&o, hydrants, 0, 0), "2:fire hydrants 5:man's 7:dog house");
    o.fold_plurals = true;
    CHECK_TEXT(found(&o, hydrants, 0, 0), "2:fire hydrant 5:man's 7:dog house");
    o.fold_plurals = false;
    o.lemmatize = true;
    CHECK_TEXT(found(&o, hydrants, 0, 0), "2:fire hydrant 5:man 7:dog house");
    o = with_line("{\"tokens\": [\"Glasses\", \"cases\"], \"nouns\": [0, 1]}\n");
    o.compounds = o.keep_case = true;
    CHECK_TEXT(found(&o, "Glasses cases", 0, 0), "1:Glasses cases");
    noun_tags_free(&marked);
}

TEST(phrases_come_before_any_backend_the_longest_first) {
    char *list = written("phrases.txt",
                         "fire\nFire  Hydrant # red\ndog house\nnear a\nfire hydrant "
                         "near a man's\n");
    struct nouns_options o = with_line(HYDRANTS);
    o.phrases = list;
    CHECK_TEXT(found(&o, hydrants, 0, 0), "2:fire hydrants 4:near a 5:man's 7:dog house");
    o.fold_plurals = o.compounds = true;
    CHECK_TEXT(found(&o, hydrants, 0, 0), "2:fire hydrant 4:near a 5:man's 7:dog house");
    o = with_line(
        "{\"tokens\": [\"fire\", \"hydrant\", \"near\", \"a\", \"man's\", \"fire\"], "
        "\"nouns\": []}\n");
    o.phrases = list;
    CHECK_TEXT(found(&o, "FIRE hydrant near a man's fire", 0, 0),
               "4:fire hydrant near a man's 5:fire");
    free(list);
    noun_tags_free(&marked);
    o = (struct nouns_options){.backend = NOUNS_TAGS, .tags = &marked};
    o.phrases = list = written("phrases.txt", "# none\n\n");
    struct nouns n;
    CHECK_ERROR(nouns_open(&n, &o), ERR_DATA, "no phrases in it");
    free(list);
    o.phrases = list = written("phrases.txt", "x\n1 2 3 4 5 6 7 8 9 a b c d e f g h\n");
    CHECK_ERROR(nouns_open(&n, &o), ERR_DATA, "line 2: a phrase of 17 words");
    free(list);
    o.phrases = "/nowhere/p.txt";
    CHECK_ERROR(nouns_open(&n, &o), ERR_MISSING, "/nowhere/p.txt");
}

TEST(a_stop_list_takes_words_out_of_compounds_and_names_of_several_whole) {
    char *list = written("stop.txt", "house\nfire hydrant\n");
    struct nouns_options o = with_line(HYDRANTS);
    o.stop_list = list;
    CHECK_TEXT(found(&o, hydrants, 0, 0), "1:fire 2:hydrants 5:man's 6:dog");
    o.compounds = true;
    CHECK_TEXT(found(&o, hydrants, 0, 0), "5:man's 6:dog");
    free(list);
    noun_tags_free(&marked);
}

TEST(names_that_came_with_the_nouns_are_kept) {
    struct nouns_options o = with_line(
        "{\"tokens\": [\"two\", \"fire\", \"hydrants\"], \"nouns\": [0, 2], "
        "\"names\": [\"two\", \"Fire hydrants\"]}\n");
    o.compounds = true;
    CHECK_TEXT(found(&o, "two fire hydrants", 0, 0), "0:two 2:fire hydrants");
    o.fold_plurals = true;
    CHECK_TEXT(found(&o, "two fire hydrants", 0, 0), "0:two 2:fire hydrant");
    o = (struct nouns_options){.backend = NOUNS_TAGS, .tags = &marked, .keep_case = true};
    CHECK_TEXT(found(&o, "two fire hydrants", 0, 0), "0:two 2:Fire hydrants");
    noun_tags_free(&marked);
}
