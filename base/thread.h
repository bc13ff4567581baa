/* Threads that serve the program behind its back. */
#pragma once

#include <pthread.h>

/* Starts one that no signal is delivered to: they are the business of the thread that calls. 0, or
 * ERR_INTERNAL. */
int thread_start(pthread_t *thread, void *(*body)(void *), void *arg);
