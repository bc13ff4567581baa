/* Faults of the operating system, on demand. inject.c takes the place of the C library's I/O calls
 * in the program that it is linked into, or by LD_PRELOAD (libfault.so) in any program:
 *
 *   OVSEG_FAULT=CALL:N:WHAT   the N-th CALL goes wrong; N+ that one and all later ones
 *     CALL  open read pread write pwrite fsync close rename mkdir unlink rmdir symlink truncate any
 *     WHAT  an errno's name   the call fails with it and does nothing (close: it does close)
 *           SHORT             a read or write handles half of the bytes (others: as if nothing)
 *           KILL, KILL-AFTER  SIGKILL instead of the call, or right after it
 *           TERM, USR1, INT   SIGTERM, SIGUSR1, SIGINT just before the call
 *   OVSEG_FAULT_UNDER=TEXT    only calls on paths that contain TEXT count
 *   OVSEG_FAULT_RANK=N        only in that rank of several
 *
 * Standard input, output and error never count. fdatasync counts as fsync, ftruncate as truncate.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

void fault_set(const char *spec, const char *under); /* NULL: none; starts counting anew */
long fault_count(void);                              /* calls of that name since then */
bool fault_happened(void);
void fault_skip_fsync(bool on); /* fsync succeeds and does nothing: for loops of many saves */

/* What is written down while recording: every call that changed something, after it succeeded. */
struct fault_op {
    enum fault_kind {
        FAULT_CREATE, /* path; an existing file is truncated */
        FAULT_WRITE,  /* path, data at an offset */
        FAULT_FSYNC,  /* path of a file or a folder */
        FAULT_RENAME, /* path, to */
        FAULT_MKDIR,
        FAULT_UNLINK,
        FAULT_RMDIR,
        FAULT_SYMLINK, /* path, to: what it says */
    } kind;
    char *path, *to;
    void *data;
    size_t n;
    off_t at;
};
void fault_record(bool on); /* on: forgets what was recorded before */
const struct fault_op *fault_recorded(size_t *n);
