/* Weights that others published, as a run: read, checked against the model that the settings
 * describe, and written as a checkpoint, so that every stage can start from them. */
#include "base/error.h"
#include "train/graph.h"

static void check(const struct node *n, struct problems *p) {
    proposals_check(&n->config.proposals, n->path, p);
}

static int run(struct node *n) { return error_set(ERR_INTERNAL, "%s: not yet", n->path); }

static const char *const inputs[] = {"file", NULL};
const struct stage stage_import = {
    .name = "import",
    .inputs = inputs,
    .revision = 1,
    .check = check,
    .run = run,
};
