#include <stdlib.h>

#include "dist/comm.h"
#include "train/evaluation/analysis.h"

enum { PIECE = 1 << 20 };

/* Rank 0's spool gets those of the others behind it, a piece of each at a time; so each but the
 * first waits in a file of its own. */
static int gather_spool(struct spool *mine, const char *path, struct comm *c) {
    size_t ranks = (size_t)comm_size(c);
    bool first = comm_rank(c) == 0;
    uint64_t *n = mem_alloc(ranks, sizeof *n), most = 0;
    struct spool *others = mem_alloc(ranks, sizeof *others);
    char *piece = mem_alloc(PIECE, 1), *all = mem_alloc(ranks, PIECE);
    int status = 0;
    comm_gather(c, &mine->n, sizeof mine->n, n);
    for (size_t r = 0; r < ranks; r++) {
        others[r].fd = -1;
        if (n[r] > most) most = n[r];
        if (first && r && !status) status = spool_open(&others[r], path);
    }
    for (uint64_t at = 0; at < most; at += PIECE) {
        uint64_t some = at < mine->n ? mine->n - at : 0;
        if (!status) status = spool_read(mine, at, piece, some < PIECE ? some : PIECE);
        comm_gather(c, piece, PIECE, all);
        for (size_t r = 1; first && !status && r < ranks; r++) {
            uint64_t left = at < n[r] ? n[r] - at : 0;
            status = spool_put(&others[r], all + r * PIECE, left < PIECE ? left : PIECE);
        }
    }
    for (size_t r = 1; first && r < ranks; r++) {
        for (uint64_t at = 0; !status && at < n[r]; at += PIECE) {
            uint64_t some = n[r] - at < PIECE ? n[r] - at : PIECE;
            status = spool_read(&others[r], at, piece, some);
            if (!status) status = spool_put(mine, piece, some);
        }
        spool_close(&others[r]);
    }
    free(n);
    free(others);
    free(piece);
    free(all);
    return status;
}

int analysis_gather(struct analysis_out *a, struct comm *c) {
    if (!c) return 0;
    comm_sum_counts(c, &a->image->h, (size_t)a->N * sizeof *a->image / sizeof(int64_t));
    int status = gather_spool(&a->counts, a->path, c);
    int other = gather_spool(&a->proposals, a->path, c); /* all ranks call it */
    return status ? status : other;
}
