/* Exchanges of the memory of tensors, through NCCL on a stream of its own. Called by the
 * communicator's thread alone, but for what says otherwise. Private to dist/.
 *
 * Results are NULL, or what is wrong. Calls of NCCL do not block here: who waits, waits in
 * wait.idle(), which gives up in time. */
#pragma once

#include "dist/nccl.h"
#include "dist/wire.h"

/* Loads NCCL. By the caller's thread, whose device is a GPU, unless `host`: the memory is the
 * host's, as a stand-in for NCCL takes it. */
const char *wire_nccl_prepare(bool host);
const char *wire_nccl_id(struct nccl_id *id); /* of a new communicator: rank 0's */

const char *wire_nccl_open(const struct wire_peers *p, const struct nccl_id *id,
                           struct wire_wait w);
/* After it: what an exchange has to wait for, in the thread that made it. */
const char *wire_nccl_mark(void **mark);
/* EX_SUM, EX_GATHER, EX_BROADCAST. What is returned from is done. */
const char *wire_nccl_exchange(const struct exchange *e, void *mark, struct wire_wait w);
const char *wire_nccl_close(struct wire_wait w); /* all ranks do */
void wire_nccl_abort(void);                      /* in a few seconds at most */
