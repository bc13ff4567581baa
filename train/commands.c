#include <stddef.h>

#include "train/cmd.h"

const struct command commands[] = {
    {"train", "run a stage and what it needs", cmd_train},
    {"settings", "all settings, explained", cmd_settings},
    {NULL, NULL, NULL},
};
