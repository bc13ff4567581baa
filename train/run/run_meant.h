/* The run that a word of a command line means. */
#pragma once

#include "base/mem.h"

/* Its folder: as run_named() (run_look.h) finds it, or of a config, x.yaml, which has to be valid:
 * the run that it would make (in `runs`, where that is not the usual place: places_runs()), when it
 * is there; it may be unfinished. Owned; NULL and the error. */
char *run_meant(const char *word, const char *runs);

/* The same for who asks for figures: of a config the run that ends its chain, by `then`. */
char *run_meant_end(const char *word, const char *runs);

/* The folders of all that a word means to who looks at what goes on: of a run its own, of a config
 * those of all stages that are there or still to be run, in the order in which they run. Those
 * still to be run are not there. *named: which of them run_meant() would give. ERR_*, as above. */
int run_meant_chain(const char *word, const char *runs, struct strings *dirs, size_t *named);
