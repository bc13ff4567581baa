#include "dist/hang.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stacks.h"

enum { GRACE_S = 3 }; /* ranks notice one after the other; a network folder shows files late */

static char *file_of(const char *dir, int rank) {
    return mem_format("%s/hang/rank-%d.txt", dir, rank);
}

static void write_stacks(const struct hang *h) {
    char *folder = path_join(h->dir, "hang"), *path = file_of(h->dir, h->rank);
    int fd = dir_make(folder) ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    error_clear();
    if (fd >= 0) {
        dprintf(fd, "rank %d of %d waits for %s, exchange %ld, since %.0f s\n\n", h->rank, h->size,
                h->what, h->number, h->seconds);
        stacks_write(fd);
        close(fd);
    }
    free(folder);
    free(path);
}

int hang_report(const struct hang *h) {
    struct str silent = {0};
    int first = h->rank;
    if (h->dir) {
        write_stacks(h);
        nanosleep(&(struct timespec){.tv_sec = GRACE_S}, NULL);
    }
    for (int r = 0; h->dir && r < h->size; r++) {
        char *path = file_of(h->dir, r);
        if (!file_exists(path))
            str_add(&silent, "%s%d", silent.n ? ", " : "", r);
        else if (r < first)
            first = r;
        free(path);
    }
    /* Who ends first wakes ranks that were stopped (its launcher does), and they leave a file, too:
     * the others let the first one look and tell. */
    error_set(ERR_INTERNAL,
              "rank %d of %d waits for %s since %.0f s (exchange %ld); silent: %s%s%s", h->rank,
              h->size, h->what, h->seconds, h->number, silent.n ? "rank " : "none",
              silent.n ? silent.at : "", h->dir ? "; stacks of the others are in hang/" : "");
    str_free(&silent);
    if (first != h->rank)
        nanosleep(&(struct timespec){.tv_sec = GRACE_S}, NULL);
    else
        log_error("%s", error_message());
    return ERR_INTERNAL;
}

void hang_clear(const char *dir) {
    char *folder = path_join(dir, "hang");
    if (dir_exists(folder)) dir_remove(folder);
    error_clear(); /* old reports are no reason to stop */
    free(folder);
}
