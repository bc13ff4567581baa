#include "tests/offspring.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct found {
    pid_t pid, parent;
    bool ours;
};

static char own_mark[4096];
static pid_t owner; /* who begins, and not a child of it */

void offspring_begin(void) {
    const char *above = getenv(OFFSPRING_MARK);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* a number may be given to another process later */
    owner = getpid();
    snprintf(own_mark, sizeof own_mark, "%s%s%ld-%lld.%09ld", above ? above : "", above ? "/" : "",
             (long)owner, (long long)now.tv_sec, now.tv_nsec);
    setenv(OFFSPRING_MARK, own_mark, 1);
}

/* A file of /proc/PID; how much of it there is. */
static size_t read_of(const char *pid, const char *name, char *text, size_t size) {
    char path[64];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%.20s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    for (ssize_t k; n < size && (k = read(fd, text + n, size - n)) > 0;) n += (size_t)k;
    close(fd);
    return n;
}

/* False: it is gone, or only waited for. */
static bool read_stat(const char *pid, struct found *f) {
    char text[512];
    size_t n = read_of(pid, "stat", text, sizeof text - 1);
    text[n] = '\0';
    const char *close = strrchr(text, ')'); /* a name may hold anything */
    char state;
    int parent;
    if (!close || sscanf(close + 1, " %c %d", &state, &parent) != 2) return false;
    *f = (struct found){.pid = (pid_t)strtol(pid, NULL, 10), .parent = parent};
    return state != 'Z' && state != 'X';
}

static bool is_marked(const char *pid, const char *mark) {
    static char text[1 << 18];
    size_t n = read_of(pid, "environ", text, sizeof text - 1), m = strlen(mark);
    text[n] = '\0';
    for (size_t i = 0; i < n; i += strlen(text + i) + 1) {
        const char *value = text + i + sizeof OFFSPRING_MARK;
        if (strncmp(text + i, OFFSPRING_MARK "=", sizeof OFFSPRING_MARK) != 0) continue;
        return strncmp(value, mark, m) == 0 && (!value[m] || value[m] == '/');
    }
    return false;
}

/* All processes but the caller; owned. */
static struct found *look(const char *mark, size_t *count) {
    struct found *all = NULL, f;
    size_t n = 0, room = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strspn(e->d_name, "0123456789") != strlen(e->d_name)) continue;
        if (!read_stat(e->d_name, &f) || f.pid == getpid()) continue;
        if (n == room) {
            room = 2 * room + 64;
            struct found *more = realloc(all, room * sizeof *all);
            if (!more) abort();
            all = more;
        }
        f.ours = f.parent == getpid() || is_marked(e->d_name, mark);
        all[n++] = f;
    }
    if (d) closedir(d);
    *count = n;
    return all;
}

/* Their children, and those of these. */
static void add_children(struct found *all, size_t n) {
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n && !all[i].ours; k++)
                if (all[k].ours && all[i].parent == all[k].pid) more = all[i].ours = true;
    }
}

/* Sends all of them a signal, 0: none; how many there were. */
static size_t send(const char *mark, int signo) {
    size_t n, sent = 0;
    struct found *all = look(mark, &n);
    add_children(all, n);
    for (size_t i = 0; i < n; i++)
        if (all[i].ours) sent += kill(all[i].pid, signo) == 0;
    free(all);
    return sent;
}

size_t offspring_alive(void) { return send(own_mark, 0); }

size_t offspring_end_of(const char *mark) {
    enum { TRIES = 500 }; /* of 10 ms: what writes to a slow disk is not gone at once */
    size_t first = send(mark, SIGKILL), left = first;
    for (int i = 0; i < TRIES && left; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        left = send(mark, SIGKILL); /* and what they had begun to start */
    }
    return first;
}

/* Most tests start nothing, and need no look at all processes. */
static bool started_any(void) {
    struct rusage u;
    siginfo_t info;
    return (!getrusage(RUSAGE_CHILDREN, &u) && u.ru_minflt > 0) ||
           !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
}

size_t offspring_end(void) {
    return owner == getpid() && started_any() ? offspring_end_of(own_mark) : 0;
}

void offspring_guard(const char *program) {
    static bool there;
    int ends[2];
    if (there || owner != getpid()) return;
    there = true;
    if (pipe(ends)) abort();
    fcntl(ends[0], F_SETFD, FD_CLOEXEC); /* the other end is open as long as this process lives */
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[0], 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY,
                                     0); /* CTest waits for them */
    char *copy = strdup(program), *const argv[] = {copy, own_mark, NULL}, *const none[] = {NULL};
    pid_t pid;
    int code = posix_spawn(&pid, program, &files, NULL, argv, none);
    posix_spawn_file_actions_destroy(&files);
    free(copy);
    close(ends[0]);
    if (code) {
        fprintf(stderr, "%s: %s\n", program, strerror(code));
        abort();
    }
    waitpid(pid, NULL, 0); /* it goes on without a parent, whose killer would take it along */
}
