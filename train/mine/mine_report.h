/* How right the mined pairs are, where that can be known: in sets whose pictures have label maps.
 */
#pragma once

#include "data/damage.h"
#include "data/dataset.h"
#include "data/pairs.h"

struct mine_report {
    int64_t pairs, nouns;
    int64_t classed, right; /* pairs whose noun names a class; of these, on a mask of that class */
    int64_t seen, seen_right, unseen, unseen_right;
};

/* A noun names a class by its name, its plural, or, of drawn scenes, a synonym; a mask is of the
 * class that most of its labelled pixels have. Label maps that cannot be read are `damage`. */
int mine_report_of(struct mine_report *r, const struct pairs *p, const struct dataset *d,
                   struct damage *damage);

/* NaN of none. */
double mine_percent(int64_t part, int64_t whole);

/* RUN/mining.json; shares are null where nothing can be known. */
int mine_report_write(const struct mine_report *r, const char *run);
