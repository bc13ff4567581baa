#include "train/run/run_remove.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "train/run/lock.h"

static const char aside[] = ".removed-"; /* no run's name begins with a dot */

bool run_same(const struct run_look *a, const struct run_look *b) {
    char *x = path_dir(a->dir), *y = path_dir(b->dir);
    struct stat in_a, in_b; /* of what they lie in: that stays when one of them is gone */
    bool same = strcmp(a->name, b->name) == 0 && stat(x, &in_a) == 0 && stat(y, &in_b) == 0 &&
                in_a.st_dev == in_b.st_dev && in_a.st_ino == in_b.st_ino;
    free(x);
    free(y);
    return same;
}

int run_check_unused(const struct run_look *r, const struct run_looks *all,
                     const struct run_look *const *going, size_t n) {
    enum { SHOWN = 4 };
    struct str users = {0};
    size_t found = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct run_look *user = &all->at[i];
        bool goes = false;
        for (size_t k = 0; k < n; k++) goes |= run_same(going[k], user);
        if (goes || !run_uses(user, r->dir)) continue;
        if (found++ < SHOWN) str_add(&users, "%s%s", found > 1 ? ", " : "", user->dir);
    }
    if (found > SHOWN) str_add(&users, " and %zu more", found - SHOWN);
    int status = 0;
    if (found == 1)
        status = error_set(ERR_USAGE, "%s: %s was made from it: remove that one first, or both",
                           r->dir, users.at);
    else if (found)
        status = error_set(ERR_USAGE,
                           "%s: %s were made from it: remove those first, or all of them together",
                           r->dir, users.at);
    str_free(&users);
    return status;
}

int run_remove(const struct run_look *r) {
    char *lock = path_join(r->dir, "lock"), *parent = path_dir(r->dir);
    char *name = mem_format("%s%s-%ld", aside, r->name, (long)getpid());
    char *away = path_join(parent, name);
    struct lock *held = NULL;
    int status = lock_take(lock, LOCK_STILL, &held);
    if (!status && rename(r->dir, away))
        status = error_set(ERR_IO, "%s: cannot rename: %s", r->dir, strerror(errno));
    lock_release(held); /* where it was renamed, the lock went with the folder */
    if (!status) {
        status = file_sync(parent);
        int removed = dir_remove(away);
        if (!status) status = removed;
    }
    free(away);
    free(name);
    free(parent);
    free(lock);
    return status;
}

/* Of a removal, or of a probe (train/plan/plan_probe.c) whose process was killed. */
static bool is_left_over(const char *name, time_t moved) {
    enum { HOUR = 3600 };
    if (strncmp(name, aside, strlen(aside)) == 0) return true;
    return strncmp(name, ".probe-", 7) == 0 && difftime(time(NULL), moved) > HOUR;
}

int64_t run_sweep(const char *runs, bool go) {
    struct strings names = {0};
    int64_t bytes = 0;
    if (dir_list(runs, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        char *path = names.at[i][0] == '.' ? path_join(runs, names.at[i]) : NULL;
        time_t moved = 0;
        int64_t n = path ? tree_bytes(path, &moved) : 0;
        if (path && is_left_over(names.at[i], moved)) {
            bytes += n;
            if (go && dir_remove(path)) error_clear(); /* another one's, who is at it */
        }
        free(path);
    }
    strings_free(&names);
    return bytes;
}
