/* ovseg mine CONFIG [KEY=VALUE...]: mines mask-noun pairs. */
#include "train/cmd.h"
#include "train/mine_run.h"

int cmd_mine(int argc, char **argv) { return cmd_mine_run(argc, argv); }
