/* How processes that no MPI connects find each other: rank 0 listens, the others come to it, and
 * all keep the connection (dist/wire_tcp.c). Where it listens stands in the environment, or in a
 * file of the working folder that is gone when all have come. Private to dist/.
 *
 * A guest must say which rank of which job it is: others are sent away. Connections are not
 * encrypted: as those of MPI and NCCL, they belong into the network of a cluster. */
#pragma once

#include "dist/wire.h"

/* fd: [size] the sockets of all ranks for rank 0, fd[0] that of rank 0 for the others; unused ones
 * are -1. They do not block, and notice within a minute that the other machine is gone. ERR_DEVICE:
 * who did not come, or where rank 0 is not found, after l->patience seconds; nothing is open then.
 */
int meet(const struct launch *l, struct wire_peers *p, int *fd);
