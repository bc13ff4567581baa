/* How far a long loop is. On a terminal the last line, redrawn up to ten times a second; elsewhere
 * a log line every so often, so that a log file stays readable.
 *
 *     struct progress p;
 *     progress_open(&p, "proposals", "images", 0, n, 30);
 *     for (...) progress_at(&p, i + 1, "loss 0.512");
 *     progress_close(&p);
 */
#pragma once

#include <stdint.h>

#include "base/mem.h"

struct progress {
    const char *what, *unit; /* not owned */
    int64_t first, total;    /* done before (a resumed run); 0: the total is not known */
    double every_s;          /* seconds between log lines */

    double start, drawn;     /* clock_s() of opening and of the last line */
    int64_t done, done_then; /* now, and at `drawn` */
    double rate;             /* units a second, the last ten seconds or so */
};

void progress_open(struct progress *p, const char *what, const char *unit, int64_t done,
                   int64_t total, double every_s);
void progress_at(struct progress *p, int64_t done,
                 const char *note);      /* note: NULL or a few words */
void progress_close(struct progress *p); /* and logs the total time, when it was a second or more */

/* Takes note of `done` at the time `now`: rate and ETA. */
void progress_update(struct progress *p, int64_t done, double now);

/* The line as it stands: a bar of at most `width` columns, or a sentence when width is 0. */
void progress_line(const struct progress *p, const char *note, size_t width, struct str *out);

/* A file that says the same to other processes, on any host: replaced about once a second while
 * some progress is open, and when it closes (NULL: no more). It is of this life alone, so it is not
 * made durable, and one that cannot be written is nobody's business.
 *
 *   {"what", "unit", "first", "done", "total", "rate", "note", "pid", "host", "job", "warnings",
 *    "warning"}      rate: units a second of late; job: Slurm's number, or null
 */
void progress_report(const char *path);
