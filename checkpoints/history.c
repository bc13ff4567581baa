#include "checkpoints/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "checkpoints/manifest.h"

#define PREFIX "checkpoint-"
#define BEST "checkpoint-best"

char *history_path(const char *run, int64_t step, const char *suffix) {
    char *name = mem_format(PREFIX "%06" PRId64 "%s", step, suffix);
    char *path = path_join(run, name);
    free(name);
    return path;
}

/* "checkpoint-000123.old" gives 123 and ".old"; false for every other name. */
static bool parse_name(const char *name, int64_t *step, const char **suffix) {
    size_t skip = sizeof PREFIX - 1;
    if (strncmp(name, PREFIX, skip) != 0) return false;
    size_t digits = strspn(name + skip, "0123456789");
    if (digits < 6 || digits > 18) return false;
    *step = strtoll(name + skip, NULL, 10);
    *suffix = name + skip + digits;
    return **suffix == '\0' || **suffix == '.';
}

static int compare_steps(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int history_list(const char *run, int64_t **steps, size_t *n) {
    *steps = NULL;
    *n = 0;
    if (!dir_exists(run)) return 0;
    struct strings names;
    int status = dir_list(run, &names);
    if (status) return status;
    *steps = mem_alloc(names.n + 1, sizeof **steps);
    for (size_t i = 0; i < names.n; i++) {
        const char *suffix;
        int64_t step;
        if (parse_name(names.at[i], &step, &suffix) && !*suffix) (*steps)[(*n)++] = step;
    }
    strings_free(&names);
    qsort(*steps, *n, sizeof **steps, compare_steps);
    return 0;
}

char *history_last(const char *run) {
    int64_t *steps;
    size_t n;
    if (history_list(run, &steps, &n)) error_clear();
    char *path = n ? history_path(run, steps[n - 1], "") : NULL;
    free(steps);
    return path;
}

/* The step that checkpoint-best names, -1 when there is no such link. */
static int64_t best_step(const char *run) {
    char *link = path_join(run, BEST), target[64];
    ssize_t n = readlink(link, target, sizeof target - 1);
    free(link);
    if (n < 0) return -1;
    target[n] = '\0';
    const char *suffix;
    int64_t step;
    return parse_name(target, &step, &suffix) && !*suffix ? step : -1;
}

char *history_best(const char *run) {
    int64_t step = best_step(run);
    char *path = step < 0 ? NULL : history_path(run, step, "");
    if (path && dir_exists(path)) return path;
    free(path);
    return NULL;
}

int history_mark_best(const char *run, int64_t step) {
    if (best_step(run) == step) return 0;
    char *link = path_join(run, BEST), *tmp = path_join(run, BEST ".tmp");
    char *target = history_path("", step, "");
    int status = file_remove(tmp);
    if (!status && (symlink(target, tmp) < 0 || rename(tmp, link) < 0)) {
        status = error_set(ERR_IO, "%s: cannot make the link: %s", link, strerror(errno));
        file_remove(tmp);
    }
    if (!status) status = file_sync(run);
    free(target);
    free(tmp);
    free(link);
    return status;
}

static int rename_to(const char *from, const char *to) {
    return rename(from, to) < 0 ? error_set(ERR_IO, "%s: cannot rename to %s: %s", from,
                                            path_base(to), strerror(errno))
                                : 0;
}

/* The replaced one goes back to its name when nothing has taken its place. */
static int settle_old(const char *run, int64_t step) {
    char *path = history_path(run, step, ""), *old = history_path(run, step, ".old");
    int status = 0;
    if (dir_exists(old)) status = dir_exists(path) ? dir_remove(old) : rename_to(old, path);
    free(old);
    free(path);
    return status;
}

/* The link names the newest that was the best when it was saved: a crash between the two steps of
 * a save may have left it on the one before. */
static int mend_best(const char *run) {
    int64_t *steps, best = -1;
    size_t n;
    int status = history_list(run, &steps, &n);
    while (!status && n && best < 0) {
        char *path = history_path(run, steps[--n], "");
        struct manifest m;
        if (manifest_read(&m, MANIFEST_CHECKPOINT, path))
            error_clear(); /* damaged: loading it will say so */
        if (m.best) best = steps[n];
        manifest_free(&m);
        free(path);
    }
    if (!status && best >= 0) status = history_mark_best(run, best);
    free(steps);
    return status;
}

int history_recover(const char *run) {
    if (!dir_exists(run)) return 0;
    struct strings names;
    int status = dir_list(run, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        const char *suffix;
        int64_t step;
        bool best_tmp = strcmp(names.at[i], BEST ".tmp") == 0;
        bool one_of_ours = parse_name(names.at[i], &step, &suffix);
        char *path = path_join(run, names.at[i]);
        if (best_tmp || (one_of_ours && strcmp(suffix, ".tmp") == 0)) status = dir_remove(path);
        if (one_of_ours && strcmp(suffix, ".old") == 0) status = settle_old(run, step);
        free(path);
    }
    strings_free(&names);
    return status ? status : mend_best(run);
}

int history_commit(const char *run, int64_t step) {
    char *path = history_path(run, step, ""), *tmp = history_path(run, step, ".tmp");
    char *old = history_path(run, step, ".old");
    int status = settle_old(run, step);
    if (!status && dir_exists(path)) status = rename_to(path, old);
    if (!status) status = dir_commit(tmp, path);
    /* Also after an error: nothing stays under the temporary name, the replaced one is put back. */
    int settled = settle_old(run, step);
    free(old);
    free(tmp);
    free(path);
    return status ? status : settled;
}

/* Renamed first: a half-removed folder never has the name of a whole one. */
static int discard(const char *run, int64_t step, const char *suffix) {
    char *path = history_path(run, step, suffix), *tmp = history_path(run, step, ".tmp");
    int status = dir_remove(tmp);
    if (!status) status = rename_to(path, tmp);
    if (!status) status = dir_remove(tmp);
    free(tmp);
    free(path);
    return status;
}

int history_prune(const char *run, size_t keep) {
    int64_t *steps, best = best_step(run);
    size_t n;
    int status = history_list(run, &steps, &n);
    for (size_t i = 0; !status && i + keep < n; i++)
        if (steps[i] != best) status = discard(run, steps[i], "");
    free(steps);
    struct strings names = {0};
    if (!status && n >= keep) status = dir_list(run, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        const char *suffix;
        int64_t step;
        if (parse_name(names.at[i], &step, &suffix) && strcmp(suffix, ".damaged") == 0)
            status = discard(run, step, suffix);
    }
    strings_free(&names);
    return status;
}

int history_set_aside(const char *run, int64_t step) {
    char *path = history_path(run, step, ""), *aside = history_path(run, step, ".damaged");
    int status = dir_remove(aside);
    if (!status) status = rename_to(path, aside);
    if (!status) status = file_sync(run);
    free(aside);
    free(path);
    return status;
}
