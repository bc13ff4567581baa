#include "eval/similarity.h"

#include <cjson/cJSON.h>

#include "base/file.h"
#include "data/wordnet.h"
#include "tests/json_of.h"
#include "tests/torch.h"

static void names_of(struct vocabulary *v, const char *const *names, size_t n) {
    *v = (struct vocabulary){0};
    for (size_t i = 0; i < n; i++) vocabulary_add(v, names[i]);
}

static const char *const three[] = {"cat", "door, double", "dog"};

static int read_table(struct similarity *s, const char *text) {
    char *path = test_path("s.csv");
    struct vocabulary v;
    names_of(&v, three, 3);
    CHECK_OK(file_write(path, text, strlen(text)));
    int status = similarity_of_file(s, &v, path);
    vocabulary_close(&v);
    free(path);
    return status;
}

TEST(a_table_is_square_or_of_pairs) {
    struct similarity s;
    CHECK_OK(read_table(&s, "name,dog,cat\ncat,0.5,1\n\"door, double\",.25,0\n"));
    CHECK_NEAR(s.at[0 * 3 + 2], 0.5, 0); /* cat called dog */
    CHECK_NEAR(s.at[2 * 3 + 0], 0, 0);   /* not said */
    CHECK_NEAR(s.at[1 * 3 + 2], 0.25, 0);
    CHECK_NEAR(s.at[1 * 3 + 1], 1, 0);
    similarity_free(&s);
    CHECK_OK(read_table(&s, "cat,dog,0.5\ndog,\"door, double\",0.1\n\"door, double\",dog,0.2\n"));
    CHECK_NEAR(s.at[0 * 3 + 2], 0.5, 0);
    CHECK_NEAR(s.at[2 * 3 + 0], 0.5, 0); /* both ways */
    CHECK_NEAR(s.at[2 * 3 + 1], 0.1, 0);
    CHECK_NEAR(s.at[1 * 3 + 2], 0.2, 0);
    similarity_free(&s);
}

static void check_bad(const char *text, const char *message) {
    struct similarity s = {0};
    CHECK_ERROR(read_table(&s, text), ERR_DATA, message);
    similarity_free(&s);
}

TEST(mistakes_in_a_table_are_named) {
    check_bad("cat,cow,1\n", "s.csv:1: \"cow\" is no class of the set");
    check_bad("cat,dog,1.5\n", "s.csv:1: \"1.5\" is no similarity");
    check_bad("cat,dog,nan\n", "\"nan\" is no similarity");
    check_bad("cat,cat,0.5\n", "\"cat\" is like itself");
    check_bad("cat,dog,1\ncat,dog,1\n", "s.csv:2: \"cat\" and \"dog\" are given twice");
    check_bad("cat,dog\n", "s.csv:1: 2 fields");
    check_bad("name,dog,cat\ncat,1\n", "s.csv:2: 2 fields, the first line has 3");
    check_bad("", "an empty table");
}

TEST(text_features_are_as_like_as_their_cosines) {
    static const float text[] = {1, 0, 0.6F, 0.8F, -1, 0};
    struct similarity s;
    CHECK_OK(similarity_of_text(&s, t_from_data(text, SHAPE(3, 2), T_F32)));
    CHECK_NEAR(s.at[0 * 3 + 1], 0.6, 1e-6);
    CHECK_NEAR(s.at[1 * 3 + 0], 0.6, 1e-6);
    CHECK_NEAR(s.at[0 * 3 + 2], 0, 0); /* opposite: not below 0 */
    CHECK_NEAR(s.at[1 * 3 + 1], 1, 0);
    similarity_free(&s);
}

TEST(wordnet_takes_the_first_senses_or_the_nearest) {
    static const char *const names[] = {"light", "traffic light", "dog", "unheard of"};
    char *dir = test_source("tests/data/wordnet");
    struct vocabulary v;
    struct similarity first, most;
    names_of(&v, names, 4);
    CHECK_OK(similarity_of_wordnet(&first, &v, dir, SENSES_FIRST));
    CHECK_OK(similarity_of_wordnet(&most, &v, dir, SENSES_MAX));
    CHECK_NEAR(first.at[0 * 4 + 1], 1 / 6.0, 0); /* what is seen: by entity */
    CHECK_NEAR(most.at[0 * 4 + 1], 1 / 2.0, 0);  /* the lamp */
    CHECK_NEAR(most.at[1 * 4 + 0], 1 / 2.0, 0);
    CHECK_INT(first.unknown, 1);
    CHECK_NEAR(first.at[3 * 4 + 3], 1, 0); /* like itself alone */
    CHECK_NEAR(first.at[3 * 4 + 2], 0, 0);
    CHECK_TEXT(first.as.at[1], "traffic_light");
    CHECK(first.hash != most.hash);
    similarity_free(&first);
    similarity_free(&most);
    vocabulary_close(&v);
    free(dir);
}

/* tests/golden/make_wordnet.py: the first senses, and all of them. */
TEST(similarities_of_wordnet_are_nltks) {
    if (!dir_exists(WORDNET_DIR)) test_skip("no " WORDNET_DIR " (Debian's wordnet-base)");
    struct vocabulary v = {0};
    struct similarity first, most;
    cJSON *json = json_of_source("tests/golden/wordnet.json");
    const cJSON *word, *pair;
    cJSON_ArrayForEach(word, cJSON_GetObjectItem(json, "senses")) vocabulary_add(&v, word->string);
    CHECK_OK(similarity_of_wordnet(&first, &v, WORDNET_DIR, SENSES_FIRST));
    CHECK_OK(similarity_of_wordnet(&most, &v, WORDNET_DIR, SENSES_MAX));
    cJSON_ArrayForEach(pair, cJSON_GetObjectItem(json, "pairs")) {
        size_t i = vocabulary_find(&v, cJSON_GetArrayItem(pair, 0)->valuestring);
        size_t j = vocabulary_find(&v, cJSON_GetArrayItem(pair, 1)->valuestring);
        CHECK_NEAR(first.at[i * v.n + j], cJSON_GetArrayItem(pair, 2)->valuedouble, 0);
        CHECK_NEAR(most.at[i * v.n + j], cJSON_GetArrayItem(pair, 3)->valuedouble, 0);
    }
    similarity_free(&first);
    similarity_free(&most);
    vocabulary_close(&v);
    cJSON_Delete(json);
}
