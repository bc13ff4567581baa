/* What another program prints, or what a call that may hang answers, within a limit of time. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

/* Runs argv[0] (looked for in PATH) with no input; `out` gets what it prints on both outputs, at
 * most 64 KiB. Its exit status, or -1: not found, not started, killed by a signal, or ended by us
 * after `limit` seconds. */
int child_output(char *const *argv, double limit, struct str *out);

/* Calls `ask` in a forked process, where it may print into `out`; false when it did not return true
 * within the limit. Before any thread was started. */
bool child_call(bool (*ask)(void *ctx, struct str *out), void *ctx, double limit, struct str *out);

char *program_path(const char *name); /* in PATH: owned, or NULL */
