/* The batches that the proposal network is trained on: out of a set with label maps, in the order
 * of a stream, each picture through segment_sample(), made ahead by threads (reference-spec 5.2).
 *
 * B samples a batch, H and W pixels of each.
 */
#pragma once

#include "data/damage.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "data/segment_sample.h"
#include "data/stream.h"

struct segment_batches_options {
    const struct dataset *set; /* with label maps */
    const struct segment_data_options *sample;
    const uint16_t *name_of; /* [n_classes]: class of the set -> what a map shall hold; or ignore */
    uint64_t seed;
    const char *purpose; /* names the random streams */
    int64_t B, H, W;
    struct batch_part part; /* of the B that are made here; {0}: all */
    struct damage_options damage;
};

struct segment_batches {
    struct segment_batches_options o;
    uint8_t *kind; /* [n_images], or NULL */
    struct stream stream;
    struct damage damage;
    struct loader *loader;
    void *slot; /* the batch that the caller has; NULL: none yet */
};

struct segment_batch {
    const int64_t *sample; /* [n], the part's: numbers in the set */
    const uint16_t *maps;  /* [n, H, W] */
    const uint8_t *pixels; /* [n, H, W, 3] */
};

/* What is pointed to in `o` outlives the batches. Reads every picture once when batches are grouped
 * by their shape and the set does not know it. */
void segment_batches_open(struct segment_batches *b, const struct segment_batches_options *o);
void segment_batches_close(struct segment_batches *b);

/* Where to go on from: what segment_batches_keep() wrote; before segment_batches_start(). */
struct cJSON;
int segment_batches_restore(struct segment_batches *b, const struct cJSON *state);
int segment_batches_start(struct segment_batches *b, struct loader_options o, int64_t step,
                          int64_t end);

/* The batch of the next step, valid until the next call; or the error of a sample (data/damage.h).
 */
int segment_batches_next(struct segment_batches *b, struct segment_batch *out);

/* The position after the last batch that was handed out, as JSON. */
void segment_batches_keep(struct segment_batches *b, struct json_out *j);
