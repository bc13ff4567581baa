/* Damaged files of every kind that a training set may hold: pictures, label maps, annotations. Each
 * kind changes the good bytes that it is given; what it must be called is part of its message.
 * reliability R17, 5 */
#pragma once

#include <stdbool.h>

#include "base/mem.h"
#include "data/image.h"
#include "tests/test.h"

struct damage_kind {
    const char *name;
    void (*damage)(struct bytes *b); /* NULL: the file is not there */
    const char *says;
};

static void damage_cut(struct bytes *b, size_t n) {
    CHECK(n <= b->n);
    b->n = n;
}

static void damage_text(struct bytes *b, const char *text) {
    free(b->at);
    *b = (struct bytes){.at = (uint8_t *)mem_strdup(text), .n = strlen(text)};
}

/* Where a JPEG marker is. */
static size_t damage_marker(const struct bytes *b, uint8_t marker) {
    for (size_t i = 2; i + 1 < b->n; i++)
        if (b->at[i] == 0xff && b->at[i + 1] == marker) return i;
    test_fail(__FILE__, __LINE__, "no marker %02x", (unsigned)marker);
}

/* Puts n bytes in at `at`. */
static void damage_insert(struct bytes *b, size_t at, const uint8_t *from, size_t n) {
    struct bytes to = {.at = mem_alloc(b->n + n, 1), .n = b->n + n};
    memcpy(to.at, b->at, at);
    memcpy(to.at + at, from, n);
    memcpy(to.at + at + n, b->at + at, b->n - at);
    free(b->at);
    *b = to;
}

static void empty(struct bytes *b) { damage_cut(b, 0); }
static void half(struct bytes *b) { damage_cut(b, b->n / 2); }
static void head_alone(struct bytes *b) { damage_cut(b, 20); }
static void two_bytes_short(struct bytes *b) { damage_cut(b, b->n - 2); }
static void zeros(struct bytes *b) { memset(b->at, 0, b->n); }
static void noise(struct bytes *b) {
    for (size_t i = 0; i < b->n; i++) b->at[i] = (uint8_t)(i * 2654435761U >> 13);
}
static void gif(struct bytes *b) { damage_text(b, "GIF89a..."); }
static void bmp(struct bytes *b) { damage_text(b, "BM......"); }
static void tiff(struct bytes *b) { damage_text(b, "II*....."); }
static void web_page(struct bytes *b) { damage_text(b, "<!DOCTYPE html><p>404</p>"); }
static void lfs(struct bytes *b) { damage_text(b, "version https://git-lfs.github.com/spec/v1\n"); }
static void text(struct bytes *b) { damage_text(b, "a text"); }

/* ---- JPEG ---- */

enum { DQT = 0xdb, SOF0 = 0xc0, DHT = 0xc4, SOS = 0xda, EOI = 0xd9, COMMENT = 0xfe };

static void without(struct bytes *b, uint8_t marker) {
    for (size_t i = 2; i + 1 < b->n; i++)
        if (b->at[i] == 0xff && b->at[i + 1] == marker) b->at[i + 1] = COMMENT;
}

static void no_quantizers(struct bytes *b) { without(b, DQT); }
static void bad_huffman(struct bytes *b) {
    memset(b->at + damage_marker(b, DHT) + 5, 0xff, 16); /* more codes than there are */
}
static void no_scan(struct bytes *b) {
    damage_cut(b, damage_marker(b, SOS));
    damage_insert(b, b->n, (const uint8_t[]){0xff, EOI}, 2);
}
static void ends_in_the_scan(struct bytes *b) {
    size_t at = damage_marker(b, SOS);
    memcpy(b->at + (at + b->n) / 2, (const uint8_t[]){0xff, EOI}, 2);
}
static void two_frames(struct bytes *b) {
    size_t at = damage_marker(b, SOF0), n = 2 + (size_t)(b->at[at + 2] << 8 | b->at[at + 3]);
    uint8_t *frame = mem_alloc(n, 1);
    memcpy(frame, b->at + at, n);
    damage_insert(b, at, frame, n);
    free(frame);
}
static void many_scans(struct bytes *b) {
    size_t at = damage_marker(b, SOS), n = 2 + (size_t)(b->at[at + 2] << 8 | b->at[at + 3]);
    uint8_t *scan = mem_alloc(n, 1);
    memcpy(scan, b->at + at, n);
    for (int i = 0; i < 100; i++) damage_insert(b, at, scan, n);
    free(scan);
}
static void twelve_bits(struct bytes *b) { b->at[damage_marker(b, SOF0) + 4] = 12; }
static void lossless(struct bytes *b) { b->at[damage_marker(b, SOF0) + 1] = 0xc3; }
static void claims(struct bytes *b, unsigned h, unsigned w) {
    uint8_t *p = b->at + damage_marker(b, SOF0) + 5;
    p[0] = (uint8_t)(h >> 8);
    p[1] = (uint8_t)h;
    p[2] = (uint8_t)(w >> 8);
    p[3] = (uint8_t)w;
}
static void claims_too_much(struct bytes *b) { claims(b, 16000, 16000); }
static void claims_more_than_its_bytes(struct bytes *b) { claims(b, 8000, 8000); }
static void claims_nothing(struct bytes *b) { claims(b, 0, 32); }
static void segment_too_long(struct bytes *b) {
    memset(b->at + damage_marker(b, DQT) + 2, 0xff, 2);
}
static void other_size(struct bytes *b) { claims(b, 16, 16); }

/* ---- PNG ---- */

enum { PNG_SIZE = 16, PNG_IHDR_CRC = 29, PNG_DATA = 8 + 25 + 8 };

static void png_half(struct bytes *b) { damage_cut(b, b->n / 2); }
static void png_data(struct bytes *b) { b->at[(PNG_DATA + b->n - 16) / 2] ^= 0x55; }
static void png_header(struct bytes *b) { b->at[PNG_IHDR_CRC] ^= 1; }
static void png_chunk_length(struct bytes *b) { b->at[33] = 0x7f; }
static void png_without_end(struct bytes *b) { damage_cut(b, b->n - 12); }
static void encode_to(struct bytes *b, int64_t side, int64_t c, bool jpeg) {
    struct image im;
    CHECK_OK(image_alloc(&im, side, side, c));
    bytes_free(b);
    CHECK_OK(jpeg ? image_encode_jpeg(&im, 90, b) : image_encode_png(&im, b));
    image_free(&im);
}
static void in_colours(struct bytes *b) { encode_to(b, 32, 3, false); }
static void a_jpeg(struct bytes *b) { encode_to(b, 32, 3, true); }
static void of_another_size(struct bytes *b) { encode_to(b, 17, 1, false); }

/* ---- tables ---- */

static const struct damage_kind damaged_pictures[] = {
    {"missing", NULL, "No such file"},
    {"empty", empty, "is empty"},
    {"zeros, as after a crash", zeros, "is not an image"},
    {"noise", noise, "is not an image"},
    {"a text", text, "is not an image"},
    {"a GIF", gif, "is a GIF"},
    {"a BMP", bmp, "is a BMP"},
    {"a TIFF", tiff, "is a TIFF"},
    {"a web page", web_page, "is a web page"},
    {"a Git LFS pointer", lfs, "Git LFS pointer"},
    {"half a JPEG", half, "cut short"},
    {"the head of a JPEG", head_alone, "cut short"},
    {"a JPEG without its end", two_bytes_short, "cut short"},
    {"a JPEG that ends in its scan", ends_in_the_scan, "damaged JPEG"},
    {"a JPEG without a scan", no_scan, "without an image"},
    {"a JPEG without quantizers", no_quantizers, "damaged JPEG"},
    {"a JPEG with impossible Huffman codes", bad_huffman, "damaged JPEG"},
    {"a JPEG of two frames", two_frames, "two frame headers"},
    {"a JPEG of 101 scans", many_scans, "more than 64 scans"},
    {"a JPEG of 12 bits", twelve_bits, "12-bit"},
    {"a lossless JPEG", lossless, "damaged JPEG"},
    {"a JPEG of 256 megapixels", claims_too_much, "are too many"},
    {"a JPEG of 64 megapixels in 1 kB", claims_more_than_its_bytes, "claims 8000 x 8000"},
    {"a JPEG of no height", claims_nothing, "has no pixels"},
    {"a JPEG with an endless segment", segment_too_long, "cut short"},
    {"a picture of another size", other_size, ""},
};

static const struct damage_kind damaged_maps[] = {
    {"missing", NULL, "No such file"},
    {"empty", empty, ""},
    {"zeros", zeros, ""},
    {"half a PNG", png_half, "damaged PNG"},
    {"a PNG with a flipped bit", png_data, "damaged PNG"},
    {"a PNG with a flipped bit in its header", png_header, "damaged PNG"},
    {"a PNG with a chunk of 2 GB", png_chunk_length, "damaged PNG"},
    {"a PNG without its end", png_without_end, "damaged PNG"},
    {"a PNG in colours", in_colours, ""},
    {"a JPEG", a_jpeg, ""},
    {"a map of another size", of_another_size, "with a label map of 17 x 17"},
};

/* What stands in "annotations" behind the id and image_id of one of them. */
static const struct {
    const char *text, *says;
} damaged_annotations[] = {
    {"\"category_id\": 30", "is of category 30, which is not listed"},
    {"\"category_id\": \"cat\"", "must be a number"},
    {"\"category_id\": 2, \"segmentation\": 7", "must be lists of numbers"},
    {"\"category_id\": 2, \"segmentation\": [[1, 2, 3, 4]]", "three whole corners"},
    {"\"category_id\": 2, \"segmentation\": [[1, 2, 3, 4, 5, 6, 7]]", "three whole corners"},
    {"\"category_id\": 2, \"segmentation\": [[1, 2, 3, 4, 1e99, 2]]", "far outside"},
    {"\"category_id\": 2, \"segmentation\": [[1, 2, 3, 4, null, 2]]", "is no number"},
    {"\"category_id\": 2, \"segmentation\": [[[1, 2, 3, 4, 5, 6]]]", "nested too deep"},
    {"\"category_id\": 2, \"segmentation\": {\"counts\": [1024], \"size\": [16, 64]}",
     "runs for 64"},
    {"\"category_id\": 2, \"segmentation\": {\"counts\": [5], \"size\": [32, 32]}",
     "runs of 5 pixels"},
    {"\"category_id\": 2, \"segmentation\": {\"counts\": [9999], \"size\": [32, 32]}",
     "at least 9999"},
    {"\"category_id\": 2, \"segmentation\": {\"counts\": [-5, 1029], \"size\": [32, 32]}",
     "cannot be"},
    {"\"category_id\": 2, \"segmentation\": {\"counts\": \"\\u00e9\", \"size\": [32, 32]}",
     "mask string"},
    {"\"category_id\": 2, \"segmentation\": {\"counts\": [1024]}", "needs \"size\""},
};

/* Files of annotations that cannot be read at all: they end the stage, whatever is set. */
static const struct {
    const char *text, *says;
} damaged_files[] = {
    {"", "is not JSON"},
    {"not JSON", "is not JSON"},
    {"{\"images\": [{\"id\": 1", "is not JSON"},
    {"[1, 2]", "no object at the top"},
    {"{\"images\": []}", "has no \"annotations\""},
    {"{\"annotations\": []}", "has no \"images\""},
    {"{\"images\": {}, \"annotations\": []}", "list of objects"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"../x\"}]}", "leads out of the folder"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"x\", \"height\": 70000, \"width\": 9}]}",
     "too many"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"x\"}, {\"id\": 1, \"file_name\": \"y\"}], "
     "\"annotations\": [], \"categories\": [{\"id\": 1, \"name\": \"n\"}]}",
     "image 1 is \"x\" and \"y\": give each its own id"},
    {"{\"images\": [], \"annotations\": [], \"categories\": []}", "has no categories"},
    {"{\"images\": [], \"annotations\": [{\"id\": 1, \"image_id\": 4, \"category_id\": 1}], "
     "\"categories\": [{\"id\": 1, \"name\": \"n\"}]}",
     "is of image 4, which is not listed"},
    {"{\"images\": [], \"annotations\": [], \"categories\": "
     "[{\"id\": 1, \"name\": \"n\"}, {\"id\": 1, \"name\": \"m\"}]}",
     "category 1 is listed twice"},
};
