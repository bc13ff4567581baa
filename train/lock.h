/* Who is at work in a run folder: a file that names the process, locked while it lives. The kernel
 * drops the lock of a process that died, however it died, so that nothing has to be cleared by
 * hand; a number in a file alone could not tell it from a later process of the same number. */
#pragma once

/* Takes the lock file at `path` -> *fd, which holds it until lock_release or the end of the
 * process. ERR_DEVICE when another process holds it, or one of another host does or died there;
 * ERR_IO when the file cannot be made. */
int lock_take(const char *path, int *fd);
void lock_release(const char *path, int fd);
