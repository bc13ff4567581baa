/* The parts of `ovseg mine`; argv[0] is what the user types before the arguments. */
#pragma once

int cmd_mine_inspect(int argc, char **argv);
int cmd_mine_edit(int argc, char **argv);
int cmd_mine_diff(int argc, char **argv);
int cmd_mine_export(int argc, char **argv);
