#include "train/ranks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/signals.h"

static int weight(int64_t status) {
    return !status ? 0 : status == ERR_AGAIN ? 1 : signals_stopped((int)status) ? 2 : 3;
}

/* What a rank gives to agree by; of equal statuses that of a rank which has the message: after an
 * agreement before this one the others know the status alone. */
struct vote {
    int64_t status, told;
};

static bool outweighs(const struct vote *a, const struct vote *b) {
    int x = weight(a->status), y = weight(b->status);
    return x != y ? x > y : a->told > b->told;
}

int ranks_agree(struct comm *c, int status) {
    if (!c) return status;
    struct vote mine = {status, status && *error_message()};
    struct vote *all = mem_alloc((size_t)comm_size(c), sizeof *all);
    comm_gather(c, &mine, sizeof mine, all);
    int first = 0;
    for (int r = 1; r < comm_size(c); r++)
        if (outweighs(&all[r], &all[first])) first = r;
    int code = (int)all[first].status;
    free(all);
    if (!code || first == comm_rank(c)) return code;
    error_clear();
    return error_set(code, "%s", "");
}

int ranks_meet(struct comm *c, int status) {
    return status && !signals_stopped(status) ? status : ranks_agree(c, status);
}

void ranks_listen(struct comm *c) {
    comm_listen(c, (struct comm_word){signals_noted, signals_take, signals_fail});
}

int ranks_stop(struct comm *c) {
    enum { CANCELLED = 1 << 8 };
    int mine = signals_pending();
    /* One rank that was cancelled outweighs others that are to be run again. */
    double stop = mine && !signals_ask_again(mine) ? mine + CANCELLED : mine;
    comm_max(c, &stop, 1);
    int signo = (int)stop % CANCELLED;
    if (c && signo) signals_take(signo);
    return signo;
}

void ranks_share_params(struct comm *c, struct params *p) {
    for (size_t i = 0; c && i < p->n && !error_status(); i++) comm_broadcast_tensor(c, p->at[i].t);
}

void ranks_share_bytes(struct comm *c, struct bytes *b) {
    if (!c) return;
    uint64_t n = b->n;
    comm_broadcast(c, &n, sizeof n);
    if (comm_rank(c)) {
        bytes_free(b);
        if (bytes_reserve(b, n)) return;
        b->n = n;
        b->at[n] = '\0';
    }
    comm_broadcast(c, b->at, n);
}

static tensor *sum(void *ctx, tensor *x) {
    tensor *y = t_clone(t_contiguous(x));
    comm_sum_tensor(ctx, y);
    return y;
}

struct norm_ranks ranks_norm(struct comm *c) {
    return (struct norm_ranks){sum, c};
}

void ranks_share_damage(struct comm *c, struct damage *d) {
    if (!c) return;
    size_t ranks = (size_t)comm_size(c), n;
    int64_t *mine = damage_list(d, &n);
    double most = (double)n;
    comm_max(c, &most, 1);
    size_t row = (size_t)most + 1; /* how many, then which */
    int64_t *give = mem_alloc(row, sizeof *give), *all = mem_alloc(row * ranks, sizeof *all);
    give[0] = (int64_t)n;
    memcpy(give + 1, mine, n * sizeof *mine);
    comm_gather(c, give, row * sizeof *give, all);
    for (size_t r = 0; r < ranks; r++)
        for (int64_t k = 0; k < all[r * row]; k++) damage_add(d, all[r * row + 1 + (size_t)k]);
    free(mine);
    free(give);
    free(all);
}
