/* Removing runs: never one at work, never one that another run was made from. */
#pragma once

#include "train/run/run_look.h"

/* One folder under whatever name, also when one of them is gone: runs of two folders have equal
 * names when they were made alike. */
bool run_same(const struct run_look *a, const struct run_look *b);

/* ERR_USAGE, and who: runs of `all` that are not among the `n` going ones use this one. */
int run_check_unused(const struct run_look *r, const struct run_looks *all,
                     const struct run_look *const *going, size_t n);

/* Takes the run's lock, gives the folder another name, then removes it: whatever happens meanwhile,
 * there is either the whole run or none. ERR_DEVICE when a process is at work in it, ERR_IO. */
int run_remove(const struct run_look *r);

/* Folders that removals and probes left which were cut short; their bytes. `go`: removes them. */
int64_t run_sweep(const char *runs, bool go);
