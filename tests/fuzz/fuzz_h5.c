/* Our HDF5 files. The library sees none that is not byte for byte what was written (data/h5.h), so
 * that damage of whole files ends at our hashes; that is one target. The others build files anew
 * with one array or attribute that is not what it should be, as another program might: an input is
 * a byte that names it, its type, its columns, and the data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/file_set.h"
#include "data/h5_write.h"
#include "data/pairs_write.h"
#include "data/rle.h"
#include "data/set.h"
#include "data/set_index.h"
#include "data/text_bank.h"
#include "tests/fuzz/fuzz.h"
#include "train/evaluation/analysis.h"

enum { PARTS_MAX = 26, TEXTS_MAX = 5 };

struct part {
    const char *name;
    enum h5_type type;
    uint64_t cols; /* 0: one axis */
    uint64_t rows;
    void *data;
};

/* A kind of file, and a good one of it. */
struct kind {
    const char *format, *file;
    struct part part[PARTS_MAX]; /* a NULL name ends them */
    const char *text_name[TEXTS_MAX];
    char *text[TEXTS_MAX];
    size_t n, n_texts;
};

static void kind_load(struct kind *k) {
    char *path = fuzz_path(k->file);
    struct h5_in f;
    struct h5_array a;
    REQUIRE(!h5_open(&f, path, k->format, 1), "%s", error_message());
    for (; k->n < PARTS_MAX && k->part[k->n].name; k->n++) {
        struct part *p = &k->part[k->n];
        REQUIRE(!h5_load(&f, p->name, p->type, H5_ANY, p->cols, &a, &p->data), "%s",
                error_message());
        p->rows = a.rows;
    }
    for (; k->n_texts < TEXTS_MAX && k->text_name[k->n_texts]; k->n_texts++)
        REQUIRE(!h5_text(&f, k->text_name[k->n_texts], &k->text[k->n_texts]), "%s",
                error_message());
    h5_close(&f);
    free(path);
}

static void kind_seeds(struct kind *k, struct corpus *c) {
    kind_load(k);
    struct str s = {0};
    for (size_t i = 0; i < k->n + k->n_texts; i++) {
        const struct part *p = i < k->n ? &k->part[i] : NULL;
        char head[3] = {(char)i, p ? (char)p->type : 0, p ? (char)p->cols : 0};
        s.n = 0;
        str_put(&s, head, sizeof head);
        if (p)
            str_put(&s, p->data, p->rows * (p->cols ? p->cols : 1) * h5_width(p->type));
        else
            str_put(&s, k->text[i - k->n], strlen(k->text[i - k->n]));
        corpus_add(c, s.at, s.n);
    }
    str_free(&s);
}

static void put_other(struct h5_out *f, const char *name, const uint8_t *data, size_t n) {
    enum h5_type type = (enum h5_type)(data[1] % (H5_TYPE_F32 + 1));
    uint64_t cols = data[2], rows = (n - 3) / (h5_width(type) * (cols ? cols : 1));
    h5_put(f, name, type, rows, cols, data + 3);
}

/* Writes the file with the part that the input says instead of its own; a number too high leaves
 * one out. */
static int kind_write(const struct kind *k, const uint8_t *data, size_t n) {
    if (n < 3) return error_set(ERR_DATA, "too short");
    size_t all = k->n + k->n_texts, other = data[0] % all;
    bool left_out = data[0] >= all;
    char *path = fuzz_path(k->file);
    struct h5_out f;
    h5_create(&f, path, k->format, 1, "");
    for (size_t i = 0; i < k->n; i++) {
        const struct part *p = &k->part[i];
        if (i != other)
            h5_put(&f, p->name, p->type, p->rows, p->cols, p->data);
        else if (!left_out)
            put_other(&f, p->name, data, n);
    }
    for (size_t i = 0; i < k->n_texts; i++) {
        bool is_other = k->n + i == other;
        char *text = is_other ? fuzz_text(data + 3, n - 3) : mem_strdup(k->text[i]);
        if (!is_other || !left_out) h5_put_text(&f, k->text_name[i], text);
        free(text);
    }
    int status = h5_commit(&f);
    REQUIRE(!status, "%s", error_message());
    h5_drop(&f);
    free(path);
    return 0;
}

/* ---- sets ---- */

static struct kind set = {.format = "ovseg set",
                          .file = "set.h5",
                          .part = {{"image_bytes", H5_TYPE_U8, 0},
                                   {"image_offset", H5_TYPE_U64, 0},
                                   {"image_size", H5_TYPE_U32, 2},
                                   {"image_id", H5_TYPE_I64, 0},
                                   {"label_bytes", H5_TYPE_U8, 0},
                                   {"label_offset", H5_TYPE_U64, 0},
                                   {"caption_text", H5_TYPE_U8, 0},
                                   {"caption_offset", H5_TYPE_U64, 0},
                                   {"caption_at", H5_TYPE_U64, 0},
                                   {"caption_id", H5_TYPE_I64, 0},
                                   {"class_text", H5_TYPE_U8, 0},
                                   {"class_offset", H5_TYPE_U64, 0},
                                   {"class_seen", H5_TYPE_U8, 0},
                                   {"name_text", H5_TYPE_U8, 0},
                                   {"name_offset", H5_TYPE_U64, 0}},
                          .text_name = {"ignore", "label_bits"}};

static void add_picture(struct set_writer *w, int64_t id, int64_t h, int64_t width) {
    struct image im;
    struct labels l;
    struct bytes png;
    char *captions[] = {"a cat", "the dog"};
    int64_t ids[] = {10 * id, 10 * id + 1};
    REQUIRE(!image_alloc(&im, h, width, 3) && !labels_alloc(&l, h, width), "%s", error_message());
    for (int64_t i = 0; i < h * width; i++) {
        im.at[3 * i] = (uint8_t)(5 * i + id);
        l.at[i] = (uint16_t)(i % 7 ? i / width % 2 : 255);
    }
    REQUIRE(!image_encode_png(&im, &png), "%s", error_message());
    struct set_item item = {.id = id,
                            .h = h,
                            .w = width,
                            .name = id % 2 ? "odd" : "even",
                            .bytes = png.at,
                            .n = png.n,
                            .labels = id % 2 ? &l : NULL,
                            .caption = captions,
                            .caption_id = ids,
                            .n_captions = 2};
    REQUIRE(!set_add(w, &item), "%s", error_message());
    bytes_free(&png);
    image_free(&im);
    labels_free(&l);
}

static void write_set(void) {
    char *names[] = {"cat", "dog"}, *path = fuzz_path(set.file);
    bool seen[] = {true, false};
    struct set_info info = {names, seen, 2, 255, ""};
    struct set_writer w;
    REQUIRE(!set_create(&w, path, &info), "%s", error_message());
    for (int64_t i = 0; i < 3; i++) add_picture(&w, 4 + i, 8 + i, 12);
    REQUIRE(!set_finish(&w), "%s", error_message());
    set_drop(&w);
    free(path);
}

static int read_set(void) {
    char *path = fuzz_path(set.file);
    struct dataset d;
    int status = set_open(&d, path);
    free(path);
    if (status) return status;
    fuzz_dataset(&d);
    dataset_close(&d);
    return 0;
}

static void set_seeds(struct corpus *c) {
    write_set();
    kind_seeds(&set, c);
}

static int run_set(const uint8_t *data, size_t n) {
    int status = kind_write(&set, data, n);
    return status ? status : read_set();
}

FUZZ(set, .seeds = set_seeds, .run = run_set, .codes = {ERR_DATA});

/* ---- whole files ---- */

static struct bytes whole;

static void file_seeds(struct corpus *c) {
    char *path = fuzz_path(set.file);
    write_set();
    REQUIRE(!file_read(path, FUZZ_MAX, &whole), "%s", error_message());
    corpus_add(c, whole.at, whole.n);
    free(path);
}

static int run_file(const uint8_t *data, size_t n) {
    char *path = fuzz_path(set.file);
    int status = file_write(path, data, n);
    free(path);
    if (!status) status = read_set();
    REQUIRE(status || !whole.n || (n == whole.n && memcmp(data, whole.at, n) == 0),
            "a damaged file is accepted");
    return status;
}

FUZZ(set_file, .seeds = file_seeds, .run = run_file, .codes = {ERR_DATA});

/* ---- indices ---- */

static struct kind index_file = {.format = "ovseg index",
                                 .file = "index.h5",
                                 .part = {{"image_text", H5_TYPE_U8, 0},
                                          {"image_offset", H5_TYPE_U64, 0},
                                          {"map_text", H5_TYPE_U8, 0},
                                          {"map_offset", H5_TYPE_U64, 0},
                                          {"name_text", H5_TYPE_U8, 0},
                                          {"name_offset", H5_TYPE_U64, 0},
                                          {"image_id", H5_TYPE_I64, 0},
                                          {"caption_text", H5_TYPE_U8, 0},
                                          {"caption_offset", H5_TYPE_U64, 0},
                                          {"caption_at", H5_TYPE_U64, 0},
                                          {"caption_id", H5_TYPE_I64, 0},
                                          {"class_text", H5_TYPE_U8, 0},
                                          {"class_offset", H5_TYPE_U64, 0},
                                          {"class_seen", H5_TYPE_U8, 0},
                                          {"class_of", H5_TYPE_U16, 0}},
                                 .text_name = {"ignore", "kind", "shrunk", "images", "maps"}};

static void index_seeds(struct corpus *c) {
    char *path = fuzz_path(index_file.file);
    struct dataset d;
    struct set_prepare p = {.path = path, .config_hash = ""};
    struct file_set_options o = {
        .images = TEST_SOURCE_DIR "/tests/data/sets/tree/own/images",
        .maps = TEST_SOURCE_DIR "/tests/data/sets/tree/own/masks",
        .names = TEST_SOURCE_DIR "/tests/data/sets/tree/own/names.txt",
        .captions = TEST_SOURCE_DIR "/tests/data/sets/tree/own/captions.jsonl",
        .map_suffix = ".png",
        .kind = MAPS_PNG};
    REQUIRE(!file_set_open(&d, &o) && !set_index_write(&p, &d), "%s", error_message());
    set_prepare_free(&p);
    dataset_close(&d);
    free(path);
    kind_seeds(&index_file, c);
}

static int run_index(const uint8_t *data, size_t n) {
    int status = kind_write(&index_file, data, n);
    char *path = fuzz_path(index_file.file);
    struct dataset d;
    if (!status) status = set_index_open(&d, path);
    free(path);
    if (status) return status;
    fuzz_dataset(&d);
    dataset_close(&d);
    return 0;
}

FUZZ(set_index, .seeds = index_seeds, .run = run_index, .codes = {ERR_DATA});

/* ---- mined pairs ---- */

static struct pairs_source source = {{"aaaa", "bbbb", "cccc", "dddd"}};

static struct kind shard = {.format = "ovseg pairs",
                            .file = "pairs-00000.h5",
                            .part = {{"image", H5_TYPE_I64, 0},
                                     {"image_id", H5_TYPE_I64, 0},
                                     {"caption", H5_TYPE_I64, 0},
                                     {"caption_id", H5_TYPE_I64, 0},
                                     {"noun", H5_TYPE_I64, 0},
                                     {"proposal", H5_TYPE_I64, 0},
                                     {"size", H5_TYPE_I64, 2},
                                     {"area", H5_TYPE_I64, 0},
                                     {"box", H5_TYPE_I64, 4},
                                     {"similarity", H5_TYPE_F32, 0},
                                     {"margin", H5_TYPE_F32, 0},
                                     {"nouns_text", H5_TYPE_U8, 0},
                                     {"nouns_offset", H5_TYPE_U64, 0},
                                     {"mask_bytes", H5_TYPE_U8, 0},
                                     {"mask_offset", H5_TYPE_U64, 0},
                                     {"id", H5_TYPE_I64, 0}},
                            .text_name = {"block", "proposals", "clip", "captions", "settings"}};

static const char edits[] = "[{\"parent\":\"00\",\"min_count\":2}]";

/* Edited ones, which have all that pairs may have. */
static void write_pairs(void) {
    struct pairs_shard s;
    struct mask m;
    struct bytes packed;
    REQUIRE(!mask_alloc(&m, 20, 30), "%s", error_message());
    for (int64_t y = 2; y < 6; y++) memset(m.at + 30 * y + 3, 1, 9);
    REQUIRE(!rle_pack(&m, &packed), "%s", error_message());
    pairs_shard_open(&s, fuzz_dir(), 0, 0, 4, &source);
    for (int64_t i = 0; i < 6; i++) {
        struct pair p = {.image = i / 2,
                         .image_id = 100 + i,
                         .caption = i,
                         .caption_id = 900 - i,
                         .proposal = i % 3,
                         .similarity = 0.25F,
                         .margin = 0.5F,
                         .h = 20,
                         .w = 30,
                         .area = 36,
                         .box = {3, 2, 12, 6}};
        pairs_shard_add(&s, &p, i % 2 ? "dog" : "cat", packed.at, packed.n);
    }
    pairs_shard_ids(&s, (const int64_t[]){0, 1, 3, 7, 8, 9});
    REQUIRE(!pairs_shard_commit(&s) && !pairs_manifest_edited(fuzz_dir(), 1, &source, edits), "%s",
            error_message());
    pairs_shard_drop(&s);
    bytes_free(&packed);
    mask_free(&m);
}

static int read_pairs(void) {
    struct pairs p;
    int status = pairs_open(&p, fuzz_dir());
    if (status) return status;
    for (int64_t i = 0; i < p.n; i++) {
        struct bytes packed;
        struct mask m;
        REQUIRE(p.id[i] >= 0, "an id of no pair");
        REQUIRE(p.at[i].noun >= 0 && p.at[i].noun < (int64_t)p.noun.n, "a noun that is not there");
        if (!pairs_mask(&p, i, &packed)) {
            if (!rle_unpack(packed.at, packed.n, p.at[i].h, p.at[i].w, &m)) mask_free(&m);
            bytes_free(&packed);
        }
        REQUIRE(!error_status() || error_status() == ERR_DATA, "%s", error_message());
        error_clear();
    }
    pairs_close(&p);
    return 0;
}

static void pairs_seeds(struct corpus *c) {
    write_pairs();
    kind_seeds(&shard, c);
}

static int run_pairs(const uint8_t *data, size_t n) {
    int status = kind_write(&shard, data, n);
    if (!status) status = pairs_manifest_edited(fuzz_dir(), 1, &source, edits);
    return status ? status : read_pairs();
}

FUZZ(pairs, .seeds = pairs_seeds, .run = run_pairs, .codes = {ERR_DATA});

static void pairs_manifest_seeds(struct corpus *c) {
    char *path = fuzz_path("manifest.json");
    struct bytes b;
    write_pairs();
    REQUIRE(!file_read(path, FUZZ_MAX, &b), "%s", error_message());
    corpus_add(c, b.at, b.n);
    bytes_free(&b);
    free(path);
}

static int run_pairs_manifest(const uint8_t *data, size_t n) {
    char *path = fuzz_path("manifest.json");
    int status = file_write(path, data, n);
    free(path);
    return status ? status : read_pairs();
}

FUZZ(pairs_manifest, .seeds = pairs_manifest_seeds, .run = run_pairs_manifest,
     .codes = {ERR_DATA, ERR_MISSING});

/* ---- text banks ---- */

static struct kind bank = {.format = "ovseg text bank",
                           .part = {{"text_text", H5_TYPE_U8, 0},
                                    {"text_offset", H5_TYPE_U64, 0},
                                    {"feature", H5_TYPE_F32, 4}},
                           .text_name = {"key"}};
enum { WIDTH = 4 };

static void bank_seeds(struct corpus *c) {
    struct text_bank b;
    const float feature[WIDTH] = {1, 0.5F, -1, 2};
    REQUIRE(!text_bank_open(&b, fuzz_dir(), "fuzz", WIDTH), "%s", error_message());
    text_bank_add(&b, "a photo of a cat", feature);
    text_bank_add(&b, "dog", feature);
    text_bank_add(&b, "", feature);
    REQUIRE(!text_bank_save(&b), "%s", error_message());
    bank.file = mem_strdup(path_base(b.path));
    text_bank_close(&b);
    kind_seeds(&bank, c);
}

static int run_bank(const uint8_t *data, size_t n) {
    struct text_bank b;
    int status = kind_write(&bank, data, n);
    if (!status) status = text_bank_open(&b, fuzz_dir(), "fuzz", WIDTH);
    if (status) return status;
    for (int64_t i = 0; i < b.n; i++)
        REQUIRE(text_bank_find(&b, b.text.at[i]) == i, "text %lld is not found", (long long)i);
    text_bank_close(&b);
    return 0;
}

FUZZ(text_bank, .seeds = bank_seeds, .run = run_bank, .codes = {ERR_DATA});

/* ---- what evaluations keep ---- */

static struct kind analysis = {
    .format = ANALYSIS_FORMAT,
    .file = ANALYSIS_FILE,
    .part = {{"judge_text", H5_TYPE_U8, 0},           {"judge_offset", H5_TYPE_U64, 0},
             {"class_text", H5_TYPE_U8, 0},           {"class_offset", H5_TYPE_U64, 0},
             {"class_seen", H5_TYPE_U8, 0},           {"image_id", H5_TYPE_I64, 0},
             {"image_labels", H5_TYPE_U64, 0},        {"confusion_at", H5_TYPE_U64, 0},
             {"confusion_predicted", H5_TYPE_U16, 0}, {"confusion_truth", H5_TYPE_U16, 0},
             {"confusion_pixels", H5_TYPE_I64, 0},    {"counts_at", H5_TYPE_U64, 0},
             {"counts_image", H5_TYPE_U32, 0},        {"counts_class", H5_TYPE_U16, 0},
             {"counts_intersection", H5_TYPE_U32, 0}, {"counts_union", H5_TYPE_U32, 0},
             {"counts_truth", H5_TYPE_U32, 0},        {"proposal_image", H5_TYPE_U32, 0},
             {"proposal_index", H5_TYPE_U16, 0},      {"proposal_area", H5_TYPE_U32, 0},
             {"proposal_box", H5_TYPE_U32, 4},        {"proposal_truth", H5_TYPE_U16, 0},
             {"proposal_iou", H5_TYPE_F32, 0},        {"proposal_object", H5_TYPE_F32, 0},
             {"proposal_class", H5_TYPE_U16, 1},      {"proposal_score", H5_TYPE_F32, 1}}};

static void write_analysis(void) {
    enum { N = 3, K = 2 };
    struct analysis_out a;
    struct class_counts counts;
    struct confusion matrix;
    confusion_open(&matrix, K);
    class_counts_open(&counts, K);
    REQUIRE(!analysis_open(&a, fuzz_dir(), N, K, 1, 1), "%s", error_message());
    for (uint32_t i = 0; i < N; i++) {
        const uint16_t truth[4] = {0, 1, 1, 255}, found[4] = {0, 0, 1, 1};
        struct analysis_proposal p = {.image = i, .area = 4, .truth = K};
        confusion_add(&matrix, found, truth, 4, 255);
        class_counts_of(&counts, &matrix, found, truth, 4, 255);
        REQUIRE(!analysis_add_counts(&a, 0, i, &counts), "%s", error_message());
        REQUIRE(!analysis_add_proposal(&a, &p, &(struct analysis_name){1, 0.5F}), "%s",
                error_message());
    }
    struct analysis_names n = {.class_name = (char *[]){"cat", "dog"},
                               .class_seen = (bool[]){true, false},
                               .image_id = (int64_t[]){4, 5, 6},
                               .set = "test",
                               .confusion = (const struct confusion *[]){&matrix}};
    strings_add(&n.judges, "maskformer");
    REQUIRE(!analysis_commit(&a, &n), "%s", error_message());
    analysis_close(&a);
    class_counts_free(&counts);
    confusion_free(&matrix);
    strings_free(&n.judges);
}

static void analysis_seeds(struct corpus *c) {
    write_analysis();
    kind_seeds(&analysis, c);
}

static int run_analysis(const uint8_t *data, size_t n) {
    int status = kind_write(&analysis, data, n);
    char *path = fuzz_path(ANALYSIS_FILE);
    struct analysis a;
    if (!status) status = analysis_read(&a, path);
    free(path);
    if (status) return status;
    status = analysis_write_csv(&a, fuzz_dir());
    analysis_free(&a);
    return status;
}

FUZZ(analysis, .seeds = analysis_seeds, .run = run_analysis, .codes = {ERR_DATA});
