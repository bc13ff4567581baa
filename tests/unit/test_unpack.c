/* Archives of strangers. Tar files are made here by hand, so that each can lie as it likes. */
#include "data/unpack.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/zip_named.h"

struct entry {
    const char *name, *link, *data;
    char type; /* '0' file, '2' symbolic link, '1' hard link, '3' device */
    long said; /* size in the header; -1: the true one */
};

static void add_header(struct str *tar, const struct entry *e) {
    char head[512] = {0};
    size_t size = e->said < 0 ? strlen(e->data) : (size_t)e->said;
    snprintf(head, 100, "%s", e->name);
    snprintf(head + 100, 8, "%07o", 0644U);
    snprintf(head + 108, 8, "%07o", 0U);
    snprintf(head + 116, 8, "%07o", 0U);
    for (int i = 10; i >= 0; i--, size /= 8) head[124 + i] = (char)('0' + size % 8);
    snprintf(head + 136, 12, "%011o", 0U);
    head[156] = e->type;
    snprintf(head + 157, 100, "%s", e->link ? e->link : "");
    snprintf(head + 257, 6, "ustar");
    head[263] = head[264] = '0';
    memset(head + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++) sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    str_put(tar, head, sizeof head);
}

static void add_entry(struct str *tar, const struct entry *e) {
    char block[512] = {0};
    size_t n = strlen(e->data);
    add_header(tar, e);
    memcpy(block, e->data, n);
    if (n) str_put(tar, block, sizeof block);
}

/* Writes a.tar of a good file and another entry. */
static char *make_tar(const struct entry *e, bool end) {
    static const char zero[1024];
    struct str tar = {0};
    char *path = test_path("a.tar");
    add_entry(&tar, &(struct entry){"dir/good.png", NULL, "good", '0', -1});
    add_entry(&tar, e);
    if (end) str_put(&tar, zero, sizeof zero);
    CHECK_OK(file_write(path, tar.at, tar.n));
    str_free(&tar);
    return path;
}

static char *any_name(void *self, const char *entry) {
    (void)self;
    const char *base = path_base(entry);
    return *base ? mem_strdup(base) : NULL;
}

static int unpack_to(const char *archive, int64_t *n) {
    char *to = test_path("out");
    struct unpack u = {.archive = archive, .to = to, .name_of = any_name};
    int status = unpack_files(&u, n);
    free(to);
    return status;
}

static void check_refused(struct entry e, bool end, const char *why) {
    char *path = make_tar(&e, end);
    int64_t n;
    CHECK_ERROR(unpack_to(path, &n), ERR_DATA, why);
    free(path);
}

TEST(a_good_archive_gives_its_files) {
    char *path = make_tar(&(struct entry){"dir/b.png", NULL, "second", '0', -1}, true);
    char *file = test_path("out/b.png");
    int64_t n;
    struct bytes b;
    CHECK_OK(unpack_to(path, &n));
    CHECK_INT(n, 2);
    CHECK_OK(file_read(file, 100, &b));
    CHECK_TEXT((const char *)b.at, "second");
    bytes_free(&b);
    CHECK_OK(unpack_to(path, &n)); /* again: they are there */
    CHECK_INT(n, 2);
    free(file);
    free(path);
}

/* ---- names that are not ASCII; the program, and so this test, is in the locale of C ---- */

/* Each file's content is its name. */
static char *make_zip(const char *const *name, const bool *utf8, size_t n) {
    struct zip_file *at = mem_alloc(n, sizeof *at);
    char *path = test_path("names.zip");
    for (size_t i = 0; i < n; i++)
        at[i] = (struct zip_file){name[i], name[i], strlen(name[i]), utf8[i]};
    zip_write(path, at, n);
    free(at);
    return path;
}

static void check_file(const char *name, const char *data) {
    char *below = mem_format("out/%s", name), *path = test_path(below);
    struct bytes b;
    CHECK_OK(file_read(path, 512, &b));
    CHECK_TEXT((const char *)b.at, data);
    bytes_free(&b);
    free(path);
    free(below);
}

TEST(names_of_a_zip_are_bytes_whether_it_marks_them_as_utf8_or_not) {
    static const char *const name[] = {("gr\xc3\xbc\xc3\x9f"
                                        "e.png"),
                                       /* with ? for each character these would be one */
                                       "\xe6\x97\xa5.png", "\xe6\x9c\xac.png", "\xd0\xb6.png",
                                       "caf\xe9.png", /* Latin-1 */
                                       "plain.png", "\xf0\x9f\x90\x88.png"};
    static const bool utf8[] = {true, true, true, false, false, true, true};
    enum { FILES = sizeof utf8 / sizeof *utf8 };
    char *path = make_zip(name, utf8, FILES);
    int64_t n;
    CHECK_OK(unpack_to(path, &n));
    CHECK_INT(n, FILES);
    for (size_t i = 0; i < FILES; i++) check_file(name[i], name[i]);
    free(path);
}

/* As macOS has it. libarchive composes what is marked as UTF-8; what is not stays. */
TEST(a_letter_and_its_mark_become_one_letter_where_a_zip_marks_the_name) {
    static const char *const name[] = {"u\xcc\x88.png", "o\xcc\x88.png"};
    char *path = make_zip(name, (const bool[]){true, false}, 2);
    int64_t n;
    CHECK_OK(unpack_to(path, &n));
    check_file("\xc3\xbc.png", name[0]);
    check_file(name[1], name[1]);
    free(path);
}

TEST(names_of_a_tar_are_bytes_in_its_header_and_in_a_longer_one) {
    static const char zero[1024];
    struct str tar = {0};
    char *path = test_path("a.tar");
    int64_t n;
    add_entry(&tar, &(struct entry){"dir/\xc3\xa9.png", NULL, "one", '0', -1});
    add_entry(&tar, &(struct entry){"dir/caf\xe9.png", NULL, "two", '0', -1});
    add_entry(&tar, &(struct entry){"pax", NULL, "21 path=dir/\xc3\xbc\xc3\x9f.png\n", 'x', -1});
    add_entry(&tar, &(struct entry){"dir/__.png", NULL, "three", '0', -1});
    str_put(&tar, zero, sizeof zero);
    CHECK_OK(file_write(path, tar.at, tar.n));
    CHECK_OK(unpack_to(path, &n));
    CHECK_INT(n, 3);
    check_file("\xc3\xa9.png", "one");
    check_file("caf\xe9.png", "two");
    check_file("\xc3\xbc\xc3\x9f.png", "three");
    str_free(&tar);
    free(path);
}

/* ---- room ---- */

/* A sparse tar file whose files, each EACH bytes of zeros, have more together than the disk. */
TEST(what_the_disk_has_no_room_for_is_not_begun) {
    enum { EACH = 200 << 20, COPIES = 3, MOST = 100000 };
    char *to = test_path("out"), *path = test_path("large.tar"), *first = test_path("out/0.png");
    CHECK_OK(dir_make(to));
    int64_t files = disk_free(to) / EACH / (1 + COPIES) + 1, n;
    if (files > MOST) test_skip("a disk of many terabytes");
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (int64_t i = 0; i < files; i++) {
        struct str head = {0};
        char *name = mem_format("%lld.png", (long long)i);
        add_header(&head, &(struct entry){name, NULL, "", '0', EACH});
        CHECK(pwrite(fd, head.at, head.n, i * (512 + EACH)) == 512);
        str_free(&head);
        free(name);
    }
    CHECK(!ftruncate(fd, files * (512 + EACH) + 1024) && !close(fd));
    struct unpack u = {.archive = path, .to = to, .name_of = any_name, .copies = COPIES};
    CHECK_ERROR(unpack_files(&u, &n), ERR_IO, "large.tar: what is taken out of it has ");
    CHECK(!file_exists(first));
    free(first);
    free(path);
    free(to);
}

TEST(names_that_lead_out_are_refused) {
    check_refused((struct entry){"../evil.png", NULL, "x", '0', -1}, true, "leads out");
    check_refused((struct entry){"dir/../../evil.png", NULL, "x", '0', -1}, true, "leads out");
    check_refused((struct entry){"/tmp/evil.png", NULL, "x", '0', -1}, true, "leads out");
    check_refused((struct entry){"dir/..", NULL, "x", '0', -1}, true, "leads out");
    check_refused((struct entry){"dir\\evil.png", NULL, "x", '0', -1}, true, "Windows");
    char *evil = test_path("evil.png");
    CHECK(!file_exists(evil));
    free(evil);
}

TEST(links_and_devices_are_refused) {
    check_refused((struct entry){"dir/l.png", "/etc/passwd", "", '2', -1}, true, "no regular file");
    check_refused((struct entry){"dir/l.png", "dir/good.png", "", '1', -1}, true,
                  "no regular file");
    check_refused((struct entry){"dir/d.png", NULL, "", '3', -1}, true, "no regular file");
    check_refused((struct entry){"dir/.hidden", NULL, "x", '0', -1}, true, "is not taken");
}

TEST(sizes_that_lie_are_refused) {
    check_refused((struct entry){"dir/b.png", NULL, "x", '0', 0777777777L}, false, "b.png");
    check_refused((struct entry){"dir/b.png", NULL, "x", '0', 07777777777L}, false,
                  "claims to be larger");
    check_refused((struct entry){"dir/b.png", NULL, "x", '0', 4000}, false, "b.png");
    char *left = test_path("out/b.png"); /* nothing half-written stays */
    CHECK(!file_exists(left));
    free(left);
}

TEST(two_files_of_one_name_are_refused) {
    check_refused((struct entry){"other/good.png", NULL, "x", '0', -1}, true,
                  "2 files that are wanted have only 1 names");
    check_refused((struct entry){"other/good.png", NULL, "good", '0', -1}, true, "only 1 names");
}

static char *fixture(const char *name) {
    char *below = mem_format("tests/data/sets/archives/%s", name), *path = test_source(below);
    free(below);
    return path;
}

/* An archive that is cut short is an error, unless only the zeros behind a tar file's end are gone.
 */
static void check_damage(const char *name, size_t step) {
    char *path = fixture(name), *copy = test_path(name), *out = test_path("out");
    struct bytes b;
    int64_t whole, n;
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_OK(unpack_to(path, &whole));
    CHECK(whole >= 2);
    int errors = 0;
    for (size_t at = 0; at < b.n; at += step) {
        CHECK_OK(dir_remove(out));
        CHECK_OK(file_write(copy, b.at, at));
        int status = unpack_to(copy, &n);
        CHECK(status == ERR_DATA || (!status && n == whole && b.at[at] == 0));
        errors += status != 0;
        error_clear();
    }
    CHECK(errors > 2);
    free(copy);
    free(path);
    free(out);
    bytes_free(&b);
}

TEST(archives_that_are_cut_short_are_told) {
    check_damage("val2017.zip", 307);
    check_damage("trainval.tar.gz", 97);
    check_damage("VOCtrainval_03-May-2010.tar", 512);
}

TEST(a_changed_byte_of_a_zip_is_seen) {
    char *path = fixture("val2017.zip"), *copy = test_path("val2017.zip");
    struct bytes b;
    int64_t n;
    CHECK_OK(file_read(path, 1 << 20, &b));
    b.at[200] ^= 0x10; /* in the first picture's data */
    CHECK_OK(file_write(copy, b.at, b.n));
    CHECK_ERROR(unpack_to(copy, &n), ERR_DATA, "val2017/000000000139.jpg");
    bytes_free(&b);
    free(copy);
    free(path);
}

TEST(what_is_no_archive_and_what_is_not_there_are_named) {
    char *path = test_path("a.tar");
    int64_t n;
    CHECK_ERROR(unpack_to(path, &n), ERR_MISSING, "a.tar: no such file");
    CHECK_OK(file_write(path, "no archive at all, only words", 29));
    CHECK_ERROR(unpack_to(path, &n), ERR_DATA, "a.tar");
    free(path);
    CHECK(unpack_is_archive("x/train2017.ZIP") && unpack_is_archive("a.tar.gz"));
    CHECK(!unpack_is_archive("train2017") && !unpack_is_archive(".zip"));
}
