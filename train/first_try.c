#include "train/first_try.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "train/commands/cmd_runs.h"
#include "train/memory.h"
#include "train/ranks.h"
#include "train/run/run_look.h"

static char *place(const char *dir) { return path_join(dir, ".first-try"); }

void first_try_clear(const char *dir) {
    char *path = place(dir);
    int before = error_status(); /* which stays the error */
    if (dir_exists(path) && dir_remove(path) && !before) error_clear();
    free(path);
}

/* The pending error, with what was tried in front and what to do behind it. */
static int explain(const struct training *t, const char *tried, const char *advice) {
    int code = error_status();
    char *message = mem_strdup(error_message());
    error_clear();
    error_set(code, "%s%s%s: first try of %s: %s; %s", t->node->name, t->part ? " " : "",
              t->part ? t->part : "", tried, message, advice);
    free(message);
    return code;
}

static int try_batch(struct training *t) {
    char free_text[16], *shape = t->largest(t->self);
    bytes_text((int64_t)memory_free(), free_text);
    log_info("%s: first try of %s, with %s of memory free", t->node->name, shape, free_text);
    int status = training_try(t);
    if (t->forget) t->forget(t->self);
    if (status) {
        char *advice = mem_format(
            "%s of memory were free: a smaller batch.micro or batch.global takes less "
            "(`ovseg plan` says what fits); first_try=false leaves this out",
            free_text);
        status = explain(t, shape, advice);
        free(advice);
    }
    free(shape);
    return status; /* who failed leaves: others may be in the middle of a sum with it */
}

static int try_validation(struct training *t) {
    int scope = t_scope_open("validate", T_NO_GRAD | T_EVAL);
    int status = t->validate_try(t->self);
    t_scope_close(scope, NULL);
    if (status)
        status = explain(t, "a batch of validation", "validate.set=\"\" does without validation");
    return status; /* the same: validation counts over all ranks */
}

/* While one is written, the two before it are still there. */
static void look_at_room(const struct training *t, const char *dir, const char *path) {
    int64_t one = tree_bytes(path, NULL), room = disk_free(dir);
    char one_text[16], room_text[16];
    if (room >= 3 * one) return;
    bytes_text(one, one_text);
    bytes_text(room, room_text);
    log_warn(
        "%s: a checkpoint takes %s, up to three are there at a time, and %s are free: make "
        "room, or set output_dir",
        t->node->name, one_text, room_text);
}

static int try_save(struct training *t, const char *dir, struct saver *s,
                    const struct checkpoint *c) {
    char *path = place(dir);
    int status = dir_make(path);
    if (!status) status = saver_save(s, path, c, t->node->config.run.checkpoint_behind);
    if (!status) status = saver_wait(s);
    if (!status) look_at_room(t, dir, path);
    if (status) {
        char room[16];
        bytes_text(disk_free(dir), room);
        char *advice = mem_format("%s are free there: make room, or set output_dir", room);
        status = explain(t, "a checkpoint", advice);
        free(advice);
    }
    first_try_clear(dir);
    free(path);
    return status;
}

int first_try(struct training *t, const char *dir, struct saver *s, const struct checkpoint *c) {
    if (!t->node->config.train.first_try) return 0;
    double start = clock_s();
    int status = t->largest ? try_batch(t) : 0;
    if (!status && t->validate && t->validate_try) status = try_validation(t);
    bool first = comm_rank(t->node->comm) == 0;
    if (!status) status = ranks_agree(t->node->comm, first ? try_save(t, dir, s, c) : 0);
    if (status) return status;
    char took[16], peak[16];
    clock_span(clock_s() - start, took);
    bytes_text((int64_t)memory_peak(), peak);
    log_info("%s: batch, validation and checkpoint work: %s, at most %s of memory so far",
             t->node->name, took, peak);
    return 0;
}
