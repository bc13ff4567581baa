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
 * the others an empty one, which is not printed. */
int ranks_agree(struct comm *c, int status);

/* The signal that asks to stop, when any rank was asked: all are, then. Once a step. */
int ranks_stop(struct comm *c);

void ranks_share_params(struct comm *c, struct params *p); /* rank 0's values */
void ranks_share_bytes(struct comm *c, struct bytes *b);   /* the same, of any length */

/* How batch normalization over ranks reaches them (nn/sync_norm.h). */
struct norm_ranks ranks_norm(struct comm *c);

void ranks_share_damage(struct comm *c, struct damage *d); /* what any of them has met */
