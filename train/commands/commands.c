#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "train/commands/cmd.h"

const struct command commands[] = {
    {"init", "your own pictures: looked through, and a chain of configs written", cmd_init},
    {"train", "run a stage and what it needs", cmd_train},
    {"eval", "segmentation, or the naming of pictures, measured", cmd_eval},
    {"segment", "label maps of any pictures with any names", cmd_segment},
    {"serve", "a page in the browser: drop a picture, type names", cmd_serve},
    {"classify", "given regions of pictures, named", cmd_classify},
    {"convert", "verify weights and write them, as ours or as others read them", cmd_convert},
    {"export", "a model with all that it segments with, as one folder", cmd_export},
    {"mine", "mine mask-noun pairs, look at them, edit, compare and export them", cmd_mine},
    {"vocab", "a list of names looked through; what each wording does to pictures", cmd_vocab},
    {"nouns", "the nouns of captions, a line each", cmd_nouns},
    {"data", "data sets made, checked, divided, written out", cmd_data},
    {"submit", "the Slurm jobs of a config, written or sent", cmd_submit},
    {"report", "runs and sweeps as a page and tables; why two results differ", cmd_report},
    {"sweep", "many trials of settings and seeds, shared stages once", cmd_sweep},
    {"runs", "what has been run, from what; compare, clean up", cmd_runs},
    {"status", "how far a run is, from any host", cmd_status},
    {"plan", "time, memory and disk that a config will take", cmd_plan},
    {"doctor", "what this machine has, what is missing, what to do", cmd_doctor},
    {"sources", "where each weight and data set comes from; what of it is there", cmd_sources},
    {"cache", "what runs keep for other runs: listed, cleaned up", cmd_cache},
    {"settings", "all settings, explained", cmd_settings},
    {NULL, NULL, NULL},
};

const struct command_group command_groups[] = {
    {"mine", mine_parts},   {"data", data_parts}, {"runs", runs_parts},
    {"cache", cache_parts}, {NULL, NULL},
};

static void help(FILE *to, const char *command, const struct command *parts, const char *more) {
    fprintf(to, "Usage: ovseg %s PART [ARGUMENT...]\n", command);
    for (const struct command *c = parts; c->name; c++)
        fprintf(to, "  %-5s %s\n", c->name, c->help);
    fprintf(to, "\n%s\n", more);
}

int command_part(const char *command, const struct command *parts, const char *more, int argc,
                 char **argv) {
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--help") == 0 || strcmp(first, "-?") == 0) {
        help(stdout, command, parts, more);
        return 0;
    }
    for (const struct command *c = parts; c->name; c++) {
        if (strcmp(c->name, first) != 0) continue;
        char name[40];
        snprintf(name, sizeof name, "ovseg %s %s", command, c->name);
        argv[1] = name;
        return c->run(argc - 1, argv + 1);
    }
    if (*first) fprintf(stderr, "ovseg %s: there is no \"%s\"\n", command, first);
    help(stderr, command, parts, more);
    return ERR_USAGE;
}
