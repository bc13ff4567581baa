/* ctest: timeout=300 */
#include "data/nouns.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "data/singular.h"
#include "tests/test.h"

static struct nouns nouns;

static void close_it(void) { nouns_close(&nouns); }

static void open_it(void) {
#ifndef OVSEG_LINK_GRAMMAR
    test_skip("built without link-grammar");
#endif
    if (nouns.parser) return;
    struct nouns_options options = {0};
    CHECK_OK(nouns_open(&nouns, &options));
    atexit(close_it);
}

static int find(struct nouns *n, const char *text, struct noun_list *out) {
    struct noun_caption c = {.text = text, .n = strlen(text)};
    return nouns_find(n, &c, out);
}

/* The names, with a space between. */
static const char *found(struct nouns *n, const char *caption) {
    static char text[1024];
    struct noun_list l = {0};
    CHECK_OK(find(n, caption, &l));
    text[0] = '\0';
    size_t at = 0;
    for (size_t i = 0; i < l.n; i++) {
        CHECK(l.at[i] < l.token.n && (i == 0 || l.at[i] > l.at[i - 1]));
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? " " : "", l.name.at[i]);
        CHECK(at < sizeof text);
    }
    noun_list_free(&l);
    return text;
}

static const char *tokens(const char *caption) {
    static char text[512];
    struct strings t = {0};
    nouns_tokenize(caption, strlen(caption), false, &t);
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < t.n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? "|" : "", t.at[i]);
    CHECK(at < sizeof text);
    strings_free(&t);
    return text;
}

TEST(tokens_are_those_of_the_regular_expression) {
    CHECK_TEXT(tokens("A man's all-white T-shirt, 2nd hand."),
               "a|man's|all-white|t-shirt|,|2nd|hand|.");
    CHECK_TEXT(tokens("a--b -c d- 'e f'' x-'y"), "a|-|-|b|-|c|d|-|'|e|f|'|'|x|-|'|y");
    CHECK_TEXT(tokens("Caf\u00C9 \u4E2D\u6587 \U0001F600"), "caf|\u00E9|\u4E2D|\u6587|\U0001F600");
    CHECK_TEXT(tokens("\u212A9"), "k9"); /* the Kelvin sign is a k in lower case */
    CHECK_TEXT(tokens("a\u00A0b\u2003c\x1C"
                      "d"),
               "a|b|c|d");
    CHECK_TEXT(tokens(""), "");
    CHECK_TEXT(tokens(" \t\n"), "");
}

struct counts {
    int hit, extra, missed;
};

/* One line of the gold file: tokens, nouns, optional ones. */
static void score(char *line, struct counts *c) {
    bool gold[256] = {0}, optional[256] = {0}, got[256] = {0};
    char *field = strchr(line, '\t');
    CHECK(field);
    *field++ = '\0';
    bool *into = gold;
    while (*field) {
        if (*field == '\t' || *field == ' ') {
            if (*field++ == '\t') into = optional;
            continue;
        }
        unsigned long i = strtoul(field, &field, 10);
        CHECK(i < 256);
        into[i] = true;
    }
    struct noun_list l = {0};
    CHECK_OK(find(&nouns, line, &l));
    CHECK(l.token.n <= 256);
    for (size_t i = 0; i < l.n; i++) got[l.at[i]] = true;
    for (size_t i = 0; i < l.token.n; i++) {
        if (optional[i]) continue;
        c->hit += gold[i] && got[i];
        c->extra += !gold[i] && got[i];
        c->missed += gold[i] && !got[i];
    }
    noun_list_free(&l);
}

/* Every line of a file but comments, through `score`. */
static int score_file(const char *name, struct counts *c) {
    char *path = test_source(name);
    struct bytes file;
    int captions = 0;
    CHECK_OK(file_read(path, 1 << 20, &file));
    for (char *line = (char *)file.at, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next) *next++ = '\0';
        if (*line == '#') continue;
        score(line, c);
        captions++;
    }
    bytes_free(&file);
    free(path);
    return captions;
}

static double f1_of(const char *name, int captions) {
    struct counts c = {0};
    CHECK_INT(score_file(name, &c), captions);
    double precision = c.hit / (double)(c.hit + c.extra),
           recall = c.hit / (double)(c.hit + c.missed);
    double f1 = 2 * precision * recall / (precision + recall);
    printf("%s: precision %.3f, recall %.3f, F1 %.3f\n", name, precision, recall, f1);
    return f1;
}

TEST(the_nouns_of_110_tagged_captions_are_found) {
    open_it();
    CHECK(f1_of("tests/data/nouns110.tsv", 110) >= 0.98); /* 0.963 without the rules */
}

/* Written and tagged by hand before any output was seen. The rules were mended after looking at the
 * errors of the first; of the second nobody looked at more than the figure. */
TEST(the_nouns_of_captions_that_were_tagged_blind_are_found) {
    open_it();
    CHECK(f1_of("tests/data/nouns_seen.tsv", 60) >= 0.95);
    CHECK(f1_of("tests/data/nouns_held_out.tsv", 60) >= 0.92);
}

TEST(captions_of_forms_the_gold_has_not_are_understood) {
    open_it();
    CHECK_TEXT(found(&nouns, "A man riding a wave on top of a surfboard."),
               "man wave top surfboard");
    CHECK_TEXT(found(&nouns, "Two dogs. A cat sleeps on the sofa! Is that a bird?"),
               "dogs cat sofa bird");
    CHECK_TEXT(found(&nouns, "A kitchen with a stove, a sink and a refrigerator"),
               "kitchen stove sink refrigerator");
    CHECK_TEXT(found(&nouns, "giraffe"), "giraffe");
    CHECK_TEXT(found(&nouns, ""), "");
    CHECK_TEXT(found(&nouns, "... !!! ,,, ---"), "");
    CHECK_TEXT(found(&nouns, "\u4E2D\u6587\u5B57"), "");
}

TEST(a_long_caption_is_cut_and_all_of_it_read) {
    open_it();
    struct str text = {0};
    for (int i = 0; i < 60; i++) str_add(&text, "%sa red car near a tall tree", i ? " and " : "");
    struct noun_list l = {0};
    double start = clock_s();
    CHECK_OK(find(&nouns, text.at, &l));
    printf("%zu tokens: %.2f s\n", l.token.n, clock_s() - start);
    size_t cars = 0, trees = 0;
    for (size_t i = 0; i < l.n; i++) {
        cars += !strcmp(l.name.at[i], "car");
        trees += !strcmp(l.name.at[i], "tree");
    }
    CHECK_INT(cars, 60);
    CHECK_INT(trees, 60);
    noun_list_free(&l);
    str_free(&text);
}

TEST(the_order_of_captions_does_not_change_their_nouns) {
    open_it();
    static const char *const captions[] = {
        "a street light on a street corner with cars driving on it .",
        "horses standing and laying down in the grass on a hill above a lake .",
        "a couple of people standing in front of a table filled with cup cakes .",
        "man and women gather around to play a video game ."};
    char first[4][256];
    for (int i = 0; i < 4; i++)
        snprintf(first[i], sizeof first[i], "%s", found(&nouns, captions[i]));
    for (int i = 4; i-- > 0;) CHECK_TEXT(found(&nouns, captions[i]), first[i]);
    for (int i = 4; i-- > 0;) CHECK_TEXT(found(&nouns, captions[i]), first[i]);
}

TEST(case_plurals_and_stop_lists_are_options) {
    open_it();
    char *path = test_path("stop.txt");
    CHECK_OK(file_write(path, "# relational\nFront\n top # of\n\n", 29));
    struct nouns_options options = {.keep_case = true, .stop_list = path};
    struct nouns n;
    CHECK_OK(nouns_open(&n, &options));
    CHECK_TEXT(found(&n, "Two Women in front of a Bus on top of a hill"), "Women Bus hill");
    nouns_close(&n);
    options = (struct nouns_options){.fold_plurals = true};
    CHECK_OK(nouns_open(&n, &options));
    CHECK_TEXT(found(&n, "Two women with knives in front of Buses"), "woman knife front bus");
    nouns_close(&n);
    options.stop_list = "/nowhere/stop.txt";
    CHECK_ERROR(nouns_open(&n, &options), ERR_MISSING, "/nowhere/stop.txt");
    free(path);
    char *shipped = test_source("data/relational_nouns.txt");
    options = (struct nouns_options){.stop_list = shipped};
    CHECK_OK(nouns_open(&n, &options));
    CHECK_TEXT(found(&n, "a group of people on the side of a street"), "people street");
    nouns_close(&n);
    free(shipped);
}

TEST(nothing_is_printed_on_stdout_or_stderr) {
    open_it();
    char *path = test_path("out.txt");
    int file = open(path, O_CREAT | O_RDWR, 0600), out = dup(1), err = dup(2);
    fflush(stdout);
    dup2(file, 1);
    dup2(file, 2);
    struct nouns_options options = {0};
    struct nouns n;
    struct noun_list l = {0};
    int status = nouns_open(&n, &options);
    if (!status) status = find(&n, "( \" a b \xFF zxqv ... colourless green ideas sleep", &l);
    nouns_close(&n);
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    close(file);
    CHECK_OK(status);
    CHECK_INT(file_size(path), 0);
    noun_list_free(&l);
    free(path);
}

TEST(words_that_are_too_long_for_the_parser_are_no_nouns) {
    open_it();
    for (int n = 58; n < 2000; n += n < 62 ? 1 : 150) {
        struct str text = {0};
        str_add(&text, "a ");
        for (int i = 0; i < n; i++) str_add(&text, "x");
        str_add(&text, " and a dog");
        CHECK_HAS(found(&nouns, text.at), "dog");
        CHECK(n <= 60 || !strchr(found(&nouns, text.at), 'x'));
        str_free(&text);
    }
}

TEST(a_line_of_a_megabyte_is_read) {
    open_it();
    struct str text = {0};
    while (text.n < 1 << 20) str_add(&text, "a dog near a red car ");
    struct noun_list l = {0};
    CHECK_OK(find(&nouns, text.at, &l));
    CHECK(l.n > text.n / 21);
    noun_list_free(&l);
    str_free(&text);
}

TEST(a_nul_is_white_space) {
    open_it();
    struct noun_list l = {0};
    CHECK_OK(nouns_find(&nouns, &(struct noun_caption){.text = "a dog\0s cat", .n = 11}, &l));
    CHECK_INT(l.token.n, 4);
    CHECK_TEXT(l.token.at[3], "cat");
    noun_list_free(&l);
}

TEST(any_bytes_have_the_same_tokens_twice_and_no_white_space_in_them) {
    struct rng r = rng_stream(1, "test.nouns", 0);
    for (int i = 0; i < 20000; i++) {
        char text[96];
        size_t n = (size_t)rng_below(&r, sizeof text);
        bool ascii = rng_chance(&r, 0.5);
        for (size_t k = 0; k < n; k++) text[k] = (char)(1 + rng_below(&r, ascii ? 127 : 255));
        struct strings a = {0}, b = {0}, c = {0};
        nouns_tokenize(text, n, false, &a);
        nouns_tokenize(text, n, false, &b);
        nouns_tokenize(text, n, true, &c);
        CHECK_INT(a.n, b.n);
        CHECK(!ascii || a.n == c.n);
        for (size_t k = 0; k < a.n; k++) {
            CHECK_TEXT(a.at[k], b.at[k]);
            CHECK(a.at[k][0] && !strpbrk(a.at[k], " \t\r\n"));
        }
        strings_free(&a);
        strings_free(&b);
        strings_free(&c);
    }
}

TEST(any_words_are_parsed_in_bounded_time) {
    open_it();
    static const char *const words[] = {"a",  "man", "running",  "with", "of",  "zxq",   "and",
                                        ",",  "'s",  "7",        ".",    "dog", "light", "that",
                                        "is", "(",   "\xC3\xA9", "red",  "x-y", "\xFF"};
    struct rng r = rng_stream(1, "test.nouns", 1);
    for (int i = 0; i < 150; i++) {
        struct str text = {0};
        int64_t n = rng_below(&r, 40);
        for (int64_t k = 0; k < n; k++)
            str_add(&text, "%s ", words[rng_below(&r, sizeof words / sizeof *words)]);
        struct noun_list l = {0};
        CHECK_OK(find(&nouns, text.at ? text.at : "", &l));
        for (size_t k = 0; k < l.n; k++) CHECK(l.at[k] < l.token.n);
        noun_list_free(&l);
        str_free(&text);
    }
}

TEST(singulars_are_those_of_english) {
    static const char *const pairs[][2] = {{"dogs", "dog"},        {"buses", "bus"},
                                           {"bus", "bus"},         {"boxes", "box"},
                                           {"dishes", "dish"},     {"benches", "bench"},
                                           {"glasses", "glasses"}, {"knives", "knife"},
                                           {"women", "woman"},     {"snowmen", "snowman"},
                                           {"men", "man"},         {"people", "person"},
                                           {"puppies", "puppy"},   {"cookies", "cookie"},
                                           {"ties", "tie"},        {"shoes", "shoe"},
                                           {"tomatoes", "tomato"}, {"zebras", "zebra"},
                                           {"skis", "ski"},        {"tennis", "tennis"},
                                           {"grass", "grass"},     {"scissors", "scissors"},
                                           {"vases", "vase"},      {"horses", "horse"},
                                           {"man's", "man's"},     {"cat", "cat"},
                                           {"as", "as"},           {"leaves", "leaf"},
                                           {"cactus", "cactus"},   {"houses", "house"},
                                           {"axes", "axe"},        {"toothbrushes", "toothbrush"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct str s = {0};
        noun_singular(pairs[i][0], &s);
        CHECK_TEXT(s.at, pairs[i][1]);
        str_free(&s);
    }
}

/* Seconds of this thread's work: what else the machine does is not in it. */
static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

TEST(captions_take_milliseconds) {
    open_it();
    struct counts c = {0};
    double start = cpu_s();
    int captions = score_file("tests/data/nouns110.tsv", &c);
    double rate = captions / (cpu_s() - start);
    printf("%.0f captions/s\n", rate);
    CHECK(rate > 10); /* instrumented builds are slow; that it hangs is what must show */
}
