#include "train/segment.h"

#include "eval/ensemble.h"
#include "tests/torch.h"
#include "train/picture.h"

TEST(names_in_groups_give_the_label_map_of_all_at_once) {
    enum { K = 21, SIDE = 1024 }; /* five groups, of four or five */
    tensor *mask = t_uniform(SHAPE(K, 8, 8), 0, 1);
    tensor *equal = t_select(mask, 0, 3); /* a tie across the groups: the first name wins */
    tensor *parts[] = {t_narrow(mask, 0, 0, K - 1), t_unsqueeze(equal, 0)};
    tensor *index = t_arange(K, T_F32);
    tensor *one = t_cast(t_eq(t_unsqueeze(index, 0), t_unsqueeze(index, 1)), T_F32); /* [K, K] */
    struct named n = {one, t_cat(parts, 2, 0)};
    CHECK_INT(ensemble_groups(K, ensemble_group(8, 8, SIDE, SIDE)), 5);
    tensor *whole = t_argmax(ensemble_scores(n, 0, K, SIDE, SIDE), 0);
    CHECK(test_equal_bits(ensemble_labels(n, SIDE, SIDE), whole));
    CHECK(t_item(t_amax(t_reshape(whole, SHAPE(SIDE * SIDE)), 0, false)) >= 16); /* a later group */
}

TEST(pixels_in_groups_give_the_label_map_of_all_at_once) {
    enum { K = 700, Q = 6, H = 31, W = 60 }; /* three groups of pixels */
    tensor *name = t_softmax(t_randn(SHAPE(Q, K), 3), -1), *mask = t_uniform(SHAPE(Q, H, W), 0, 1);
    struct named n = {name, mask};
    tensor *whole = t_argmax(ensemble_scores(n, 0, K, H, W), 0);
    CHECK(test_equal_bits(ensemble_labels(n, H, W), whole));
    CHECK(t_item(t_amax(t_reshape(whole, SHAPE(H * W)), 0, false)) > 0);
}

TEST(a_picture_takes_the_size_of_training_unless_it_is_long) {
    struct segment_size s = {64, 256};
    struct image im;
    CHECK_OK(image_alloc(&im, 128, 192, 3));
    CHECK_OK(segment_resize(&s, &im));
    CHECK(im.h == 64 && im.w == 96);
    image_free(&im);
    CHECK_OK(image_alloc(&im, 2000, 1, 3)); /* would be 256 x 0 */
    CHECK_OK(segment_resize(&s, &im));
    CHECK(im.h == 256 && im.w == 1);
    image_free(&im);
    CHECK_OK(image_alloc(&im, 64, 80, 3));
    uint8_t *before = im.at;
    CHECK_OK(segment_resize(&s, &im));
    CHECK(im.at == before); /* nothing to do */
    image_free(&im);
}

TEST(without_any_region_the_namer_leaves_maskformers_names) {
    /* Two proposals: the left half is name 0, the right half name 1. */
    float prob[] = {0.9F, 0.1F, 0.2F, 0.8F}, mask[2 * 2 * 4];
    for (int i = 0; i < 8; i++) {
        mask[i] = i % 4 < 2 ? 0.9F : 0.1F;
        mask[8 + i] = i % 4 < 2 ? 0.1F : 0.9F;
    }
    struct proposals p = {.Q = 2, .K = 2, .h = 2, .w = 4, .prob = prob, .mask = mask};
    struct regions none = {0};
    struct namer m = {.temperature = 1};
    struct judge alone = {0}, both = {.namer = &m, .lambda = 0.7};
    struct labels a, b;
    struct image im = {.h = 4, .w = 8};
    CHECK_OK(segment_labels(segment_named(&p, &none, &alone), &alone, &im, &a));
    CHECK_OK(segment_labels(segment_named(&p, &none, &both), &both, &im, &b));
    for (int i = 0; i < 32; i++) {
        CHECK_INT(a.at[i], i % 8 >= 4);
        CHECK_INT(b.at[i], a.at[i]);
    }
    labels_free(&a);
    labels_free(&b);
}

TEST(a_region_gets_the_name_of_the_nearest_text) {
    /* One proposal over everything, MaskFormer for name 0, CLIP for name 1. */
    float prob[] = {0.6F, 0.4F}, mask[4] = {0.9F, 0.9F, 0.9F, 0.9F}, text[] = {1, 0, 0, 1};
    float feature[] = {0.6F, 0.8F};
    int64_t query[] = {0};
    struct proposals p = {.Q = 1, .K = 2, .h = 2, .w = 2, .prob = prob, .mask = mask};
    struct regions r = {.n = 1, .D = 2, .query = query, .feature = feature};
    struct namer m = {.text = t_from_data(text, SHAPE(2, 2), T_F32), .temperature = 10};
    static const struct {
        double lambda;
        int name;
    } cases[] = {{0, 1}, {0.01, 0}, {0.9, 1}, {1, 1}}; /* 0: CLIP alone */
    for (int i = 0; i < 4; i++) {
        struct labels l;
        struct judge j = {.namer = &m, .lambda = cases[i].lambda};
        struct image im = {.h = 2, .w = 2};
        CHECK_OK(segment_labels(segment_named(&p, &r, &j), &j, &im, &l));
        CHECK_INT(l.at[0], cases[i].name);
        labels_free(&l);
    }
}

static tensor *given_scores(const void *self, int64_t from, int64_t n) {
    const struct named *p = self;
    return ensemble_scores(*p, from, n, 24, 30);
}

TEST(a_dense_crf_has_one_result_of_proposals_and_of_their_scores) {
    enum { K = 40, Q = 12, H = 24, W = 30 };
    struct named n = {t_uniform(SHAPE(Q, K), 0, 1), t_uniform(SHAPE(Q, 8, 10), 0, 1)};
    struct judge plain = {0}, crf = {.crf = &crf_standard};
    struct image im;
    struct labels a, b, c;
    CHECK_OK(image_alloc(&im, H, W, 3));
    for (int i = 0; i < H * W * 3; i++) im.at[i] = (uint8_t)(i % (3 * W) / 3 < W / 2 ? 40 : 200);
    CHECK_OK(segment_labels(n, &plain, &im, &a));
    CHECK_OK(segment_labels(n, &crf, &im, &b));
    CHECK_OK(segment_labels_of(&(struct score_groups){&n, K, 3, given_scores}, &crf, &im, &c));
    CHECK(memcmp(b.at, c.at, sizeof *b.at * H * W) == 0);
    CHECK(memcmp(a.at, b.at, sizeof *b.at * H * W) != 0);
    int edges = 0;
    for (int y = 0; y < H; y++)
        for (int x = 1; x < W; x++) edges += b.at[y * W + x] != b.at[y * W + x - 1];
    for (int y = 0; y < H; y++)
        for (int x = 1; x < W; x++) edges -= a.at[y * W + x] != a.at[y * W + x - 1];
    CHECK(edges < 0); /* it is smoother */
    labels_free(&a);
    labels_free(&b);
    labels_free(&c);
    image_free(&im);
}

TEST(what_the_demonstration_does_not_name_is_unlabelled) {
    float prob[] = {0.6F, 0.4F, 0.1F, 0.9F}, mask[] = {0.9F, 0.9F, 0, 0, 0, 0, 0.9F, 0};
    struct proposals p = {.Q = 2, .K = 2, .h = 1, .w = 4, .prob = prob, .mask = mask};
    struct regions none = {0};
    struct judge j = {.demo = true, .threshold = 0.5};
    struct image im = {.h = 1, .w = 4};
    static const uint16_t want[] = {0, 0, 1, 255};
    struct labels l;
    CHECK_OK(segment_labels(segment_named(&p, &none, &j), &j, &im, &l));
    for (int i = 0; i < 4; i++) CHECK_INT(l.at[i], want[i]);
    labels_free(&l);
    CHECK_INT(segment_unlabelled(256), 65535); /* 255 is a name */
}

/* A tiny CLIP with random weights. */
static void tiny(struct clip_run *c) {
    struct clip_model_options o = {.image_size = 16,
                                   .patch = 8,
                                   .width = 16,
                                   .layers = 1,
                                   .heads = 1,
                                   .text_width = 16,
                                   .text_layers = 1,
                                   .text_heads = 1,
                                   .context = 16,
                                   .features = 8};
    *c = (struct clip_run){0};
    struct clip_options opt = clip_model(&o, NULL);
    clip_init(&c->clip, params_root(&c->params), &opt);
}

static tensor *feature_of(const struct clip_run *c, const char *template, const char *name) {
    struct strings names = {0};
    struct text_options text = {0};
    strings_add(&names, name);
    strings_add(&text.templates, template);
    tensor *x = class_text_of_names(&c->clip, &text, names.at, 1); /* [1, D] */
    strings_free(&names);
    strings_free(&text.templates);
    return x;
}

/* "a" and a blank, so many times; owned. */
static char *letters(int n) {
    struct str s = {0};
    for (int i = 0; i < n; i++) str_add(&s, "a ");
    return s.at;
}

TEST(a_name_that_is_longer_than_the_model_reads_stops_or_is_cut_by_choice) {
    struct clip_run c;
    tiny(&c);
    int context = (int)c.clip.opt.text.context;
    char *longer = letters(2 * context), *fits = letters(context - 2);
    struct text_options text = {0};
    strings_add(&text.templates, "{}");
    int scope = t_scope_open("", T_NO_GRAD);
    tensor *whole = class_text_of_names(&c.clip, &text, &fits, 1); /* [1, D] */
    CHECK(whole);
    CHECK(!class_text_of_names(&c.clip, &text, &longer, 1));
    CHECK_ERROR(error_status(), ERR_DATA, "the model reads");
    text.too_long = TEXT_CUT;
    tensor *cut = class_text_of_names(&c.clip, &text, &longer, 1); /* [1, D] */
    CHECK(cut && test_max_diff(cut, whole) == 0);
    t_scope_close(scope, NULL);
    strings_free(&text.templates);
    clip_run_free(&c);
    free(longer);
    free(fits);
}

static void check_mean(tensor *found, tensor *a, tensor *b) {
    tensor *mean = t_add(a, b);
    mean = t_div(mean, t_norm(mean, -1, true));
    CHECK(test_max_diff(found, mean) < 1e-6); /* rounding of float32 */
}

TEST(synonyms_and_own_prompts_are_averaged_into_a_class) {
    struct clip_run c;
    tiny(&c);
    char *templates[] = {(char[]){"a {}."}};
    struct text_options text = {.templates = {.at = templates, .n = 1}};
    char *names[] = {(char[]){"sea"}, (char[]){"cat"}, (char[]){"sky"}};
    struct vocabulary v;
    vocabulary_of(&v, names, 3);
    strings_add(&v.at[1].synonyms, "kitten");
    strings_add(&v.at[2].prompts, "the {}");
    strings_add(&v.at[2].prompts, "blue above");
    tensor *x = class_text(&c.clip, &text, &v); /* [3, D] */
    CHECK(x && !error_status());
    CHECK(test_max_diff(t_narrow(x, 0, 0, 1), feature_of(&c, "a {}.", "sea")) < 1e-6);
    check_mean(t_narrow(x, 0, 1, 1), feature_of(&c, "a {}.", "cat"),
               feature_of(&c, "a {}.", "kitten"));
    check_mean(t_narrow(x, 0, 2, 1), feature_of(&c, "the {}", "sky"),
               feature_of(&c, "{} above", "blue"));
    vocabulary_close(&v);
    clip_run_free(&c);
}

TEST(small_pictures_are_enlarged_and_stand_beside_each_other) {
    struct image im, one, sheet;
    struct labels a, b;
    CHECK_OK(image_alloc(&im, 10, 100, 3));
    CHECK_OK(labels_alloc(&a, 10, 100));
    CHECK_OK(labels_alloc(&b, 10, 100));
    im.at[0] = 250;
    for (int i = 0; i < 1000; i++) b.at[i] = 1;
    static const char *const names[] = {"cat", "dog"};
    struct overlay_options o = {.opacity = 1, .names = names, .n_names = 2, .ignore = 255};
    CHECK_OK(picture_overlay(&im, &a, &o, &one));
    CHECK_INT(one.w, 400); /* 4 times 100: at least 384 */
    CHECK_OK(picture_compare(&im, &a, &b, &o, &sheet));
    CHECK_INT(sheet.w, 3 * 400 + 2 * 8);
    CHECK_INT(sheet.h, one.h);
    CHECK_INT(sheet.at[(3 * sheet.w + 3) * 3], 250); /* the pixel became 4 x 4 */
    CHECK_INT(sheet.at[(3 * sheet.w + 4) * 3], 0);
    uint8_t cat[3], dog[3];
    overlay_colour(0, cat);
    overlay_colour(1, dog);
    for (int k = 0; k < 3; k++) {
        CHECK_INT(sheet.at[(5 * sheet.w + 408 + 5) * 3 + k], cat[k]);
        CHECK_INT(sheet.at[(5 * sheet.w + 2 * 408 + 5) * 3 + k], dog[k]);
    }
    image_free(&im);
    image_free(&one);
    image_free(&sheet);
    labels_free(&a);
    labels_free(&b);
}

TEST(a_picture_of_one_column_is_not_made_a_wall) {
    struct image im, one;
    struct labels l;
    CHECK_OK(image_alloc(&im, IMAGE_SIDE_MAX, 1, 3));
    CHECK_OK(labels_alloc(&l, IMAGE_SIDE_MAX, 1));
    struct overlay_options o = {.opacity = 1, .ignore = 255};
    CHECK_OK(picture_overlay(&im, &l, &o, &one));
    CHECK_INT(one.w, 1);
    CHECK(one.h < IMAGE_SIDE_MAX + 100); /* and its legend */
    image_free(&im);
    image_free(&one);
    labels_free(&l);
}

/* The scores beside a label map are those of its names. */
static void check_scores(struct named n, const struct judge *j, const struct image *im) {
    struct labels plain, l;
    struct scores s = {0};
    struct judge scored = *j;
    int64_t K = t_size(n.name, 1), pixels = im->h * im->w;
    float *all = mem_alloc((size_t)(K * pixels), sizeof *all);
    scored.scores = &s;
    CHECK_OK(segment_labels(n, j, im, &plain));
    CHECK_OK(segment_labels(n, &scored, im, &l));
    CHECK(memcmp(l.at, plain.at, (size_t)pixels * sizeof *l.at) == 0); /* not one label changes */
    CHECK(s.h == im->h && s.w == im->w);
    CHECK_OK(t_copy_out(ensemble_scores(n, 0, K, im->h, im->w), all,
                        (size_t)(K * pixels) * sizeof *all));
    for (int64_t i = 0; i < pixels; i++)
        CHECK_NEAR((double)s.at[i], (double)all[l.at[i] * pixels + i], 1e-5); /* sums of 12 */
    free(all);
    scores_free(&s);
    labels_free(&l);
    labels_free(&plain);
}

TEST(every_pixel_has_the_score_of_its_name_whatever_chose_it) {
    enum { K = 40, Q = 12, H = 24, W = 30 };
    struct named small = {t_uniform(SHAPE(Q, K), 0, 1), t_uniform(SHAPE(Q, 8, 10), 0, 1)};
    struct named same = {small.name, t_uniform(SHAPE(Q, H, W), 0, 1)};
    struct judge plain = {0}, crf = {.crf = &crf_standard};
    struct image im;
    CHECK_OK(image_alloc(&im, H, W, 3));
    check_scores(small, &plain, &im);
    check_scores(same, &plain, &im); /* by pixel */
    check_scores(small, &crf, &im);
    image_free(&im);
}

TEST(weak_pixels_and_those_of_the_background_are_unlabelled) {
    uint16_t at[] = {0, 1, 2, 0, 255};
    float score[] = {0.5F, 0.5F, 0.5F, 0.1F, 0};
    static const bool background[] = {false, true, false};
    static const uint16_t want[] = {0, 255, 2, 255, 255};
    struct labels l = {.h = 1, .w = 5, .at = at};
    struct scores s = {.h = 1, .w = 5, .at = score};
    segment_unlabel(&l, &s, 0.5, background, 3); /* 0.5 itself stays */
    for (int i = 0; i < 5; i++) CHECK_INT(l.at[i], want[i]);
}
