/* Mined pairs, and the pictures they are of, by the names that people give them on the command
 * line.
 */
#pragma once

#include "data/dataset.h"
#include "data/pairs.h"
#include "train/run/graph.h"

struct pairs_place {
    char *dir; /* that holds the manifest */
    struct graph graph;
    const struct node *run; /* that mined them; NULL: a folder by itself */
    struct pairs pairs;
};

/* A run of stage mine (RUN, or a config whose run is finished), its folder of pairs, or any folder
 * of pairs. ERR_MISSING, ERR_DATA. Close it in any case. */
int pairs_place_open(struct pairs_place *p, const char *name);
void pairs_place_close(struct pairs_place *p);

/* The set that the pairs were mined from: `scenes`, a run or a set file; NULL: the one that their
 * run names, or, of a folder by itself, the run of the recorded hash beside it or in runs/.
 * ERR_MISSING: it is not found; ERR_DATA: it is another one. */
int pairs_place_pictures(struct pairs_place *p, const char *scenes, struct dataset *d);
