/* The order of samples in the training of the proposal network: an endless stream, a fresh
 * permutation each pass, out of which batches of one kind are gathered (reference-spec 5.2,
 * "Loader"). A sample waits until its kind has a whole batch: across passes too, nothing is left
 * out.
 *
 * The batch is the global one, so the order is the same for every number of ranks; it depends on
 * the seed alone, and where it stands goes into a checkpoint.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

enum { STREAM_KINDS = 2 };

/* Where a stream stands: the next sample is number `at` of `pass`; some wait for their batch. */
struct stream_position {
    int64_t pass, at;
    int64_t waiting[STREAM_KINDS];
    int64_t *sample[STREAM_KINDS]; /* [batch] each, in order of arrival */
};

struct stream {
    uint64_t seed;
    const char *purpose;
    int64_t n, batch;
    const uint8_t *kind; /* [n]: 0 or 1, the caller's; NULL: all are of one */
    int64_t *order;      /* [n], of pass `drawn` */
    int64_t drawn;
    struct stream_position next;
    int64_t *taken; /* [batch] */
};

/* n samples, at least 1; `kind` outlives the stream. */
void stream_open(struct stream *s, uint64_t seed, const char *purpose, int64_t n, int64_t batch,
                 const uint8_t *kind);
void stream_close(struct stream *s);

/* The next batch, [batch]; valid until the next call. */
const int64_t *stream_next(struct stream *s);

/* The position as numbers, which a batch takes along until its step is saved. */
int64_t stream_state_size(int64_t batch);               /* how many */
void stream_state(const struct stream *s, int64_t *to); /* [stream_state_size(batch)] */

/* A state as JSON, and back into a stream. ERR_DATA when it cannot be one of this stream. */
void stream_state_write(const int64_t *state, int64_t batch, struct json_out *j);
struct cJSON;
int stream_restore(struct stream *s, const struct cJSON *state);
