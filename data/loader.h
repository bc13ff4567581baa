/* Batches made ahead by threads of their own, handed out in the order of steps.
 *
 * `plan` is called in step order, one at a time (it draws the sample indices); `fill` in parallel
 * (it decodes and transforms). Both depend on the step alone, so that neither the number of threads
 * nor a restart changes a batch. A failed batch carries its error to the thread that asks for it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct loader_options {
    int64_t threads; /* at least 1 */
    int64_t ahead;   /* batches made before they are asked for; at least 1 */
};

struct loader_source {
    void *ctx;
    size_t slot_bytes;                                 /* of one batch; cleared once, then reused */
    void (*plan)(void *ctx, int64_t step, void *slot); /* NULL: there is nothing to plan */
    int (*fill)(void *ctx, int64_t step, void *slot);
};

struct loader;

/* For steps first .. end - 1. NULL and the error when memory or threads are short. */
struct loader *loader_open(struct loader_options o, struct loader_source s, int64_t first,
                           int64_t end);

/* The batch of the next step: the slot, valid until the next call, or the error of its `fill`. */
int loader_next(struct loader *l, void **slot);

double loader_waited_s(const struct loader *l); /* the caller's time in loader_next so far */
void loader_close(struct loader *l);
