/* `ovseg eval CONFIG|RUN|PACKAGE [--sets a,b,c]`: an evaluation as ovseg-train runs it, of one set
 * or of several. */
#pragma once

#include "base/settings_doc.h"

struct eval_request {
    const char *model; /* a config of stage evaluate, a finished run of one, or a package */
    const char *sets;  /* "a,b,c": of the scenes input, or prepared elsewhere; NULL: eval.set */
    const struct overrides *overrides;
    bool quiet, dry_run, explain;
};

/* Runs what is to be run and prints the tables. ERR_USAGE, ERR_CONFIG: what it is asked for is no
 * evaluation; other errors were printed by then, and their code is returned. */
int eval_segmentation(const struct eval_request *r);
