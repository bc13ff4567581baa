/* What data sets come in: label maps in TIFF and MAT, archives, captions as lines. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/captions_file.h"
#include "data/mat_labels.h"
#include "data/unpack.h"
#include "tests/fuzz/fuzz.h"

#define TREE "tests/data/sets/tree/"
#define ARCHIVES "tests/data/sets/archives/"

/* ---- label maps ---- */

static void tiff_seeds(struct corpus *c) {
    corpus_add_file(c, TREE "VOCdevkit/VOC2010/annotations_detectron2/pc459_val/2008_000002.tif");
    corpus_add_file(c, TREE "VOCdevkit/VOC2010/annotations_detectron2/pc459_val/2010_001000.tif");
}

static int run_tiff(const uint8_t *data, size_t n) {
    struct labels l;
    int status = labels_decode_tiff(data, n, "fuzz", &l);
    REQUIRE(!status == (l.at != NULL), "a map and an error, or neither");
    labels_free(&l);
    return status;
}

static void mat_seeds(struct corpus *c) {
    corpus_add_file(c, TREE "VOCdevkit/VOC2010/trainval/2008_000002.mat");
    corpus_add_file(c, TREE "VOCdevkit/VOC2010/trainval/2008_000003.mat");
    corpus_add_file(c, TREE "VOCdevkit/VOC2010/trainval/2010_001000.mat");
}

static int run_mat(const uint8_t *data, size_t n) {
    struct labels l;
    char *path = fuzz_path("map.mat");
    int status = file_write(path, data, n);
    if (!status) status = labels_read_mat(path, &l);
    if (!status) labels_free(&l);
    free(path);
    return status;
}

/* ---- what is packed inside of a MAT file: seeds are unpacked, inputs packed ---- */

static void mat_inside_seeds(struct corpus *c) {
    struct corpus packed = {0};
    mat_seeds(&packed);
    for (size_t i = 0; i < packed.n; i++) {
        static uint8_t out[FUZZ_MAX];
        uLongf n = sizeof out;
        const struct bytes *b = &packed.at[i];
        if (b->n > 136 && b->at[128] == 15 && uncompress(out, &n, b->at + 136, b->n - 136) == Z_OK)
            corpus_add(c, out, n);
    }
    corpus_free(&packed);
}

static int run_mat_inside(const uint8_t *data, size_t n) {
    struct str file = {0};
    uLongf packed_n = compressBound(n);
    uint8_t *packed = mem_alloc(packed_n, 1);
    REQUIRE(compress(packed, &packed_n, data, n) == Z_OK, "zlib");
    uint32_t tag[2] = {15, (uint32_t)packed_n};
    char head[128] = "MATLAB 5.0 MAT-file";
    memcpy(head + 124, "\0\1IM", 4);
    str_put(&file, head, sizeof head);
    str_put(&file, tag, sizeof tag);
    str_put(&file, packed, packed_n);
    int status = run_mat((const uint8_t *)file.at, file.n);
    str_free(&file);
    free(packed);
    return status;
}

FUZZ(tiff_labels, .seeds = tiff_seeds, .run = run_tiff, .codes = {ERR_DATA});
FUZZ(mat_labels, .seeds = mat_seeds, .run = run_mat, .codes = {ERR_DATA});
FUZZ(mat_inside, .seeds = mat_inside_seeds, .run = run_mat_inside, .codes = {ERR_DATA});

/* ---- archives ---- */

/* One name for each place, so that none fall together. */
static char *flat_name(void *self, const char *entry) {
    (void)self;
    if (!*path_base(entry)) return NULL; /* a folder */
    char *name = mem_strdup(entry);
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '_';
    return name;
}

static int run_archive(const char *name, const uint8_t *data, size_t n) {
    char *archive = fuzz_path(name), *to = fuzz_path("unpacked");
    struct unpack u = {.archive = archive, .to = to, .name_of = flat_name};
    int64_t files;
    int status = file_write(archive, data, n);
    if (!status) status = unpack_files(&u, &files);
    int gone = dir_remove(to);
    REQUIRE(!gone || status, "%s", error_message());
    free(archive);
    free(to);
    return status;
}

static void zip_archive_seeds(struct corpus *c) {
    corpus_add_file(c, ARCHIVES "val2017.zip");
    corpus_add_file(c, ARCHIVES "SegmentationClassAug.zip");
}

static void tar_archive_seeds(struct corpus *c) {
    corpus_add_file(c, ARCHIVES "VOCtrainval_11-May-2012.tar");
    corpus_add_file(c, ARCHIVES "trainval.tar.gz");
}

static int run_zip_archive(const uint8_t *data, size_t n) { return run_archive("a.zip", data, n); }
static int run_tar_archive(const uint8_t *data, size_t n) { return run_archive("a.tar", data, n); }

FUZZ(zip_set, .seeds = zip_archive_seeds, .run = run_zip_archive, .codes = {ERR_DATA, ERR_IO});
FUZZ(tar_set, .seeds = tar_archive_seeds, .run = run_tar_archive, .codes = {ERR_DATA, ERR_IO});

/* ---- captions ---- */

static void lines_seeds(struct corpus *c) {
    static const char lines[] =
        "{\"image\": \"a/x.jpg\", \"captions\": [\"a cat\", \"the \\u00e4\"], \"ids\": [7, 8]}\n"
        "\n{\"image\": \"y.png\", \"caption\": \"a dog\"}\n";
    corpus_add(c, lines, sizeof lines - 1);
    corpus_add_file(c, TREE "own/captions.jsonl");
}

static int run_lines(const uint8_t *data, size_t n) {
    char *path = fuzz_path("captions.jsonl");
    struct dataset d = {.n_images = 3};
    struct hasher hash;
    d.image_name = mem_alloc(3, sizeof *d.image_name);
    d.image_name[0] = mem_strdup("garden");
    d.image_name[1] = mem_strdup("x");
    d.image_name[2] = mem_strdup("y");
    hasher_open(&hash);
    log_set_level(LOG_ERROR); /* it counts what it passes over */
    int status = file_write(path, data, n);
    if (!status) status = captions_attach(&d, path, NULL, &hash);
    hasher_close(&hash);
    if (!status) REQUIRE(d.caption_at[3] == d.n_captions, "captions of nobody");
    dataset_close(&d);
    free(path);
    return status;
}

FUZZ(caption_lines, .seeds = lines_seeds, .run = run_lines, .codes = {ERR_DATA});
