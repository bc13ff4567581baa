#include "train/child_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

extern char **environ;

enum { MOST = 64 << 10 };

char *program_path(const char *name) {
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at;) {
        size_t n = strcspn(at, ":");
        char *dir = mem_format("%.*s", (int)n, at), *file = path_join(dir, name);
        bool found = n && access(file, X_OK) == 0 && file_exists(file);
        free(dir);
        if (found) return file;
        free(file);
        at += n + (at[n] == ':');
    }
    return NULL;
}

/* Until the other end is closed by all who have it, or the time is over. */
static void read_all(int fd, double until, struct str *out) {
    for (;;) {
        char block[4096];
        struct pollfd p = {.fd = fd, .events = POLLIN};
        double left = until - clock_s();
        int ready = left > 0 ? poll(&p, 1, (int)(1e3 * left) + 1) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return;
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        if (out->n + (size_t)n <= MOST) str_put(out, block, (size_t)n);
    }
}

/* Its exit status, or -1; what does not end by itself is ended, with all it started. */
static int reap(pid_t pid, double until) {
    int how;
    for (;;) {
        pid_t p = waitpid(pid, &how, WNOHANG);
        if (p == pid) return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
        if (p < 0 && errno != EINTR) return -1;
        if (clock_s() >= until) break;
        nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
    }
    kill(-pid, SIGKILL); /* the group that it leads */
    kill(pid, SIGKILL);
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) {
    }
    return -1;
}

int child_output(char *const *argv, double limit, struct str *out) {
    int ends[2];
    pid_t pid;
    double until = clock_s() + limit;
    if (pipe(ends)) return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t to;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&to);
    posix_spawn_file_actions_addopen(&to, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&to, ends[1], 1);
    posix_spawn_file_actions_adddup2(&to, ends[1], 2);
    posix_spawn_file_actions_addclose(&to, ends[1]);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int e = posix_spawnp(&pid, argv[0], &to, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&to);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    int status = -1;
    if (!e) {
        read_all(ends[0], until, out);
        status = reap(pid, until);
    }
    close(ends[0]);
    return status;
}

bool child_call(bool (*ask)(void *ctx, struct str *out), void *ctx, double limit, struct str *out) {
    int ends[2];
    double until = clock_s() + limit;
    if (pipe(ends)) return false;
    pid_t pid = fork();
    if (pid == 0) {
        struct str text = {0};
        setpgid(0, 0);
        bool good = ask(ctx, &text);
        bool written = !text.n || write(ends[1], text.at, text.n) == (ssize_t)text.n;
        _exit(good && written ? 0 : 1);
    }
    close(ends[1]);
    int status = -1;
    if (pid > 0) {
        read_all(ends[0], until, out);
        status = reap(pid, until);
    }
    close(ends[0]);
    return status == 0;
}
