/* Signals that ask a run to stop: noted when they come, acted on between two steps. A time limit
 * that is near (train/time_limit.h) is to everybody a SIGUSR1. */
#pragma once

#include <stdbool.h>

void signals_install(void);

/* The signal that asked to stop, or 0. SIGINT once: after the step; twice: at once (130). */
int signals_pending(void);

/* While what is half done is being removed, which takes a moment, or is soon asked to end: a second
 * SIGINT is as the first. A terminal and mpirun may send it twice at once. */
void signals_hold(bool on);

bool signals_ask_again(int signo); /* it means: save, and be run again */

/* Whether a process that ended with this status was asked to stop: it goes on when it is run again.
 */
bool signals_stopped(int status);

/* The status of a process that ended, from what waitpid says. One that was asked to stop before it
 * listened, while its libraries were loaded, has the status that it would have ended with; that of
 * other deaths is ERR_INTERNAL. */
int signals_status(int how);

/* The signal that came to this process, or to another rank; not the time limit. From any thread. */
int signals_noted(void);
/* As if this process had been asked by that signal: another rank was. From any thread. */
void signals_take(int signo);
/* Another rank has failed: what this one is at is to end, with that status and without a message,
 * which the other one has told. From any thread. */
void signals_fail(int status);

/* Sets the error that ends a run: 75 for SIGUSR1 and SIGUSR2; 129, 130, 143 for SIGHUP, SIGINT,
 * SIGTERM. The text tells what is kept, and what the same command does next: "stopped by SIGTERM;
 * TEXT". */
int signals_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
