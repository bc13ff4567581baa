/* Naming the pictures of a folder, against hand-made towers whose answers are known. */
#include "eval/classify.h"

#include "base/file.h"
#include "data/clip_picture.h"
#include "data/resize.h"
#include "tests/torch.h"

static void fill_picture(struct image *im, int64_t h, int64_t w) {
    CHECK_OK(image_alloc(im, h, w, 3));
    for (int64_t i = 0; i < h * w * 3; i++) im->at[i] = (uint8_t)(i * 37 % 251);
}

static void check_middle(int64_t h, int64_t w, int64_t side, int64_t to_h, int64_t to_w, int64_t y,
                         int64_t x) {
    struct image im, small, want, got;
    fill_picture(&im, h, w);
    CHECK_OK(image_resize(&im, NULL, to_h, to_w, RESIZE_BICUBIC, &small));
    CHECK_OK(image_crop(&small, (struct box){x, y, x + side, y + side}, &want));
    CHECK_OK(clip_picture(&im, side, &got));
    CHECK_INT(got.h, side);
    CHECK_INT(got.w, side);
    CHECK(memcmp(got.at, want.at, (size_t)(side * side * 3)) == 0);
    image_free(&im);
    image_free(&small);
    image_free(&want);
    image_free(&got);
}

TEST(the_middle_of_a_picture_is_where_torchvision_finds_it) {
    check_middle(20, 30, 10, 10, 15, 0, 2);  /* a margin of 2.5: Python rounds to even */
    check_middle(26, 20, 10, 13, 10, 2, 0);  /* 1.5 */
    check_middle(100, 67, 10, 14, 10, 2, 0); /* 14.9: the long side is rounded down */
    check_middle(7, 7, 16, 16, 16, 0, 0);    /* enlarged */
    check_middle(16, 16, 16, 16, 16, 0, 0);  /* as it is */
}

TEST(a_picture_that_is_a_line_is_refused) {
    struct image im, out;
    fill_picture(&im, 1, 1000);
    CHECK_ERROR(clip_picture(&im, 224, &out), ERR_DATA, "1000 x 1: too long");
    image_free(&im);
}

TEST(the_mask_is_what_differs_from_the_fill_in_any_channel) {
    uint8_t at[] = {124, 116, 103, 124, 116, 104, 0, 116, 103, 124, 0, 103}, mask[4];
    clip_picture_mask(&(struct image){.h = 2, .w = 2, .c = 3, .at = at}, mask);
    CHECK(memcmp(mask, (uint8_t[]){0, 1, 1, 1}, sizeof mask) == 0);
}

/* A picture of one colour in folder/class/name. */
static void put_picture(const char *class, const char *name, uint8_t red, uint8_t green,
                        uint8_t blue) {
    char *dir = test_path(class), *path = path_join(dir, name);
    struct image im;
    struct bytes png;
    CHECK_OK(dir_make(dir));
    CHECK_OK(image_alloc(&im, 8, 8, 3));
    for (int64_t i = 0; i < 64; i++) memcpy(im.at + 3 * i, (uint8_t[]){red, green, blue}, 3);
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(file_write(path, png.at, png.n));
    bytes_free(&png);
    image_free(&im);
    free(dir);
    free(path);
}

static void put_text(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}

TEST(classes_are_the_sub_folders_in_the_order_of_their_names) {
    struct class_folder f;
    put_picture("set/10", "a.png", 1, 2, 3);
    put_picture("set/9", "b.PNG", 1, 2, 3);
    put_picture("set/9/deeper", "a.png", 1, 2, 3);
    put_picture("set/.hidden", "a.png", 1, 2, 3);
    put_text("set/9/readme.txt", "no picture");
    put_text("set/list.txt", "no class");
    char *dir = test_path("set");
    CHECK_OK(class_folder_open(&f, dir));
    CHECK_INT(f.name.n, 2);
    CHECK_TEXT(f.name.at[0], "10"); /* as text, not as numbers */
    CHECK_TEXT(f.name.at[1], "9");
    CHECK_INT(f.n, 3);
    CHECK_INT(f.others, 2);
    const char *const ends[] = {"/set/10/a.png", "/set/9/b.PNG", "/set/9/deeper/a.png"};
    for (size_t i = 0; i < 3; i++) {
        CHECK_HAS(f.at[i].path, ends[i]);
        CHECK_INT(f.at[i].label, i > 0);
    }
    class_folder_close(&f);
    free(dir);
}

TEST(folders_that_hold_no_classes_are_refused) {
    struct class_folder f;
    char *none = test_path("none"), *bare = test_path("bare"), *empty = test_path("bare/cat");
    CHECK_ERROR(class_folder_open(&f, none), ERR_MISSING, "none");
    class_folder_close(&f);
    CHECK_OK(dir_make(bare));
    CHECK_ERROR(class_folder_open(&f, bare), ERR_DATA, "bare: no sub-folders");
    class_folder_close(&f);
    CHECK_OK(dir_make(empty));
    put_picture("bare/dog", "a.png", 1, 2, 3);
    CHECK_ERROR(class_folder_open(&f, bare), ERR_DATA, "cat: no pictures");
    class_folder_close(&f);
    free(none);
    free(bare);
    free(empty);
}

/* A tower that gives the mean colour of what the mask leaves, and remembers how much that was. */
static tensor *encode_colour(const void *model, tensor *region, tensor *mask) {
    tensor *m = t_unsqueeze(t_cast(mask, T_F32), 1);                          /* [B, 1, S, S] */
    tensor *x = t_mean_dim(t_mean_dim(t_mul(region, m), 3, false), 2, false); /* [B, 3] */
    double *covered = *(double *const *)model;
    *covered += t_item(t_sum(m));
    return t_add(x, t_full(SHAPE(1), 1e-3, T_F32)); /* [B, 3] */
}

struct seen {
    int64_t n, unread;
    int64_t best[8];
    struct str order;
};

static void see(void *ctx, const struct classified *one) {
    struct seen *s = ctx;
    s->unread += one->why != NULL;
    s->best[s->n++] = one->why ? -1 : one->name[0];
    str_add(&s->order, "%s", path_base(one->file->path));
    for (int64_t i = 1; i < one->n; i++) CHECK(one->cosine[i] <= one->cosine[i - 1]);
}

TEST(pictures_are_counted_by_the_nearest_names) {
    put_picture("colours/blue", "a.png", 0, 0, 255);
    put_picture("colours/green", "b.png", 0, 255, 0);
    put_picture("colours/green", "c.png", 255, 0, 0); /* which is red: counted as missed */
    put_picture("colours/red", "d.png", 255, 20, 20);
    put_text("colours/red/e.png", "damaged");
    put_picture("colours/red", "f.png", 124, 116, 103); /* all fill: the mask is empty */
    char *dir = test_path("colours");
    struct class_folder f;
    CHECK_OK(class_folder_open(&f, dir));
    const float names[] = {-0.7F, -0.7F, 1, -0.7F, 1, -0.7F, 1, -0.7F, -0.7F}; /* blue green red */
    tensor *text = t_from_data(names, SHAPE(3, 3), T_F32);
    text = t_div(text, t_norm(text, -1, true));
    double covered = 0, *model = &covered;
    struct seen s = {0};
    struct classify_options o = {.S = 8, .batch = 4, .threads = 2, .each = see, .ctx = &s};
    struct classify_counts c;
    CHECK_OK(classify(&c, &f, (struct region_encoder){encode_colour, &model, 3, NULL}, text, &o));
    CHECK_TEXT(s.order.at, "a.pngb.pngc.pngd.pnge.pngf.png");
    str_free(&s.order);
    CHECK_INT(s.unread, 1);
    CHECK_INT(c.unread, 1);
    const int64_t best[] = {0, 1, 2, 2, -1};
    for (int i = 0; i < 5; i++) CHECK_INT(s.best[i], best[i]);
    CHECK_INT(c.total[0], 1);
    CHECK_INT(c.total[1], 2);
    CHECK_INT(c.total[2], 2);
    CHECK_INT(c.top1[0], 1);
    CHECK_INT(c.top1[1], 1);
    CHECK_INT(c.top5[1], 2);        /* there are three names in all */
    CHECK_NEAR(covered, 64 * 5, 0); /* f has none; of a damaged one the mask is whole */
    classify_free(&c);
    class_folder_close(&f);
    free(dir);
}

TEST(accuracy_is_over_pictures_and_its_mean_over_classes) {
    int64_t total[] = {3, 1, 0}, top1[] = {1, 1, 0}, top5[] = {2, 1, 0};
    struct classify_counts c = {.K = 3, .total = total, .top1 = top1, .top5 = top5};
    struct accuracy a = classify_accuracy(&c);
    CHECK_NEAR(a.top1, 50, 1e-12);
    CHECK_NEAR(a.top5, 75, 1e-12);
    CHECK_NEAR(a.mean, 100 * (1.0 / 3 + 1) / 2, 1e-12);
    c.K = 0;
    CHECK(isnan(classify_accuracy(&c).top1));
}
