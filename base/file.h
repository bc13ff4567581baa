/* Files. Every write is atomic: a temporary name, fsync, rename, fsync of the folder; a reader sees
 * the old contents or the new, whatever happens in between. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* Reads a whole file of at most `max` bytes; a NUL follows the last byte and is not counted.
 * ERR_MISSING when it cannot be opened or read, or is a folder or a pipe, which has no size;
 * ERR_DATA when it is larger. */
int file_read(const char *path, size_t max, struct bytes *out);

/* The same of a file whose size nobody knows before, such as those of /proc. */
int file_read_stream(const char *path, size_t max, struct bytes *out);

/* Its first bytes, at most `max`, and the rest not looked at. ERR_MISSING. */
int file_read_head(const char *path, size_t max, struct bytes *out);

/* Replaces a file. ERR_IO, and the old file still there. */
int file_write(const char *path, const void *data, size_t n);

/* The same for contents that come in pieces. After an error put and commit do nothing; close
 * always: it removes the temporary file unless commit succeeded. */
struct file_out {
    char *path, *tmp;
    int fd;
    uint64_t written;
};
int file_out_open(struct file_out *f, const char *path);
int file_out_put(struct file_out *f, const void *data, size_t n);
int file_out_commit(struct file_out *f);
void file_out_close(struct file_out *f);

bool file_exists(const char *path);
bool dir_exists(const char *path);
/* Whether a file can be made there: what takes long is not begun in vain. ERR_IO says why not. */
int file_can_be(const char *path);
int64_t file_size(const char *path); /* -1 when there is none */
int64_t disk_free(const char *path); /* bytes where this folder is; INT64_MAX: not known */
int file_sync(const char *path);     /* fsync of a file or a folder */
int file_remove(const char *path);   /* 0 also when there was none */

int dir_make(const char *path);                      /* with its parents */
int dir_remove(const char *path);                    /* with all it holds; does not follow links */
int dir_list(const char *path, struct strings *out); /* names without . and .., sorted */
/* The files below a folder, in folders 16 deep at most, as paths from it on, folder by folder in
 * sorted order; names that begin with a dot are passed over, and so is the folder `without` (NULL:
 * none). ERR_MISSING; ERR_DATA: folders that are deeper, a link that leads back up. */
int dir_walk(const char *path, const char *without, struct strings *out);

/* A folder that a walk is in. */
struct dir_level {
    const struct dir_level *up; /* the one above; NULL: the first */
    const char *link;           /* the last one that was followed, for the message; NULL: none */
    uint64_t device, inode;     /* dir_enter() says them */
};
/* ERR_MISSING; ERR_DATA: it is one of those above, where a link led back. */
int dir_enter(const char *dir, struct dir_level *here);

/* Removes what killed writers left in a folder that nobody owns: files NAME.tmpN that were not
 * touched for a day. What cannot be removed stays. */
void dir_sweep(const char *path);
/* The same for its only owner, in this folder and those below: files and folders, however young. */
void dir_sweep_own(const char *path);
int dir_commit(const char *from, const char *to); /* rename of a synced folder, made durable */

/* A folder that is made beside its place, in `tmp`, and put there when it is whole. What a killed
 * writer of it left beside it is removed once it has not been touched for a day. Close it in any
 * case, with what came out so far: 0 puts it there, anything else removes it; returns the status.
 */
struct dir_out {
    char *path, *tmp;
};
int dir_out_open(struct dir_out *d, const char *path);
/* A new file in it, `name` from the folder on: of thousands, which are made durable together, when
 * the folder is closed. From any thread. */
int dir_out_put(const struct dir_out *d, const char *name, const void *data, size_t n);
int dir_out_close(struct dir_out *d, int status);

char *path_join(const char *dir, const char *name); /* owned; `name` alone when absolute */
char *path_dir(const char *path);                   /* owned; "." when there is no slash */
bool path_is_below(const char *name);    /* relative, and without ..: joined, it cannot lead out */
const char *path_base(const char *path); /* points into path */
bool path_is_yaml(const char *path);     /* by its ending, .yaml or .yml */
char *path_without_suffix(const char *path); /* owned: "a/b" of "a/b.png" */
char *path_stem(const char *path);           /* owned: base name without its last suffix */
