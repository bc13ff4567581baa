/* Stopping before a time limit, with a checkpoint and exit status 75, rather than being killed at
 * it. A process has one limit: the end of its Slurm job, or the setting time_limit, whichever comes
 * first. Work stops at the last boundary (of a step, a picture, ...) from which one more of them
 * and the saving still fit:
 *
 *     now + longest step + max(10 s, 2 x longest save) >= end
 *
 * Both are what this process has seen itself. reliability R13.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { TIME_LIMIT_MARGIN = 10 }; /* seconds, at least: ends of processes, slow disks */

struct time_limit {
    double end;  /* clock_s(); 0: there is none */
    double step; /* the longest so far, seconds */
    double save;
    double last; /* the boundary before; 0: none yet */
    int64_t at;  /* the step that began there */
};

bool time_limit_is_near(const struct time_limit *l, double now);
/* Between two steps, before `step`; a span counts when it is that of one step. */
void time_limit_boundary(struct time_limit *l, int64_t step, double now);
void time_limit_save_took(struct time_limit *l, double seconds);

/* Seconds until the end of the Slurm job, from SLURM_JOB_END_TIME (seconds since 1970) at the time
 * of day `today`; 0: there is no such variable, or it is not a time to come. */
double time_limit_of_job(const char *end_time, double today);

/* ---- of this process ---- */

/* `setting`: clock_parse_span's, "" for none. A limit that leaves less than three margins is a
 * warning, and is not kept: stopping ahead of it would come before any progress, again and again.
 * The environment tells the processes that this one starts when the end is. */
void time_limit_start(const char *setting);
bool time_limit_near(void); /* from any thread */
/* Of the training loop, before a step. `saved`: what a checkpoint took, seconds; 0: none. */
void time_limit_step(int64_t step, double saved);
