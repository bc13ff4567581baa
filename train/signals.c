#include "train/signals.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "train/time_limit.h"

enum { ELSEWHERE = 127 }; /* in the place of a signal: another rank has failed, */
static atomic_int failed; /* with this status */
static atomic_int pending;
static volatile sig_atomic_t interrupted; /* by a SIGINT of this process's own */
static volatile sig_atomic_t held;        /* a second one is only noted */

/* Save, and be run again: Slurm sends SIGUSR1 ahead of the limit, some sites SIGUSR2. */
bool signals_ask_again(int signo) { return signo == SIGUSR1 || signo == SIGUSR2; }

static bool asks_to_stop(int signo) {
    return signals_ask_again(signo) || signo == SIGHUP || signo == SIGINT || signo == SIGTERM;
}

bool signals_stopped(int status) {
    return status == ERR_AGAIN || (status > 128 && asks_to_stop(status - 128));
}

static int status_of(int signo) {
    if (signo == ELSEWHERE) return failed;
    return signals_ask_again(signo) ? ERR_AGAIN : 128 + signo;
}

int signals_status(int how) {
    if (WIFEXITED(how)) return WEXITSTATUS(how);
    return asks_to_stop(WTERMSIG(how)) ? status_of(WTERMSIG(how)) : ERR_INTERNAL;
}

/* A job that was cancelled stays cancelled: 75 would have it queued again. */
void signals_take(int signo) {
    int was = pending;
    do {
        if (was == ELSEWHERE) return;
        if (was && !signals_ask_again(was) && signals_ask_again(signo)) return;
    } while (!atomic_compare_exchange_weak(&pending, &was, signo));
}

void signals_fail(int status) {
    failed = status;
    pending = ELSEWHERE;
}

static void note(int signo) {
    if (signo == SIGINT && interrupted && pending == SIGINT && !held) _exit(130);
    if (signo == SIGINT) interrupted = 1;
    signals_take(signo);
}

void signals_install(void) {
    struct sigaction a = {.sa_handler = note, .sa_flags = SA_RESTART}, was;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    sigaction(SIGUSR1, &a, NULL);
    sigaction(SIGUSR2, &a, NULL);
    if (!sigaction(SIGHUP, NULL, &was) && was.sa_handler != SIG_IGN) /* nohup */
        sigaction(SIGHUP, &a, NULL);
    a.sa_handler = SIG_IGN; /* a closed pipe is a failed write, not a death */
    sigaction(SIGPIPE, &a, NULL);
}

void signals_hold(bool on) { held = on; }

int signals_noted(void) { return pending; }

int signals_pending(void) {
    if (!pending && time_limit_near()) signals_take(SIGUSR1);
    return pending;
}

static const char *name_of(int signo) {
    switch (signo) {
    case SIGUSR1: return "SIGUSR1";
    case SIGUSR2: return "SIGUSR2";
    case SIGINT: return "SIGINT";
    case SIGHUP: return "SIGHUP";
    default: return "SIGTERM";
    }
}

int signals_error(const char *fmt, ...) {
    int signo = pending;
    if (signo == ELSEWHERE) return error_set(failed, "%s", "");
    bool limit = signo == SIGUSR1 && time_limit_near(); /* on whichever rank */
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(status_of(signo), "stopped by %s; %s",
                     limit ? "the time limit" : name_of(signo), text);
}
