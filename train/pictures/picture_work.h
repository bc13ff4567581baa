/* `ovseg segment` at work: pictures one after the other through one model, each with its files and
 * its place in the totals. */
#pragma once

#include "train/pictures/picture_damaged.h"
#include "train/pictures/picture_print.h"
#include "train/pictures/picture_record.h"

struct picture_work {
    struct segmenter *segmenter;
    const struct picture_list *list;
    struct picture_outputs outputs;
    const struct vocabulary *names;
    struct picture_rules rules;
    const struct picture_record *record;
    enum picture_damaged damaged;
    const char *dump; /* --dump: a folder, or a file of one picture; NULL: none */
    bool dump_file;
    bool resume, verbose;
    bool each; /* a table for each picture on stdout; else one over all at the end */
};

/* 0; ERR_DATA or ERR_MISSING: pictures could not be read, which were named; a signal's status: what
 * is written stays, and --resume goes on from there; or another error, at once. */
int picture_work(const struct picture_work *w);

/* With --verbose: what the parts took since the last time. */
void picture_tell_spans(const char *of);
