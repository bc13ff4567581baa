#include "checkpoints/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "checkpoints/history.h"
#include "checkpoints/sealed.h"
#include "checkpoints/weights.h"

#define STATE_NAME "state.json"
enum { STATE_MAX = 256 << 20 }; /* bytes */

static size_t count_parts(const struct checkpoint *c) {
    size_t n = 0;
    while (n < CHECKPOINT_PARTS && c->part[n].name) n++;
    return n;
}

/* Saving. */

static int write_part(const char *dir, const struct checkpoint *c, size_t i, struct manifest *m) {
    char *name = mem_format("%s.safetensors", c->part[i].name);
    char *step = mem_format("%" PRId64, c->step);
    const char *const meta[][2] = {{"format", "ovseg-checkpoint"},
                                   {"version", "1"},
                                   {"tool", OVSEG_VERSION},
                                   {"config", c->config ? c->config : ""},
                                   {"step", step}};
    int status =
        sealed_put_weights(dir, name, c->part[i].params, meta, sizeof meta / sizeof *meta, m);
    free(step);
    free(name);
    return status;
}

static int write_all(const char *dir, const struct checkpoint *c) {
    struct manifest m = {
        .step = c->step, .best = c->best, .config = mem_strdup(c->config ? c->config : "")};
    int status = dir_make(dir);
    for (size_t i = 0; !status && i < count_parts(c); i++) status = write_part(dir, c, i, &m);
    if (!status) status = sealed_put(dir, STATE_NAME, c->state, strlen(c->state), &m);
    if (!status) status = sealed_close(dir, &m);
    manifest_free(&m);
    return status;
}

/* Pruning by number would take the good ones if others of a later step stayed. */
static int refuse_later(const char *run, int64_t step) {
    int64_t *steps;
    size_t n;
    int status = history_list(run, &steps, &n);
    if (!status && n && steps[n - 1] > step)
        status = error_set(ERR_DATA,
                           "%s: holds a checkpoint of step %" PRId64 ", later than %" PRId64
                           ": resume from it, or move it away",
                           run, steps[n - 1], step);
    free(steps);
    return status;
}

static int make_run(const char *run) {
    if (dir_exists(run)) return 0;
    int status = dir_make(run);
    char *parent = path_dir(run);
    if (!status) status = file_sync(parent);
    free(parent);
    return status;
}

int checkpoint_save(const char *run, const struct checkpoint *c) {
    REQUIRE(c->step >= 0 && c->state, "a checkpoint has a step and a state");
    if (error_status()) return error_status(); /* of a tensor op: what it left must not be saved */
    int status = refuse_later(run, c->step);
    if (!status) status = make_run(run);
    char *tmp = history_path(run, c->step, ".tmp");
    if (!status) status = dir_remove(tmp);
    if (!status) status = write_all(tmp, c);
    if (!status) status = history_commit(run, c->step);
    if (status) {
        dir_remove(tmp);
        error_context("step %" PRId64 " is not saved, what was saved before is intact", c->step);
    }
    free(tmp);
    if (!status && c->best) status = history_mark_best(run, c->step);
    if (!status && history_prune(run, CHECKPOINT_KEPT)) {
        log_warn("%s; it will be tried again", error_message()); /* saved all the same */
        error_clear();
    }
    return status;
}

/* Verifying. */

static int verify_all(const char *dir, struct manifest *m) {
    int status = manifest_read(m, MANIFEST_CHECKPOINT, dir);
    if (!status) status = sealed_verify(dir, m);
    if (!status && !manifest_find(m, STATE_NAME))
        status = error_set(ERR_DATA, "%s: damaged: the manifest lists no " STATE_NAME, dir);
    return status;
}

int checkpoint_verify(const char *path) {
    struct manifest m;
    int status = verify_all(path, &m);
    manifest_free(&m);
    return status;
}

/* Loading. */

void checkpoint_found_free(struct checkpoint_found *f) {
    free(f->path);
    bytes_free(&f->state);
    *f = (struct checkpoint_found){0};
}

static int copy_part(const char *dir, const struct checkpoint_part *p) {
    char *name = mem_format("%s.safetensors", p->name), *path = path_join(dir, name);
    int status = weights_load(path, p->params, (struct weights_options){.exact = true});
    free(path);
    free(name);
    return status;
}

/* Everything that can be compared is compared before the first value is copied. */
static int fits(const char *dir, const struct manifest *m, const struct checkpoint *c) {
    if (c->config && strcmp(c->config, m->config) != 0)
        return error_set(ERR_CONFIG, "%s: was saved with other settings (%s, now %s)", dir,
                         m->config, c->config);
    int status = 0;
    for (size_t i = 0; !status && i < count_parts(c); i++) {
        char *name = mem_format("%s.safetensors", c->part[i].name), *path = path_join(dir, name);
        struct safetensors f;
        if (!manifest_find(m, name))
            status = error_set(ERR_CONFIG, "%s: holds no %s", dir, name);
        else
            status = safetensors_open(&f, path);
        if (!status) {
            status = weights_check(path, &f.table, c->part[i].params,
                                   (struct weights_options){.exact = true});
            safetensors_close(&f);
        }
        free(path);
        free(name);
    }
    return status;
}

int checkpoint_load(const char *path, const struct checkpoint *c, struct checkpoint_found *found) {
    *found = (struct checkpoint_found){0};
    struct manifest m;
    int status = verify_all(path, &m);
    if (!status) status = fits(path, &m, c);
    for (size_t i = 0; !status && i < count_parts(c); i++) status = copy_part(path, &c->part[i]);
    char *state = path_join(path, STATE_NAME);
    if (!status) status = file_read(state, STATE_MAX, &found->state);
    free(state);
    if (!status) {
        found->path = mem_strdup(path);
        found->step = m.step;
    }
    manifest_free(&m);
    return status;
}

static int load_step(const char *run, int64_t step, const struct checkpoint *c,
                     struct checkpoint_found *found) {
    char *path = history_path(run, step, "");
    int status = checkpoint_load(path, c, found);
    if (!status && found->step != step)
        status = error_set(ERR_DATA, "%s: damaged: holds step %" PRId64, path, found->step);
    if (status) checkpoint_found_free(found);
    free(path);
    return status;
}

/* Only now that an earlier one is loaded: a folder with nothing but damage must not look empty. */
static int set_aside(const char *run, const int64_t *steps, size_t n) {
    int status = 0;
    for (size_t i = 0; !status && i < n; i++) status = history_set_aside(run, steps[i]);
    return status;
}

int checkpoint_load_last(const char *run, const struct checkpoint *c,
                         struct checkpoint_found *found) {
    *found = (struct checkpoint_found){0};
    int64_t *steps = NULL;
    size_t n = 0;
    int status = history_recover(run);
    if (!status) status = history_list(run, &steps, &n);
    char *first = NULL; /* what is wrong with the newest */
    for (size_t i = n; !status && i-- > 0;) {
        status = load_step(run, steps[i], c, found);
        if (!status) {
            status = set_aside(run, steps + i + 1, n - i - 1);
            break;
        }
        if (status != ERR_DATA && status != ERR_MISSING) break;
        log_warn("%s%s", error_message(), i ? "; going back to the checkpoint before" : "");
        if (!first) first = mem_strdup(error_message());
        error_clear();
        status = 0;
    }
    if (!status && n && !found->path)
        status = error_set(ERR_DATA,
                           "%s: none of its %zu checkpoints can be used: %s; to start "
                           "afresh remove them",
                           run, n, first);
    if (status) checkpoint_found_free(found);
    free(first);
    free(steps);
    return status;
}
