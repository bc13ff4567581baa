/* What is kept for other runs, in one folder (paths.cache, or where the runs are):
 *
 *   .text/NAME.h5    features of texts            eval/noun_text.h
 *   .mined/NAME.h5   pictures, masks, features    train/mine/mine_cache.h
 *   .hashes        contents of input files      train/run/content.h
 *
 * Each file is whole by itself and may go at any time: it costs time to make again, nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct cache_file {
    char *path;
    const char *kind; /* "text", "pictures", "masks", "features", "hashes"; "other": none of ours */
    int64_t bytes;
    time_t written, used; /* used: read or written, as the file system keeps it */
    bool young;           /* written a minute ago, or half written: a process may be at it */
};

struct cache_files {
    struct cache_file *at; /* by `used`, the longest ago first */
    size_t n, cap;
};

/* ERR_MISSING when there is no such folder. */
int cache_files_read(struct cache_files *c, const char *dir);
void cache_files_free(struct cache_files *c);

/* What goes: all that were not written for `older` seconds, not used for `unused` seconds
 * (negative: not asked), and, of those that stay, those unused for longest until at most `keep`
 * bytes are left (negative: not asked). Never a young one, never one that is not ours. go[n] is
 * filled; bytes that go. */
struct cache_rule {
    double older, unused;
    int64_t keep;
};
int64_t cache_files_choose(const struct cache_files *c, const struct cache_rule *r, bool *go);
