/* The parts of `ovseg runs`; argv[0] is "ovseg runs PART". */
#pragma once

#include "train/run/run_look.h"

int cmd_runs_list(int argc, char **argv);
int cmd_runs_show(int argc, char **argv);
int cmd_runs_diff(int argc, char **argv);
int cmd_runs_rm(int argc, char **argv);
int cmd_runs_gc(int argc, char **argv);

/* What several of them print. */
void bytes_text(int64_t bytes, char out[16]);             /* "812 B", "3.4 MB" */
void age_text(double seconds, char out[16]);              /* "45 s", "3 h", "12 d" */
void metric_text(const struct run_look *r, char out[96]); /* "mIoU 39.4", "-" */
struct json_out;
void run_look_json(const struct run_look *r, struct json_out *j); /* an object */
int print_and_free(struct str *text);                             /* on stdout: 0, or ERR_IO */
