/* What `ovseg segment` works on, and the files it writes. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/rle.h"
#include "tests/torch.h"
#include "train/pictures/picture_files.h"
#include "train/pictures/picture_json.h"
#include "train/pictures/picture_list.h"
#include "train/pictures/picture_print.h"
#include "train/pictures/picture_reader.h"
#include "train/pictures/picture_record.h"

static char *put(const char *name, const char *text) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    free(dir);
    return path;
}

static void put_all(const char *const *names) {
    for (; *names; names++) free(put(*names, "x"));
}

static void check_names(const struct picture_list *l, const char *const *names) {
    size_t n = 0;
    for (; names[n]; n++) {
        CHECK(n < l->n);
        CHECK_TEXT(l->at[n].name, names[n]);
    }
    CHECK_INT(l->n, n);
}

TEST(a_folder_is_its_pictures_and_those_below_without_the_results) {
    static const char *const files[] = {
        "in/b.JPG",       "in/a.png",     "in/note.txt", "in/.hidden.png",
        "in/deep/c.webp", "in/out/a.png", NULL};
    put_all(files);
    char *in = test_path("in"), *out = test_path("in/out");
    struct picture_list l = {0};
    CHECK_OK(picture_list_add(&l, in, out));
    check_names(&l, (const char *const[]){"a.png", "b.JPG", "deep/c.webp", NULL});
    CHECK_TEXT(l.at[2].stem, "deep/c");
    CHECK(l.many);
    CHECK_ERROR(picture_list_add(&l, in, in), ERR_USAGE, "among the pictures");
    picture_list_free(&l);
    char *empty = test_path("empty");
    CHECK_OK(dir_make(empty));
    CHECK_ERROR(picture_list_add(&l, empty, out), ERR_MISSING, "has no pictures");
    picture_list_free(&l);
    free(in);
    free(out);
    free(empty);
}

TEST(a_list_is_read_whatever_ends_its_lines) {
    char *list = put("lists/list.txt", "# two\r\n./sub/one.jpg\r\n\r\n/far/away/two.jpg");
    struct picture_list l = {0};
    CHECK_OK(picture_list_read(&l, list));
    check_names(&l, (const char *const[]){"sub/one.jpg", "two.jpg", NULL});
    char *one = test_path("lists/sub/one.jpg");
    CHECK_TEXT(l.at[0].path, one); /* from the folder of the list */
    CHECK_TEXT(l.at[1].path, "/far/away/two.jpg");
    picture_list_free(&l);
    CHECK_OK(file_write(list, "a\nb.jpg\0../up.png\0", 18)); /* find -print0 */
    CHECK_OK(picture_list_read(&l, list));
    check_names(&l, (const char *const[]){"a\nb.jpg", "up.png", NULL});
    picture_list_free(&l);
    CHECK_OK(file_write(list,
                        "\xff\xfe"
                        "a\0.\0p\0n\0g\0",
                        12));
    CHECK_ERROR(picture_list_read(&l, list), ERR_DATA, "UTF-16");
    CHECK_OK(file_write(list, "# nothing\n", 10));
    CHECK_ERROR(picture_list_read(&l, list), ERR_DATA, "names no picture");
    CHECK_ERROR(picture_list_read(&l, "/no/such/list"), ERR_MISSING, "/no/such/list");
    picture_list_free(&l);
    free(list);
    free(one);
}

static void check_refused(const struct picture_outputs *o, const char *a, const char *b,
                          const char *why) {
    struct picture_list l = {0};
    CHECK_OK(picture_list_add(&l, a, o->dir));
    if (b) CHECK_OK(picture_list_add(&l, b, o->dir));
    CHECK_ERROR(picture_outputs_check(o, &l), ERR_USAGE, why);
    picture_list_free(&l);
}

TEST(results_replace_nothing_but_results) {
    char *dir = test_path("here"), *picture = put("here/one.png", "x");
    char *other = put("there/two.jpg", "x"), *theirs = put("here/two.json", "{\"mine\": 1}");
    struct picture_outputs o = {.dir = dir};
    o.wanted[PICTURE_LABELS] = o.wanted[PICTURE_JSON] = true;
    check_refused(&o, picture, NULL, "one.png would be overwritten");
    check_refused(&o, other, NULL, "two.json: is not of ovseg segment");
    check_refused(&o, other, NULL, "another -o, or remove it if nobody needs it");
    check_refused(&o, "a/x.jpg", "b/x.png", "would both be written");
    check_refused(&o, "a/ovseg-segment.jpg", NULL, "the settings");
    o.wanted[PICTURE_OVERLAY] = true;
    check_refused(&o, "a/x-overlay.jpg", "a/x.jpg", "x-overlay.png");
    char *const owned[] = {dir, picture, other, theirs};
    for (size_t i = 0; i < 4; i++) free(owned[i]);
}

TEST(what_a_power_cut_leaves_of_numbers_is_ours_and_what_others_wrote_is_not) {
    static const char zeros[64] = {0};
    char *path = put("cut.json", "");
    CHECK(picture_json_is(path) && !picture_json_whole(path));
    CHECK_OK(file_write(path, zeros, sizeof zeros));
    CHECK(picture_json_is(path) && !picture_json_whole(path));
    CHECK_OK(file_write(path, "{\"form", 6));
    CHECK(picture_json_is(path) && !picture_json_whole(path));
    CHECK_OK(file_write(path, "{\"shapes\":[]}", 13));
    CHECK(!picture_json_is(path) && picture_json_whole(path));
    CHECK_OK(file_write(path, "not JSON, mine", 14));
    CHECK(!picture_json_is(path));
    CHECK(!picture_json_is("/no/such/file"));
    free(path);
}

/* 3 x 2: names 0 0 1 / 1 2 none */
static uint16_t map[] = {0, 0, 1, 1, 2, 255};
static float score[] = {0.5F, 0.25F, 0.5F, 1, 0.75F, 0};

TEST(numbers_of_a_picture_are_written_and_read_back) {
    struct labels l = {.h = 2, .w = 3, .at = map};
    struct scores s = {.h = 2, .w = 3, .at = score};
    struct picture_found f, back;
    struct vocabulary v;
    vocabulary_of(
        &v, (char *[]){(char[]){"sky"}, (char[]){"sea"}, (char[]){"a \"b\""}, (char[]){"no"}}, 4);
    picture_find(&f, &l, &s, 4);
    CHECK_INT(f.at[1].pixels, 2);
    CHECK_NEAR(f.at[1].score, 0.75, 1e-9);
    CHECK(f.at[1].box.x0 == 0 && f.at[1].box.x1 == 3 && f.at[1].box.y0 == 0 && f.at[1].box.y1 == 2);
    CHECK_INT(f.unlabelled, 1);
    struct picture_source from = {"p.jpg", "0123456789abcdef", 77};
    char *path = test_path("p.json");
    CHECK_OK(picture_json_write(path, &from, &f, &v, &l));
    struct bytes text;
    CHECK_OK(file_read(path, 1 << 16, &text));
    CHECK_HAS((char *)text.at, "\"unlabelled\":{\"value\":255,\"pixels\":1,");
    CHECK_HAS(
        (char *)text.at,
        "{\"index\":2,\"name\":\"a \\\"b\\\"\",\"pixels\":1,\"share\":0.16666666666666666,"
        "\"mean_score\":0.75,\"bbox\":[1,1,1,1],\"segmentation\":{\"size\":[2,3],\"counts\":");
    CHECK(!strstr((char *)text.at, "\"no\"")); /* has no pixel */
    CHECK(picture_json_is(path) && picture_json_whole(path));
    CHECK(picture_json_read(path, &from, 4, &back));
    CHECK(back.h == 2 && back.w == 3 && back.at[0].pixels == 2 && back.unlabelled == 1);
    picture_found_free(&back);
    struct picture_source other = from;
    other.hash++;
    CHECK(!picture_json_read(path, &other, 4, &back)); /* another picture by now */
    other = from;
    other.made_by = "0123456789abcdee";
    CHECK(!picture_json_read(path, &other, 4, &back)); /* another model */
    CHECK(!picture_json_read(path, &from, 2, &back));  /* fewer names */
    for (size_t n = 0; n < text.n; n++) {              /* half of it is none of it */
        CHECK_OK(file_write(path, text.at, n));
        CHECK(n + 2 > text.n || !picture_json_read(path, &from, 4, &back));
        CHECK(picture_json_is(path)); /* and ours: it is made anew */
        CHECK(picture_json_whole(path) == (n + 1 >= text.n));
        picture_found_free(&back);
        CHECK_INT(error_status(), 0);
    }
    bytes_free(&text);
    picture_found_free(&f);
    vocabulary_close(&v);
    free(path);
}

TEST(a_wide_png_has_sixteen_bits_whatever_it_shows) {
    struct labels l = {.h = 2, .w = 3, .at = map}, back;
    struct bytes png;
    struct image_facts facts;
    CHECK_OK(labels_encode_png16(&l, &png));
    CHECK_OK(image_look(png.at, png.n, "map", &facts));
    CHECK_INT(facts.bits, 16);
    CHECK_OK(labels_decode_png(png.at, png.n, "map", &back));
    CHECK(memcmp(back.at, map, sizeof map) == 0);
    labels_free(&back);
    bytes_free(&png);
}

TEST(pictures_are_read_in_order_and_a_bad_one_is_its_own_error) {
    struct image im;
    struct bytes png;
    struct picture_list l = {0};
    char *good = test_path("good.png"), *bad = put("bad.png", "no picture");
    CHECK_OK(image_alloc(&im, 5, 7, 3));
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(file_write(good, png.at, png.n));
    const char *const words[] = {good, bad, "/no/such.png", good, good, good};
    for (size_t i = 0; i < 6; i++) CHECK_OK(picture_list_add(&l, words[i], "out"));
    struct picture_reader *r = picture_reader_open(&l, NULL, NULL, 0);
    struct picture_read p;
    CHECK(r);
    CHECK_OK(picture_reader_next(r, &p));
    CHECK(p.im.h == 5 && p.im.w == 7 && !p.done);
    picture_read_free(&p);
    CHECK_ERROR(picture_reader_next(r, &p), ERR_DATA, "bad.png");
    CHECK_ERROR(picture_reader_next(r, &p), ERR_MISSING, "/no/such.png");
    CHECK_OK(picture_reader_next(r, &p));
    picture_read_free(&p);
    picture_reader_close(r); /* with two that nobody took */
    picture_list_free(&l);
    image_free(&im);
    bytes_free(&png);
    free(good);
    free(bad);
}

TEST(a_pipe_that_nobody_writes_to_is_a_bad_picture_and_no_wait) {
    char *pipe = test_path("pipe.png");
    struct picture_list l = {0};
    struct picture_read p;
    CHECK_INT(mkfifo(pipe, 0600), 0);
    CHECK_OK(picture_list_add(&l, pipe, "out"));
    struct picture_reader *r = picture_reader_open(&l, NULL, NULL, 0);
    CHECK_ERROR(picture_reader_next(r, &p), ERR_MISSING, "is a pipe");
    picture_reader_close(r);
    picture_list_free(&l);
    free(pipe);
}

TEST(totals_count_each_picture_once) {
    struct picture_totals t;
    struct labels l = {.h = 2, .w = 3, .at = map};
    struct picture_found f;
    picture_find(&f, &l, NULL, 3);
    picture_totals_open(&t, 3);
    picture_totals_add(&t, &f);
    picture_totals_add(&t, &f);
    CHECK(t.all == 12 && t.unlabelled == 2 && t.pixels[0] == 4 && t.pictures[0] == 2);
    picture_totals_free(&t);
    picture_found_free(&f);
}

/* A command as it begins in the folder; `facts` are what it means. */
static int begin(struct picture_record *r, const char *facts, bool go_on) {
    const struct vocabulary none = {0};
    const struct picture_rules rules = {0};
    *r = (struct picture_record){.made_by = "0"};
    str_add(&r->facts, "%s", facts);
    char *out = test_path("out");
    int status = picture_record_begin(r, out, &none, &rules, go_on);
    free(out);
    return status;
}

TEST(commands_in_one_folder_mean_the_same_or_are_told) {
    struct picture_record a, b;
    char *out = test_path("out");
    CHECK_OK(dir_make(out));
    CHECK_OK(begin(&a, "model 1\nlambda=0.7\n", false));
    CHECK_OK(begin(&b, "model 1\nlambda=0.7\n", false)); /* side by side */
    picture_record_free(&b);
    CHECK_ERROR(begin(&b, "model 1\nlambda=0.5\n", false), ERR_USAGE, "is at work in this folder");
    picture_record_free(&b);
    CHECK_ERROR(begin(&b, "model 1\nlambda=0.5\n", true), ERR_USAGE, "is at work in this folder");
    picture_record_free(&b);
    picture_record_free(&a); /* its end */
    CHECK_ERROR(begin(&b, "model 1\nlambda=0.5\n", true), ERR_USAGE, "was made otherwise");
    picture_record_free(&b);
    CHECK_OK(begin(&b, "model 1\nlambda=0.5\n", false));
    CHECK_OK(begin(&a, "model 1\nlambda=0.5\n", true));
    picture_record_free(&a);
    picture_record_free(&b);
    free(out);
}
