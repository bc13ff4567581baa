#include "train/run/run_chain.h"

#include <stdlib.h>

#include "base/error.h"
#include "train/run/run.h"
#include "train/run/run_meant.h"

enum { PAUSE_S = 60 }; /* between two stages of a command; most take a second or two */

int run_chain_open(struct run_chain *c, const char *word, const char *runs) {
    struct strings dirs;
    *c = (struct run_chain){0};
    int status = run_meant_chain(word, runs, &dirs, &c->named);
    c->at = mem_alloc(dirs.n + 1, sizeof *c->at);
    for (size_t i = 0; i < dirs.n; i++) c->at[c->n++].dir = mem_strdup(dirs.at[i]);
    strings_free(&dirs);
    return status;
}

static void forget(struct run_stage *s) {
    if (s->begun) run_status_free(&s->status);
    s->begun = false;
}

void run_chain_close(struct run_chain *c) {
    for (size_t i = 0; i < c->n; i++) {
        forget(&c->at[i]);
        free(c->at[i].dir);
    }
    free(c->at);
}

void run_chain_read(struct run_chain *c) {
    for (size_t i = 0; i < c->n; i++) {
        struct run_stage *s = &c->at[i];
        forget(s);
        s->begun = run_folder(s->dir);
        if (s->begun) run_status_read(&s->status, s->dir);
    }
}

static bool is(const struct run_stage *s, enum run_state state) {
    return s->begun && s->status.look.state == state;
}

bool run_chain_any(const struct run_chain *c) {
    bool any = false;
    for (size_t i = 0; i < c->n; i++) any |= c->at[i].begun;
    return any;
}

bool run_chain_begun(const struct run_chain *c) {
    bool some = c->at[c->named].begun;
    for (size_t i = 0; i < c->n; i++) some |= c->at[i].begun && !is(&c->at[i], RUN_DONE);
    return some;
}

/* NULL: all are done. */
static const struct run_stage *first_to_do(const struct run_chain *c) {
    for (size_t i = 0; i < c->n; i++)
        if (!is(&c->at[i], RUN_DONE)) return &c->at[i];
    return NULL;
}

static time_t newest_of(const struct run_chain *c) {
    time_t newest = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].begun && c->at[i].status.look.moved > newest)
            newest = c->at[i].status.look.moved;
    return newest;
}

/* One that was stopped or failed before the last one of the others ended is an old story: whoever
 * runs the chain again comes to it next. */
bool run_chain_goes_on(const struct run_chain *c, time_t now) {
    const struct run_stage *next = first_to_do(c);
    time_t newest = newest_of(c);
    for (size_t i = 0; i < c->n; i++)
        if (is(&c->at[i], RUN_RUNNING)) return true;
    if (!next || (next->begun && next->status.look.moved >= newest)) return false;
    return newest && now - newest < PAUSE_S;
}

/* An old failure, behind a stage that was taken up since, says nothing of what comes next. */
int run_chain_exit(const struct run_chain *c) {
    time_t newest = newest_of(c);
    for (size_t i = 0; i < c->n; i++)
        if (is(&c->at[i], RUN_FAILED) && newest - c->at[i].status.look.moved <= PAUSE_S)
            return run_status_exit(&c->at[i].status);
    return first_to_do(c) ? ERR_AGAIN : 0;
}

void run_chain_screen(const struct run_chain *c, struct str *out) {
    for (size_t i = 0; i < c->n; i++) {
        const struct run_stage *s = &c->at[i];
        if (!s->begun)
            str_add(out, "%s  not begun\n", s->dir);
        else if (i != c->named && is(s, RUN_DONE))
            run_status_brief(&s->status, out);
        else
            run_status_screen(&s->status, out);
    }
}
