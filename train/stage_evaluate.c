/* Evaluates models side by side on a held-out set: every input that is neither the pictures, nor
 * the proposals, nor what is known of names is a CLIP, and a row of the table. One pass over the
 * pictures serves all rows, grids and oracles (reference-spec 8). */
#include "dist/comm.h"
#include "train/evaluation/evaluation.h"
#include "train/ranks.h"
#include "train/stage.h"

static int run(struct node *n) {
    struct evaluation e;
    int status = evaluation_open(&e, n);
    if (!status) status = evaluation_count(&e);
    comm_timeout(n->comm, 0); /* some ranks' pictures take longer */
    status = ranks_meet(n->comm, status);
    if (!status) evaluation_sum(&e);
    if (!status) status = evaluation_analysis_write(&e);
    bool first = comm_rank(n->comm) == 0;
    if (!status && first && e.has_predictions) status = predictions_commit(&e);
    if (!status && first) status = evaluation_write(&e);
    evaluation_close(&e);
    return status;
}

static const char *const inputs[] = {"scenes", "proposals", NULL};
static const char *const maybe[] = {"*", NULL};
const struct stage stage_evaluate = {
    .name = "evaluate",
    .inputs = inputs,
    .maybe = maybe,
    .ranks = true,
    .revision = 3,
    .check = evaluation_check,
    .run = run,
    .check_inputs = evaluation_check_inputs,
};
