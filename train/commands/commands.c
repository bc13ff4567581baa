#include <stddef.h>

#include "train/commands/cmd.h"

const struct command commands[] = {
    {"init", "your own pictures: looked through, and a chain of configs written", cmd_init},
    {"train", "run a stage and what it needs", cmd_train},
    {"eval", "segmentation, or the naming of pictures, measured", cmd_eval},
    {"segment", "label maps of any pictures with any names", cmd_segment},
    {"classify", "given regions of pictures, named", cmd_classify},
    {"convert", "verify weights and write them, as ours or as others read them", cmd_convert},
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
    {"settings", "all settings, explained", cmd_settings},
    {NULL, NULL, NULL},
};
