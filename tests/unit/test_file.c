#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

static void holds(const char *path, const char *text) {
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_INT(b.n, strlen(text));
    CHECK_TEXT((char *)b.at, text);
    bytes_free(&b);
}

static void fails_with(int status, int code, const char *part) {
    CHECK_INT(status, code);
    CHECK_HAS(error_message(), part);
    error_clear();
}

TEST(an_empty_path_is_seen_in_its_message) {
    struct bytes b;
    CHECK_ERROR(file_read("", 10, &b), ERR_MISSING, "\"\": No such file");
    CHECK_ERROR(dir_make(""), ERR_IO, "\"\": cannot create");
}

TEST(a_file_is_read_as_it_was_written) {
    char *path = test_path("a");
    CHECK_OK(file_write(path, "one", 3));
    holds(path, "one");
    CHECK_OK(file_write(path, "", 0));
    holds(path, "");
    CHECK_INT(file_size(path), 0);
    CHECK(file_exists(path) && !dir_exists(path));
    free(path);
}

TEST(what_cannot_be_read_is_named) {
    char *path = test_path("a");
    struct bytes b;
    fails_with(file_read(path, 10, &b), ERR_MISSING, "/a: No such file or directory");
    fails_with(file_read(test_dir(), 10, &b), ERR_MISSING, ": is a folder, not a file");
    char *pipe = test_path("p");
    CHECK_INT(mkfifo(pipe, 0600), 0);
    fails_with(file_read(pipe, 10, &b), ERR_MISSING,
               "/p: is a pipe, not a file"); /* nobody writes */
    free(pipe);
    CHECK_OK(file_write(path, "12345", 5));
    fails_with(file_read(path, 4, &b), ERR_DATA, "/a: 5 bytes, at most 4 are read");
    CHECK(!b.at);
    CHECK_OK(file_read(path, 5, &b));
    bytes_free(&b);
    CHECK_INT(file_size("/nonexistent/x"), -1);
    free(path);
}

TEST(a_link_that_leads_nowhere_or_to_itself_is_called_that) {
    char *nowhere = test_path("nowhere"), *itself = test_path("itself");
    struct bytes b;
    CHECK(!symlink("/nonexistent/x", nowhere) && !symlink("itself", itself));
    fails_with(file_read(nowhere, 10, &b), ERR_MISSING,
               "/nowhere: a link that leads nowhere: mend");
    fails_with(file_read(itself, 10, &b), ERR_MISSING, "/itself: a link that leads to itself: rem");
    free(nowhere);
    free(itself);
}

TEST(what_may_not_be_read_is_told_with_what_lets_it) {
    char *path = test_path("a");
    CHECK_OK(file_write(path, "x", 1));
    CHECK_INT(chmod(path, 0), 0);
    pid_t pid = test_fork(); /* as nobody: rights mean nothing to root */
    if (!pid) {
        struct bytes b;
        if (chdir(test_dir()) || (geteuid() == 0 && setuid(65534))) _exit(1);
        int status = file_read("a", 10, &b);
        bool said =
            strstr(error_message(), "a: Permission denied: let it be read, and the folders");
        _exit(status == ERR_MISSING && said ? 0 : 2);
    }
    int status;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    free(path);
}

TEST(a_link_that_leads_back_up_is_named_and_another_is_followed) {
    char *deep = test_path("root/a/b"), *up = test_path("root/a/b/up"), *root = test_path("root");
    char *beside = test_path("root/again"), *file = test_path("root/a/b/file");
    struct strings files;
    CHECK_OK(dir_make(deep));
    CHECK_OK(file_write(file, "x", 1));
    CHECK(!symlink("a", beside));
    CHECK_OK(dir_walk(root, NULL, &files));
    CHECK_INT(files.n, 2);
    CHECK_TEXT(files.at[0], "a/b/file");
    CHECK_TEXT(files.at[1], "again/b/file");
    strings_free(&files);
    CHECK(!symlink("../../..", up)); /* above the root: it comes back through it */
    fails_with(dir_walk(root, NULL, &files), ERR_DATA,
               "root/a/b/up: a link that leads back to a folder it is in: remove it");
    strings_free(&files);
    char *const owned[] = {deep, up, root, beside, file};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static size_t count(const char *dir) {
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    size_t n = names.n;
    strings_free(&names);
    return n;
}

TEST(pieces_appear_only_with_their_commit) {
    char *path = test_path("a");
    struct file_out f;
    CHECK_OK(file_write(path, "old", 3));
    CHECK_OK(file_out_open(&f, path));
    CHECK_OK(file_out_put(&f, "new ", 4));
    CHECK_OK(file_out_put(&f, "text", 4));
    CHECK_INT(f.written, 8);
    holds(path, "old");
    CHECK_OK(file_out_commit(&f));
    file_out_close(&f);
    holds(path, "new text");
    CHECK_INT(count(test_dir()), 1);
    free(path);
}

TEST(without_a_commit_the_old_file_stays_and_nothing_else) {
    char *path = test_path("a");
    struct file_out f;
    CHECK_OK(file_write(path, "old", 3));
    CHECK_OK(file_out_open(&f, path));
    CHECK_OK(file_out_put(&f, "new", 3));
    file_out_close(&f);
    holds(path, "old");
    CHECK_INT(count(test_dir()), 1);
    free(path);
}

TEST(a_write_that_fails_leaves_the_old_file) {
    char *path = test_path("a");
    struct file_out f;
    CHECK_OK(file_write(path, "old", 3));
    CHECK_OK(file_out_open(&f, path));
    /* What a full disk answers: the descriptor is swapped for /dev/full. */
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CHECK(full >= 0 && dup2(full, f.fd) == f.fd);
    close(full);
    fails_with(file_out_put(&f, "new", 3), ERR_IO, "/a: cannot write: No space left on device");
    file_out_close(&f);
    holds(path, "old");
    CHECK_INT(count(test_dir()), 1);
    free(path);
}

TEST(after_an_error_put_and_commit_do_nothing) {
    struct file_out f;
    CHECK_INT(file_out_open(&f, "/nonexistent/x"), ERR_IO);
    CHECK_INT(file_out_put(&f, "a", 1), ERR_IO);
    CHECK_INT(file_out_commit(&f), ERR_IO);
    file_out_close(&f);
    CHECK_HAS(error_message(), "/nonexistent/x: cannot create: No such file or directory");
    error_clear();
}

TEST(a_folder_is_never_replaced_by_a_file) {
    char *path = test_path("sub");
    CHECK_OK(dir_make(path));
    fails_with(file_write(path, "x", 1), ERR_IO, "/sub: cannot rename: Is a directory");
    CHECK(dir_exists(path));
    CHECK_INT(count(test_dir()), 1);
    free(path);
}

TEST(folders_are_made_with_their_parents_and_removed_with_their_children) {
    char *top = test_path("a"), *deep = test_path("a/b/c"), *file = test_path("a/b/f");
    char *link = test_path("a/link"), *outside = test_path("outside");
    CHECK_OK(dir_make(deep));
    CHECK_OK(dir_make(deep));
    CHECK(dir_exists(deep));
    CHECK_OK(file_write(file, "x", 1));
    CHECK_OK(dir_make(outside));
    CHECK(symlink(outside, link) == 0);
    fails_with(dir_make(file), ERR_IO, "/a/b/f: is in the way of a folder of that name");
    char *below = path_join(file, "g");
    fails_with(dir_make(below), ERR_IO, "/a/b/f/g: cannot create: Not a directory");
    CHECK_OK(dir_remove(top));
    CHECK(!dir_exists(top) && dir_exists(outside)); /* links are removed, not followed */
    CHECK_OK(dir_remove(top));
    free(top);
    free(deep);
    free(file);
    free(link);
    free(outside);
    free(below);
}

TEST(a_listing_is_sorted) {
    static const char *const names[] = {"b", "a10", "a2", ".hidden"};
    for (size_t i = 0; i < 4; i++) {
        char *path = test_path(names[i]);
        CHECK_OK(file_write(path, "", 0));
        free(path);
    }
    struct strings l;
    CHECK_OK(dir_list(test_dir(), &l));
    CHECK_INT(l.n, 4);
    CHECK_TEXT(l.at[0], ".hidden");
    CHECK_TEXT(l.at[1], "a10");
    CHECK_TEXT(l.at[2], "a2");
    CHECK_TEXT(l.at[3], "b");
    strings_free(&l);
    fails_with(dir_list("/nonexistent", &l), ERR_MISSING, "/nonexistent: No such file");
}

static void put_old(const char *dir, const char *name, time_t age) {
    char *path = path_join(dir, name);
    struct timespec at[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    CHECK_OK(file_write(path, "x", 1));
    CHECK_INT(utimensat(AT_FDCWD, path, at, 0), 0);
    free(path);
}

TEST(what_killed_writers_left_is_removed_after_a_day) {
    enum { HOUR = 3600 };
    struct strings left;
    char *dir = test_path("shared");
    CHECK_OK(dir_make(dir));
    put_old(dir, "a.h5.tmp123", 25 * HOUR);
    put_old(dir, "b.h5.tmp124", HOUR); /* somebody may be at it */
    put_old(dir, "c.h5", 25 * HOUR);
    put_old(dir, "d.tmpest", 25 * HOUR);
    dir_sweep(dir);
    dir_sweep("/nonexistent");
    CHECK_OK(error_status());
    CHECK_OK(dir_list(dir, &left));
    CHECK_INT(left.n, 3);
    CHECK_TEXT(left.at[0], "b.h5.tmp124");
    strings_free(&left);
    free(dir);
}

TEST(what_killed_writers_left_is_removed_at_once_for_the_owner_of_a_folder) {
    struct strings left;
    char *dir = test_path("owned"), *below = test_path("owned/phase");
    char *half = test_path("owned/set.tmp7"), *other = test_path("other"), *link;
    char *const folders[] = {below, half, other};
    for (size_t i = 0; i < 3; i++) CHECK_OK(dir_make(folders[i]));
    put_old(dir, "a.h5.tmp123", 0);
    put_old(dir, "a.h5", 0);
    put_old(half, "b", 0);
    put_old(below, "c.jsonl.tmp9", 0);
    put_old(other, "d.tmp9", 0); /* not below, though a link leads there */
    CHECK_INT(symlink(other, link = test_path("owned/link")), 0);
    dir_sweep_own(dir);
    dir_sweep_own("/nonexistent");
    CHECK_OK(error_status());
    CHECK_OK(dir_list(dir, &left));
    CHECK_INT(left.n, 3);
    CHECK_TEXT(left.at[0], "a.h5");
    CHECK_TEXT(left.at[1], "link");
    CHECK_TEXT(left.at[2], "phase");
    strings_free(&left);
    CHECK_OK(dir_list(below, &left));
    CHECK_INT(left.n, 0);
    strings_free(&left);
    CHECK_OK(dir_list(other, &left));
    CHECK_INT(left.n, 1);
    strings_free(&left);
    free(dir);
    free(link);
    for (size_t i = 0; i < 3; i++) free(folders[i]);
}

TEST(whether_a_file_can_be_made_is_known_before) {
    char *dir = test_path("here"), *file = path_join(dir, "out.json");
    CHECK_ERROR(file_can_be(file), ERR_IO, "out.json: cannot be made: ");
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_can_be(file));
    CHECK_ERROR(file_can_be(dir), ERR_IO, "is a folder");
    CHECK_OK(file_can_be("out.json"));
    free(file);
    free(dir);
}

TEST(what_a_killed_writer_left_beside_its_folder_is_removed_after_a_day) {
    static const char *const names[] = {"out.tmp17", "out.tmp18", "other.tmp17", "out.tmpx"};
    char *out = test_path("out"), *at[4];
    for (int i = 0; i < 4; i++) {
        at[i] = test_path(names[i]);
        CHECK_OK(dir_make(at[i]));
        struct timespec old = {.tv_sec = time(NULL) - (i == 1 ? 3600 : 2 * 24 * 3600)};
        CHECK_INT(utimensat(AT_FDCWD, at[i], (struct timespec[2]){old, old}, 0), 0);
    }
    struct dir_out d;
    CHECK_OK(dir_out_open(&d, out));
    CHECK_OK(dir_out_close(&d, 0));
    CHECK(dir_exists(out) && !dir_exists(at[0]));
    CHECK(dir_exists(at[1]) && dir_exists(at[2]) && dir_exists(at[3]));
    for (int i = 0; i < 4; i++) free(at[i]);
    free(out);
}

TEST(a_folder_is_committed_by_one_rename) {
    char *from = test_path("run.tmp"), *to = test_path("run"), *file = test_path("run/f");
    CHECK_OK(dir_make(from));
    char *inner = path_join(from, "f");
    CHECK_OK(file_write(inner, "x", 1));
    CHECK_OK(dir_commit(from, to));
    holds(file, "x");
    CHECK(!dir_exists(from));
    CHECK_OK(dir_make(from));
    fails_with(dir_commit(from, to), ERR_IO, "/run: cannot rename into place");
    CHECK_OK(file_remove(file));
    CHECK_OK(file_remove(file));
    free(from);
    free(to);
    free(file);
    free(inner);
}

static void is(char *owned, const char *expected) {
    CHECK_TEXT(owned, expected);
    free(owned);
}

TEST(paths_are_joined_and_taken_apart) {
    is(path_join("a", "b"), "a/b");
    is(path_join("a/", "b"), "a/b");
    is(path_join("/", "b"), "/b");
    is(path_join("", "b"), "b");
    is(path_join("a", "/b"), "/b");
    is(path_dir("a/b/c"), "a/b");
    is(path_dir("/a"), "/");
    is(path_dir("a"), ".");
    CHECK_TEXT(path_base("a/b.c"), "b.c");
    CHECK_TEXT(path_base("b"), "b");
    is(path_stem("configs/mpt.yaml"), "mpt");
    is(path_stem("a.b/c"), "c");
    is(path_stem("x.tar.gz"), "x.tar");
    is(path_stem(".hidden"), ".hidden");
}

TEST(a_file_of_the_system_whose_size_is_not_known_is_read_whole) {
    struct bytes text;
    CHECK_OK(file_read_stream("/proc/self/status", 1 << 16, &text));
    CHECK_HAS((char *)text.at, "\nPid:");
    CHECK(strlen((char *)text.at) == text.n);
    bytes_free(&text);
    CHECK_ERROR(file_read_stream("/proc/self/status", 10, &text), ERR_DATA, "more than 10");
    CHECK_ERROR(file_read_stream("/proc/no/such", 10, &text), ERR_MISSING, "/proc/no/such");
}
