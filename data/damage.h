/* Samples that cannot be read, in training: each is named once, counted, and replaced, or ends the
 * run (`data.damaged`).
 *
 * The place of a damaged sample in a batch is taken by the next sample of that batch that can be
 * read, the first following the last, with the random numbers of the place; where the whole batch
 * is damaged, as one of a single sample is, by the next of all samples. So no other sample changes,
 * neither its order nor its random numbers; and which one comes in depends on the files alone, not
 * on threads, ranks or restarts.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/rng.h"

struct damage_options {
    bool stop;   /* the first one ends the run */
    double most; /* share of all samples; more of them end the run */
};

struct damage {
    struct damage_options o;
    int64_t n; /* samples in all */
    pthread_mutex_t lock;
    int64_t *sample; /* [met] */
    size_t met, cap;
};

void damage_open(struct damage *d, struct damage_options o, int64_t n);
void damage_close(struct damage *d);

/* After sample i failed, from any thread: 0 when it can be done without; its name is on stderr
 * then. Else the pending error: memory that ran out, `stop`, or too many. */
int damage_met(struct damage *d, int64_t i);

int64_t damage_count(struct damage *d);
int64_t *damage_list(struct damage *d, size_t *n);     /* owned, [*n], rising */
void damage_add(struct damage *d, int64_t i);          /* another process met it */
void damage_report(struct damage *d, const char *who); /* how many, on stderr; nothing when none */

/* The list [..] in rising order, for a checkpoint; and out of it. ERR_DATA when it is not one. */
void damage_write(struct damage *d, struct json_out *j);
struct cJSON;
int damage_restore(struct damage *d, const struct cJSON *list);

/* Makes batches of a step. */
struct batch_maker {
    void *ctx;
    /* Puts sample i at a place of the slot; `r` is fresh. May leave it half done with its error. */
    int (*sample)(void *ctx, int64_t i, struct rng *r, int64_t place, void *slot);
    uint64_t seed;
    const char *purpose; /* of the random streams, one for each place of each step */
};

/* The places of a batch that one process computes; the others are other ranks'. */
struct batch_part {
    int64_t first, count;
};

/* Fills the places of `part` with samples planned[place] of the whole batch of n: place `first` is
 * place 0 of the slot. used[place]: what came there, [count], which is not inside `planned`. */
int batch_make(const struct batch_maker *m, struct damage *d, int64_t step, const int64_t *planned,
               int64_t n, struct batch_part part, int64_t *used, void *slot);
