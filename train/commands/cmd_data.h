/* What the commands `ovseg data prepare|check|split|export` share. */
#pragma once

#include <argp.h>

#include "data/known_open.h"

/* Where a data set is: the options of every one of these commands. */
struct data_arguments {
    const char *set, *split; /* a name of data/known_sets.h, or a file: a set or an index */
    const char *root, *images, *maps, *list, *names, *captions;
    bool original, prepared, strict;
    int threads; /* 0: as many as there are */
};

/* A child of theirs, which also takes SET; its input is a struct data_arguments. */
extern const struct argp data_argp;

/* Opens a file, or a known set; `work` and `archives` as in struct known_source. */
int data_open(struct dataset *d, const struct data_arguments *a, const char *work,
              struct strings *archives);

int data_stop(void); /* the error of a signal that came; 0 */
void data_use_threads(const struct data_arguments *a);

int cmd_data_prepare(int argc, char **argv);
int cmd_data_check(int argc, char **argv);
int cmd_data_split(int argc, char **argv);
int cmd_data_export(int argc, char **argv);
