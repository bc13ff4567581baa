/* ovseg mine CONFIG: what `ovseg train` does, of a config of stage mine. */
#pragma once

/* argv[0] is the command's name, then CONFIG [KEY=VALUE...]. Returns an exit status. */
int cmd_mine_run(int argc, char **argv);
