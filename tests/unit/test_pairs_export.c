#include "data/pairs_export.h"

#include "data/class_folder.h"
#include "data/clip_picture.h"
#include "data/pairs_crop.h"
#include "data/pairs_tsv.h"
#include "tests/unit/pairs_made.h"

static const struct made made[] = {
    {0, 0, "cat", 0.30F, 1}, {0, 0, "sky", 0.10F, 2}, {0, 1, "cat", 0.40F, 3},
    {1, 2, "dog", 0.25F, 1}, {2, 4, "cat", 0.35F, 9}, {3, 6, "sky", 0.22F, 5},
};
enum { MADE = sizeof made / sizeof *made };

static char path_key[] = "filepath", title_key[] = "title";
static const struct pairs_options as_published = {.path_column = path_key,
                                                  .title_column = title_key};

/* Pairs, their pictures, and how they are written. */
struct export {
    struct pairs pairs;
    struct dataset pictures;
    struct pairs_export x;
};

static void export_of(struct export *e, const struct made *at, size_t n) {
    char *dir = make_pairs("pairs", at, n), *set = make_set("set.h5", 4);
    CHECK_OK(pairs_open(&e->pairs, dir));
    CHECK_OK(set_open(&e->pictures, set));
    e->x = (struct pairs_export){.pairs = &e->pairs,
                                 .pictures = &e->pictures,
                                 .side = 224,
                                 .quality = 75,
                                 .template = "a photo of a {}.",
                                 .path_column = path_key,
                                 .title_column = title_key,
                                 .threads = 2};
    free(dir);
    free(set);
}

static void export_free(struct export *e) {
    pairs_close(&e->pairs);
    dataset_close(&e->pictures);
}

static void read_picture(const char *path, struct image *im) {
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_OK(image_decode(b.at, b.n, path, im));
    bytes_free(&b);
}

TEST(the_table_is_in_the_published_form_and_is_read_back) {
    struct export e;
    export_of(&e, made, MADE);
    char *dir = test_path("out/"), *table = path_join(dir, "pairs.tsv");
    CHECK_OK(pairs_export_write(&e.x, dir));
    struct bytes b;
    CHECK_OK(file_read(table, 1 << 16, &b));
    CHECK_TEXT((const char *)b.at,
               "filepath\ttitle\n"
               "crops/000000001000_0.jpg\ta photo of a cat.\n"
               "crops/000000001000_1.jpg\ta photo of a sky.\n"
               "crops/000000001000_2.jpg\ta photo of a cat.\n"
               "crops/000000001007_0.jpg\ta photo of a dog.\n"
               "crops/000000001014_0.jpg\ta photo of a cat.\n"
               "crops/000000001021_0.jpg\ta photo of a sky.\n");
    bytes_free(&b);
    struct pairs_tsv t;
    CHECK_OK(pairs_tsv_open(&t, table, &as_published));
    CHECK_INT(t.n, MADE);
    for (int64_t i = 0; i < t.n; i++) {
        struct image im;
        read_picture(t.file[i], &im);
        CHECK_INT(im.h, 224);
        CHECK_INT(im.w, 224);
        image_free(&im);
    }
    pairs_tsv_close(&t);
    CHECK_ERROR(pairs_export_write(
                    &(struct pairs_export){
                        .pairs = &e.pairs, .pictures = &e.pictures, .template = "a photo"},
                    dir),
                ERR_CONFIG, "has no {}");
    free(dir);
    free(table);
    export_free(&e);
}

/* reference-spec 7.3: a whole picture of the fill, whatever it is next to in other pictures. */
TEST(the_fill_reads_back_as_the_published_colour) {
    struct image im, back;
    struct bytes jpeg;
    CHECK_OK(image_alloc(&im, 224, 224, 3));
    for (int64_t i = 0; i < 224 * 224; i++)
        for (int c = 0; c < 3; c++) im.at[3 * i + c] = (uint8_t)(255 * REGION_MEAN[c] + 0.5F);
    CHECK_OK(image_encode_jpeg(&im, 75, &jpeg));
    CHECK_OK(image_decode(jpeg.at, jpeg.n, "fill.jpg", &back));
    for (int64_t i = 0; i < 224 * 224; i++) {
        CHECK_INT(back.at[3 * i], 124);
        CHECK_INT(back.at[3 * i + 1], 116);
        CHECK_INT(back.at[3 * i + 2], 103);
    }
    bytes_free(&jpeg);
    image_free(&im);
    image_free(&back);
}

/* Set within `by` pixels, along either axis. */
static bool near_set(const struct mask *m, int64_t y, int64_t x, int64_t by) {
    for (int64_t v = y - by; v <= y + by; v++)
        for (int64_t u = x - by; u <= x + by; u++)
            if (v >= 0 && v < m->h && u >= 0 && u < m->w && m->at[v * m->w + u]) return true;
    return false;
}

/* Where a recovered mask and the true one differ, of all pairs of an export. */
struct recovery {
    int64_t area, lost, more, far; /* pixels; far: more than a block and the filter away */
};

/* An edge is felt where the enlarging filter reaches, two pixels of the picture, and then in all of
 * its block of the JPEG: 16 pixels wide at 4:2:0, whose decoder smooths colour over one more. */
static int64_t reach_of(const struct pair *p) {
    int64_t h = p->box.y1 - p->box.y0, w = p->box.x1 - p->box.x0, least = h < w ? h : w;
    return 2 * 224 / least + 1 + 17;
}

static void recover(const struct export *e, int64_t i, const char *file, struct recovery *r) {
    enum { S = 224 };
    struct region_options o = {.side = S, .expand = 1, .fill = REGION_FILL_MEAN};
    struct image picture, crop, im;
    struct mask mask;
    uint8_t *found = mem_alloc(S, S);
    int64_t reach = reach_of(&e->pairs.at[i]);
    CHECK_OK(e->pictures.source->image(&e->pictures, e->pairs.at[i].image, &picture));
    CHECK_OK(pairs_crop(&e->pairs, i, &picture, &o, &crop, &mask));
    read_picture(file, &im);
    clip_picture_mask(&im, found);
    for (int64_t k = 0; k < S * S; k++) {
        r->area += mask.at[k];
        r->lost += mask.at[k] && !found[k];
        r->more += !mask.at[k] && found[k];
        r->far += found[k] && !near_set(&mask, k / S, k % S, reach);
    }
    image_free(&picture);
    image_free(&crop);
    image_free(&im);
    mask_free(&mask);
    free(found);
}

TEST(a_mask_from_the_colour_is_the_true_one_and_what_its_edge_reaches) {
    struct export e;
    struct recovery r = {0};
    export_of(&e, made, MADE);
    char *dir = test_path("out"), *table = path_join(dir, "pairs.tsv");
    CHECK_OK(pairs_export_write(&e.x, dir));
    struct pairs_tsv t;
    CHECK_OK(pairs_tsv_open(&t, table, &as_published));
    for (int64_t i = 0; i < t.n; i++) recover(&e, i, t.file[i], &r);
    printf("recovered: %.4f of the area lost, %.4f more\n", (double)r.lost / (double)r.area,
           (double)r.more / (double)r.area);
    CHECK_INT(r.far, 0);
    CHECK((double)r.lost <= 0.002 * (double)r.area);
    CHECK((double)r.more <= 0.25 * (double)r.area && (double)r.more >= 0.02 * (double)r.area);
    pairs_tsv_close(&t);
    free(dir);
    free(table);
    export_free(&e);
}

TEST(folders_are_classes_that_eval_reads) {
    struct export e;
    export_of(&e, made, MADE);
    e.x.form = PAIRS_FORM_FOLDERS;
    char *dir = test_path("out");
    CHECK_OK(pairs_export_write(&e.x, dir));
    struct class_folder f;
    CHECK_OK(class_folder_open(&f, dir));
    CHECK_INT(f.name.n, 3);
    CHECK_TEXT(f.name.at[0], "cat");
    CHECK_TEXT(f.name.at[2], "sky");
    CHECK_INT(f.n, MADE);
    CHECK_INT(f.others, 0);
    CHECK_TEXT(path_base(f.at[0].path), "000000001000_0.jpg");
    CHECK_TEXT(path_base(f.at[5].path), "000000001021_0.jpg");
    class_folder_close(&f);
    free(dir);
    export_free(&e);
}

TEST(any_number_of_threads_writes_the_same) {
    struct export e;
    export_of(&e, made, MADE);
    char *one = test_path("one"), *many = test_path("many");
    e.x.threads = 1;
    CHECK_OK(pairs_export_write(&e.x, one));
    e.x.threads = 4;
    CHECK_OK(pairs_export_write(&e.x, many));
    static const char *const files[] = {"pairs.tsv", "crops/000000001000_1.jpg",
                                        "crops/000000001021_0.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *a = path_join(one, files[i]), *b = path_join(many, files[i]);
        struct bytes x, y;
        CHECK_OK(file_read(a, 1 << 20, &x));
        CHECK_OK(file_read(b, 1 << 20, &y));
        CHECK(x.n == y.n && !memcmp(x.at, y.at, x.n));
        bytes_free(&x);
        bytes_free(&y);
        free(a);
        free(b);
    }
    free(one);
    free(many);
    export_free(&e);
}

static void check_refused(struct export *e, const char *why) {
    char *dir = test_path("out");
    CHECK_ERROR(pairs_export_write(&e->x, dir), ERR_DATA, why);
    CHECK(!dir_exists(dir));
    free(dir);
}

TEST(what_cannot_be_written_is_said_and_leaves_nothing) {
    struct export e;
    static const struct made slash[] = {{0, 0, "and/or", 0.3F, 1}};
    export_of(&e, slash, 1);
    e.x.form = PAIRS_FORM_FOLDERS;
    check_refused(&e, "the noun \"and/or\": no folder can have this name");
    export_free(&e);
    export_of(&e, made, MADE);
    e.pictures.image_id[3] = 9;
    check_refused(&e, "picture 1021 of the pairs is not in the set");
    e.pictures.image_id[3] = made_id(3);
    e.pairs.at[5].h = 40;
    check_refused(&e, "picture 1021: is 120 x 90, the masks of its pairs 120 x 40");
    e.pairs.at[5].h = MADE_H;
    e.pairs.at[5].image_id = made_id(0);
    check_refused(&e, "two pictures have the id 1000");
    export_free(&e);
}
