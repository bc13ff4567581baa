#include "data/image.h"

#include <turbojpeg.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "tests/unit/image_made.h"

static void gradient(struct image *im, int64_t h, int64_t w, int64_t c) {
    CHECK_OK(image_alloc(im, h, w, c));
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++)
            for (int64_t k = 0; k < c; k++)
                im->at[(y * w + x) * c + k] = (uint8_t)(k == 0 ? x * 3 : k == 1 ? y * 5 : x + y);
}

static bool same(const struct image *a, const struct image *b) {
    return a->h == b->h && a->w == b->w && a->c == b->c &&
           !memcmp(a->at, b->at, (size_t)(a->h * a->w * a->c));
}

TEST(the_photographs_decode_as_pillow_decodes_them) {
    char *folder = test_coco_mini("train2017");
    char *golden = test_source("tests/golden/photos.txt");
    FILE *f = fopen(golden, "r");
    CHECK(f);
    char file[64], hex[17];
    long long h, w;
    int n = 0;
    while (fscanf(f, "%63s %lld %lld %16s", file, &h, &w, hex) == 4) {
        char *path = path_join(folder, file);
        struct bytes b;
        struct image im;
        uint64_t want;
        CHECK_OK(hash_parse(hex, &want));
        CHECK_OK(file_read(path, 10 << 20, &b));
        CHECK_OK(image_decode(b.at, b.n, file, &im));
        CHECK_INT(im.h, h);
        CHECK_INT(im.w, w);
        if (hash_bytes(im.at, (size_t)(h * w * 3)) != want)
            test_fail(__FILE__, __LINE__, "%s differs from Pillow", file);
        image_free(&im);
        bytes_free(&b);
        free(path);
        n++;
    }
    CHECK_INT(n, 80);
    fclose(f);
    free(folder);
    free(golden);
}

TEST(small_files_of_every_kind_decode_as_pillow_decodes_them) {
    char *list = test_source("tests/golden/images/list.txt");
    FILE *f = fopen(list, "r");
    CHECK(f);
    char file[64], hex[17], name[128];
    int upright, n = 0;
    long long h, w;
    while (fscanf(f, "%63s %d %lld %lld %16s", file, &upright, &h, &w, hex) == 5) {
        snprintf(name, sizeof name, "tests/golden/images/%s", file);
        char *path = test_source(name);
        struct bytes b;
        struct image im;
        uint64_t want;
        CHECK_OK(hash_parse(hex, &want));
        CHECK_OK(file_read(path, 1 << 20, &b));
#ifndef OVSEG_WEBP
        if (strstr(file, ".webp")) {
            CHECK_ERROR(image_decode(b.at, b.n, file, &im), ERR_DEVICE, "libwebp");
            bytes_free(&b);
            free(path);
            continue;
        }
#endif
        CHECK_OK((upright ? image_decode_upright : image_decode)(b.at, b.n, file, &im));
        if (im.h != h || im.w != w || hash_bytes(im.at, (size_t)(h * w * 3)) != want)
            test_fail(__FILE__, __LINE__, "%s (upright %d) differs from Pillow", file, upright);
        image_free(&im);
        int64_t hh, ww;
        CHECK_OK((upright ? image_size_upright : image_size)(b.at, b.n, file, &hh, &ww));
        CHECK(hh == h && ww == w);
        bytes_free(&b);
        free(path);
        n++;
    }
    CHECK(n >= 40);
    fclose(f);
    free(list);
}

TEST(png_gives_back_the_pixels) {
    for (int64_t c = 1; c <= 3; c += 2) {
        struct image im, back;
        struct bytes png;
        gradient(&im, 37, 51, c);
        CHECK_OK(image_encode_png(&im, &png));
        CHECK_OK(image_decode(png.at, png.n, "x.png", &back));
        CHECK_INT(back.c, 3);
        for (int64_t i = 0; i < im.h * im.w; i++)
            for (int64_t k = 0; k < 3; k++)
                CHECK_INT(back.at[3 * i + k], im.at[c * i + (c == 3 ? k : 0)]);
        image_free(&im);
        image_free(&back);
        bytes_free(&png);
    }
}

TEST(label_maps_of_8_and_of_16_bits_come_back) {
    for (int wide = 0; wide < 2; wide++) {
        struct labels l, back;
        struct bytes png;
        CHECK_OK(labels_alloc(&l, 19, 23));
        for (int i = 0; i < 19 * 23; i++) l.at[i] = (uint16_t)(wide ? i * 150 : i % 256);
        CHECK_OK(labels_encode_png(&l, &png));
        CHECK_OK(labels_decode_png(png.at, png.n, "l.png", &back));
        CHECK(back.h == 19 && back.w == 23 && !memcmp(l.at, back.at, sizeof *l.at * 19 * 23));
        CHECK_INT(png.at[24], wide ? 16 : 8);
        labels_free(&l);
        labels_free(&back);
        bytes_free(&png);
    }
}

TEST(a_palette_label_map_is_read_as_indices_not_colours) {
    struct bytes b;
    struct labels l;
    read_golden("tests/golden/images/palette.png", &b);
    CHECK_OK(labels_decode_png(b.at, b.n, "palette.png", &l));
    for (int64_t i = 0; i < l.h * l.w; i++) CHECK_INT(l.at[i], i % 7);
    labels_free(&l);
    bytes_free(&b);
    read_golden("tests/golden/images/grey2.png", &b); /* 2 bits: 0 .. 3, not 0, 85, 170, 255 */
    CHECK_OK(labels_decode_png(b.at, b.n, "grey2.png", &l));
    for (int64_t i = 0; i < l.h * l.w; i++) CHECK_INT(l.at[i], i % 4);
    labels_free(&l);
    bytes_free(&b);
    read_golden("tests/golden/images/rgb.png", &b);
    CHECK_ERROR(labels_decode_png(b.at, b.n, "rgb.png", &l), ERR_DATA, "rgb.png: is a colour");
    bytes_free(&b);
}

TEST(clips_mean_colour_becomes_124_116_103_by_jpeg_at_quality_75) {
    struct image im, back; /* reference-spec 7.3 */
    struct bytes jpeg;
    CHECK_OK(image_alloc(&im, 32, 32, 3));
    static const uint8_t mean[] = {123, 117, 104}, want[] = {124, 116, 103};
    for (int i = 0; i < 32 * 32 * 3; i++) im.at[i] = mean[i % 3];
    CHECK_OK(image_encode_jpeg(&im, 75, &jpeg));
    CHECK_OK(image_decode(jpeg.at, jpeg.n, "mean.jpg", &back));
    for (int i = 0; i < 32 * 32 * 3; i++) CHECK_INT(back.at[i], want[i % 3]);
    image_free(&im);
    image_free(&back);
    bytes_free(&jpeg);
}

TEST(grey_of_16_bits_is_a_label_map_and_no_picture) {
    struct bytes b;
    struct image im;
    struct labels l;
    struct image_facts facts;
    read_golden("tests/golden/images/grey16.png", &b);
    CHECK_ERROR(image_decode(b.at, b.n, "a.png", &im), ERR_DATA,
                "a.png: is grey of 16 bits, of which readers of pictures keep what is below 256; "
                "convert it to 8 bits");
    CHECK_ERROR(image_decode_upright(b.at, b.n, "a.png", &im), ERR_DATA, "grey of 16 bits");
    CHECK_OK(image_look(b.at, b.n, "a.png", &facts));
    CHECK(facts.bits == 16 && facts.channels == 1);
    CHECK_OK(labels_decode_png(b.at, b.n, "a.png", &l));
    labels_free(&l);
    bytes_free(&b);
}

TEST(orientations_undo_each_other) {
    static const int inverse[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    for (int o = 0; o <= 9; o++) {
        struct image a, b;
        gradient(&a, 5, 8, 3);
        gradient(&b, 5, 8, 3);
        CHECK_OK(image_orient(&b, o));
        if (o >= 2 && o <= 8) CHECK(!same(&a, &b));
        CHECK_OK(image_orient(&b, o <= 8 ? inverse[o] : 0));
        CHECK(same(&a, &b));
        image_free(&a);
        image_free(&b);
    }
}

/* Every prefix of the file must be refused with its name, and never crash. */
static void cut_everywhere(const struct bytes *b, const char *name) {
    for (size_t n = 0; n < b->n; n += n < 64 ? 1 : b->n / 97 + 1) {
        uint8_t *part = mem_alloc(n ? n : 1, 1); /* exact size: ASan sees a read beyond it */
        if (n) memcpy(part, b->at, n);
        struct image im;
        int status = image_decode(part, n, name, &im);
        if (status != ERR_DATA || !strstr(error_message(), name))
            test_fail(__FILE__, __LINE__, "%s cut to %zu of %zu: %d \"%s\"", name, n, b->n, status,
                      error_message());
        CHECK(!im.at);
        error_clear();
        free(part);
    }
}

TEST(truncated_files_are_errors_that_name_the_file) {
    static const char *names[] = {"grey.jpg", "photo.jpg",   "progressive.jpg", "cmyk.jpg",
                                  "rgb.png",  "palette.png", "interlaced.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = mem_format("tests/golden/images/%s", names[i]);
        struct bytes b;
        read_golden(name, &b);
        cut_everywhere(&b, names[i]);
        bytes_free(&b);
        free(name);
    }
#ifdef OVSEG_WEBP
    struct bytes b;
    read_golden("tests/golden/images/lossless.webp", &b);
    cut_everywhere(&b, "lossless.webp");
    bytes_free(&b);
#endif
}

TEST(damaged_bytes_never_crash_and_errors_are_clean) {
    static const char *names[] = {"photo.jpg",   "progressive.jpg", "exif6.jpg",
                                  "palette.png", "grey16.png",      "exif3behind.png"};
    struct rng r = rng_stream(1, "test.damage", 0);
    int refused = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = mem_format("tests/golden/images/%s", names[i]);
        struct bytes b;
        read_golden(name, &b);
        for (int round = 0; round < 60; round++) {
            uint8_t *copy = mem_alloc(b.n, 1);
            memcpy(copy, b.at, b.n);
            for (int k = 0; k < 4; k++)
                copy[2 + rng_below(&r, (int64_t)b.n - 2)] = (uint8_t)rng_next(&r);
            struct image im;
            struct labels l;
            int status = image_decode_upright(copy, b.n, names[i], &im);
            CHECK(status == 0 || (status == ERR_DATA && !im.at));
            refused += status != 0;
            error_clear();
            image_free(&im);
            status = labels_decode_png(copy, b.n, names[i], &l);
            CHECK(status == 0 || (status == ERR_DATA && !l.at));
            error_clear();
            labels_free(&l);
            free(copy);
        }
        bytes_free(&b);
        free(name);
    }
    CHECK(refused > 100);
}

TEST(what_is_no_image_is_named) {
    struct image im;
    CHECK_ERROR(image_decode("", 0, "a", &im), ERR_DATA, "a: is empty: get it again");
    CHECK_ERROR(image_decode("hello there", 11, "b.jpg", &im), ERR_DATA, "b.jpg: is not an image");
    CHECK_ERROR(image_decode("GIF89a......", 12, "c", &im), ERR_DATA, "c: is a GIF");
    CHECK_ERROR(image_decode("<html>.......", 12, "d", &im), ERR_DATA, "web page");
    CHECK_ERROR(image_decode("\xff\xd8\xff\xd9", 4, "e", &im), ERR_DATA, "without an image");
    struct labels l;
    CHECK_ERROR(labels_decode_png("BM", 2, "f", &l), ERR_DATA, "f: is not a PNG");
}

static void tiny_jpeg(struct bytes *b, int64_t h, int64_t w) {
    struct image im;
    CHECK_OK(image_alloc(&im, h, w, 3));
    CHECK_OK(image_encode_jpeg(&im, 90, b));
    image_free(&im);
}

TEST(a_header_that_claims_too_much_is_refused_before_decoding) {
    struct bytes b;
    struct image im;
    tiny_jpeg(&b, 16, 16);
    size_t sof = 0;
    while (!(b.at[sof] == 0xff && b.at[sof + 1] == 0xc0)) sof++;
    memcpy(b.at + sof + 5, "\x3e\x80\x3e\x80", 4); /* 16000 x 16000 */
    CHECK_ERROR(image_decode(b.at, b.n, "bomb.jpg", &im), ERR_DATA, "16000 x 16000 pixels are too");
    memcpy(b.at + sof + 5, "\x1f\x40\x1f\x40", 4); /* 8000 x 8000: legal, but not in 600 bytes */
    CHECK_ERROR(image_decode(b.at, b.n, "bomb.jpg", &im), ERR_DATA, "8000 x 8000 pixels in");
    memcpy(b.at + sof + 5, "\x00\x10\x41\x00", 4); /* 16 x 16640 */
    CHECK_ERROR(image_decode(b.at, b.n, "bomb.jpg", &im), ERR_DATA, "16640 x 16 pixels are too");
    memcpy(b.at + sof + 5, "\x00\x00\x00\x10", 4);
    CHECK_ERROR(image_decode(b.at, b.n, "bomb.jpg", &im), ERR_DATA, "no pixels");
    memcpy(b.at + sof + 5, "\x00\x10\x00\x10", 4);
    b.at[sof + 4] = 12;
    CHECK_ERROR(image_decode(b.at, b.n, "deep.jpg", &im), ERR_DATA, "12-bit JPEG");
    bytes_free(&b);

    gradient(&im, 8, 8, 3);
    CHECK_OK(image_encode_png(&im, &b));
    image_free(&im);
    memcpy(b.at + 16, "\x00\x00\x1f\x40\x00\x00\x1f\x40", 8); /* and a wrong CRC with it */
    CHECK_ERROR(image_decode(b.at, b.n, "bomb.png", &im), ERR_DATA, "bomb.png: damaged PNG");
    bytes_free(&b);
}

/* progressive.jpg with its last scan repeated, and `tail` bytes behind its end. */
static void repeat_scan(struct bytes *to, size_t times, size_t tail) {
    struct bytes b;
    read_golden("tests/golden/images/progressive.jpg", &b);
    size_t sos = 0;
    for (size_t i = 0; i + 1 < b.n; i++)
        if (b.at[i] == 0xff && b.at[i + 1] == 0xda) sos = i;
    size_t scan = b.n - 2 - sos;
    to->n = sos + times * scan + 2 + tail;
    to->at = mem_alloc(to->n, 1);
    memcpy(to->at, b.at, sos);
    for (size_t i = 0; i < times; i++) memcpy(to->at + sos + i * scan, b.at + sos, scan);
    memcpy(to->at + to->n - tail - 2, b.at + b.n - 2, 2);
    bytes_free(&b);
}

TEST(a_jpeg_of_thousands_of_scans_is_refused_at_once) {
    struct bytes b;
    struct image im;
    repeat_scan(&b, 2000, 0);
    CHECK_ERROR(image_decode(b.at, b.n, "bomb.jpg", &im), ERR_DATA, "more than 64 scans");
    bytes_free(&b);
}

TEST(a_large_jpeg_may_have_fewer_scans) {
    struct bytes b;
    struct image im;
    repeat_scan(&b, 20, 100000); /* enough bytes for the size that it will claim */
    size_t sof = 0;
    while (!(b.at[sof] == 0xff && b.at[sof + 1] == 0xc2)) sof++;
    memcpy(b.at + sof + 5, "\x1f\x40\x1f\x40", 4);
    CHECK_ERROR(image_decode(b.at, b.n, "bomb.jpg", &im), ERR_DATA, "scans of 8000 x 8000");
    bytes_free(&b);
}

TEST(a_png_that_is_made_quickly_has_the_same_pixels) {
    struct image im, back;
    struct bytes slow, quick;
    CHECK_OK(image_alloc(&im, 60, 90, 3));
    for (int64_t i = 0; i < 60 * 90 * 3; i++)
        im.at[i] = (uint8_t)(i / 270 * 3 + i % 270 / 2 + (i * 7919 >> 5) % 9);
    CHECK_OK(image_encode_png(&im, &slow));
    CHECK_OK(image_encode_png_quick(&im, &quick));
    CHECK(quick.n != slow.n && quick.n < 60 * 90 * 3);
    CHECK_OK(image_decode(quick.at, quick.n, "quick", &back));
    CHECK(back.h == 60 && back.w == 90 && memcmp(back.at, im.at, 60 * 90 * 3) == 0);
    bytes_free(&slow);
    bytes_free(&quick);
    image_free(&im);
    image_free(&back);
}

/* ---- PNG files by hand ---- */

/* Bytes of the rows of a black RGB picture, with their filters, in Adam7's passes or in one. */
static size_t rows_of(uint32_t w, uint32_t h, bool interlaced) {
    static const uint32_t pass[7][4] = {{0, 8, 0, 8}, {4, 8, 0, 8}, {0, 4, 4, 8}, {2, 4, 0, 4},
                                        {0, 2, 2, 4}, {1, 2, 0, 2}, {0, 1, 1, 2}};
    size_t n = 0;
    if (!interlaced) return h * (1 + 3 * w);
    for (int i = 0; i < 7; i++) {
        uint32_t pw = w > pass[i][0] ? (w - pass[i][0] + pass[i][1] - 1) / pass[i][1] : 0;
        uint32_t ph = h > pass[i][2] ? (h - pass[i][2] + pass[i][3] - 1) / pass[i][3] : 0;
        if (pw) n += ph * (1 + 3 * pw);
    }
    return n;
}

/* `more`: bytes that are packed behind the last row. */
static int decode_black(uint32_t w, uint32_t h, bool interlaced, size_t more) {
    struct str s = {0}, head = {0};
    size_t n = rows_of(w, h, interlaced) + more;
    uLongf packed = compressBound((uLong)n);
    uint8_t *zeros = mem_alloc(n, 1), *data = mem_alloc(packed, 1);
    CHECK_INT(compress2(data, &packed, zeros, (uLong)n, 1), Z_OK);
    put_u32(&head, w);
    put_u32(&head, h);
    str_put(&head, interlaced ? "\10\2\0\0\1" : "\10\2\0\0\0", 5);
    str_put(&s, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(&s, "IHDR", head.at, head.n);
    put_chunk(&s, "IDAT", data, packed);
    put_chunk(&s, "IEND", "", 0);
    struct image im = {0};
    int status = image_decode(s.at, s.n, "black.png", &im);
    image_free(&im);
    free(zeros);
    free(data);
    str_free(&head);
    str_free(&s);
    return status;
}

TEST(a_png_that_unpacks_to_more_than_it_holds_is_refused_before_it_is_unpacked) {
    enum { BOMB = 100 << 20 };
    for (uint32_t w = 1; w < 10; w++)
        for (uint32_t h = 1; h < 10; h++) CHECK_OK(decode_black(w, h, true, 0));
    CHECK_OK(decode_black(5, 3, false, 1000)); /* as some encoders leave it */
    for (uint32_t h = 1; h < 4; h++) {
        CHECK_ERROR(decode_black(4, h, false, BOMB), ERR_DATA, "go on behind the last row");
        CHECK_ERROR(decode_black(4, h, true, BOMB), ERR_DATA, "go on behind the last row");
    }
}
