/* `ovseg segment` at work, on the runs of one smoke chain: folders and lists, going on after a
 * stop, pictures that cannot be read, unlabelled pixels; and `ovseg classify`. */
/* ctest: timeout=600 labels=slow */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "checkpoints/safetensors.h"
#include "data/image.h"
#include "data/rle.h"
#include "tests/e2e/process.h"
#include "tests/e2e/segmented.h"
#include "tests/json_of.h"
#include "tests/torch.h"

enum { K = 3 };
#define NAMES "sky,grass,a red car"

static char *model, *evaluation, *photos;
static const char program[] = TEST_BUILD_DIR "/bin/ovseg";

#define SEGMENT(out, ...) OVSEG("segment", "-m", model, "--classes", NAMES, "-o", out, __VA_ARGS__)

static struct bytes bytes_of(const char *path) {
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 26, &b));
    return b;
}

/* The file of a picture is the same in both folders. */
static bool same(const char *a, const char *b, const char *name) {
    char *x = path_join(a, name), *y = path_join(b, name);
    struct bytes p = bytes_of(x), q = bytes_of(y);
    bool is = p.n == q.n && memcmp(p.at, q.at, p.n) == 0;
    bytes_free(&p);
    bytes_free(&q);
    free(x);
    free(y);
    return is;
}

static struct labels map_of(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    struct bytes b = bytes_of(path);
    struct labels l;
    CHECK_OK(labels_decode_png(b.at, b.n, path, &l));
    bytes_free(&b);
    free(path);
    return l;
}

/* ---- a folder, a list, standard input: the maps of pictures alone ---- */

static void walk_inputs(const char *all) {
    check_says(SEGMENT(all, photos), 0, "6 pictures segmented, 0 done before, 0 damaged", NULL);
    char *alone = test_path("alone"), *listed = test_path("listed"), *piped = test_path("piped");
    char *list = path_join(photos, "list.txt"), *first = segmented_picture(photos, 0),
         *last = segmented_picture(photos, 5);
    struct ended e = SEGMENT(alone, first, last);
    check_status(&e, 0);
    CHECK_HAS(e.out, "p5.png  88 x 48\n"); /* a table for each */
    ended_free(&e);
    CHECK(same(all, alone, "p0.png") == true);
    CHECK(!file_exists("p5.png"));
    char *from = path_join(alone, "p5.png"), *to = path_join(all, "more/p5.png");
    struct bytes a = bytes_of(from), b = bytes_of(to);
    CHECK(a.n == b.n && memcmp(a.at, b.at, a.n) == 0); /* the same, in whatever company */
    bytes_free(&a);
    bytes_free(&b);
    CHECK_OK(file_write(list, "p0.png\nmore/p5.png\n", 19));
    check_says(SEGMENT(listed, "--list", list), 0, "2 pictures segmented", NULL);
    CHECK(same(all, listed, "p0.png") && same(all, listed, "more/p5.png"));
    const char *argv[] = {program, "segment", "-m",  model, "--classes",
                          NAMES,   "-o",      piped, "-",   NULL};
    struct process p;
    char *lines = mem_format("%s\n%s\n", first, last), *input = test_path("input");
    CHECK_OK(file_write(input, lines, strlen(lines)));
    process_start_reading(&p, input, argv, NULL);
    check_says(process_wait(&p, 300), 0, "2 pictures segmented", NULL);
    CHECK(same(all, piped, "p0.png"));
    CHECK_OK(file_remove(list));
    char *const owned[] = {alone, listed, piped, list, first, last, from, to, lines, input};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* ---- results that are written behind ---- */

/* Every file of six pictures is the same in both folders. */
static void check_all_same(const char *a, const char *b) {
    static const char *const suffixes[] = {".png", "-overlay.png", ".json"};
    for (int i = 0; i < SEGMENTED_PICTURES; i++)
        for (int k = 0; k < 3; k++) {
            char *name =
                mem_format("%sp%d%s", i < SEGMENTED_PICTURES / 2 ? "" : "more/", i, suffixes[k]);
            CHECK(same(a, b, name));
            free(name);
        }
}

/* Named one by one, with one that cannot be read among them: tables in their order. */
static char *tables(const char *out, const char *writers) {
    char *p[SEGMENTED_PICTURES], *bad = path_join(photos, "bad.png");
    for (int i = 0; i < SEGMENTED_PICTURES; i++) p[i] = segmented_picture(photos, i);
    CHECK_OK(file_write(bad, "no", 2));
    struct ended e = SEGMENT(out, "--set", writers, "--damaged", "skip", p[0], p[1], bad, p[5],
                             p[4], p[3], p[2]);
    check_status(&e, 0);
    CHECK_HAS(e.err, "skipped: ");
    CHECK_OK(file_remove(bad));
    char *text = mem_strdup(e.out);
    ended_free(&e);
    for (int i = 0; i < SEGMENTED_PICTURES; i++) free(p[i]);
    free(bad);
    return text;
}

static void walk_writers(const char *all) {
    char *none = test_path("no-writers"), *many = test_path("writers"), *full = test_path("full");
    check_says(SEGMENT(none, "--set", "eval.writers=0", photos), 0, "6 pictures segmented", NULL);
    check_says(SEGMENT(many, "--set", "eval.writers=5", photos), 0, "6 pictures segmented", NULL);
    check_all_same(all, none);
    check_all_same(all, many); /* made_by, too: the setting decides no result */
    char *in_turn = tables(none, "eval.writers=0"), *behind = tables(many, "eval.writers=5");
    CHECK_TEXT(behind, in_turn);
    char *taken = path_join(full, "p2-overlay.png"), *first = path_join(full, "p0.json");
    CHECK_OK(dir_make(taken)); /* a folder where a file is to go */
    check_says(SEGMENT(full, photos), 74, NULL, "p2-overlay.png");
    CHECK(file_exists(first));
    CHECK_OK(dir_remove(taken));
    check_says(SEGMENT(full, "--resume", photos), 0, " 0 damaged", NULL);
    check_all_same(all, full);
    char *const owned[] = {none, many, full, in_turn, behind, taken, first};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* ---- what is where ---- */

static void check_name(const cJSON *n, const struct labels *l, const float *score) {
    int64_t k = (int64_t)json_value(n, "index"), pixels = 0;
    struct coco_rle r = {0};
    struct mask m = {0};
    double sum = 0;
    const char *counts = json_item(json_item(n, "segmentation"), "counts")->valuestring;
    CHECK_OK(coco_rle_parse(counts, strlen(counts), &r));
    r.h = l->h;
    r.w = l->w;
    CHECK_OK(coco_rle_decode(&r, &m));
    for (int64_t i = 0; i < l->h * l->w; i++) {
        CHECK_INT(m.at[i], l->at[i] == k);
        pixels += l->at[i] == k;
        sum += l->at[i] == k ? (double)score[i] : 0;
    }
    CHECK_INT(json_value(n, "pixels"), pixels);
    CHECK_NEAR(json_value(n, "share"), (double)pixels / (double)(l->h * l->w), 1e-12);
    CHECK_NEAR(json_value(n, "mean_score"), sum / (double)pixels, 1e-9);
    mask_free(&m);
    coco_rle_free(&r);
}

static float *scores_of(const char *dir, const char *name, const struct labels *l) {
    char *path = path_join(dir, name);
    struct safetensors f;
    float *at = mem_alloc((size_t)(l->h * l->w), sizeof *at);
    CHECK_OK(safetensors_open(&f, path));
    const struct st_tensor *x = st_table_find(&f.table, "score");
    CHECK(x && x->dtype == T_F32 && x->bytes == (uint64_t)(l->h * l->w) * sizeof *at);
    CHECK_OK(safetensors_read(&f, x, at));
    safetensors_close(&f);
    free(path);
    return at;
}

/* Background and weak pixels become unlabelled, and nothing else changes. */
static void check_unlabelled(const char *all, const char *out, double least) {
    struct labels was = map_of(all, "p1.png"), l = map_of(out, "p1.png");
    float *score = scores_of(out, "p1-scores.safetensors", &l);
    int64_t none = 0, kept = 0;
    for (int64_t i = 0; i < l.h * l.w; i++) {
        bool gone = was.at[i] == 1 || (double)score[i] < least;
        CHECK_INT(l.at[i], gone ? 255 : was.at[i]);
        none += gone;
        kept += !gone;
    }
    CHECK(none > 0 && kept > 0);
    cJSON *j = json_in(out, "p1.json");
    CHECK_INT(json_value(json_item(j, "unlabelled"), "value"), 255);
    CHECK_INT(json_value(json_item(j, "unlabelled"), "pixels"), none);
    const cJSON *n;
    cJSON_ArrayForEach(n, json_item(j, "names")) check_name(n, &l, score);
    cJSON_Delete(j);
    free(score);
    labels_free(&was);
    labels_free(&l);
}

/* The median of the scores of a picture. */
static double middle(const char *out) {
    struct labels l = map_of(out, "p1.png");
    float *score = scores_of(out, "p1-scores.safetensors", &l);
    double sum = 0;
    for (int64_t i = 0; i < l.h * l.w; i++) sum += (double)score[i];
    sum /= (double)(l.h * l.w);
    labels_free(&l);
    free(score);
    return sum;
}

static void walk_numbers(const char *all) {
    char *plain = test_path("plain"), *out = test_path("unlabelled"),
         *one = segmented_picture(photos, 1);
    check_says(SEGMENT(plain, "--scores", "--rle", "--no-overlay", one), 0, NULL, NULL);
    CHECK(same(all, plain, "p1.png"));
    char *overlay = path_join(plain, "p1-overlay.png"), *least = mem_format("%.17g", middle(plain));
    CHECK(!file_exists(overlay));
    check_says(
        SEGMENT(out, "--scores", "--rle", "--background", "grass", "--min-score", least, one), 0,
        "(unlabelled)", NULL);
    check_unlabelled(all, out, strtod(least, NULL));
    cJSON *record = json_in(out, "ovseg-segment.json");
    CHECK_INT(json_value(record, "unlabelled"), 255);
    CHECK_TEXT(cJSON_GetArrayItem(json_item(record, "background"), 0)->valuestring, "grass");
    CHECK_INT(cJSON_GetArraySize(json_item(record, "names")), 2);
    cJSON_Delete(record);
    /* a name that is none of the classes competes with them, and has no value of its own */
    check_says(SEGMENT(out, "--background", "wall,floor", one), 0, NULL, NULL);
    struct labels l = map_of(out, "p1.png");
    for (int64_t i = 0; i < l.h * l.w; i++) CHECK(l.at[i] < K || l.at[i] == 255);
    labels_free(&l);
    check_says(SEGMENT(out, "--background", NAMES, one), 64, NULL, "these are all names");
    check_says(SEGMENT(out, "--min-score", "much", one), 64, NULL, "--min-score much");
    check_says(SEGMENT(out, "--sliding=32", one), 0, NULL, NULL);
    check_says(SEGMENT(out, "--sliding=31", one), 78, NULL, "31 pixels, and there are many: 32");
    check_says(SEGMENT(out, "--sliding", "32", one), 64, NULL, "written behind =: --sliding=32");
    check_says(SEGMENT(out, "--original", one), 0, NULL, NULL);
    check_says(SEGMENT(out, "--original", "--sliding", one), 78, NULL, "eval.original");
    char *const owned[] = {plain, out, one, overlay, least};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* ---- going on ---- */

static void walk_resume(const char *all) {
    char *before = listing_of(all), *one = path_join(all, "p1-overlay.png"),
         *two = segmented_picture(photos, 2), *json = path_join(all, "p1.json");
    check_says(SEGMENT(all, "--resume", photos), 0, "0 pictures segmented, 6 done before", NULL);
    char *after = listing_of(all);
    CHECK_TEXT(after, before);  /* no file was touched */
    CHECK_OK(file_remove(one)); /* something is missing */
    segmented_draw(two, 7);     /* another picture by now */
    check_says(SEGMENT(all, "--resume", photos), 0, "2 pictures segmented, 4 done before", NULL);
    CHECK_OK(file_write(json, "{\"format\":\"ovs", 14)); /* what a power cut may leave */
    check_says(SEGMENT(all, "--resume", photos), 0, "1 picture segmented, 5 done before",
               "p1.json: is damaged: the picture is segmented again");
    check_says(SEGMENT(all, "--resume", "--set", "eval.lambda=0.5", photos), 64, NULL,
               "was eval.lambda=0.7\n    now eval.lambda=0.5");
    check_says(SEGMENT(all, "--resume", "--rle", photos), 64, NULL, "now writes");
    struct ended e = OVSEG("segment", "-m", model, "--classes", "sky,grass,a blue car", "-o", all,
                           "--resume", photos);
    check_says(e, 64, NULL, "a blue car");
    char *const owned[] = {before, one, two, json, after};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* Stopped by a signal as soon as there is a result, it goes on to the same files. */
static void walk_signal(const char *all) {
    static const struct {
        int signo, status;
    } ends[] = {{SIGTERM, 143}, {SIGINT, 130}, {SIGUSR1, 75}, {SIGKILL, 137}};
    int stopped = 0;
    for (int k = 0; k < 4; k++) {
        char *name = mem_format("stopped-%d", k), *out = test_path(name);
        char *first = path_join(out, "more/p3.json");
        const char *argv[] = {program, "segment", "-m", model,  "--classes",
                              NAMES,   "-o",      out,  photos, NULL};
        struct process p;
        process_start(&p, argv, NULL);
        while (!file_exists(first) && !process_ended(&p))
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        kill(p.pid, ends[k].signo);
        struct ended e = process_wait(&p, 300);
        if (e.status) {
            check_status(&e, ends[k].status);
            if (ends[k].signo != SIGKILL) CHECK_HAS(e.err, "the same command with --resume");
            stopped++;
        }
        ended_free(&e);
        check_says(SEGMENT(out, "--resume", photos), 0, " 0 damaged", NULL);
        static const char *const files[] = {"p0.png", "more/p5.png", "p1-overlay.png", "p2.json"};
        for (int i = 0; i < 4; i++) CHECK(same(all, out, files[i]));
        free(name);
        free(out);
        free(first);
    }
    CHECK(stopped > 0); /* or all were faster than a signal */
}

/* ---- pictures that cannot be read ---- */

static void walk_damaged(void) {
    char *out = test_path("damaged"), *bad = path_join(photos, "a-bad.jpg"),
         *map = path_join(out, "p0.png");
    CHECK_OK(file_write(bad, "\xff\xd8\xff no more", 11));
    check_says(SEGMENT(out, "--damaged", "stop", photos), 65, NULL, "a-bad.jpg");
    CHECK(!file_exists(map));
    check_says(SEGMENT(out, photos), 65, "6 pictures segmented, 0 done before, 1 damaged",
               "1 of 7 pictures could not be read");
    check_says(SEGMENT(out, "--damaged", "skip", "--resume", photos), 0,
               "0 pictures segmented, 6 done before, 1 damaged", "skipped: ");
    check_says(SEGMENT(out, "--damaged", "skip", bad), 65, NULL, "1 of 1");
    check_says(SEGMENT(out, "--damaged", "maybe", bad), 64, NULL, "neither fail, skip nor stop");
    CHECK_OK(file_remove(bad));
    free(out);
    free(bad);
    free(map);
}

static char *golden_copy(const char *name) {
    char *file = mem_format("tests/golden/images/%s", name), *from = test_source(file),
         *to = test_path(name);
    struct bytes b = bytes_of(from);
    CHECK_OK(file_write(to, b.at, b.n));
    bytes_free(&b);
    free(file);
    free(from);
    return to;
}

/* What a microscope writes would be white nearly everywhere; a telephone's PNG lies on its side. */
static void walk_kinds(void) {
    static const char said[] =
        "grey16.png: is grey of 16 bits, of which readers of pictures keep "
        "what is below 256; convert it to 8 bits";
    char *out = test_path("kinds"), *deep = golden_copy("grey16.png"),
         *lying = golden_copy("exif6.png"), *masks = test_path("no-masks-yet.json");
    check_says(SEGMENT(out, deep), 65, NULL, said);
    check_says(SEGMENT(out, "--damaged", "skip", deep, lying), 0, "exif6.png  21 x 34\n", said);
    struct labels map = map_of(out, "exif6.png");
    CHECK(map.h == 34 && map.w == 21);
    CHECK_OK(file_write(masks, "[]", 2));
    check_says(OVSEG("classify", "-m", model, "--classes", NAMES, "--masks", masks, deep), 65, NULL,
               said);
    labels_free(&map);
    char *const owned[] = {out, deep, lying, masks};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* ---- ovseg classify ---- */

static void walk_classify(void) {
    char *masks = test_path("masks"), *map = path_join(masks, "p0.png"),
         *one = segmented_picture(photos, 0);
    char *two = segmented_picture(photos, 1), *lines = test_path("regions.jsonl");
    struct labels l;
    struct bytes png;
    CHECK_OK(dir_make(masks));
    CHECK_OK(labels_alloc(&l, SEGMENTED_SIDE, SEGMENTED_SIDE));
    for (int64_t i = 0; i < SEGMENTED_SIDE * SEGMENTED_SIDE; i++)
        l.at[i] = i / SEGMENTED_SIDE < 20 ? 7 : i / SEGMENTED_SIDE < 40 ? 3 : 0;
    CHECK_OK(labels_encode_png(&l, &png));
    CHECK_OK(file_write(map, png.at, png.n));
#define CLASSIFY(...)                                                                              \
    OVSEG("classify", "-m", model, "--classes", NAMES, "--masks", masks, __VA_ARGS__)
    struct ended e = CLASSIFY("--top", "2", one);
    check_status(&e, 0);
    CHECK_HAS(e.out, "{\"picture\":\"p0.png\",\"mask\":3,\"area\":960,\"bbox\":[0,20,48,20],");
    CHECK_HAS(e.out, "\n{\"picture\":\"p0.png\",\"mask\":7,\"area\":960,\"bbox\":[0,0,48,20],");
    cJSON *first = cJSON_ParseWithLength(e.out, strcspn(e.out, "\n"));
    CHECK_INT(cJSON_GetArraySize(json_item(first, "names")), 2);
    const cJSON *prob = json_item(first, "probabilities");
    double a = cJSON_GetArrayItem(prob, 0)->valuedouble,
           b = cJSON_GetArrayItem(prob, 1)->valuedouble;
    CHECK(a >= b && b >= 0 && a + b <= 1 + 1e-6);
    cJSON_Delete(first);
    check_says(CLASSIFY("-o", lines, one, two), 66, NULL, "picture p1: ");
    char *text = text_of(lines);
    CHECK_HAS(text, "\"mask\":7");
    ended_free(&e);
    check_says(CLASSIFY("--damaged", "skip", one, two), 0, "\"mask\":7", "skipped: ");
    check_says(OVSEG("classify", "-m", model, "--classes", NAMES, "--masks", "/no/such", one), 66,
               NULL, "/no/such: there is no such file or folder");
    e = CLASSIFY("--set", "eval.min_area=961", one);
    check_status(&e, 0);
    CHECK_HAS(e.out, "\"mask\":7,\"area\":960,\"bbox\":[0,0,48,20],\"names\":[],");
    CHECK_HAS(e.err, "2 of 2 regions have fewer pixels than eval.min_area, 961, and so no names");
    ended_free(&e);
    char *empty = test_path("no-masks");
    CHECK_OK(dir_make(empty));
    check_says(OVSEG("classify", "-m", model, "--classes", NAMES, "--masks", empty, one), 66, NULL,
               "no-masks: a folder, but without masks: wanted is a .json file");
    check_says(
        OVSEG("segment", "-m", model, "--classes", NAMES, "-o", masks, "--proposals", empty, one),
        66, NULL, "and without masks"); /* the same code */
    check_says(OVSEG("classify", "-m", model, "--classes", NAMES, "--masks", one, one), 65, NULL,
               "no masks: wanted is a .json file");
    free(empty);
    check_says(OVSEG("classify", "-m", model, "--classes", NAMES, one), 64, NULL, "--masks");
    labels_free(&l);
    bytes_free(&png);
    char *const owned[] = {masks, map, one, two, lines, text};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* ---- the threshold that fits ---- */

static void walk_fit(void) {
    struct ended e = OVSEG("eval", evaluation, "--fit-threshold", "eval.set=val", "threads=1");
    check_status(&e, 0);
    CHECK_HAS(e.out, "--min-score S that fits best, by labelled pixels");
    CHECK_HAS(e.out, "val: values were tried on a set that is there for it");
    char *at = strstr(e.out, "results: ") + 9;
    at[strcspn(at, "\n")] = '\0';
    cJSON *j = json_in(at, "evaluation.json");
    const cJSON *row = cJSON_GetArrayItem(json_item(j, "rows"), 0),
                *fit = json_item(row, "min_score");
    double with = json_value(fit, "miou"), without = json_value(fit, "miou_without");
    CHECK(with >= without);
    CHECK_NEAR(without, json_value(json_item(json_item(row, "metrics"), "all"), "miou_truth"),
               1e-9);
    cJSON_Delete(j);
    ended_free(&e);
}

TEST(a_folder_is_segmented_as_its_pictures_are_alone) {
    char *all = test_path("all");
    segmented_start(&model, &evaluation, &photos);
    walk_inputs(all);
    walk_writers(all);
    walk_numbers(all);
    walk_resume(all);
    walk_signal(all);
    walk_damaged();
    walk_kinds();
    walk_classify();
    walk_fit();
    free(all);
    free(model);
    free(evaluation);
    free(photos);
}
