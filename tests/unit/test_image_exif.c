/* How a photograph was held: EXIF's word in JPEG, PNG and WebP, right, damaged and absent. */
#include "data/image.h"
#include "tests/unit/image_made.h"

static void expect_turn(const struct bytes *b, int orientation, const char *what) {
    struct image im;
    struct image_facts facts;
    CHECK_OK(image_look(b->at, b->n, what, &facts));
    if (facts.orientation != orientation)
        test_fail(__FILE__, __LINE__, "%s: orientation %d, not %d", what, facts.orientation,
                  orientation);
    CHECK_OK(image_decode_upright(b->at, b->n, what, &im));
    CHECK_INT(im.h, orientation >= 5 ? 34 : 21);
    image_free(&im);
}

static uint8_t *find(const struct bytes *b, const char *what, size_t n) {
    for (size_t i = 0; i + n <= b->n; i++)
        if (memcmp(b->at + i, what, n) == 0) return b->at + i;
    test_fail(__FILE__, __LINE__, "not there");
    return NULL;
}

/* Where EXIF stands in these files: the TIFF header is "MM\0*", the entry is at 10. */
static void damage_exif(const char *name, int orientation, void (*seal)(struct bytes *)) {
    static const struct {
        const char *what;
        size_t at, n;
        const char *bytes;
    } damages[] = {
        {"no TIFF header", 0, 1, "N"},
        {"the other byte order", 0, 2, "II"},
        {"a list outside of it", 4, 4, "\xff\xff\xff\xff"},
        {"a list at its end", 4, 4, "\0\0\0\x19"},
        {"no entries", 8, 2, "\0\0"},
        {"another tag", 10, 2, "\1\x13"},
        {"another type", 12, 2, "\0\2"},
        {"orientation 0", 18, 2, "\0\0"},
        {"orientation 9", 18, 2, "\0\x9"},
    };
    struct bytes whole;
    char *path = mem_format("tests/golden/images/%s", name);
    read_golden(path, &whole);
    expect_turn(&whole, orientation, name);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct bytes b = {mem_alloc(whole.n, 1), whole.n};
        memcpy(b.at, whole.at, b.n);
        memcpy(find(&b, "MM\0*", 4) + damages[i].at, damages[i].bytes, damages[i].n);
        if (seal) seal(&b);
        expect_turn(&b, 1, damages[i].what);
        bytes_free(&b);
    }
    bytes_free(&whole);
    free(path);
}

static void seal_exif(struct bytes *b) {
    uint8_t *chunk = find(b, "eXIf", 4);
    size_t n = chunk[-1]; /* short ones alone are here */
    uint32_t sum = (uint32_t)crc32(0, chunk, (uInt)n + 4);
    for (int i = 0; i < 4; i++) chunk[4 + n + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
}

TEST(exif_that_makes_no_sense_turns_nothing) {
    damage_exif("exif6.jpg", 6, NULL);
    damage_exif("exif6.png", 6, seal_exif);
    damage_exif("exif3behind.png", 3, seal_exif);
#ifdef OVSEG_WEBP
    damage_exif("exif5.webp", 5, NULL);
    damage_exif("exif8marked.webp", 8, NULL);
#endif
}

TEST(exif_whose_checksum_or_flag_is_wrong_turns_nothing) {
    struct bytes b;
    read_golden("tests/golden/images/exif6.png", &b);
    find(&b, "MM\0*", 4)[19] = 8;
    expect_turn(&b, 1, "checksum");
    bytes_free(&b);
#ifdef OVSEG_WEBP
    read_golden("tests/golden/images/exif5.webp", &b);
    find(&b, "VP8X", 4)[8] = 0;
    expect_turn(&b, 1, "flag");
    bytes_free(&b);
#endif
}

TEST(a_mask_is_read_as_it_is_stored_whatever_exif_says) {
    struct bytes b;
    struct str png = {0};
    struct labels l;
    static const char turn[] = "MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0";
    enum { HEAD = 33 }; /* signature and IHDR */
    read_golden("tests/golden/images/grey8.png", &b);
    str_put(&png, b.at, HEAD);
    put_chunk(&png, "eXIf", turn, sizeof turn);
    str_put(&png, b.at + HEAD, b.n - HEAD);
    struct bytes turned = {(uint8_t *)png.at, png.n};
    expect_turn(&turned, 6, "a picture");
    CHECK_OK(labels_decode_png(turned.at, turned.n, "a mask", &l));
    CHECK(l.h == 21 && l.w == 34);
    for (int64_t i = 0; i < l.h * l.w; i++) CHECK_INT(l.at[i], i % 256);
    labels_free(&l);
    str_free(&png);
    bytes_free(&b);
}
