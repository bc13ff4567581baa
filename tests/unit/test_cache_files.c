/* What runs keep for other runs, listed and chosen from. */
#include "train/cache_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/test.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

/* A file of n bytes, written and read so many seconds ago. */
static void put(const char *name, size_t n, int written, int used) {
    char *path = test_path(name), *dir = path_dir(path), *text = mem_alloc(n + 1, 1);
    time_t now = time(NULL);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, n));
    struct timespec times[2] = {{.tv_sec = now - used}, {.tv_sec = now - written}};
    CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
    free(text);
    free(dir);
    free(path);
}

static void put_all(void) {
    put(".text/0123456789abcdef.h5", 100, 10 * DAY, DAY);
    put(".text/new.h5", 200, 1, 1);
    put(".mined/features-0123456789abcdef.h5", 400, 5 * DAY, 5 * DAY);
    put(".mined/masks-0123456789abcdef.h5", 800, 3 * DAY, 2 * HOUR);
    put(".mined/masks-0123456789abcdef.h5.tmp17", 1600, 3 * DAY, 3 * DAY);
    put(".mined/notes.txt", 3200, 9 * DAY, 9 * DAY);
    put(".hashes", 6400, 2 * DAY, 2 * DAY);
}

static int64_t choose(struct cache_rule r, bool go[16]) {
    struct cache_files c;
    CHECK_OK(cache_files_read(&c, test_dir()));
    CHECK(c.n <= 16);
    int64_t bytes = cache_files_choose(&c, &r, go);
    cache_files_free(&c);
    return bytes;
}

TEST(files_are_listed_with_their_kinds_the_longest_unused_first) {
    struct cache_files c;
    put_all();
    CHECK_OK(cache_files_read(&c, test_dir()));
    CHECK_INT(c.n, 7);
    CHECK_TEXT(c.at[0].kind, "other");
    CHECK_TEXT(c.at[1].kind, "features");
    CHECK_TEXT(c.at[2].kind, "half written");
    CHECK_TEXT(c.at[3].kind, "hashes");
    CHECK_TEXT(c.at[4].kind, "text");
    CHECK_INT(c.at[4].bytes, 100);
    CHECK_TEXT(c.at[5].kind, "masks");
    CHECK(c.at[6].young && c.at[2].young && !c.at[5].young);
    cache_files_free(&c);
}

TEST(what_goes_is_old_or_unused_and_never_young_half_written_or_foreign) {
    bool go[16];
    put_all();
    CHECK_INT(choose((struct cache_rule){4 * DAY, -1, -1}, go), 100 + 400);
    CHECK_INT(choose((struct cache_rule){-1, 4 * DAY, -1}, go), 400);
    CHECK_INT(choose((struct cache_rule){-1, 12 * HOUR, -1}, go), 100 + 400 + 6400);
    CHECK_INT(choose((struct cache_rule){0, -1, -1}, go), 100 + 400 + 800 + 6400);
    CHECK_INT(choose((struct cache_rule){-1, -1, -1}, go), 0);
}

TEST(of_what_is_too_much_the_longest_unused_goes) {
    bool go[16];
    put_all(); /* 12700 bytes, of which 5000 stay whatever is said */
    CHECK_INT(choose((struct cache_rule){-1, -1, 12700}, go), 0);
    CHECK_INT(choose((struct cache_rule){-1, -1, 12699}, go), 400);
    CHECK_INT(choose((struct cache_rule){-1, -1, 12300}, go), 400);
    CHECK_INT(choose((struct cache_rule){-1, -1, 12299}, go), 400 + 6400);
    CHECK_INT(choose((struct cache_rule){-1, -1, 0}, go), 400 + 6400 + 100 + 800);
    CHECK_INT(choose((struct cache_rule){4 * DAY, -1, 12200}, go), 100 + 400);
}

TEST(a_folder_without_caches_is_empty_and_one_that_is_not_there_is_named) {
    struct cache_files c;
    CHECK_OK(cache_files_read(&c, test_dir()));
    CHECK_INT(c.n, 0);
    cache_files_free(&c);
    CHECK_ERROR(cache_files_read(&c, "/nowhere"), ERR_MISSING, "/nowhere: no such folder");
}
