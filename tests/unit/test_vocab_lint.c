#include "train/vocab/vocab_lint.h"

#include "base/file.h"
#include "nn/models/names.h"
#include "tests/torch.h"

static void read_text(struct vocabulary *v, const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    CHECK_OK(vocabulary_read(v, path));
    free(path);
}

static void check_line(const struct vocab_lint *l, size_t i, size_t line, const char *text) {
    CHECK(i < l->n);
    CHECK_INT(l->at[i].line, line);
    CHECK_HAS(l->at[i].text, text);
}

TEST(odd_names_are_told_with_their_lines) {
    struct vocabulary v;
    struct vocab_lint l = {0};
    read_text(&v, "v.yaml",
              "classes:\n"
              "  - sky\n"
              "  - name: trafficlight\n"
              "    synonyms: [stop light,\n"
              "               traffic lights, red  light]\n"
              "  - Traffic Light\n"
              "  - {name: cars, synonyms: [car]}\n");
    CHECK_OK(vocab_lint_names(&l, &v));
    vocab_lint_sort(&l);
    check_line(&l, 0, 3, "\"red  light\": two blanks");
    check_line(&l, 1, 3, "\"traffic lights\": the same as \"trafficlight\", in the same class");
    check_line(&l, 2, 3, "\"trafficlight\": looks joined: elsewhere it is two words");
    check_line(&l, 3, 6, "\"Traffic Light\": duplicated: line 3 has");
    check_line(&l, 4, 7, "\"car\": the same as \"cars\", in the same class");
    CHECK_INT(l.n, 5);
    CHECK_INT(l.errors, 0);
    vocab_lint_free(&l);
    vocabulary_close(&v);
}

TEST(a_word_that_is_one_token_of_clip_is_not_taken_for_two) {
    struct vocabulary v;
    struct vocab_lint l = {0};
    read_text(&v, "v.txt", "background\nwarehouse\nCupcake\ntreewall\nlamp\nshade\nlampshade\n");
    CHECK_OK(vocab_lint_names(&l, &v));
    CHECK_INT(l.n, 1);
    check_line(&l, 0, 4, "\"treewall\": looks joined: \"tree wall\"?");
    vocab_lint_free(&l);
    vocabulary_close(&v);
}

TEST(plain_lines_are_counted_whatever_is_between_them) {
    struct vocabulary v;
    read_text(&v, "names.txt", "# a table\r\n\r\nsky\r\n\r\nsea\n");
    CHECK_INT(v.at[0].line, 3);
    CHECK_INT(v.at[1].line, 5);
    vocabulary_close(&v);
    char *path = test_path("double.txt");
    CHECK_OK(file_write(path, "sky\n\nSky\n", 9));
    CHECK_ERROR(vocabulary_read(&v, path), ERR_DATA, "double.txt:3: \"sky\" names class 0");
    free(path);
}

TEST(a_text_that_clip_cannot_read_is_an_error) {
    struct vocabulary v;
    struct vocab_lint l = {0};
    struct strings templates = {0};
    struct str text = {0};
    strings_add(&templates, "a photo of a {}.");
    str_add(&text, "- sky\n- {name: sea, synonyms: [");
    for (int i = 0; i < 71; i++) str_add(&text, "%sblue", i ? " " : "");
    str_add(&text, "]}\n- {name: tree, prompts: [");
    for (int i = 0; i < 80; i++) str_add(&text, "%sgreen", i ? " " : "");
    str_add(&text, "]}\n");
    read_text(&v, "long.yaml", text.at);
    CHECK_OK(vocab_lint_lengths(&l, &v, &templates, 77));
    CHECK_INT(l.errors, 2); /* 71 words, 5 of the template, start and end: one too many */
    check_line(&l, 0, 2, "78 tokens");
    check_line(&l, 1, 3, "82 tokens");
    vocab_lint_free(&l);
    CHECK_OK(vocab_lint_lengths(&l, &v, &templates, 90));
    CHECK_INT(l.n, 0);
    str_free(&text);
    strings_free(&templates);
    vocab_lint_free(&l);
    vocabulary_close(&v);
}

TEST(names_that_clip_hardly_tells_apart_are_told_once_and_synonyms_not) {
    struct vocabulary v, w;
    struct vocab_lint l = {0};
    size_t *class_of;
    static const float feature[] = {1, 0, 0.99F, 0.1411F, 0.98F, 0.199F, 0, 1};
    read_text(&v, "near.yaml", "- {name: sofa, synonyms: [divan]}\n- couch\n- sky\n");
    vocabulary_wordings(&v, &w, &class_of);
    CHECK_INT(w.n, 4);
    CHECK_INT(class_of[1], 0);
    vocab_lint_features(&l, &w, class_of, feature, 2, 0.95);
    CHECK_INT(l.n, 1);
    check_line(&l, 0, 2, "\"couch\": CLIP hardly tells it from \"divan\" of line 1: cosine 0.998");
    vocab_lint_free(&l);
    vocab_lint_features(&l, &w, class_of, feature, 2, 0.9999);
    CHECK_INT(l.n, 0);
    free(class_of);
    vocabulary_close(&w);
    vocabulary_close(&v);
}

TEST(of_several_wordings_the_nearest_counts) {
    enum { N = 3, K = 4, D = 5 };
    tensor *a = t_randn(SHAPE(K, D), 1), *b = t_randn(SHAPE(K, D), 2), *x = t_randn(SHAPE(N, D), 3);
    tensor *both = t_cat((tensor *[]){t_unsqueeze(a, 0), t_unsqueeze(b, 0)}, 2, 0); /* [2, K, D] */
    CHECK_INT(names_count(a), K);
    CHECK_INT(names_count(both), K);
    tensor *want = t_maximum(names_cosines(x, a), names_cosines(x, b)); /* [N, K] */
    CHECK(test_equal_bits(names_cosines(x, both), want));
    tensor *none = t_randn(SHAPE(1, D), 4);
    tensor *more = names_cosines(x, names_append(both, none)); /* [N, K + 1] */
    CHECK(test_max_diff(t_narrow(more, 1, 0, K), want) < 1e-6);
    CHECK(test_max_diff(t_narrow(more, 1, K, 1), names_cosines(x, none)) < 1e-6);
}
