#include "train/signals.h"

#include <signal.h>
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

int signals_error(long long step) {
    int code = pending == SIGUSR1 ? ERR_AGAIN : 128 + (int)pending;
    return error_set(code,
                     "stopped by %s; the checkpoint of step %lld is saved, the same command "
                     "goes on from there",
                     pending == SIGUSR1  ? "SIGUSR1"
                     : pending == SIGINT ? "SIGINT"
                                         : "SIGTERM",
                     step);
}
