#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/* An empty path, of a variable of the shell that is not set, must be seen in a message. */
static const char *shown(const char *path) { return *path ? path : "\"\""; }

static int fail_io(const char *path, const char *doing) {
    return error_set(ERR_IO, "%s: %s: %s", shown(path), doing, strerror(errno));
}

/* What is not there or cannot be read, by errno, and what mends it. */
static int fail_missing(const char *path) {
    int code = errno;
    struct stat st;
    if (code == EISDIR) return error_set(ERR_MISSING, "%s: is a folder, not a file", path);
    if (code == EACCES)
        return error_set(ERR_MISSING,
                         "%s: %s: let it be read, and the folders above it (chmod u+rX)", path,
                         strerror(code));
    if (code == ELOOP)
        return error_set(ERR_MISSING, "%s: a link that leads to itself: remove it", path);
    if (code == ENOENT && lstat(path, &st) == 0)
        return error_set(ERR_MISSING, "%s: a link that leads nowhere: mend it, or take it away",
                         path);
    return error_set(ERR_MISSING, "%s: %s", shown(path), strerror(code));
}

/* Of what has a size: a folder has none, and a pipe would be read as empty, or waited for. */
static int check_sized(const char *path, int fd, struct stat *st) {
    if (fstat(fd, st) < 0) return fail_missing(path);
    if (S_ISDIR(st->st_mode)) {
        errno = EISDIR;
        return fail_missing(path);
    }
    if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode))
        return error_set(ERR_MISSING, "%s: is a pipe, not a file: write it to a file first", path);
    return 0;
}

int file_read(const char *path, size_t max, struct bytes *out) {
    *out = (struct bytes){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe nobody writes to opens, too */
    if (fd < 0) return fail_missing(path);
    struct stat st;
    size_t n = 0;
    int status = check_sized(path, fd, &st);
    if (status) goto done;
    if (st.st_size < 0 || (uint64_t)st.st_size > max) {
        status = error_set(ERR_DATA, "%s: %lld bytes, at most %zu are read", path,
                           (long long)st.st_size, max);
        goto done;
    }
    size_t size = (size_t)st.st_size;
    out->at = mem_try(size + 1, 1);
    if (!out->at) {
        status = error_status();
        goto done;
    }
    while (n < size) {
        ssize_t k = read(fd, out->at + n, size - n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
            status = fail_missing(path);
            goto done;
        }
        if (k == 0) break; /* it shrank while we read: what is there is what counts */
        n += (size_t)k;
    }
    out->n = n;
    out->at[n] = 0;
done:
    close(fd);
    if (status) bytes_free(out);
    return status;
}

/* `whole`: more than `max` bytes are an error, not left. */
static int read_stream(const char *path, size_t max, bool whole, struct bytes *out) {
    *out = (struct bytes){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_missing(path);
    struct str text = {0};
    int status = 0;
    for (char block[4096];;) {
        ssize_t k = read(fd, block, sizeof block);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) status = fail_missing(path);
        if (k <= 0) break;
        str_put(&text, block, (size_t)k);
        if (text.n <= max) continue;
        if (whole) status = error_set(ERR_DATA, "%s: more than %zu bytes", path, max);
        break;
    }
    close(fd);
    str_put(&text, "", 0); /* a NUL, also behind nothing */
    if (text.n > max) {
        text.n = max;
        text.at[max] = '\0';
    }
    if (status)
        str_free(&text);
    else
        *out = (struct bytes){(uint8_t *)text.at, text.n};
    return status;
}

int file_read_stream(const char *path, size_t max, struct bytes *out) {
    return read_stream(path, max, true, out);
}

int file_read_head(const char *path, size_t max, struct bytes *out) {
    return read_stream(path, max, false, out);
}

int file_out_open(struct file_out *f, const char *path) {
    *f = (struct file_out){.path = mem_strdup(path), .fd = -1};
    f->tmp = mem_format("%s.tmp%ld", path, (long)getpid());
    f->fd = open(f->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f->fd < 0) {
        fail_io(path, "cannot create");
        file_out_close(f);
        return error_status();
    }
    return 0;
}

int file_out_put(struct file_out *f, const void *data, size_t n) {
    if (f->fd < 0) return error_status();
    const char *p = data;
    while (n) {
        ssize_t k = write(f->fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
            fail_io(f->path, "cannot write");
            file_out_close(f);
            return ERR_IO;
        }
        p += k;
        n -= (size_t)k;
        f->written += (uint64_t)k;
    }
    return 0;
}

int file_out_commit(struct file_out *f) {
    if (f->fd < 0) return error_status();
    int bad = fsync(f->fd) < 0; /* after a failed fsync the pages may be gone: never retried */
    int fd = f->fd;
    f->fd = -1;
    if (close(fd) < 0) bad = 1;
    if (bad || rename(f->tmp, f->path) < 0) {
        fail_io(f->path, bad ? "cannot save" : "cannot rename");
        file_out_close(f);
        return error_status();
    }
    free(f->tmp);
    f->tmp = NULL;
    char *dir = path_dir(f->path);
    int status = file_sync(dir);
    free(dir);
    return status;
}

void file_out_close(struct file_out *f) {
    if (f->fd >= 0) close(f->fd);
    if (f->tmp) unlink(f->tmp);
    free(f->tmp);
    free(f->path);
    *f = (struct file_out){.fd = -1};
}

int file_write(const char *path, const void *data, size_t n) {
    struct file_out f;
    int status = file_out_open(&f, path);
    if (!status) status = file_out_put(&f, data, n);
    if (!status) status = file_out_commit(&f);
    file_out_close(&f);
    return status;
}

bool file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool dir_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int file_can_be(const char *path) {
    char *dir = path_dir(path);
    int status = 0;
    if (dir_exists(path))
        status = error_set(ERR_IO, "%s: is a folder; the name of a file is needed", path);
    else if (access(dir, W_OK | X_OK) < 0)
        status = error_set(ERR_IO, "%s: cannot be made: %s: %s", path, dir, strerror(errno));
    free(dir);
    return status;
}

int64_t file_size(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

int64_t disk_free(const char *path) {
    struct statvfs s;
    if (statvfs(path, &s) < 0 || !s.f_blocks) return INT64_MAX; /* some network's say 0 of 0 */
    double bytes = (double)s.f_bavail * (double)s.f_frsize;
    return bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
}

int file_sync(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_io(path, "cannot open");
    int bad = fsync(fd) < 0 && errno != EINVAL; /* EINVAL: this kind of file needs no sync */
    if (bad) fail_io(path, "cannot sync");
    close(fd);
    return bad ? error_status() : 0;
}

int file_remove(const char *path) {
    return unlink(path) < 0 && errno != ENOENT ? fail_io(path, "cannot remove") : 0;
}

int dir_make(const char *path) {
    char *p = mem_strdup(path);
    int status = 0;
    for (char *c = *p ? p + 1 : p; !status; c++) { /* a slash in front is the root's */
        if (*c != '/' && *c) continue;
        char was = *c;
        *c = '\0';
        if (mkdir(p, 0777) < 0 && errno != EEXIST) status = fail_io(p, "cannot create");
        *c = was;
        if (!was) break;
    }
    if (!status && !dir_exists(path))
        status = error_set(ERR_IO, "%s: is in the way of a folder of that name", path);
    free(p);
    return status;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int dir_list(const char *path, struct strings *out) {
    *out = (struct strings){0};
    DIR *d = opendir(path);
    if (!d) return fail_missing(path);
    struct dirent *e;
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            strings_add(out, e->d_name);
    closedir(d);
    if (out->n) qsort(out->at, out->n, sizeof *out->at, compare_names);
    return 0;
}

static bool is_same(const char *a, const char *b) {
    struct stat x, y;
    return b && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

int dir_enter(const char *dir, struct dir_level *here) {
    struct stat st;
    if (stat(dir, &st) < 0) return fail_missing(dir);
    here->device = (uint64_t)st.st_dev;
    here->inode = (uint64_t)st.st_ino;
    for (const struct dir_level *l = here->up; l; l = l->up)
        if (l->inode == here->inode && l->device == here->device)
            return error_set(ERR_DATA, "%s: a link that leads back to a folder it is in: remove it",
                             here->link ? here->link : dir);
    return 0;
}

static int check_depth(const char *dir, const struct dir_level *here) {
    enum { DEPTH_MAX = 16 };
    int depth = 0;
    for (const struct dir_level *l = here->up; l; l = l->up) depth++;
    if (depth < DEPTH_MAX) return 0;
    return error_set(ERR_DATA, "%s: folders in folders, %d deep: move it up", dir, DEPTH_MAX);
}

static int walk(const char *root, const char *below, const char *without, struct dir_level *here,
                struct strings *out) {
    struct strings names = {0};
    struct stat st;
    char *dir = path_join(root, below);
    int status = dir_enter(dir, here);
    if (!status) status = check_depth(dir, here);
    if (!status) status = dir_list(dir, &names);
    for (size_t i = 0; i < names.n && !status; i++) {
        if (names.at[i][0] == '.') continue;
        char *path = *below ? path_join(below, names.at[i]) : mem_strdup(names.at[i]);
        char *full = path_join(root, path);
        bool link = lstat(full, &st) == 0 && S_ISLNK(st.st_mode);
        struct dir_level next = {.up = here, .link = link ? full : here->link};
        if (!dir_exists(full))
            strings_add(out, path);
        else if (!is_same(full, without))
            status = walk(root, path, without, &next, out);
        free(full);
        free(path);
    }
    strings_free(&names);
    free(dir);
    return status;
}

int dir_walk(const char *path, const char *without, struct strings *out) {
    struct dir_level here = {0};
    *out = (struct strings){0};
    return walk(path, "", without, &here, out);
}

int dir_remove(const char *path) {
    struct stat st;
    if (lstat(path, &st) < 0) return errno == ENOENT ? 0 : fail_io(path, "cannot look at");
    if (!S_ISDIR(st.st_mode)) return file_remove(path);
    struct strings names;
    int status = dir_list(path, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        char *child = path_join(path, names.at[i]);
        status = dir_remove(child);
        free(child);
    }
    strings_free(&names);
    if (!status && rmdir(path) < 0 && errno != ENOENT) status = fail_io(path, "cannot remove");
    return status;
}

/* NAME.tmp and digits. */
static bool is_left_over(const char *name) {
    const char *tmp = strstr(name, ".tmp");
    return tmp && tmp[4] && strspn(tmp + 4, "0123456789") == strlen(tmp + 4);
}

/* Of this type, and not touched for a day. */
static bool is_old(const char *path, mode_t type) {
    enum { DAY = 24 * 60 * 60 };
    struct stat st;
    return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type && time(NULL) - st.st_mtime > DAY;
}

void dir_sweep(const char *path) {
    struct strings names = {0};
    if (dir_list(path, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        char *file = path_join(path, names.at[i]);
        if (is_left_over(names.at[i]) && is_old(file, S_IFREG)) unlink(file);
        free(file);
    }
    strings_free(&names);
}

void dir_sweep_own(const char *path) {
    struct strings names = {0};
    if (dir_list(path, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        char *child = path_join(path, names.at[i]);
        struct stat st;
        if (is_left_over(names.at[i])) {
            if (dir_remove(child)) error_clear();
        } else if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode)) {
            dir_sweep_own(child);
        }
        free(child);
    }
    strings_free(&names);
}

int dir_commit(const char *from, const char *to) {
    int status = file_sync(from);
    if (!status && rename(from, to) < 0) status = fail_io(to, "cannot rename into place");
    char *dir = path_dir(to);
    if (!status) status = file_sync(dir);
    free(dir);
    return status;
}

/* What killed writers of this folder left beside it. */
static void sweep_beside(const char *path) {
    char *dir = path_dir(path);
    const char *base = path_base(path);
    size_t n = strlen(base);
    struct strings names = {0};
    if (dir_list(dir, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        bool ours = strncmp(names.at[i], base, n) == 0 && strncmp(names.at[i] + n, ".tmp", 4) == 0;
        char *old = path_join(dir, names.at[i]);
        if (ours && is_left_over(names.at[i]) && is_old(old, S_IFDIR) && dir_remove(old))
            error_clear();
        free(old);
    }
    strings_free(&names);
    free(dir);
}

int dir_out_open(struct dir_out *d, const char *path) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--; /* what is added to "folder/" would be in it */
    d->path = mem_format("%.*s", (int)n, path);
    sweep_beside(d->path);
    d->tmp = mem_format("%s.tmp%ld", d->path, (long)getpid());
    return dir_make(d->tmp);
}

int dir_out_put(const struct dir_out *d, const char *name, const void *data, size_t n) {
    struct file_out f = {.path = path_join(d->tmp, name)};
    f.fd = open(f.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int status = f.fd < 0 ? fail_io(f.path, "cannot create") : file_out_put(&f, data, n);
    int fd = f.fd;
    f.fd = -1;
    if (!status && close(fd) < 0) status = fail_io(f.path, "cannot save");
    file_out_close(&f);
    return status;
}

/* All below a folder. */
static int sync_all(const char *path) {
    struct strings names;
    if (!dir_exists(path)) return file_sync(path);
    int status = dir_list(path, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        char *child = path_join(path, names.at[i]);
        status = sync_all(child);
        free(child);
    }
    strings_free(&names);
    return status ? status : file_sync(path);
}

int dir_out_close(struct dir_out *d, int status) {
    if (!status) status = sync_all(d->tmp); /* by now most of it is written: little to wait for */
    if (!status) status = dir_commit(d->tmp, d->path);
    if (status) dir_remove(d->tmp); /* the first error stays */
    free(d->path);
    free(d->tmp);
    *d = (struct dir_out){0};
    return status;
}

char *path_join(const char *dir, const char *name) {
    if (name[0] == '/' || strcmp(dir, "") == 0) return mem_strdup(name);
    size_t n = strlen(dir);
    return mem_format("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

char *path_dir(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return mem_strdup(".");
    if (slash == path) return mem_strdup("/");
    return mem_format("%.*s", (int)(slash - path), path);
}

bool path_is_below(const char *name) {
    if (name[0] == '/') return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2])) return false;
    }
    return true;
}

const char *path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_without_suffix(const char *path) {
    const char *base = path_base(path), *dot = strrchr(base, '.');
    return dot && dot != base ? mem_format("%.*s", (int)(dot - path), path) : mem_strdup(path);
}

char *path_stem(const char *path) { return path_without_suffix(path_base(path)); }

bool path_is_yaml(const char *path) {
    const char *dot = strrchr(path_base(path), '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}
