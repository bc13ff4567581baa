#include "checkpoints/zip.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/zip_made.h"

static struct made make(const char *first, const char *second) {
    struct made m = {0};
    const char *const names[2] = {first, second}, *const data[2] = {"hello", "abc"};
    for (int i = 0; i < 2; i++) {
        m.local[i] = m.bytes.n;
        made_local(&m, names[i], data[i], strlen(data[i]));
        m.descriptor[i] = m.bytes.n - 16;
        m.data[i] = m.descriptor[i] - strlen(data[i]);
    }
    size_t directory = m.bytes.n;
    for (int i = 0; i < 2; i++) {
        m.central[i] = m.bytes.n;
        made_central(&m, names[i], data[i], strlen(data[i]), m.local[i]);
    }
    made_end(&m, 2, directory);
    return m;
}

static int open_bytes(struct zip *z, struct input *in, const void *data, size_t n) {
    char *path = test_path("x.zip");
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
    CHECK_OK(input_open(in, path));
    free(path);
    return zip_open(z, in);
}

TEST(entries_are_found_by_name_and_their_data_is_summed) {
    struct made m = make("a/y", "a/x");
    struct zip z;
    struct input in;
    CHECK_OK(open_bytes(&z, &in, m.bytes.at, m.bytes.n));
    CHECK_INT(z.n, 2);
    const struct zip_entry *e = zip_find(&z, "a/x");
    CHECK(e && e->stored && e->bytes == 3 && e->data == m.data[1]);
    CHECK_OK(zip_check(&in, e));
    CHECK_OK(zip_check(&in, zip_find(&z, "a/y")));
    CHECK(!zip_find(&z, "a/z") && !zip_find(&z, "a"));
    zip_close(&z);
    input_close(&in);
    m.bytes.at[m.data[1]] = 'A';
    CHECK_OK(open_bytes(&z, &in, m.bytes.at, m.bytes.n));
    CHECK_OK(zip_check(&in, zip_find(&z, "a/y")));
    CHECK_ERROR(zip_check(&in, zip_find(&z, "a/x")), ERR_DATA, "CRC32");
    zip_close(&z);
    input_close(&in);
    str_free(&m.bytes);
}

enum place { NONE, LOCAL, CENTRAL, CENTRAL1, DESCRIPTOR, END64, LOCATOR, END };
struct patch {
    enum place in;
    size_t at;
    int width;
    uint64_t value;
};
static const struct {
    const char *message;
    struct patch patch[4];
} lies[] = {
    {"an entry of the directory is damaged", {{CENTRAL, 0, 4, 0}}},
    {"an entry of the directory is damaged", {{CENTRAL1, 0, 4, 0}}},
    {"encrypted", {{CENTRAL, 8, 2, 9}}},
    {"unknown compression", {{CENTRAL, 10, 2, 12}}},
    {"two sizes", {{CENTRAL, 20, 4, 4}}},
    {"two sizes", {{CENTRAL, 24, 4, 6}}},
    {"too long or damaged", {{CENTRAL, 28, 2, 0}}},
    {"too long or damaged", {{CENTRAL, 28, 2, 600}}},
    {"too long or damaged", {{CENTRAL, 30, 2, 60000}}},
    {"extra field is damaged", {{CENTRAL, 30, 2, 2}}},
    {"extra field is damaged", {{CENTRAL, 42, 4, 0xffffffff}}},
    {"extra field is damaged", {{CENTRAL, 20, 4, 0xffffffff}, {CENTRAL, 24, 4, 0xffffffff}}},
    {"too long or damaged", {{CENTRAL, 32, 2, 1}}},
    {"lies outside", {{CENTRAL, 42, 4, 100000}}},
    {"lies outside", {{CENTRAL1, 42, 4, 0xfffffffe}}},
    {"differ", {{CENTRAL, 42, 4, 1}}},
    {"differ", {{CENTRAL, 46, 1, 'b'}}},
    {"control characters", {{CENTRAL, 46, 1, 7}}},
    {"control characters", {{CENTRAL, 46, 1, 0}}},
    {"differ", {{CENTRAL, 16, 4, 1}}},
    {"differ", {{LOCAL, 0, 4, 0}}},
    {"differ", {{LOCAL, 6, 2, 0x800}}},
    {"differ", {{LOCAL, 8, 2, 8}}},
    {"differ", {{LOCAL, 26, 2, 2}}},
    {"differ", {{LOCAL, 30, 1, 'b'}}},
    {"differ in size or CRC", {{LOCAL, 14, 4, 1}}},
    {"differ in size or CRC", {{LOCAL, 18, 4, 1}}},
    {"differ in size or CRC", {{LOCAL, 22, 4, 1}}},
    {"differ in size or CRC", {{LOCAL, 6, 2, 0x800}, {CENTRAL, 8, 2, 0x800}}},
    {"ends outside", {{LOCAL, 28, 2, 60000}}},
    {"ends outside", {{CENTRAL, 20, 4, 5000}, {CENTRAL, 24, 4, 5000}}},
    {"descriptor behind its data", {{LOCAL, 28, 2, 7}}},
    {"descriptor behind its data", {{CENTRAL, 20, 4, 4}, {CENTRAL, 24, 4, 4}}},
    {"descriptor behind its data", {{DESCRIPTOR, 0, 4, 0}}},
    {"descriptor behind its data", {{DESCRIPTOR, 4, 4, 0}}},
    {"descriptor behind its data", {{DESCRIPTOR, 8, 4, 0}}},
    {"descriptor behind its data", {{DESCRIPTOR, 12, 4, 0}}},
    {"end record of 64 bits", {{END64, 0, 4, 0}}},
    {"end record of 64 bits", {{END64, 4, 8, 45}}},
    {"end record of 64 bits", {{END64, 16, 4, 1}}},
    {"end record of 64 bits", {{END64, 24, 8, 3}}},
    {"two end records differ", {{END64, 24, 8, 3}, {END64, 32, 8, 3}}},
    {"two end records differ", {{END64, 40, 8, 1}}},
    {"two end records differ", {{END64, 48, 8, 1}}},
    {"locator", {{LOCATOR, 8, 8, 1}}},
    {"locator", {{LOCATOR, 8, 8, UINT64_MAX}}},
    {"end record of 64 bits", {{LOCATOR, 16, 4, 2}}},
    {"in front of its end record", {{LOCATOR, 0, 4, 0}}},
    {"no end record", {{END, 0, 4, 0}}},
    {"no end record", {{END, 20, 2, 1}}},
    {"several parts", {{END, 4, 2, 1}}},
    {"several parts", {{END, 8, 2, 1}}},
    {"two end records differ", {{END, 12, 4, 1}}},
    {"two end records differ", {{END, 16, 4, 1}}},
    {"in front of its end record", {{END, 12, 4, 0xffffffff}, {END64, 40, 8, 1000}}},
    {"in front of its end record", {{END, 16, 4, 0xffffffff}, {END64, 48, 8, UINT64_MAX}}},
    {"more than 100000 entries", {{END, 12, 4, 0xffffffff}, {END64, 40, 8, 1ULL << 40}}},
    {"more than 100000 entries",
     {{END, 8, 4, 0xffffffff}, {END64, 24, 8, 100001}, {END64, 32, 8, 100001}}},
    {"more entries than", {{END, 8, 4, 0xffffffff}, {END64, 24, 8, 90000}, {END64, 32, 8, 90000}}},
    {"more in the directory", {{END, 8, 4, 0x00010001}, {END64, 24, 8, 1}, {END64, 32, 8, 1}}},
};

TEST(every_field_that_lies_is_an_error) {
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct made m = make("a/x", "a/y");
        const size_t place[] = {0,       m.local[0], m.central[0], m.central[1], m.descriptor[0],
                                m.end64, m.locator,  m.end};
        for (const struct patch *p = lies[i].patch; p < lies[i].patch + 4 && p->in; p++)
            for (int k = 0; k < p->width; k++)
                m.bytes.at[place[p->in] + p->at + (size_t)k] = (char)(p->value >> (8 * k));
        struct zip z;
        struct input in;
        int status = open_bytes(&z, &in, m.bytes.at, m.bytes.n);
        if (status != ERR_DATA || !strstr(error_message(), lies[i].message) || z.n)
            test_fail(__FILE__, __LINE__, "case %zu: %d \"%s\", expected \"%s\"", i, status,
                      error_message(), lies[i].message);
        error_clear();
        input_close(&in);
        str_free(&m.bytes);
    }
}

TEST(an_archive_that_is_cut_or_longer_is_an_error) {
    struct made m = make("a/x", "a/y");
    struct zip z;
    struct input in;
    for (size_t n = 0; n < m.bytes.n; n++) {
        CHECK_INT(open_bytes(&z, &in, m.bytes.at, n), ERR_DATA);
        error_clear();
        input_close(&in);
    }
    str_put(&m.bytes, "", 1);
    CHECK_ERROR(open_bytes(&z, &in, m.bytes.at, m.bytes.n), ERR_DATA, "no end record");
    input_close(&in);
    str_free(&m.bytes);
}

TEST(two_entries_of_one_name_are_an_error) {
    struct made m = make("a/x", "a/x");
    struct zip z;
    struct input in;
    CHECK_ERROR(open_bytes(&z, &in, m.bytes.at, m.bytes.n), ERR_DATA, "a/x: is there twice");
    input_close(&in);
    str_free(&m.bytes);
}

TEST(an_entry_inside_another_is_an_error) {
    struct made inner = {0}, m = {0};
    made_local(&inner, "a/y", "abc", 3);
    made_local(&m, "a/x", inner.bytes.at, inner.bytes.n);
    size_t directory = m.bytes.n, at = 30 + 3 + 6;
    made_central(&m, "a/x", inner.bytes.at, inner.bytes.n, 0);
    made_central(&m, "a/y", "abc", 3, at);
    made_end(&m, 2, directory);
    struct zip z;
    struct input in;
    CHECK_ERROR(open_bytes(&z, &in, m.bytes.at, m.bytes.n), ERR_DATA, "a/y: overlaps");
    input_close(&in);
    str_free(&m.bytes);
    str_free(&inner.bytes);
}

TEST(an_entry_of_more_than_4_gib_is_read) {
    /* A file with a hole: only what is written takes room. */
    const uint64_t size = 5000000000;
    struct made head = {0}, tail = {0};
    made_local(&head, "a/x", "", 0);
    head.bytes.n -= 16; /* its descriptor comes behind the hole, in its wide form */
    made_put(&tail, 4, 0x08074b50);
    made_put(&tail, 4, 0x1234);
    made_put(&tail, 8, size);
    made_put(&tail, 8, size);
    size_t central = tail.bytes.n;
    made_central(&tail, "a/x", "", 0, 0);
    made_put(&tail, 2, 1);
    made_put(&tail, 2, 16);
    made_put(&tail, 8, size);
    made_put(&tail, 8, size);
    tail.bytes.at[central + 16] = 0x34, tail.bytes.at[central + 17] = 0x12;
    memset(tail.bytes.at + central + 20, 0xff, 8);
    tail.bytes.at[central + 30] = 20;
    size_t end = tail.bytes.n;
    made_end(&tail, 1, 0);
    for (int i = 0; i < 8; i++) {
        tail.bytes.at[end + 40 + (size_t)i] = (char)((end - central) >> (8 * i));
        tail.bytes.at[end + 48 + (size_t)i] = (char)((head.bytes.n + size + central) >> (8 * i));
        tail.bytes.at[end + 64 + (size_t)i] = (char)((head.bytes.n + size + end) >> (8 * i));
    }
    memset(tail.bytes.at + end + 76 + 12, 0xff, 8);
    char *path = test_path("large.zip");
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0 && pwrite(fd, head.bytes.at, head.bytes.n, 0) == (ssize_t)head.bytes.n);
    CHECK(pwrite(fd, tail.bytes.at, tail.bytes.n, (off_t)(head.bytes.n + size)) ==
          (ssize_t)tail.bytes.n);
    close(fd);
    struct zip z;
    struct input in;
    CHECK_OK(input_open(&in, path));
    CHECK_OK(zip_open(&z, &in));
    CHECK(z.n == 1 && z.at[0].bytes == size && z.at[0].data == head.bytes.n);
    zip_close(&z);
    input_close(&in);
    str_free(&head.bytes);
    str_free(&tail.bytes);
    free(path);
}
