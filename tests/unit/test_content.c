#include "train/run/content.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static void put(const char *name, const char *text) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
    free(dir);
}

/* The hash of test_dir()/name in a command of its own; *n_read: files it had to read. */
static uint64_t hash_of(const char *name, size_t *n_read) {
    char *path = test_path(name);
    struct content c;
    uint64_t h;
    content_open(&c, test_dir());
    CHECK_OK(content_of(&c, path, &h));
    *n_read = c.n_read;
    content_save(&c);
    content_close(&c);
    free(path);
    return h;
}

static uint64_t check_read(const char *name, size_t expected) {
    size_t n_read;
    uint64_t h = hash_of(name, &n_read);
    CHECK_INT(n_read, expected);
    return h;
}

/* Until what was written is old enough to be remembered. */
static void grow_old(void) { nanosleep(&(struct timespec){2, 100 * 1000 * 1000}, NULL); }

TEST(files_are_read_once_and_again_when_they_change) {
    put("set/a", "one");
    put("set/sub/b", "two");
    put("set/c", "three");
    char *path = test_path("set/c");
    CHECK_INT(utimensat(AT_FDCWD, path, (struct timespec[]){{1LL << 32, 0}, {1LL << 32, 0}}, 0), 0);
    uint64_t first = check_read("set", 3);
    check_read("set/c", 1); /* of tomorrow: too young to be remembered, however slow we are */
    CHECK_INT(utimensat(AT_FDCWD, path, (struct timespec[]){{1, 0}, {1, 0}}, 0), 0);
    grow_old();
    CHECK(hash_of("set", &(size_t){0}) == first);
    CHECK(check_read("set", 0) == first);
    check_read("set/sub", 0); /* remembered by file, whoever asks */

    /* Other contents of the same size and time, in place: the time of the change tells. */
    struct stat s;
    CHECK_INT(stat(path, &s), 0);
    FILE *f = fopen(path, "r+");
    CHECK(f && fputs("THREE", f) >= 0 && fclose(f) == 0);
    CHECK_INT(utimensat(AT_FDCWD, path, (struct timespec[]){s.st_atim, s.st_mtim}, 0), 0);
    CHECK(check_read("set", 1) != first);
    free(path);
}

TEST(a_damaged_memory_is_not_trusted_and_made_anew) {
    put("a", "one");
    put("b", "two");
    grow_old();
    uint64_t a = check_read("a", 1), b = check_read("b", 1);
    char *memory = test_path(".hashes");
    struct bytes good;
    CHECK_OK(file_read(memory, 10000, &good));
    CHECK_HAS((char *)good.at, "/b\nwhole ");
    for (size_t i = 0; i < good.n; i += 7) { /* a digit of a hash among them */
        good.at[i] ^= 1;
        CHECK_OK(file_write(memory, good.at, good.n));
        good.at[i] ^= 1;
        CHECK(check_read("a", 1) == a);
    }
    CHECK_OK(file_write(memory, good.at, good.n / 2));
    CHECK(check_read("b", 1) == b);
    CHECK(check_read("b", 0) == b); /* it was written anew */
    CHECK_OK(file_remove(memory));
    CHECK_OK(dir_make(memory)); /* cannot be read, nor be written */
    CHECK(check_read("b", 1) == b);
    bytes_free(&good);
    free(memory);
}

static uint64_t folder(const char *name) {
    size_t n_read;
    return hash_of(name, &n_read);
}

TEST(trees_that_differ_in_shape_alone_have_different_hashes) {
    put("1/a/b", "x"); /* a folder a with b in it */
    put("2/a", "x");   /* files a and b beside each other */
    put("2/b", "x");
    put("3/a/b", "x"); /* c inside of the folder, or behind it */
    put("3/a/c", "y");
    put("4/a/b", "x");
    put("4/c", "y");
    char *empty = test_path("5/a");
    CHECK_OK(dir_make(empty)); /* an empty folder, an empty file */
    put("6/a", "");
    uint64_t h[6];
    for (int i = 0; i < 6; i++) {
        h[i] = folder((char[]){(char)('1' + i), '\0'});
        for (int k = 0; k < i; k++) CHECK(h[k] != h[i]);
    }
    free(empty);
}

/* COCO's list may name one. */
TEST(a_hidden_file_counts) {
    put("p/a", "x");
    uint64_t h = folder("p");
    put("p/.b", "y");
    CHECK(folder("p") != h);
}

/* Two such links made 2^depth ways through one folder. */
TEST(links_that_lead_back_are_named_and_so_is_what_has_no_end) {
    put("p/a", "x");
    char *path = test_path("p"), *one = test_path("p/l1"), *two = test_path("p/l2"),
         *pipe = test_path("p/pipe");
    struct content c;
    uint64_t h;
    content_open(&c, test_dir());
    CHECK_INT(symlink(".", one) | symlink(".", two), 0);
    CHECK_ERROR(content_of(&c, path, &h), ERR_DATA, "p/l1: a link that leads back to a folder");
    CHECK_INT(unlink(one) | unlink(two) | mkfifo(pipe, 0600), 0);
    CHECK_ERROR(content_of(&c, path, &h), ERR_DATA, "pipe: is neither a file nor a folder");
    content_close(&c);
    char *const owned[] = {path, one, two, pipe};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_file_that_is_not_there_is_named) {
    char *path = test_path("nowhere");
    struct content c;
    uint64_t h;
    content_open(&c, test_dir());
    CHECK_ERROR(content_of(&c, path, &h), ERR_MISSING, "nowhere");
    content_close(&c);
    free(path);
}

/* Of table and files by these names, in a command of its own. */
static uint64_t table_hash(const char *const *names, size_t n, size_t expected_reads) {
    char *table = test_path("table"), *path[8];
    struct content c;
    uint64_t h;
    CHECK(n <= 8);
    for (size_t i = 0; i < n; i++) path[i] = test_path(names[i]);
    content_open(&c, test_dir());
    CHECK_OK(content_of_table(&c, table, path, n, &h));
    CHECK_INT(c.n_read, expected_reads);
    content_save(&c);
    content_close(&c);
    for (size_t i = 0; i < n; i++) free(path[i]);
    free(table);
    return h;
}

TEST(a_table_is_its_text_and_the_files_it_names_in_their_order) {
    put("table", "text");
    put("p/a", "one");
    put("p/b", "two");
    grow_old();
    uint64_t all = table_hash((const char *const[]){"p/b", "p/a", "p/b"}, 3, 3);
    CHECK(table_hash((const char *const[]){"p/b", "p/a", "p/b"}, 3, 0) == all); /* remembered */
    CHECK(table_hash((const char *const[]){"p/b", "p/b", "p/a"}, 3, 0) != all);
    CHECK(table_hash((const char *const[]){"p/b", "p/a", "p/none"}, 3, 0) != all);
    put("p/a", "ONE");
    CHECK(table_hash((const char *const[]){"p/b", "p/a", "p/b"}, 3, 1) != all);
    put("p/a", "one");
    CHECK(table_hash((const char *const[]){"p/b", "p/a", "p/b"}, 3, 1) == all);
    put("table", "TEXT");
    CHECK(table_hash((const char *const[]){"p/b", "p/a", "p/b"}, 3, 2) != all);
}
