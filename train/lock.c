#include "train/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { WHO = 256 }; /* bytes of "PID HOST" */

static bool alive(long pid) { return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM); }

static void read_holder(int fd, char holder[WHO]) {
    ssize_t n = pread(fd, holder, WHO - 1, 0);
    holder[n > 0 ? n : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
}

/* Still the file of that name? The holder before may have removed it just before we locked it. */
static bool current(const char *path, int fd) {
    struct stat named, open;
    return !stat(path, &named) && !fstat(fd, &open) && named.st_ino == open.st_ino &&
           named.st_dev == open.st_dev;
}

/* 1: taken, 0: held by another, -1: this file system has no locks. */
static int try_lock(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &whole) == 0) return 1;
    return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

static int refuse(const char *path, const char *holder) {
    return error_set(ERR_DEVICE, "%s: process %s is at work in this run; when it is not, remove %s",
                     path, *holder ? holder : "(unknown)", path);
}

/* With the file open: 0 and locked, ERR_DEVICE, or -1: it has just been removed, try again. */
static int claim(const char *path, int fd) {
    char holder[WHO], host[128] = "?", who[WHO];
    gethostname(host, sizeof host - 1);
    int locked = try_lock(fd);
    read_holder(fd, holder);
    if (locked == 0) return refuse(path, holder);
    if (!current(path, fd)) return -1;
    char *end;
    long pid = strtol(holder, &end, 10);
    bool here = *end == ' ' && strcmp(end + 1, host) == 0;
    /* Locks of other hosts are not seen on every network file system. */
    if (*holder && !here) return refuse(path, holder);
    if (locked < 0 && here && pid != (long)getpid() && alive(pid)) return refuse(path, holder);
    int n = snprintf(who, sizeof who, "%ld %s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, who, (size_t)n, 0) != n)
        return error_set(ERR_IO, "%s: %s", path, strerror(errno));
    return 0;
}

int lock_take(const char *path, int *fd) {
    *fd = -1;
    for (;;) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) return error_set(ERR_IO, "%s: cannot create: %s", path, strerror(errno));
        int status = claim(path, file);
        if (!status) {
            *fd = file;
            return 0;
        }
        close(file);
        if (status > 0) return status;
    }
}

void lock_release(const char *path, int fd) {
    if (fd < 0) return;
    unlink(path); /* while it is locked: nobody else can hold it yet */
    close(fd);
}
