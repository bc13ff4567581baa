#include "tests/test.h"
#include "train/events.h"

TEST(crc32c_of_the_standard_check_text) {
    CHECK_INT(events_crc32c("123456789", 9), 0xe3069283u); /* RFC 3720, B.4 */
    CHECK_INT(events_crc32c("", 0), 0);
    uint8_t zeros[32] = {0};
    CHECK_INT(events_crc32c(zeros, 32), 0x8a9136aau); /* RFC 3720, B.4 */
}

/* What TensorBoard's reader does with a record: undo the mask, compare. */
static void check_crc(const char *at, const void *data, size_t n) {
    uint32_t masked;
    memcpy(&masked, at, 4);
    uint32_t rotated = masked - 0xa282ead8u;
    CHECK_INT(rotated >> 17 | rotated << 15, events_crc32c(data, n));
}

/* The payload of the record at *at, which moves behind it. */
static struct bytes next_record(const struct str *s, size_t *at) {
    uint64_t n;
    CHECK(*at + 16 <= s->n);
    memcpy(&n, s->at + *at, 8);
    check_crc(s->at + *at + 8, s->at + *at, 8);
    CHECK(n <= s->n - *at - 16);
    struct bytes b = {(uint8_t *)s->at + *at + 12, n};
    check_crc(s->at + *at + 12 + n, b.at, n);
    *at += 16 + n;
    return b;
}

static void check_bytes(struct bytes b, size_t *at, const void *expected, size_t n) {
    CHECK(*at + n <= b.n);
    CHECK(memcmp(b.at + *at, expected, n) == 0);
    *at += n;
}

TEST(event_files_are_framed_as_tensorboard_reads_them) {
    struct str s = {0};
    double wall = 1234.5, read;
    float value = 0.75f;
    events_header(&s, wall);
    events_scalar(&s, wall, 300, "train/loss", value);
    size_t at = 0, in = 0;
    struct bytes header = next_record(&s, &at), scalar = next_record(&s, &at);
    CHECK_INT(at, s.n);

    /* Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
     * Summary { repeated Value value = 1; }, Value { string tag = 1; float simple_value = 2; } */
    check_bytes(header, &in, "\x09", 1);
    memcpy(&read, header.at + in, 8);
    CHECK_NEAR(read, wall, 0);
    in += 8;
    check_bytes(header, &in,
                "\x1a\x0d"
                "brain.Event:2",
                15);
    CHECK_INT(in, header.n);

    in = 0;
    check_bytes(scalar, &in, "\x09", 1);
    check_bytes(scalar, &in, &wall, 8);
    check_bytes(scalar, &in, "\x10\xac\x02", 3); /* step 300 */
    check_bytes(scalar, &in,
                "\x2a\x13\x0a\x11\x0a\x0a"
                "train/loss"
                "\x15",
                17);
    check_bytes(scalar, &in, &value, 4);
    CHECK_INT(in, scalar.n);
    str_free(&s);
}
