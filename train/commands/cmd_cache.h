/* The parts of `ovseg cache`; argv[0] is "ovseg cache PART". */
#pragma once

int cmd_cache_ls(int argc, char **argv);
int cmd_cache_gc(int argc, char **argv);
