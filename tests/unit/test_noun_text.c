#include "eval/noun_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "configs/config.h"
#include "tests/torch.h"
#include "train/clip_run.h"

static char *templates[] = {(char[]){"a photo of a {}."}, (char[]){"There is the {} in the scene"}};
static const struct text_options TEXT = {.templates = {.at = templates, .n = 2},
                                         .shared_starts = true};
static char *nouns[] = {(char[]){"dog"}, (char[]){"fire hydrant"}, (char[]){"sky"}, (char[]){"dog"},
                        (char[]){"zebra"}};

static void tiny(struct clip_run *c, uint64_t seed) {
    struct clip_model_options o = {.image_size = 16,
                                   .patch = 8,
                                   .width = 16,
                                   .layers = 1,
                                   .heads = 1,
                                   .text_width = 16,
                                   .text_layers = 2,
                                   .text_heads = 1,
                                   .context = 16,
                                   .features = 8};
    *c = (struct clip_run){0};
    t_seed(seed);
    struct clip_options opt = clip_model(&o, NULL);
    clip_init(&c->clip, params_root(&c->params), &opt);
}

/* How many nouns were computed. */
static int each(void *ctx, int64_t done, int64_t n) {
    (void)done;
    *(int64_t *)ctx = n;
    return 0;
}

static tensor *features(const struct clip_run *c, const struct text_options *text, int64_t n,
                        const char *dir, int64_t *computed) {
    struct noun_text_options o = {.dir = dir, .each = each, .ctx = computed};
    *computed = 0;
    return noun_text(&c->clip, text, nouns, n, &o);
}

static char *only_file(const char *dir) {
    struct strings list = {0};
    CHECK_OK(dir_list(dir, &list));
    CHECK_INT(list.n, 1);
    char *path = path_join(dir, list.at[0]);
    strings_free(&list);
    return path;
}

TEST(a_noun_is_computed_once) {
    struct clip_run c;
    tiny(&c, 1);
    char *dir = test_path("kept");
    int64_t computed;
    tensor *first = features(&c, &TEXT, 4, dir, &computed);
    CHECK_INT(computed, 3);                                         /* "dog" is there twice */
    tensor *direct = class_text_of_names(&c.clip, &TEXT, nouns, 4); /* [4, 8] */
    CHECK_CLOSE(first, direct, 1e-6);
    CHECK(test_equal_bits(t_select(first, 0, 0), t_select(first, 0, 3)));
    CHECK(test_equal_bits(features(&c, &TEXT, 4, dir, &computed), first));
    CHECK_INT(computed, 0);
    tensor *more = features(&c, &TEXT, 5, dir, &computed);
    CHECK_INT(computed, 1);
    CHECK(test_equal_bits(t_narrow(more, 0, 0, 4), first));
    free(only_file(dir));
    free(dir);
    clip_run_free(&c);
}

/* The vocabulary is gone when the second block of nouns comes. */
static int each_without_file(void *ctx, int64_t done, int64_t n) {
    (void)n;
    return done ? file_remove(ctx) : 0;
}

TEST(the_vocabulary_is_read_once_however_many_nouns_there_are) {
    enum { MANY = 1030 }; /* two blocks */
    struct clip_run c;
    tiny(&c, 1);
    char *from, *to = test_path("bpe.txt.gz"), **many = mem_alloc(MANY, sizeof(char *));
    struct bytes b;
    CHECK_OK(tokenizer_default_path(&from));
    CHECK_OK(file_read(from, 1 << 24, &b));
    CHECK_OK(file_write(to, b.at, b.n));
    CHECK(!setenv("OVSEG_BPE", to, 1));
    for (int i = 0; i < MANY; i++) many[i] = mem_format("noun %d", i);
    struct noun_text_options o = {.each = each_without_file, .ctx = to};
    tensor *x = noun_text(&c.clip, &TEXT, many, MANY, &o);
    CHECK(!file_exists(to));
    CHECK(!unsetenv("OVSEG_BPE"));
    CHECK_CLOSE(t_narrow(x, 0, MANY - 4, 4),
                class_text_of_names(&c.clip, &TEXT, many + MANY - 4, 4), 1e-6);
    for (int i = 0; i < MANY; i++) free(many[i]);
    free(many);
    bytes_free(&b);
    free(from);
    free(to);
    clip_run_free(&c);
}

TEST(features_of_another_tower_or_other_templates_are_not_taken) {
    struct clip_run a, b;
    tiny(&a, 1);
    tiny(&b, 1);
    t_add_(t_narrow(b.clip.text.ln_final.bias, 0, 0, 1), t_ones(SHAPE(1), T_F32), 1e-3);
    char *dir = test_path("kept");
    int64_t computed;
    features(&a, &TEXT, 3, dir, &computed);
    features(&b, &TEXT, 3, dir, &computed);
    CHECK_INT(computed, 3);
    struct text_options other = TEXT;
    other.templates.n = 1;
    features(&a, &other, 3, dir, &computed);
    CHECK_INT(computed, 3);
    other = TEXT;
    other.precision = PRECISION_BF16;
    features(&a, &other, 3, dir, &computed);
    CHECK_INT(computed, 3);
    free(dir);
    clip_run_free(&a);
    clip_run_free(&b);
}

TEST(a_damaged_file_is_said_to_be_and_computed_again) {
    struct clip_run c;
    tiny(&c, 1);
    char *dir = test_path("kept");
    int64_t computed;
    tensor *first = features(&c, &TEXT, 3, dir, &computed);
    char *path = only_file(dir);
    struct bytes good;
    CHECK_OK(file_read(path, 1 << 20, &good));
    good.at[good.n / 2] ^= 1;
    CHECK_OK(file_write(path, good.at, good.n));
    CHECK(test_equal_bits(features(&c, &TEXT, 3, dir, &computed), first));
    CHECK_INT(computed, 3);
    features(&c, &TEXT, 3, dir, &computed);
    CHECK_INT(computed, 0);
    bytes_free(&good);
    free(path);
    free(dir);
    clip_run_free(&c);
}

TEST(where_nothing_can_be_kept_features_are_computed) {
    struct clip_run c;
    tiny(&c, 1);
    int64_t computed;
    CHECK(features(&c, &TEXT, 3, "/proc/no/such/place", &computed));
    CHECK_INT(computed, 3);
    CHECK(features(&c, &TEXT, 3, NULL, &computed));
    CHECK_INT(computed, 3);
    CHECK_OK(error_status());
    clip_run_free(&c);
}

static int stop(void *ctx, int64_t done, int64_t n) {
    (void)ctx, (void)n;
    return done ? error_set(ERR_AGAIN, "stopped") : 0;
}

TEST(what_was_computed_before_a_stop_is_kept) {
    enum { N = 1500 }; /* more than a block */
    struct clip_run c;
    tiny(&c, 1);
    char *dir = test_path("kept"), *many[N];
    for (int i = 0; i < N; i++) many[i] = mem_format("noun %d", i);
    struct noun_text_options o = {.dir = dir, .each = stop};
    CHECK(!noun_text(&c.clip, &TEXT, many, N, &o));
    CHECK_INT(error_status(), ERR_AGAIN);
    error_clear();
    int64_t computed = 0;
    o = (struct noun_text_options){.dir = dir, .each = each, .ctx = &computed};
    CHECK(noun_text(&c.clip, &TEXT, many, N, &o));
    CHECK_INT(computed, N - 1024);
    for (int i = 0; i < N; i++) free(many[i]);
    free(dir);
    clip_run_free(&c);
}
