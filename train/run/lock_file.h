/* What stands in a lock file: who holds the lock, and a counter that moves while that process
 * lives. One fact a line, the counter last and of fixed width, so that it is written over in place:
 *
 *   ovseg lock 1
 *   host node17
 *   pid 4711
 *   start 98123            of the process, in /proc/PID/stat's ticks since boot
 *   system 5f0c9d0e11aa2233 hash of the kernel's boot and of the space of process numbers
 *   boot 08f2a4c11d0e77b3  hash of the kernel's boot alone
 *   machine 2b5e9f0041c7da10 hash of /etc/machine-id; 0: it has none
 *   job 1234               Slurm's; "-": none
 *   token 0123456789abcdef of this lock alone
 *   every 5000             milliseconds between beats
 *   held 00000000000012345 milliseconds, by its own clock, at the last beat
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOCK_TEXT = 1024 };

struct lock_holder {
    char host[128], job[64]; /* job: "": none */
    long pid;
    uint64_t start, system, boot, machine; /* 0: not known */
    char token[17];
    int64_t every_ms, held_ms;
    bool ours; /* a lock file as above; else: `token` alone, a hash of what stands there */
};

void lock_holder_self(struct lock_holder *h);                       /* this process, a new token */
size_t lock_text(const struct lock_holder *h, char out[LOCK_TEXT]); /* its length */
void lock_parse(struct lock_holder *h, const char *text, size_t n); /* whatever the text is */

/* The same from a file: 0, or an errno. What is too long is read in part, and is none of ours. */
int lock_read(const char *path, struct lock_holder *h);

/* Whether the process lives that holds the lock at `path`: of one on this system that is seen, of
 * others nothing is known. A number that a later process has by now, and a zombie, are dead.
 *
 * So is who held it before this host was started anew, where `path` is on a disk that one running
 * system has at a time: same name, same machine, another boot. On network file systems that is not
 * believed: clones of a machine may have its name and its id, and live. */
enum lock_life { LOCK_LIVES, LOCK_DEAD, LOCK_UNKNOWN };
enum lock_life lock_life(const struct lock_holder *h, const char *path);

/* "process 4711 on node17, job 1234, since 3 min 05 s", or "an unknown process". */
void lock_who(const struct lock_holder *h, char out[LOCK_TEXT]);
