/* The sets that stage prepare makes of a user's files. */
#pragma once

#include "train/run/graph.h"

/* Before stage prepare `n` has run: that it will make this set, which `reader` reads because
 * `setting` names it (NULL: it trains on it). ERR_DATA: no picture of the list has what the set is
 * for; other errors: what reading the files ends with. 0 also where `n` is NULL, done, another
 * stage, or one without lists of pictures. */
int prepare_sets_check(const struct node *n, const char *set, const struct node *reader,
                       const char *setting);
