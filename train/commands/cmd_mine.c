/* ovseg mine CONFIG: mask-noun pairs are mined, as ovseg-train does it.
 * ovseg mine inspect|edit|diff|export PAIRS: what is done with pairs that are there. */
#include "train/commands/cmd_mine.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "train/commands/cmd.h"
#include "train/mine/mine_run.h"
#include "train/signals.h"

const struct command mine_parts[] = {
    {"inspect", "counts, nouns, scores; a sheet of pictures to look at", cmd_mine_inspect},
    {"edit", "filter and correct pairs, into a new folder", cmd_mine_edit},
    {"diff", "what differs between two folders of pairs", cmd_mine_diff},
    {"export", "pairs as others read them: a table or folders of masked crops", cmd_mine_export},
    {NULL, NULL, NULL},
};

static void help(FILE *to) {
    fprintf(to, "Usage: ovseg mine CONFIG [KEY=VALUE...]\n");
    for (const struct command *c = mine_parts; c->name; c++)
        fprintf(to, "  or:  ovseg mine %-7s PAIRS...   %s\n", c->name, c->help);
    fprintf(to,
            "\nPAIRS is a run of stage mine, its config, its folder of pairs, or one that was "
            "edited.\n`ovseg mine PART --help` explains a part; `ovseg train --help` the "
            "first line.\n");
}

int cmd_mine_stop(void) {
    return signals_pending() ? signals_error("nothing is written; run it again") : 0;
}

int cmd_mine(int argc, char **argv) {
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--help") == 0 || strcmp(first, "-?") == 0) {
        help(stdout);
        return 0;
    }
    if (!*first) {
        help(stderr);
        return ERR_USAGE;
    }
    for (const struct command *c = mine_parts; c->name; c++) {
        if (strcmp(c->name, first) != 0) continue;
        char name[32];
        snprintf(name, sizeof name, "ovseg mine %s", c->name);
        argv[1] = name;
        return c->run(argc - 1, argv + 1);
    }
    return cmd_mine_run(argc, argv);
}
