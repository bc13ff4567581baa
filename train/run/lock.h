/* Who is at work in a run folder: a file that names host, process and Slurm job (lock_file.h), and
 * that a thread of the holder touches every few seconds. No lock of the kernel is used: network
 * file systems have none, or lose them, or keep those of a host that is gone.
 *
 * The lock of a process of this system that ended, however it ended, is taken over at once, and so
 * is one of this host before it was started anew (lock_file.h, lock_life). One of another host, of
 * which nothing can be seen, is taken over when its counter has stood still for `still` seconds
 * while we looked; clocks of two hosts are never compared. So nothing has to be cleared by hand.
 *
 * How two that would take over cannot both win: files are made by link(2) of a whole temporary one,
 * which fails when the name is there (also on NFS); and each lock has a token. The successor of a
 * lock is who makes LOCK.after-TOKEN: one alone can. It holds the lock from then on, since whoever
 * looks follows this chain to its end; it then moves its file over LOCK. Renaming or removing a
 * dead lock first, and making a new one, would not do: a taker that read the dead one, and slept,
 * would move away the living one of a faster taker. Here such a sleeper finds that no chain leads
 * from LOCK to what it made, and takes it back.
 *
 * What no lock can do is stop a process that itself slept, frozen with its host, while it was taken
 * for dead: it asks (lock_check) before it writes what matters. The thread that
 * touches the file looks, too, and sends SIGTERM to the process, so that work stops soon.
 */
#pragma once

#include <stdbool.h>

enum { LOCK_STILL = 60 }; /* seconds: the default of dist.lock */

struct lock;

/* -> *out, held until lock_release or the end of the process. ERR_DEVICE, and who: another process
 * holds it. ERR_IO: it cannot be made there; or the code of a signal that came while it waited. */
int lock_take(const char *path, double still, struct lock **out);

/* After that: until that process has released it, has died, or is taken for dead. Says now and then
 * whom it waits for. 0, or the code of a signal. */
int lock_wait(const char *path, double still);

/* ERR_DEVICE: another one holds it by now, or the file was removed; ERR_IO: it cannot be read. */
int lock_check(const struct lock *l);

/* Removes the file, if it is still ours. NULL: nothing happens. */
void lock_release(struct lock *l);
