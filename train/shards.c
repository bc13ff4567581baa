#include "train/shards.h"

#include "base/error.h"
#include "dist/comm.h"
#include "train/run/graph.h"

/* The multiples of `by` next to n, or one of them. */
static void name_nearest(const struct node *n, struct problems *p, int64_t by, const char *why) {
    int64_t B = n->config.train.batch_global, below = B / by * by;
    if (below)
        settings_problem(&n->doc, p, "batch.global",
                         "%lld is no multiple of %lld (%s); %lld and %lld are", (long long)B,
                         (long long)by, why, (long long)below, (long long)(below + by));
    else
        settings_problem(&n->doc, p, "batch.global", "%lld is no multiple of %lld (%s); %lld is",
                         (long long)B, (long long)by, why, (long long)by);
}

static void check_tree(const struct node *n, struct problems *p, int64_t ranks) {
    int64_t virtual = n->config.train.virtual_shards;
    if (n->config.clip_train.gather != CLIP_GATHER_FULL)
        settings_problem(&n->doc, p, "loss.gather",
                         "with virtual_shards it must be full: others depend on the ranks");
    if (virtual & (virtual - 1))
        settings_problem(&n->doc, p, "virtual_shards", "%lld: must be 1, 2, 4, 8, ...",
                         (long long)virtual);
    else if (virtual % ranks)
        settings_problem(&n->doc, p, "virtual_shards",
                         "%lld shards for %lld ranks: the ranks must be 1, 2, 4, ... and at most "
                         "as many",
                         (long long)virtual, (long long)ranks);
}

struct shards shards_of(const struct node *n, struct problems *p) {
    int64_t B = n->config.train.batch_global, micro = n->config.train.batch_micro;
    int64_t virtual = n->config.train.virtual_shards, ranks = comm_size(n->comm);
    struct shards s = {.n = virtual ? virtual : ranks, .tree = virtual > 0};
    if (virtual) check_tree(n, p, ranks);
    if (!virtual && micro) {
        if (B % (micro * ranks)) name_nearest(n, p, micro * ranks, "batch.micro times the ranks");
        s.n = B / micro > ranks ? B / micro / ranks * ranks : ranks;
    } else if (B % s.n) {
        name_nearest(n, p, s.n, virtual ? "virtual_shards" : "the ranks");
    }
    s.size = B / s.n;
    s.mine = s.n / ranks > 0 ? s.n / ranks : 1;
    s.first = comm_rank(n->comm) * s.mine;
    return s;
}

int shards_open(struct shards *s, const struct node *n) {
    struct problems p = {0};
    *s = shards_of(n, &p);
    return problems_close(&p, ERR_CONFIG);
}

struct loss_rows loss_rows(const struct node *n, const struct shards *s) {
    bool part = n->comm && n->config.clip_train.gather == CLIP_GATHER_LOCAL;
    return part ? (struct loss_rows){shards_first_sample(s), shards_samples(s)} : ALL_ROWS;
}
