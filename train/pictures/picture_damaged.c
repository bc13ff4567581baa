#include "train/pictures/picture_damaged.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"

enum picture_damaged picture_damaged_of(const char *arg, struct argp_state *state) {
    if (strcmp(arg, "skip") == 0) return PICTURE_BAD_SKIP;
    if (strcmp(arg, "stop") == 0) return PICTURE_BAD_STOP;
    if (strcmp(arg, "fail") != 0)
        argp_error(state, "--damaged %s: is neither fail, skip nor stop", arg);
    return PICTURE_BAD_FAIL;
}

int picture_failed(struct picture_failures *f) {
    int status = error_status();
    f->n++;
    if (f->how == PICTURE_BAD_STOP) return status;
    if (!f->kind) f->kind = ERR_MISSING;
    if (status != ERR_MISSING) f->kind = ERR_DATA;
    if (f->how == PICTURE_BAD_SKIP)
        log_warn("skipped: %s", error_message());
    else
        log_error("%s", error_message());
    error_clear();
    return 0;
}

int picture_failures_end(const struct picture_failures *f, size_t n) {
    if (!f->n) return 0;
    if (f->how == PICTURE_BAD_SKIP && f->n < n) {
        log_warn("%zu of %zu pictures could not be read", f->n, n);
        return 0;
    }
    return error_set(f->kind, "%zu of %zu pictures could not be read", f->n, n);
}
