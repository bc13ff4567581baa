/* The state of a run at this moment, as text, from its files alone. */
#pragma once

#include "train/run/run_look.h"

struct run_status {
    struct run_look look;
    bool told; /* it has a progress.json, whose facts are: */
    char what[64], unit[32], note[128], warning[512];
    double first, done, total, rate; /* total 0: not known; rate in units a second */
    long warnings;
    double heard;          /* seconds since the file was written */
    int64_t checkpoint;    /* step of the last one; -1: none */
    double checkpoint_age; /* seconds */
};

void run_status_read(struct run_status *s, const char *dir);
void run_status_free(struct run_status *s);

void run_status_screen(const struct run_status *s, struct str *out); /* up to eleven lines */
void run_status_brief(const struct run_status *s, struct str *out);  /* one, as its first */
void run_status_line(const struct run_status *s, struct str *out);   /* what is new in it, in one */

/* What a command that ran it would have ended with: 0, the code of its failure, 75. */
int run_status_exit(const struct run_status *s);
