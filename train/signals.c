#include "train/signals.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static volatile sig_atomic_t pending;

static void note(int signo) {
    if (signo == SIGINT && pending == SIGINT) _exit(130);
    pending = signo;
}

void signals_install(void) {
    struct sigaction a = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    sigaction(SIGUSR1, &a, NULL);
    a.sa_handler = SIG_IGN; /* a closed pipe is a failed write, not a death */
    sigaction(SIGPIPE, &a, NULL);
}

int signals_pending(void) { return (int)pending; }

void signals_take(int signo) { pending = signo; }

int signals_error(const char *fmt, ...) {
    int signo = (int)pending, code = signo == SIGUSR1 ? ERR_AGAIN : 128 + signo;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(code, "stopped by %s; %s",
                     signo == SIGUSR1  ? "SIGUSR1"
                     : signo == SIGINT ? "SIGINT"
                                       : "SIGTERM",
                     text);
}
