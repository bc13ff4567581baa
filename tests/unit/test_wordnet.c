/* The small dictionary is tests/data/wordnet/make.py's; what WordNet itself must give is NLTK's
 * (tests/golden/make_wordnet.py). */
#include "data/wordnet.h"

#include <cjson/cJSON.h>

#include "base/file.h"
#include "tests/json_of.h"
#include "tests/test.h"

static void open_small(struct wordnet *w) {
    char *dir = test_source("tests/data/wordnet");
    CHECK_OK(wordnet_open(w, dir));
    free(dir);
}

static double alike(const struct wordnet *w, const char *a, const char *b) {
    struct wordnet_senses x = {0}, y = {0};
    struct wordnet_paths p = {0}, q = {0};
    CHECK_OK(wordnet_senses_of(w, a, &x));
    CHECK_OK(wordnet_senses_of(w, b, &y));
    CHECK(x.n && y.n);
    CHECK_OK(wordnet_paths_of(w, x.at[0], &p));
    CHECK_OK(wordnet_paths_of(w, y.at[0], &q));
    double s = wordnet_similarity(&p, &q);
    wordnet_senses_free(&x);
    wordnet_senses_free(&y);
    wordnet_paths_free(&p);
    wordnet_paths_free(&q);
    return s;
}

TEST(similarity_is_one_over_the_shortest_way_and_one) {
    struct wordnet w;
    open_small(&w);
    CHECK_NEAR(alike(&w, "dog", "dog"), 1, 0);
    CHECK_NEAR(alike(&w, "dog", "domestic dog"), 1, 0); /* one synset */
    CHECK_NEAR(alike(&w, "dog", "canine"), 1 / 2.0, 0);
    CHECK_NEAR(alike(&w, "dog", "cat"), 1 / 4.0, 0);    /* by carnivore */
    CHECK_NEAR(alike(&w, "dog", "animal"), 1 / 3.0, 0); /* by pet, not by canine */
    CHECK_NEAR(alike(&w, "paris", "wall"), 1 / 4.0, 0); /* an instance is one step below */
    CHECK_NEAR(alike(&w, "dog", "alone"), 0, 0);
    CHECK_NEAR(alike(&w, "ouroboros", "circle"), 1 / 2.0, 0); /* a loop ends */
    wordnet_close(&w);
}

static const char *found_as(const struct wordnet *w, const char *name, size_t senses) {
    static char text[64];
    struct wordnet_senses s;
    char *as;
    CHECK_OK(wordnet_find(w, name, &s, &as));
    CHECK_INT(s.n, senses);
    snprintf(text, sizeof text, "%s", as ? as : "");
    wordnet_senses_free(&s);
    free(as);
    return text;
}

TEST(names_of_classes_are_found_as_words) {
    struct wordnet w;
    open_small(&w);
    CHECK_TEXT(found_as(&w, "dog", 1), "dog");
    CHECK_TEXT(found_as(&w, "Traffic Lights", 1), "traffic_lights");
    CHECK_TEXT(found_as(&w, "lights", 2), "lights");
    CHECK_TEXT(found_as(&w, "women", 1), "women"); /* of the exceptions */
    CHECK_TEXT(found_as(&w, "boxes", 1), "boxes");
    CHECK_TEXT(found_as(&w, "nonsense,  wall , cat", 1), "wall");
    CHECK_TEXT(found_as(&w, "wall-brick", 1), "wall");
    CHECK_TEXT(found_as(&w, "domestic-dog", 1), "domestic_dog");
    CHECK_TEXT(found_as(&w, "big black dog", 1), "dog");
    CHECK_TEXT(found_as(&w, "unheard of", 0), "");
    CHECK_TEXT(found_as(&w, "", 0), "");
    CHECK_TEXT(found_as(&w, " , -,", 0), "");
    wordnet_close(&w);
}

TEST(a_name_of_endings_alone_does_not_double_at_every_rule) {
    struct wordnet w;
    struct str s = {0};
    open_small(&w);
    for (int i = 0; i < 150; i++) str_add(&s, "ses");
    CHECK_TEXT(found_as(&w, s.at, 0), "");
    str_free(&s);
    wordnet_close(&w);
}

/* A copy of the small dictionary, in which `from` stands as `to` in one file. */
static char *spoil(const char *file, const char *from, const char *to) {
    static const char *const names[] = {"data.noun", "index.noun", "noun.exc"};
    char *dir = test_source("tests/data/wordnet"), *copy = test_path("wn");
    CHECK_OK(dir_make(copy));
    for (size_t i = 0; i < 3; i++) {
        struct bytes b;
        char *path = path_join(dir, names[i]), *out = path_join(copy, names[i]);
        CHECK_OK(file_read(path, 1 << 20, &b));
        char *at = strstr((char *)b.at, from);
        if (strcmp(file, names[i]) == 0) {
            CHECK(at && strlen(from) == strlen(to));
            for (size_t k = 0; from[k]; k++) at[k] = to[k];
        }
        CHECK_OK(file_write(out, b.at, b.n));
        bytes_free(&b);
        free(path);
        free(out);
    }
    free(dir);
    return copy;
}

static int paths_of(const char *dir, const char *word) {
    struct wordnet w;
    struct wordnet_senses s = {0};
    struct wordnet_paths p = {0};
    int status = wordnet_open(&w, dir);
    if (!status) status = wordnet_senses_of(&w, word, &s);
    for (size_t i = 0; !status && i < s.n; i++) {
        status = wordnet_paths_of(&w, s.at[i], &p);
        wordnet_paths_free(&p);
    }
    wordnet_senses_free(&s);
    wordnet_close(&w);
    return status;
}

TEST(damaged_dictionaries_are_named) {
    char *dir = spoil("data.noun", "00000461 03 n 02 dog", "00000462 03 n 02 dog");
    CHECK_ERROR(paths_of(dir, "dog"), ERR_DATA, "wn/data.noun: no synset of nouns at byte 461");
    free(dir);
    dir = spoil("data.noun", "n 01 canine 0 002 @ 00000639", "n 01 canine 0 902 @ 00000639");
    CHECK_ERROR(paths_of(dir, "dog"), ERR_DATA, "byte 556");
    free(dir);
    dir = spoil("data.noun", "n 01 canine 0 002 @ 00000639", "n 01 canine 0 002 @ 99999999");
    CHECK_ERROR(paths_of(dir, "dog"), ERR_DATA, "byte 99999999");
    free(dir);
    dir = spoil("index.noun", "dog n 1 2", "dog n 9 2");
    CHECK_ERROR(paths_of(dir, "dog"), ERR_DATA, "wn/index.noun: the line of \"dog\" is damaged");
    free(dir);
    CHECK_ERROR(paths_of("/nowhere", "dog"), ERR_MISSING, "wordnet-base");
}

static void check_senses(const struct wordnet *w, const cJSON *senses) {
    const cJSON *word;
    cJSON_ArrayForEach(word, senses) {
        struct wordnet_senses s = {0};
        CHECK_OK(wordnet_senses_of(w, word->string, &s));
        CHECK_INT(s.n, cJSON_GetArraySize(word));
        for (size_t i = 0; i < s.n; i++)
            CHECK_INT(s.at[i], cJSON_GetArrayItem(word, (int)i)->valueint);
        wordnet_senses_free(&s);
    }
}

TEST(words_of_wordnet_are_as_nltk_has_them) {
    if (!dir_exists(WORDNET_DIR)) test_skip("no " WORDNET_DIR " (Debian's wordnet-base)");
    struct wordnet w;
    cJSON *json = json_of_source("tests/golden/wordnet.json");
    CHECK_OK(wordnet_open(&w, WORDNET_DIR));
    check_senses(&w, cJSON_GetObjectItem(json, "senses"));
    const cJSON *pair;
    int n = 0;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItem(json, "pairs")) {
        const char *a = cJSON_GetArrayItem(pair, 0)->valuestring;
        const char *b = cJSON_GetArrayItem(pair, 1)->valuestring;
        CHECK_NEAR(alike(&w, a, b), cJSON_GetArrayItem(pair, 2)->valuedouble, 0);
        n++;
    }
    CHECK(n >= 400);
    wordnet_close(&w);
    cJSON_Delete(json);
}
