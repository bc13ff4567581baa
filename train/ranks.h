/* What all ranks must do alike, beside sums: fail, stop, start from the same weights. With a NULL
 * communicator each of these is what one process does by itself. */
#pragma once

#include "base/mem.h"
#include "data/damage.h"
#include "dist/comm.h"
#include "nn/params.h"
#include "nn/sync_norm.h"

/* After something that may have failed on some ranks: 0 when it failed on none. Otherwise every
 * rank has an error pending, with the code of the first rank that failed; that one has the message,
 * the others an empty one, which is not printed. A failure outweighs a rank that was asked to stop,
 * and one that was cancelled those that are to be run again. */
int ranks_agree(struct comm *c, int status);

/* After work that each rank did for itself, and in which each looks at signals_pending(): the same,
 * where it ended well or was asked to stop. Who failed does not wait for the others, who may work
 * for hours yet: it leaves, and they hear of it as of a signal. */
int ranks_meet(struct comm *c, int status);

/* A signal that one rank gets reaches all, whatever they do, and so does that one has failed: what
 * each does by itself (signals_pending()) must then end in ranks_agree() or ranks_meet(). */
void ranks_listen(struct comm *c);

/* The signal that asks to stop, when any rank was asked: all are, then. Once a step. */
int ranks_stop(struct comm *c);

void ranks_share_params(struct comm *c, struct params *p); /* rank 0's values */
void ranks_share_bytes(struct comm *c, struct bytes *b);   /* the same, of any length */

/* How batch normalization over ranks reaches them (nn/sync_norm.h). */
struct norm_ranks ranks_norm(struct comm *c);

void ranks_share_damage(struct comm *c, struct damage *d); /* what any of them has met */
