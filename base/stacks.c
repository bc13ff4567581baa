/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE /* syscall() */
#include "base/stacks.h"

#include <dirent.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 64 };

static int to;                  /* the file */
static atomic_int wanted, told; /* the thread that is asked, and that has answered */

static void tell(int signo) {
    (void)signo;
    void *frame[DEPTH];
    if ((int)syscall(SYS_gettid) != atomic_load(&wanted)) return;
    backtrace_symbols_fd(frame, backtrace(frame, DEPTH), to);
    atomic_store(&told, (int)syscall(SYS_gettid));
}

static void name_thread(int thread) {
    char path[64], name[32] = "?";
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
    FILE *f = fopen(path, "r");
    if (f && !fgets(name, sizeof name, f)) name[0] = '\0';
    if (f) fclose(f);
    name[strcspn(name, "\n")] = '\0';
    dprintf(to, "thread %d (%s):\n", thread, name);
}

static void ask(int thread, int signo) {
    name_thread(thread);
    atomic_store(&wanted, thread);
    syscall(SYS_tgkill, getpid(), thread, signo);
    for (int ms = 0; ms < 1000 && atomic_load(&told) != thread; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    if (atomic_load(&told) != thread) dprintf(to, "no answer\n");
    dprintf(to, "\n");
}

void stacks_write(int fd) {
    void *frame[1];
    backtrace(frame, 1); /* loads what it needs now: a handler must not */
    int signo = SIGRTMIN + 5;
    struct sigaction a = {.sa_handler = tell, .sa_flags = SA_RESTART}, before;
    sigemptyset(&a.sa_mask);
    to = fd;
    sigaction(signo, &a, &before);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, signo);
    pthread_sigmask(SIG_UNBLOCK, &set, &old); /* the caller may have all blocked */
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *d; tasks && (d = readdir(tasks));)
        if (d->d_name[0] != '.') ask((int)strtol(d->d_name, NULL, 10), signo);
    if (tasks) closedir(tasks);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigaction(signo, &before, NULL);
}
