/* Checkpoints: everything a run needs to go on, in one folder that is there whole or not at all.
 *
 *   RUN/checkpoint-000123/  model.safetensors  optimizer.safetensors  state.json  manifest.json
 *
 * Saving: a temporary folder, fsync of every file and of the folder, rename, fsync of RUN; then
 * what is older than the last two goes. Loading verifies every byte against the manifest first and
 * copies bits, never converts. At every moment, whatever fails, the last or the last but one can
 * be loaded (tests/fault/).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "nn/params.h"

enum { CHECKPOINT_PARTS = 4, CHECKPOINT_KEPT = 2 };

struct checkpoint_part {
    const char *name; /* "model": becomes model.safetensors */
    struct params *params;
};

struct checkpoint {
    int64_t step;                                  /* >= 0; names the folder. Not read by loads */
    struct checkpoint_part part[CHECKPOINT_PARTS]; /* up to the first without a name */
    const char *config; /* hash of the settings; NULL: "" is saved, anything is loaded */
    const char *state;  /* JSON text, opaque here. Not read by loads */
    bool best;          /* the best so far: checkpoint-best shall name it. Not read by loads */
};

/* Saves under RUN, and removes all but the last two and the best. ERR_IO when the system refuses:
 * the previous checkpoints are intact, nothing half-written stays. ERR_DATA when RUN holds a
 * checkpoint of a later step: it belongs to another history. */
int checkpoint_save(const char *run, const struct checkpoint *c);

struct checkpoint_found {
    char *path; /* NULL: there is none */
    int64_t step;
    struct bytes state; /* the JSON text, and a NUL behind it */
};
void checkpoint_found_free(struct checkpoint_found *f);

/* For the one process that owns RUN, at its start: clears what a crash left (history_recover),
 * then loads the newest valid checkpoint into the registries. A damaged one is a warning, is set
 * aside, and the one before it is loaded.
 * 0 and found->path NULL: there is none, a fresh start. ERR_DATA: there are some, none is valid.
 * ERR_CONFIG: intact, but of other settings or another model, or from a newer version; no fall-back
 * then. After an error the contents of the registries are undefined. */
int checkpoint_load_last(const char *run, const struct checkpoint *c,
                         struct checkpoint_found *found);

/* Loads this one and changes nothing on disk. The parts of `c` may be fewer than were saved; all
 * that was saved is verified. */
int checkpoint_load(const char *path, const struct checkpoint *c, struct checkpoint_found *found);

/* Verifies every byte of this one. ERR_DATA names the file, and the tensor where there is one. */
int checkpoint_verify(const char *path);
