#include "data/rle.h"

#include "base/rng.h"
#include "tests/test.h"

/* Blobs of all sizes, among them empty and full masks, and runs over the ends of rows. */
static void draw(struct mask *m, struct rng *r) {
    CHECK_OK(mask_alloc(m, 1 + rng_below(r, 40), 1 + rng_below(r, 40)));
    double p = rng_uniform(r) * 1.4 - 0.2;
    uint8_t last = 0;
    for (int64_t i = 0; i < m->h * m->w; i++)
        m->at[i] = last = rng_chance(r, 0.7) ? last : (uint8_t)rng_chance(r, p);
}

static bool same(const struct mask *a, const struct mask *b) {
    return a->h == b->h && a->w == b->w && !memcmp(a->at, b->at, (size_t)(a->h * a->w));
}

TEST(packed_masks_come_back_with_their_area_and_box) {
    struct rng r = rng_stream(1, "test.rle", 0);
    for (int i = 0; i < 300; i++) {
        struct mask m, back;
        struct bytes packed;
        draw(&m, &r);
        CHECK_OK(rle_pack(&m, &packed));
        CHECK_OK(rle_unpack(packed.at, packed.n, m.h, m.w, &back));
        CHECK(same(&m, &back));
        int64_t y = rng_below(&r, m.h), rows = 1 + rng_below(&r, m.h - y);
        CHECK_OK(rle_unpack_rows(packed.at, packed.n, m.h, m.w, y, rows, back.at));
        CHECK(!memcmp(back.at, m.at + y * m.w, (size_t)(rows * m.w)));
        int64_t area;
        struct box box, want;
        CHECK_OK(rle_measure(packed.at, packed.n, m.h, m.w, &area, &box));
        mask_box(&m, &want);
        CHECK_INT(area, mask_area(&m));
        CHECK(!memcmp(&box, &want, sizeof box));
        mask_free(&m);
        mask_free(&back);
        bytes_free(&packed);
    }
}

TEST(coco_runs_and_strings_come_back) {
    struct rng r = rng_stream(2, "test.rle", 0);
    for (int i = 0; i < 300; i++) {
        struct mask m, back;
        struct coco_rle rle, parsed;
        struct str s = {0};
        draw(&m, &r);
        CHECK_OK(coco_rle_encode(&m, &rle));
        coco_rle_print(&rle, &s);
        CHECK_OK(coco_rle_parse(s.at, s.n, &parsed));
        CHECK_INT(parsed.n, rle.n);
        CHECK(!memcmp(parsed.count, rle.count, rle.n * sizeof *rle.count));
        parsed.h = m.h;
        parsed.w = m.w;
        CHECK_OK(coco_rle_decode(&parsed, &back));
        CHECK(same(&m, &back));
        mask_free(&m);
        mask_free(&back);
        coco_rle_free(&rle);
        coco_rle_free(&parsed);
        str_free(&s);
    }
}

TEST(packed_runs_that_do_not_fit_are_errors) {
    struct mask m;
    int64_t area;
    struct box box;
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } bad[] = {
        {"", 0, "end early"},
        {"\x05", 1, "end early"},
        {"\x05\x08", 2, "8 pixels where 7 are left"},
        {"\x05\x00\x07", 3, "empty mask run"},
        {"\x0c\x00", 2, "1 bytes behind"},
        {"\x85", 1, "end early"},
        {"\xff\xff\xff\xff\xff\xff\xff", 7, "too many bytes"},
        {"\xff\xff\xff\xff\x7f", 5, "where 12 are left"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_ERROR(rle_unpack(bad[i].bytes, bad[i].n, 3, 4, &m), ERR_DATA, bad[i].what);
        CHECK_ERROR(rle_measure(bad[i].bytes, bad[i].n, 3, 4, &area, &box), ERR_DATA, bad[i].what);
    }
    CHECK_OK(rle_unpack("\x00\x0c", 2, 3, 4, &m)); /* a full mask starts with a run of none */
    CHECK_INT(mask_area(&m), 12);
    mask_free(&m);
}

TEST(coco_runs_that_do_not_fit_are_errors) {
    struct mask m;
    CHECK_OK(mask_alloc(&m, 3, 4));
    CHECK_ERROR(coco_rle_fill((uint32_t[]){5, 6}, 2, &m), ERR_DATA, "11 pixels");
    CHECK_ERROR(coco_rle_fill((uint32_t[]){5, UINT32_MAX, 9}, 3, &m), ERR_DATA, "at least");
    CHECK_ERROR(coco_rle_fill(NULL, 0, &m), ERR_DATA, "0 pixels");
    CHECK_INT(mask_area(&m), 0);
    struct coco_rle r;
    CHECK_ERROR(coco_rle_parse("5!", 2, &r), ERR_DATA, "character 2");
    CHECK_ERROR(coco_rle_parse("oooooooo", 8, &r), ERR_DATA, "damaged mask string");
    CHECK_ERROR(coco_rle_parse("o", 1, &r), ERR_DATA, "damaged mask string");
    CHECK_ERROR(coco_rle_parse("@", 1, &r), ERR_DATA, "-16 pixels"); /* 48 + sign bit */
    mask_free(&m);
}
