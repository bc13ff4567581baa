/* Where runs and caches go: room, rights, kind of file system, and whether a run can be locked. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "train/child_output.h"
#include "train/commands/cmd_runs.h"
#include "train/doctor/doctor.h"
#include "train/run/disk_kind.h"
#include "train/run/lock.h"

static const char no_file[] = "no file can be made: ";

/* The lock of a run, on a name of its own. In a child: a server that is away is waited for for
 * ever.
 */
static bool try_lock(void *ctx, struct str *out) {
    char *path = mem_format("%s/.ovseg-doctor-%ld", (char *)ctx, (long)getpid());
    struct lock *lock;
    bool good = lock_take(path, LOCK_STILL, &lock) == 0;
    if (!good) str_add(out, "%s%s", no_file, error_message());
    error_clear();
    lock_release(lock);
    free(path);
    return good;
}

/* The nearest folder above that is there. */
static char *existing(const char *path) {
    char *at = mem_strdup(path);
    while (!dir_exists(at)) {
        char *up = path_dir(at);
        bool top = strcmp(up, at) == 0;
        free(at);
        at = up;
        if (top) break;
    }
    return at;
}

static void look_at_room(struct findings *f, const char *name, const char *path, const char *kind) {
    struct statvfs v;
    char room[16];
    if (statvfs(path, &v)) return;
    double bytes = (double)v.f_bavail * (double)v.f_frsize;
    bytes_text((int64_t)bytes, room);
    bool little = bytes < 2e9, none = bytes < 2e8;
    finding_add(f, "disks",
                none     ? FINDING_BAD
                : little ? FINDING_WARN
                         : FINDING_OK,
                name,
                little
                    ? "make room (`ovseg runs gc`), or set output_dir; `ovseg plan` says how much "
                      "a chain takes"
                    : NULL,
                "%s: %s, %s free", path, kind, room);
    if (v.f_favail < 1000 && v.f_files)
        finding_add(f, "disks", FINDING_WARN, name, "remove files", "%s: %llu inodes free", path,
                    (unsigned long long)v.f_favail);
}

static void look_at(struct findings *f, const char *name, const char *wanted, bool runs) {
    char *path = existing(wanted);
    const struct disk_kind *kind = disk_kind(path);
    struct str why = {0};
    look_at_room(f, name, path, kind ? kind->name : "unknown kind");
    bool locks = child_call(try_lock, path, 5, &why);
    if (!locks && why.n && strncmp(why.at, no_file, strlen(no_file)) == 0)
        finding_add(f, "disks", FINDING_BAD, name, "name a folder of yours that can be written",
                    "%s: %s", path, why.at);
    else if (!locks && runs)
        finding_add(f, "disks", FINDING_WARN, name,
                    "is its server there? Runs would wait as long for every file",
                    "%s: a lock is not taken within 5 s", path);
    else if (runs && kind && kind->network)
        finding_add(f, "disks", FINDING_OK, name, NULL, "%s: a network file system, its locks work",
                    path);
    if (runs && kind && kind->memory)
        finding_add(f, "disks", FINDING_WARN, name, "set output_dir to a folder on a disk",
                    "%s: lies in memory and is lost at the next start", path);
    str_free(&why);
    free(path);
}

void doctor_disks(struct findings *f, const char *runs_dir) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const char *tmp = getenv("TMPDIR");
    char *absolute = runs_dir[0] == '/' ? mem_strdup(runs_dir) : mem_format("./%s", runs_dir);
    char *place = cache && *cache ? mem_strdup(cache) : home ? path_join(home, ".cache") : NULL;
    look_at(f, "runs", absolute, true);
    if (place) look_at(f, "caches", place, false);
    look_at(f, "temporary files", tmp && *tmp ? tmp : "/tmp", false);
    free(place);
    free(absolute);
}
