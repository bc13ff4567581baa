#include "train/run/content.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

static const char head[] = "ovseg hashes 1\n", tail[] = "whole ";
enum { YOUNG_S = 2, TAIL_N = sizeof tail - 1 + 17 }; /* seconds; bytes of the last line */

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct content_entry *)a)->path, ((const struct content_entry *)b)->path);
}

static struct content_entry *append(struct content *c) {
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->at[c->n] = (struct content_entry){0};
    return &c->at[c->n++];
}

/* A number and the blank behind it. */
static bool take(char **at, int base, uint64_t *x) {
    char *end;
    *x = strtoull(*at, &end, base);
    bool good = end != *at && *end == ' ';
    *at = end + good;
    return good;
}

static bool parse_line(struct content *c, char *line) {
    struct content_entry e = {0};
    if (!take(&line, 16, &e.hash) || !take(&line, 10, &e.size) || !take(&line, 10, &e.mtime) ||
        !take(&line, 10, &e.ctime) || !take(&line, 10, &e.inode) || *line != '/')
        return false;
    if (c->n && strcmp(c->at[c->n - 1].path, line) >= 0) return false;
    e.path = mem_strdup(line);
    *append(c) = e;
    return true;
}

static bool parse(struct content *c, struct bytes *text) {
    char *at = (char *)text->at, hex[17];
    size_t head_n = sizeof head - 1;
    if (text->n < head_n + TAIL_N || memcmp(at, head, head_n) != 0) return false;
    char *end = at + text->n - TAIL_N;
    hash_hex(hash_bytes(at, (size_t)(end - at)), hex);
    char *whole = mem_format("%s%s\n", tail, hex);
    bool good = strcmp(end, whole) == 0;
    free(whole);
    for (at += head_n; good && at < end;) {
        char *line_end = memchr(at, '\n', (size_t)(end - at));
        good = line_end != NULL;
        if (good) *line_end = '\0';
        good = good && parse_line(c, at);
        at = good ? line_end + 1 : end;
    }
    return good;
}

static void forget(struct content *c) {
    for (size_t i = 0; i < c->n; i++) free(c->at[i].path);
    c->n = c->sorted = 0;
}

void content_open(struct content *c, const char *output_dir) {
    *c = (struct content){.file = path_join(output_dir, ".hashes")};
    struct bytes text = {0};
    if (!file_exists(c->file)) return;
    if (file_read(c->file, (size_t)1 << 30, &text) || !parse(c, &text)) {
        log_warn("%s: damaged or of another version: input files are hashed anew", c->file);
        error_clear();
        forget(c);
    }
    c->sorted = c->n;
    bytes_free(&text);
}

void content_close(struct content *c) {
    forget(c);
    free(c->at);
    free(c->file);
    *c = (struct content){0};
}

/* Sorts in what was appended; what it replaces is stale. */
static void settle(struct content *c) {
    if (c->sorted == c->n) return;
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->at[i].stale)
            free(c->at[i].path);
        else
            c->at[n++] = c->at[i];
    }
    c->n = c->sorted = n;
    if (n) qsort(c->at, n, sizeof *c->at, by_path);
}

void content_save(struct content *c) {
    if (!c->changed) return;
    struct str s = {0};
    char hex[17];
    settle(c);
    str_add(&s, "%s", head);
    for (size_t i = 0; i < c->n; i++) {
        const struct content_entry *e = &c->at[i];
        if (e->stale) continue;
        hash_hex(e->hash, hex);
        str_add(&s, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", hex, e->size,
                e->mtime, e->ctime, e->inode, e->path);
    }
    hash_hex(hash_bytes(s.at, s.n), hex);
    str_add(&s, "%s%s\n", tail, hex);
    char *dir = path_dir(c->file);
    if (dir_make(dir) || file_write(c->file, s.at, s.n)) {
        log_warn("hashes of input files are not remembered: %s", error_message());
        error_clear();
    }
    c->changed = false;
    free(dir);
    str_free(&s);
}

static uint64_t nanoseconds(struct timespec t) {
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int look(const char *path, struct content_entry *e) {
    struct stat s;
    if (stat(path, &s) < 0) return error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    if (!S_ISREG(s.st_mode)) /* of a pipe nobody would see the end */
        return error_set(ERR_DATA, "%s: is neither a file nor a folder: take it away", path);
    *e = (struct content_entry){.size = (uint64_t)s.st_size,
                                .mtime = nanoseconds(s.st_mtim),
                                .ctime = nanoseconds(s.st_ctim),
                                .inode = (uint64_t)s.st_ino};
    return 0;
}

static bool same(const struct content_entry *a, const struct content_entry *b) {
    return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime &&
           a->inode == b->inode;
}

/* The clock of the file system may be a tick behind ours, never ahead by seconds. */
static bool young(const struct content_entry *e) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t changed = e->mtime > e->ctime ? e->mtime : e->ctime;
    return changed + (uint64_t)YOUNG_S * 1000000000 > nanoseconds(now);
}

static int of_file(struct content *c, const char *path, uint64_t *out) {
    struct content_entry before, after, key = {.path = (char *)path}, *known = NULL;
    int status = look(path, &before);
    if (status) return status;
    if (c->sorted) known = bsearch(&key, c->at, c->sorted, sizeof *c->at, by_path);
    if (known && !known->stale && same(known, &before)) {
        *out = known->hash;
        return 0;
    }
    if (known) known->stale = c->changed = true;
    c->n_read++;
    status = hash_file(path, out);
    if (!status) status = look(path, &after);
    if (status || !same(&before, &after) || young(&after) || strchr(path, '\n')) return status;
    after.hash = *out;
    after.path = mem_strdup(path);
    *append(c) = after;
    c->changed = true;
    return 0;
}

int content_of_files(struct content *c, const char *folder, const struct strings *files,
                     uint64_t *out) {
    char *whole = realpath(folder, NULL);
    if (!whole) return error_set(ERR_MISSING, "%s: %s", folder, strerror(errno));
    struct hasher h;
    int status = 0;
    hasher_open(&h);
    for (size_t i = 0; i < files->n && !status; i++) {
        char *file = path_join(whole, files->at[i]);
        uint64_t x;
        status = of_file(c, file, &x);
        hasher_add_string(&h, files->at[i]);
        if (!status) hasher_add(&h, &x, sizeof x);
        free(file);
    }
    *out = hasher_close(&h);
    settle(c);
    free(whole);
    return status;
}

/* What kind of entry, its name, what is in it, and where the folder ends: no two trees run together
 * to the same bytes. Hidden files count, too: readers that are told their names open them. */
static int of_folder(struct content *c, const char *path, const struct dir_level *up,
                     struct hasher *h) {
    struct dir_level here = {.up = up};
    struct strings names = {0};
    int status = dir_enter(path, &here);
    if (!status) status = dir_list(path, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        char *child = path_join(path, names.at[i]);
        bool folder = dir_exists(child);
        hasher_add_string(h, folder ? "folder" : "file");
        hasher_add_string(h, names.at[i]);
        if (folder) {
            status = of_folder(c, child, &here, h);
        } else {
            uint64_t x;
            status = of_file(c, child, &x);
            if (!status) hasher_add(h, &x, sizeof x);
        }
        free(child);
    }
    hasher_add_string(h, "end");
    strings_free(&names);
    return status;
}

int content_of(struct content *c, const char *path, uint64_t *out) {
    char *whole = realpath(path, NULL);
    if (!whole) return error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    int status;
    if (dir_exists(whole)) {
        struct hasher h;
        hasher_open(&h);
        status = of_folder(c, whole, NULL, &h);
        *out = hasher_close(&h);
    } else {
        status = of_file(c, whole, out);
    }
    settle(c);
    free(whole);
    return status;
}

/* A file that a table names, and where the table does. */
struct named_file {
    char *path; /* absolute, owned; NULL: not there */
    size_t first;
    uint64_t hash;
};

static int by_named(const void *a, const void *b) {
    const struct named_file *x = a, *y = b;
    if (!x->path || !y->path) return (y->path != NULL) - (x->path != NULL);
    return strcmp(x->path, y->path);
}

/* Each file once, however often it is named: what is remembered has no path twice. */
static int hash_named(struct content *c, struct named_file *f, size_t n, uint64_t *by_place) {
    int status = 0;
    if (n) qsort(f, n, sizeof *f, by_named);
    for (size_t i = 0; !status && i < n && f[i].path; i++) {
        if (i && strcmp(f[i - 1].path, f[i].path) == 0)
            f[i].hash = f[i - 1].hash;
        else
            status = of_file(c, f[i].path, &f[i].hash);
        by_place[f[i].first] = f[i].hash;
    }
    return status;
}

int content_of_table(struct content *c, const char *table, char *const *files, size_t n,
                     uint64_t *out) {
    uint64_t *hash = mem_try(n + 1, sizeof *hash);
    struct named_file *f = mem_try(n, sizeof *f);
    int status = hash && f ? content_of(c, table, &hash[n]) : error_status();
    for (size_t i = 0; f && !status && i < n; i++)
        f[i] = (struct named_file){.path = realpath(files[i], NULL), .first = i};
    if (hash && f && !status) status = hash_named(c, f, n, hash);
    settle(c);
    *out = hash && !status ? hash_bytes(hash, (n + 1) * sizeof *hash) : 0;
    for (size_t i = 0; f && i < n; i++) free(f[i].path);
    free(f);
    free(hash);
    return status;
}
