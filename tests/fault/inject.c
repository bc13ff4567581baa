/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE    /* syscall() */
#undef _FORTIFY_SOURCE /* it defines some of these calls inline */
#include "tests/fault/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum what { NOTHING, FAIL, SHORT, KILL, KILL_AFTER, TERM, USR1, INT };

static struct {
    char call[16], under[512];
    long at;
    bool on_and_on;
    enum what what;
    int err;
} plan;
static long seen;
static bool happened, skip_fsync;

static struct fault_op *ops;
static size_t n_ops, cap_ops;
static bool recording;

static const struct {
    const char *name;
    enum what what;
    int err;
} whats[] = {
    {"ENOSPC", FAIL, ENOSPC}, {"EIO", FAIL, EIO},
    {"EROFS", FAIL, EROFS},   {"EINTR", FAIL, EINTR},
    {"EDQUOT", FAIL, EDQUOT}, {"EMFILE", FAIL, EMFILE},
    {"EACCES", FAIL, EACCES}, {"SHORT", SHORT, 0},
    {"KILL", KILL, 0},        {"KILL-AFTER", KILL_AFTER, 0},
    {"TERM", TERM, 0},        {"USR1", USR1, 0},
    {"INT", INT, 0},
};

void fault_set(const char *spec, const char *under) {
    memset(&plan, 0, sizeof plan);
    seen = 0;
    happened = false;
    if (under) snprintf(plan.under, sizeof plan.under, "%s", under);
    if (!spec) return;
    char what[16], plus[2] = "";
    if (sscanf(spec, "%15[a-z]:%ld%1[+]", plan.call, &plan.at, plus) < 2 ||
        sscanf(strrchr(spec, ':'), ":%15s", what) != 1)
        plan.at = 0;
    plan.on_and_on = *plus;
    for (size_t i = 0; plan.at && i < sizeof whats / sizeof *whats; i++)
        if (strcmp(whats[i].name, what) == 0) {
            plan.what = whats[i].what;
            plan.err = whats[i].err;
        }
    if (plan.what != NOTHING || strcmp(spec, "any:0:COUNT") == 0) return;
    static const char text[] = "fault: the form is CALL:N:WHAT, write:17:ENOSPC\n";
    syscall(SYS_write, 2, text, sizeof text - 1);
    _exit(2);
}

long fault_count(void) { return seen; }
bool fault_happened(void) { return happened; }
void fault_skip_fsync(bool on) { skip_fsync = on; }

__attribute__((constructor)) static void from_environment(void) {
    const char *spec = getenv("OVSEG_FAULT"), *only = getenv("OVSEG_FAULT_RANK");
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!rank) rank = getenv("RANK");
    if (only && (!rank || strcmp(only, rank) != 0)) return;
    if (spec) fault_set(spec, getenv("OVSEG_FAULT_UNDER"));
}

/* What shall happen to this call; counts it. */
static enum what due(const char *call, const char *path) {
    if (!*plan.call || (strcmp(plan.call, "any") != 0 && strcmp(plan.call, call) != 0))
        return NOTHING;
    if (*plan.under && !strstr(path, plan.under)) return NOTHING;
    long number = __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
    if (plan.at == 0 || number < plan.at || (number > plan.at && !plan.on_and_on)) return NOTHING;
    happened = true;
    if (plan.what == KILL) syscall(SYS_kill, getpid(), SIGKILL);
    if (plan.what == TERM) raise(SIGTERM);
    if (plan.what == USR1) raise(SIGUSR1);
    if (plan.what == INT) raise(SIGINT);
    return plan.what;
}

/* The end of every wrapper. */
static void after(enum what what) {
    if (what == KILL_AFTER) syscall(SYS_kill, getpid(), SIGKILL);
}

static int fail(void) {
    errno = plan.err;
    return -1;
}

static const char *path_of(int fd, char buffer[4096]) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlink, link, buffer, 4095L);
    buffer[n < 0 ? 0 : n] = '\0';
    return buffer;
}

static void note(enum fault_kind kind, const char *path, const char *to, const void *data, size_t n,
                 off_t at) {
    if (!recording || (*plan.under && !strstr(path, plan.under))) return;
    if (n_ops == cap_ops) {
        cap_ops = 2 * cap_ops + 64;
        ops = realloc(ops, cap_ops * sizeof *ops);
        if (!ops) abort();
    }
    struct fault_op *op = &ops[n_ops++];
    *op = (struct fault_op){.kind = kind, .path = strdup(path), .n = n, .at = at};
    if (to) op->to = strdup(to);
    if (n) {
        op->data = malloc(n);
        if (!op->data) abort();
        memcpy(op->data, data, n);
    }
}

void fault_record(bool on) {
    recording = on;
    if (!on) return;
    for (size_t i = 0; i < n_ops; i++) {
        free(ops[i].path);
        free(ops[i].to);
        free(ops[i].data);
    }
    n_ops = 0;
}

const struct fault_op *fault_recorded(size_t *n) {
    *n = n_ops;
    return ops;
}

/* The calls. The kernel is called directly, so that a sanitizer's wrappers stay out of this.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's are reserved */

static int open_file(const char *path, int flags, mode_t mode) {
    enum what what = due("open", path);
    if (what == FAIL) return fail();
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && (flags & (O_CREAT | O_TRUNC))) note(FAULT_CREATE, path, NULL, NULL, 0, 0);
    after(what);
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_file(path, flags, mode);
}

int close(int fd) {
    char path[4096];
    enum what what = fd > 2 ? due("close", path_of(fd, path)) : NOTHING;
    int result = (int)syscall(SYS_close, fd);
    after(what);
    return what == FAIL ? fail() : result;
}

/* Read and write alike: `half` of a call that is cut short. */
static size_t half(enum what what, size_t n) { return what == SHORT && n > 1 ? n / 2 : n; }

ssize_t read(int fd, void *data, size_t n) {
    char path[4096];
    enum what what = fd > 2 ? due("read", path_of(fd, path)) : NOTHING;
    if (what == FAIL) return fail();
    ssize_t k = syscall(SYS_read, fd, data, half(what, n));
    after(what);
    return k;
}

ssize_t pread(int fd, void *data, size_t n, off_t at) {
    char path[4096];
    enum what what = fd > 2 ? due("pread", path_of(fd, path)) : NOTHING;
    if (what == FAIL) return fail();
    ssize_t k = syscall(SYS_pread64, fd, data, half(what, n), at);
    after(what);
    return k;
}

ssize_t pread64(int fd, void *data, size_t n, off64_t at) { return pread(fd, data, n, at); }

static ssize_t put(const char *call, int fd, const void *data, size_t n, off_t at) {
    char path[4096];
    enum what what = fd > 2 ? due(call, path_of(fd, path)) : NOTHING;
    if (what == FAIL) return fail();
    off_t where = at < 0 ? syscall(SYS_lseek, fd, 0L, SEEK_CUR) : at;
    ssize_t k = at < 0 ? syscall(SYS_write, fd, data, half(what, n))
                       : syscall(SYS_pwrite64, fd, data, half(what, n), at);
    if (k > 0 && fd > 2 && recording)
        note(FAULT_WRITE, path_of(fd, path), NULL, data, (size_t)k, where);
    after(what);
    return k;
}

ssize_t write(int fd, const void *data, size_t n) { return put("write", fd, data, n, -1); }
ssize_t pwrite(int fd, const void *d, size_t n, off_t at) { return put("pwrite", fd, d, n, at); }
ssize_t pwrite64(int fd, const void *d, size_t n, off64_t at) { return pwrite(fd, d, n, at); }

int fsync(int fd) {
    char path[4096];
    enum what what = due("fsync", path_of(fd, path));
    if (what == FAIL) return fail();
    int result = skip_fsync ? 0 : (int)syscall(SYS_fsync, fd);
    if (!result) note(FAULT_FSYNC, path, NULL, NULL, 0, 0);
    after(what);
    return result;
}

int fdatasync(int fd) { return fsync(fd); }

/* A call about names, once it is decided what happens to it: run, note, end. */
static int named(enum what what, long result, enum fault_kind kind, const char *path,
                 const char *to) {
    if (!result) note(kind, path, to, NULL, 0, 0);
    after(what);
    return (int)result;
}

int rename(const char *from, const char *to) {
    enum what what = due("rename", from);
    if (what == FAIL) return fail();
    return named(what, syscall(SYS_rename, from, to), FAULT_RENAME, from, to);
}

int mkdir(const char *path, mode_t mode) {
    enum what what = due("mkdir", path);
    if (what == FAIL) return fail();
    return named(what, syscall(SYS_mkdir, path, mode), FAULT_MKDIR, path, NULL);
}

int unlink(const char *path) {
    enum what what = due("unlink", path);
    if (what == FAIL) return fail();
    return named(what, syscall(SYS_unlink, path), FAULT_UNLINK, path, NULL);
}

int rmdir(const char *path) {
    enum what what = due("rmdir", path);
    if (what == FAIL) return fail();
    return named(what, syscall(SYS_rmdir, path), FAULT_RMDIR, path, NULL);
}

int symlink(const char *to, const char *path) {
    enum what what = due("symlink", path);
    if (what == FAIL) return fail();
    return named(what, syscall(SYS_symlink, to, path), FAULT_SYMLINK, path, to);
}

int ftruncate(int fd, off_t n) {
    char path[4096];
    enum what what = due("truncate", path_of(fd, path));
    if (what == FAIL) return fail();
    int result = (int)syscall(SYS_ftruncate, fd, n);
    after(what);
    return result;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
