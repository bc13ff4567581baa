/* Small chains of a test's own, and ranks of which one suffers a fault. */
#pragma once

#include "tests/e2e/process.h"

enum { SMALL_PICTURES = 1200 }; /* of the evaluation */

/* A config below the test's folder; a text that begins with SMOKE, "SMOKE/clip.yaml\n...", has that
 * file of the smoke chain as its base. Its path, owned. */
char *small_config(const char *name, const char *text);

/* eval.yaml of CLIP and proposals that are trained in DIR/out; owned. */
char *small_evaluation(void);

/* The run of a config in DIR/out on ranks, one of which has a fault (tests/fault/inject.h). */
struct ended small_run(int ranks, const char *rank, const char *config, const char *fault,
                       const char *under);
