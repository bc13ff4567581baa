/* Resident memory of a training, seen from outside, while metrics.jsonl tells the step. */
#pragma once

#include <sys/types.h>

/* "VmRSS:" or "VmHWM:", its peak, in KiB; 0: the process has ended. */
long resident_now(pid_t pid, const char *what);

/* Of one process, KiB: the most at 50 steps from the 100th on, and from the 1,000th on, which is
 * past the transient of one step. */
struct resident {
    long early, late;
};

enum { RESIDENT_RANKS = 4 };

/* Trains CONFIG below DIR/out with these arguments on so many ranks (one: without MPI), until it is
 * past step 1,050, and ends it there; `name` and `part` ("" or "pretrain/") say which stage is
 * looked at. to: [ranks] */
void resident_watch(int ranks, const char *config, const char *name, const char *part,
                    const char *const *arguments, struct resident *to);

/* A step of smoke/clip.yaml makes and frees the gradient of 49,408 token embeddings of 32 numbers,
 * 6,176 KiB. Once a small block has come to lie in the hole that it leaves, a second place is
 * needed: on some processors before step 100, on others after step 200. A leak of 12 KiB a step is
 * told all the same. */
enum { RESIDENT_TOKEN_GRADIENT = 49408 * 32 * 4 / 1024 };

/* Fails the test when a process grew by more than 2 % and `hole` KiB: of 180 to 250 MiB that is 4
 * to 6 KiB a step, less than any tensor of a batch or a gradient; what the allocator keeps of pages
 * that were in use at once for a moment is below 1 %. */
void check_resident(const char *name, const char *part, int ranks, long hole,
                    const struct resident *of);
