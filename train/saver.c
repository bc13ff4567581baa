#include "train/saver.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/thread.h"

static void copy_part(struct params *to, const struct params *from) {
    int scope = t_scope_open("checkpoint", T_NO_GRAD);
    for (size_t i = 0; i < from->n; i++)
        path_buffer(params_root(to), from->at[i].name, t_clone(from->at[i].t));
    t_scope_close(scope, NULL);
}

static void forget(struct saver *s) {
    for (int i = 0; i < CHECKPOINT_PARTS; i++) params_free(&s->copy[i]);
    free(s->dir);
    free(s->state);
    free(s->message);
    s->dir = s->state = s->message = NULL;
}

static void *write_copy(void *arg) {
    struct saver *s = arg;
    double start = clock_s();
    int scope = t_scope_open("saver", T_NO_GRAD);
    s->status = checkpoint_save(s->dir, &s->checkpoint);
    if (s->status) s->message = mem_strdup(error_message());
    error_clear();
    t_scope_close(scope, NULL);
    double seconds = clock_s() - start;
    if (seconds > s->longest) s->longest = seconds;
    return NULL;
}

int saver_wait(struct saver *s) {
    if (!s->at_work) return error_status();
    pthread_join(s->thread, NULL);
    s->at_work = false;
    int status = s->status ? error_set(s->status, "%s", s->message) : 0;
    forget(s);
    return status;
}

static int save_now(struct saver *s, const char *dir, const struct checkpoint *c) {
    double start_s = clock_s();
    int status = checkpoint_save(dir, c);
    double seconds = clock_s() - start_s;
    if (seconds > s->longest) s->longest = seconds;
    return status;
}

int saver_save(struct saver *s, const char *dir, const struct checkpoint *c, bool behind) {
    int status = saver_wait(s);
    if (status) return status;
    if (!behind) return save_now(s, dir, c);
    s->checkpoint = *c;
    for (int i = 0; i < CHECKPOINT_PARTS && c->part[i].name; i++) {
        copy_part(&s->copy[i], c->part[i].params);
        s->checkpoint.part[i].params = &s->copy[i];
    }
    if (error_status()) { /* no memory for a copy */
        forget(s);
        return error_status();
    }
    s->dir = mem_strdup(dir);
    s->state = mem_strdup(c->state);
    s->checkpoint.state = s->state;
    s->at_work = true;
    if (thread_start(&s->thread, write_copy, s) == 0) return 0;
    error_clear(); /* then without one */
    s->at_work = false;
    forget(s);
    return save_now(s, dir, c);
}
