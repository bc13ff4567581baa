/* Training on two ranks does not grow either: sums of gradients, MPI's buffers and the watchdog's
 * records come and go at every step. All that trains, with checkpoints and validation. */
/* ctest: timeout=900 labels=full-rss processors=2 */
#include "tests/e2e/process.h"
#include "tests/e2e/resident.h"
#include "tests/test.h"

enum { RANKS = 2, STAGES = 5 };

/* Those of clip are written at once: between which blocks a snapshot lies that is written behind is
 * chance, and each takes another place of 6 MiB in one run of three. */
static const struct stage {
    const char *config, *name, *part;
    long hole;
    const char *arguments[6];
} stages[STAGES] = {
    {"smoke/clip.yaml",
     "clip",
     "",
     RESIDENT_TOKEN_GRADIENT,
     {"optim.steps=100000", "batch.global=4", "validate.every=25", "checkpoint.every=5",
      "checkpoint.behind=false"}},
    {"smoke/proposals.yaml",
     "proposals",
     "pretrain/",
     0,
     {"pretrain.steps=100000", "batch.global=2", "checkpoint.every=50"}},
    {"smoke/proposals.yaml",
     "proposals",
     "",
     0,
     {"pretrain.steps=0", "optim.steps=100000", "batch.global=2", "checkpoint.every=50"}},
    {"smoke/finetune.yaml",
     "finetune",
     "",
     0,
     {"optim.steps=100000", "batch.global=4", "checkpoint.every=50"}},
    {"smoke/mpt-only.yaml",
     "mpt-only",
     "",
     0,
     {"optim.steps=100000", "batch.global=4", "checkpoint.every=50"}},
};

TEST(resident_memory_of_two_ranks_after_1000_steps_is_that_after_100) {
    struct str said = {0};
    struct ended e = TRAIN("out", "smoke/finetune.yaml", NULL); /* what the stages start from */
    check_status(&e, 0);
    ended_free(&e);
    for (const struct stage *s = stages; s < stages + STAGES; s++) {
        struct resident of[RANKS];
        resident_watch(RANKS, s->config, s->name, s->part, s->arguments, of);
        check_resident(s->name, s->part, RANKS, s->hole, of);
        str_add(&said, "%s%s%s", said.n ? ", " : "", s->name, *s->part ? " (pretrain)" : "");
        for (int r = 0; r < RANKS; r++)
            str_add(&said, " %+.1f %%", 100 * ((double)of[r].late / (double)of[r].early - 1));
    }
    fprintf(
        stderr,
        "full: memory of each of two ranks after 1,000 steps against 100: %s (bar: 2 %%, clip's "
        "6 MiB beside it)\n",
        said.at);
    str_free(&said);
}
