/* Work that is done behind the caller's back, by threads of its own, while the caller makes the
 * next piece of it. What became of each comes back in the order in which they were given.
 *
 *     while (!behind_room(b, bytes)) status = behind_take(b, &job);   // waits for the oldest
 *     behind_put(b, job, bytes);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct behind_options {
    int threads;  /* 0: the caller works itself, in behind_put() */
    size_t jobs;  /* given and not yet taken back; at least 1 */
    size_t bytes; /* of those; a larger one is alone */
};

struct behind;

/* `work` gets one job at a time in each thread: 0, or the error that it leaves pending. NULL and
 * the error when threads are short. */
struct behind *behind_open(struct behind_options o, int (*work)(void *ctx, void *job), void *ctx);

bool behind_room(const struct behind *b, size_t bytes);
void behind_put(struct behind *b, void *job, size_t bytes); /* there is room */

bool behind_any(const struct behind *b); /* one is given and not taken back */
bool behind_done(struct behind *b);      /* and the oldest of them is finished */

/* Waits for the oldest job: what `work` returned, its error pending here. */
int behind_take(struct behind *b, void **job);

/* Waits for all work. Jobs that were not taken back are the caller's to free by then: take them. */
void behind_close(struct behind *b);
