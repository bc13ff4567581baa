/* How mining is divided: shard k of the pairs is the business of one of n parts, whose files put
 * together are those of one process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mine_part {
    int64_t i, n; /* part i, from 0, of n */
};

/* "2/4": the second of four; "": the only one. False: neither. */
bool mine_part_parse(struct mine_part *p, const char *text);
static inline bool mine_part_has(const struct mine_part *p, int64_t shard) {
    return shard % p->n == p->i;
}
