/* What a run says of itself while it is at work, and of how its last life ended.
 *
 *   progress.json  how far it is (base/progress.h); removed when the run is whole
 *   FAILED         the error that ended it: {"code", "message"}; removed when it is begun again.
 *                  A signal, or exit 75, is no failure: the same command goes on
 */
#pragma once

#include "train/run/graph.h"

void run_live_begin(const struct node *n);
/* With the status of its stage, 0 or the pending error, which stays. */
void run_live_end(const struct node *n, int status);
