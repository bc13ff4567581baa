/* The parts of `ovseg mine`; argv[0] is what the user types before the arguments. */
#pragma once

int cmd_mine_inspect(int argc, char **argv);
int cmd_mine_edit(int argc, char **argv);
int cmd_mine_diff(int argc, char **argv);
int cmd_mine_export(int argc, char **argv);

/* The error of a signal that asked to stop, or 0. What was written so far is removed. */
int cmd_mine_stop(void);
