#include "base/thread.h"

#include <signal.h>
#include <string.h>

#include "base/error.h"

int thread_start(pthread_t *thread, void *(*body)(void *), void *arg) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, body, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? error_set(ERR_INTERNAL, "cannot start a thread: %s", strerror(failed)) : 0;
}
