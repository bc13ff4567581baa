/* The tagger against NLTK's own: tests/data/tagger/make.py trained it and wrote its weights in
 * every form, and its tags of 400 sentences. */
#include "data/perceptron.h"

#include "base/file.h"
#include "base/rng.h"
#include "data/nouns.h"
#include "data/perceptron_file.h"
#include "tests/test.h"
#include "train/mine/tagger.h"

#define FOLDER "tests/data/tagger/"

static void open_tagger(struct perceptron *p, const char *name) {
    char *path = test_source(name);
    CHECK_OK(tagger_read(p, path));
    free(path);
}

/* "word/tag" at s, up to a tab: cuts it in two, returns what follows. */
static char *cut(char *s, char **word, char **tag) {
    char *end = s + strcspn(s, "\t");
    char *next = *end ? end + 1 : end;
    *end = '\0';
    *word = s;
    *tag = strrchr(s, '/');
    CHECK(*tag);
    *(*tag)++ = '\0';
    return next;
}

static int check_sentence(const struct perceptron *p, char *line) {
    enum { MOST = 64 };
    char *word[MOST] = {0}, *tag[MOST];
    uint32_t got[MOST];
    size_t n = 0;
    for (; *line; n++) {
        CHECK(n < MOST);
        line = cut(line, &word[n], &tag[n]);
    }
    perceptron_tag(p, word, n, got);
    for (size_t i = 0; i < n; i++) CHECK_TEXT(perceptron_tag_name(p, got[i]), tag[i]);
    return (int)n;
}

static int check_tags(const struct perceptron *p) {
    char *path = test_source(FOLDER "tags.tsv");
    struct bytes file;
    int tokens = 0;
    CHECK_OK(file_read(path, 1 << 20, &file));
    for (char *line = (char *)file.at, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next) *next++ = '\0';
        if (*line != '#') tokens += check_sentence(p, line);
    }
    bytes_free(&file);
    free(path);
    return tokens;
}

TEST(the_weights_in_every_form_give_every_tag_that_nltk_gives) {
    static const char *const forms[] = {FOLDER "averaged_perceptron_tagger.pickle", FOLDER "eng"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct perceptron p;
        open_tagger(&p, forms[i]);
        int tokens = check_tags(&p);
        printf("%s: %zu features, %zu weights, %d tokens\n", forms[i], p.feature.n, p.n_weights,
               tokens);
        CHECK(tokens > 2000);
        perceptron_close(&p);
    }
}

TEST(the_three_parts_may_be_one_file_of_json) {
    static const char *const parts[] = {"weights", "tagdict", "classes"};
    struct str all = {0};
    for (int i = 0; i < 3; i++) {
        char *name = mem_format(FOLDER "eng/averaged_perceptron_tagger_eng.%s.json", parts[i]);
        char *path = test_source(name);
        struct bytes file;
        CHECK_OK(file_read(path, 1 << 20, &file));
        str_add(&all, "%s%s", i ? ", " : "[", (char *)file.at);
        bytes_free(&file);
        free(path);
        free(name);
    }
    str_add(&all, "]");
    char *path = test_path("one.json");
    CHECK_OK(file_write(path, all.at, all.n));
    struct perceptron p;
    CHECK_OK(perceptron_read(&p, path));
    check_tags(&p);
    perceptron_close(&p);
    str_free(&all);
    free(path);
}

TEST(they_may_be_a_text_of_classes_words_and_weights) {
    struct perceptron p, again;
    struct str text = {0};
    open_tagger(&p, FOLDER "eng");
    str_add(&text, "# a comment\n\n");
    for (size_t i = 0; i < p.classes; i++)
        str_add(&text, "class\t%s\r\n", text_index_at(&p.tag, p.order[i]));
    for (size_t i = 0; i < p.word.n; i++)
        str_add(&text, "word\t%s\t%s\n", text_index_at(&p.word, i),
                text_index_at(&p.tag, p.word_tag[i]));
    for (size_t i = 0; i < p.feature.n; i++)
        for (size_t k = p.start[i]; k < p.start[i + 1]; k++)
            str_add(&text, "weight\t%s\t%s\t%.17g\n", text_index_at(&p.feature, i),
                    text_index_at(&p.tag, p.weight[k].tag), p.weight[k].value);
    char *path = test_path("tagger.txt");
    CHECK_OK(file_write(path, text.at, text.n));
    CHECK_OK(tagger_read(&again, path));
    CHECK_INT(again.n_weights, p.n_weights);
    check_tags(&again);
    perceptron_close(&p);
    perceptron_close(&again);
    str_free(&text);
    free(path);
}

TEST(a_pickle_of_a_newer_protocol_is_read) {
    struct perceptron p;
    open_tagger(&p, FOLDER "protocol4.pickle");
    CHECK_INT(p.feature.n, 40);
    perceptron_close(&p);
}

static int read_text(struct perceptron *p, const char *text, size_t n) {
    char *path = test_path("weights");
    CHECK_OK(file_write(path, text, n));
    int status = tagger_read(p, path);
    free(path);
    return status;
}
#define READ(p, text) read_text(p, text, sizeof(text) - 1)

TEST(of_equal_scores_the_last_tag_by_name_wins) {
    struct perceptron p;
    CHECK_OK(READ(&p,
                  "class\tB\nclass\tNN\nclass\tA\nword\tthe\tA\n"
                  "weight\ti word x\tA\t1\nweight\ti word x\tB\t1\n"
                  "weight\ti word y\tNN\t-0.5\nweight\ti word y\tB\t-1\n"));
    char the[] = "the", x[] = "x", y[] = "y", z[] = "z";
    char *const words[] = {the, x, y, z};
    uint32_t tag[4];
    perceptron_tag(&p, words, 4, tag);
    CHECK_TEXT(perceptron_tag_name(&p, tag[0]), "A");
    CHECK_TEXT(perceptron_tag_name(&p, tag[1]), "B");  /* 1, 1, 0 */
    CHECK_TEXT(perceptron_tag_name(&p, tag[2]), "A");  /* 0, -1, -0.5 */
    CHECK_TEXT(perceptron_tag_name(&p, tag[3]), "NN"); /* 0, 0, 0 */
    perceptron_close(&p);
}

TEST(words_are_normalised_as_nltk_does) {
    struct perceptron p;
    CHECK_OK(READ(&p,
                  "class\tA\nclass\tB\n"
                  "weight\ti word !HYPHEN\tA\t1\nweight\ti word !YEAR\tA\t1\n"
                  "weight\ti word !DIGITS\tA\t1\nweight\ti word caf\u00E9\tA\t1\n"
                  "weight\ti suffix \u00E9\u00E8x\tA\t1\nweight\ti pref1 \u4E2D\tA\t1\n"));
    static const struct {
        const char *word, *tag;
    } cases[] = {{"well-lit", "A"},
                 {"-x", "B"},
                 {"-", "B"},
                 {"1984", "A"},
                 {"19845", "A"},
                 {"1st", "A"},
                 {"a1", "B"},
                 {"\u0663\u0664\u0665\u0666", "A"},
                 {"\u00B2", "A"},
                 {"\u2167", "B"},
                 {"CAF\u00C9", "A"},
                 {"caf", "B"},
                 {"b\u00E9\u00E8x", "A"},
                 {"\u4E2D\u6587", "A"},
                 {"\xE9", "B"},
                 {"\xFF\xFE-", "A"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *word = mem_strdup(cases[i].word);
        uint32_t tag;
        perceptron_tag(&p, &word, 1, &tag);
        CHECK_TEXT(perceptron_tag_name(&p, tag), cases[i].tag);
        free(word);
    }
    perceptron_close(&p);
}

TEST(weights_that_cannot_be_are_refused_with_their_place) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no classes"},
        {"class\tA\n\nfoo\n", "line 3: is none of"},
        {"class\tA\nclass\tA\n", "line 2: class \"A\" twice"},
        {"class\t\n", "line 1: a tag of 0 bytes"},
        {"class\tA\nword\tw\tB\n", "its tag B is none of the classes"},
        {"class\tA\nword\tw\tA\nword\tw\tA\n", "line 3: word \"w\" twice"},
        {"weight\tf\tA\t1\nweight\tf\tA\t2\n", "line 2: feature \"f\" has two weights for A"},
        {"weight\tf\tA\t1\nweight\tg\tA\t1\nweight\tf\tB\t2\n", "line 3: feature \"f\" twice"},
        {"weight\tf\tA\tnan\n", "line 1: a weight that is no finite number"},
        {"weight\tf\tA\t1x\n", "line 1: a weight that is no finite number"},
        {"weight\tf\tA\t1e300\n", "line 1: a weight that is no finite number"},
        {"weight\tf\tA\t1\t2\n", "line 1: is none of"},
        {"[{}, {}, [\"A\"]", "is not JSON"},
        {"[{}, {}]", "is not what a tagger's weights look like"},
        {"[{}, {}, [1]]", "is not what a tagger's weights look like"},
        {"[{\"f\": 1}, {}, []]", "is not what a tagger's weights look like"},
        {"[{\"f\": {\"A\": {}}}, {}, []]", "is not what a tagger's weights look like"},
        {"[{\"f\": {\"A\": 1, \"A\": 1}}, {}, []]", "two weights for A"},
        {"[{}, {}, [\"a\\u0000b\"]]", "with a NUL in it"},
        {"[{}, {}, [], {}]", "is not what a tagger's weights look like"},
        {"\x80\x02N.", "NLTK's is (weights, tagdict, classes)"},
        {"\x80\x02}}]\x87.", "no classes"},
        {"\x80\x02}}}\x87.", "two dicts and a set"},
        {"\x80\x02}U\x01"
         "aK\x01s}]\x87.",
         "no dict of dicts"},
        {"\x80\x02}U\x01"
         "a}U\x01"
         "bNss}]\x87.",
         "a weight that is no number"},
        {"\x80\x02"
         "cos\nsystem\n.",
         "os.system is not a name that is allowed"},
        {"\x80", "cut short"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct perceptron p;
        CHECK_ERROR(read_text(&p, cases[i].text, strlen(cases[i].text)), ERR_DATA, cases[i].says);
        perceptron_close(&p);
    }
}

TEST(weights_that_are_not_there_are_named) {
    struct perceptron p;
    CHECK_ERROR(tagger_read(&p, "/nowhere/w.pickle"), ERR_MISSING, "/nowhere/w.pickle");
    CHECK_ERROR(tagger_read(&p, test_dir()), ERR_MISSING, "no *.weights.json in it");
    char *a = test_path("a.weights.json"), *b = test_path("b.weights.json");
    CHECK_OK(file_write(a, "{}", 2));
    CHECK_ERROR(tagger_read(&p, test_dir()), ERR_MISSING, "no *.tagdict.json in it");
    perceptron_close(&p);
    CHECK_OK(file_write(b, "{}", 2));
    CHECK_ERROR(tagger_read(&p, test_dir()), ERR_DATA, "more than one *.weights.json");
    perceptron_close(&p);
    free(a);
    free(b);
}

TEST(more_tags_than_are_read_are_refused) {
    struct perceptron p = {0};
    char name[16];
    for (int i = 0; i < PERCEPTRON_TAGS_MAX; i++) {
        int n = snprintf(name, sizeof name, "T%d", i);
        CHECK_OK(perceptron_class(&p, name, (size_t)n));
    }
    CHECK_ERROR(perceptron_class(&p, "x", 1), ERR_DATA, "more than 1024 tags");
    char *text = mem_alloc(PERCEPTRON_TEXT_MAX + 2, 1);
    memset(text, 'x', PERCEPTRON_TEXT_MAX + 1);
    CHECK_OK(perceptron_feature(&p, text, PERCEPTRON_TEXT_MAX));
    CHECK_ERROR(perceptron_feature(&p, text, PERCEPTRON_TEXT_MAX + 1), ERR_DATA, "of 1025 bytes");
    free(text);
    perceptron_close(&p);
}

TEST(nouns_are_the_words_of_four_tags) {
    struct perceptron p;
    CHECK_OK(READ(&p,
                  "class\tDT\nclass\tNN\nclass\tNNS\nclass\tNNP\nclass\tNNPS\nclass\tVB\n"
                  "word\ta\tDT\nword\tdog\tNN\nword\tdogs\tNNS\nword\trome\tNNP\n"
                  "word\talps\tNNPS\nword\trun\tVB\nword\tDog\tVB\n"));
    struct nouns_options options = {.backend = NOUNS_PERCEPTRON, .tagger = &p};
    struct nouns n;
    CHECK_OK(nouns_open(&n, &options));
    static const char text[] = "A dog, dogs run Rome alps";
    struct noun_list l = {0};
    CHECK_OK(nouns_find(&n, &(struct noun_caption){.text = text, .n = strlen(text)}, &l));
    static const size_t at[] = {1, 3, 5, 6};
    CHECK_INT(l.n, 4);
    for (size_t i = 0; i < 4; i++) CHECK_INT(l.at[i], at[i]);
    CHECK_INT(l.tag.n, l.token.n);
    CHECK_TEXT(l.tag.at[0], "DT");
    noun_list_free(&l);
    strings_add(&l.token, "Dog");
    nouns_find_in(&n, &l);
    CHECK_INT(l.n, 1); /* "dog": in lower case */
    noun_list_free(&l);
    nouns_close(&n);
    options.keep_case = true;
    CHECK_OK(nouns_open(&n, &options));
    strings_add(&l.token, "Dog");
    nouns_find_in(&n, &l);
    CHECK_INT(l.n, 0);
    noun_list_free(&l);
    nouns_close(&n);
    perceptron_close(&p);
}

TEST(any_tokens_are_tagged) {
    struct perceptron p;
    open_tagger(&p, FOLDER "eng");
    struct rng r = rng_stream(1, "test.perceptron", 0);
    for (int i = 0; i < 2000; i++) {
        char text[8][12] = {{0}}, *word[8];
        uint32_t tag[8];
        size_t n = (size_t)rng_below(&r, 9);
        for (size_t k = 0; k < n; k++) {
            word[k] = text[k];
            size_t bytes = (size_t)rng_below(&r, sizeof text[k]);
            for (size_t b = 0; b < bytes; b++) text[k][b] = (char)(1 + rng_below(&r, 255));
        }
        perceptron_tag(&p, word, n, tag);
        for (size_t k = 0; k < n; k++) CHECK(tag[k] < p.tag.n && p.is_class[tag[k]]);
    }
    perceptron_close(&p);
}
