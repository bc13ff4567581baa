/* What a stretch of a program costs, counted, not timed: the same on every machine and in every
 * run, so that tests can hold it fast. Counted by libtorch's own hooks, between the two calls, on
 * the thread that makes them. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct t_costs {
    int64_t flop;   /* of matrix products, convolutions and attention; a multiply-add is two */
    int64_t calls;  /* of libtorch's operations that no other operation made; the forward ones,
                       and the nodes of the backward */
    int64_t blocks; /* of memory that were allocated */
    int64_t bytes;  /* in these blocks */
    int64_t peak;   /* the most bytes alive at once, beyond what was alive before */
};

void t_costs_begin(void); /* aborts when it is counting already */
struct t_costs t_costs_end(void);

#ifdef __cplusplus
}
#endif
