/* The state of a chain of runs at this moment, from their files alone. */
#pragma once

#include <time.h>

#include "train/run/run_status.h"

struct run_stage {
    char *dir;
    bool begun; /* the folder is there, and says: */
    struct run_status status;
};

struct run_chain {
    struct run_stage *at; /* in the order in which they run */
    size_t n, named;      /* named: which of them is meant; the last one, or `then` follows */
};

/* Of what a word means (run_meant_chain()); not read yet. */
int run_chain_open(struct run_chain *c, const char *word, const char *runs);
void run_chain_close(struct run_chain *c);

void run_chain_read(struct run_chain *c); /* as they are now; again and again */

bool run_chain_any(const struct run_chain *c);   /* some folder is there */
bool run_chain_begun(const struct run_chain *c); /* the named one, or any stage is not done */

/* Whether there is more to come: a stage is at work, or one ended less than a minute ago and the
 * next has not begun. `now`: time(NULL). */
bool run_chain_goes_on(const struct run_chain *c, time_t now);

/* What a command that ran it would have ended with: 0, the code of a stage that failed, 75 when one
 * is still to be run. */
int run_chain_exit(const struct run_chain *c);

/* The named stage in full, and what is at work, was stopped or failed; a line of what else is done
 * or not begun. */
void run_chain_screen(const struct run_chain *c, struct str *out);
