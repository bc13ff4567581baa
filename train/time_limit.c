#include "train/time_limit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

static double margin(const struct time_limit *l) { return fmax(TIME_LIMIT_MARGIN, 2 * l->save); }

bool time_limit_is_near(const struct time_limit *l, double now) {
    return l->end > 0 && now + l->step + margin(l) >= l->end;
}

void time_limit_boundary(struct time_limit *l, int64_t step, double now) {
    if (l->last > 0 && step == l->at + 1) l->step = fmax(l->step, now - l->last);
    l->last = now;
    l->at = step;
}

void time_limit_save_took(struct time_limit *l, double seconds) {
    l->save = fmax(l->save, seconds);
}

double time_limit_of_job(const char *end_time, double today) {
    if (!end_time) return 0;
    char *rest;
    double end = strtod(end_time, &rest);
    bool good = rest != end_time && !*rest && isfinite(end) && end > today;
    return good ? end - today : 0;
}

/* Threads ask while the loop, between two steps, writes: each number by itself is enough. */
static _Atomic(double) end, longest_step, longest_save;
static struct time_limit seen; /* of the loop's thread */

static void tell_children(double seconds_since_1970) {
    char text[32];
    snprintf(text, sizeof text, "%.0f", seconds_since_1970);
    setenv("SLURM_JOB_END_TIME", text, 1);
}

void time_limit_start(const char *setting) {
    double today = (double)time(NULL), wanted;
    double left = time_limit_of_job(getenv("SLURM_JOB_END_TIME"), today);
    if (clock_parse_span(setting, &wanted) && (left <= 0 || wanted < left)) left = wanted;
    if (left <= 0) return;
    tell_children(today + left);
    if (left >= 3 * TIME_LIMIT_MARGIN) {
        end = clock_s() + left;
        return;
    }
    char span[16];
    clock_span(left, span);
    log_warn("the time limit is in %s: too little to stop ahead of it", span);
}

bool time_limit_near(void) {
    struct time_limit l = {.end = end, .step = longest_step, .save = longest_save};
    return l.end > 0 && time_limit_is_near(&l, clock_s());
}

void time_limit_step(int64_t step, double saved) {
    time_limit_boundary(&seen, step, clock_s());
    time_limit_save_took(&seen, saved);
    longest_step = seen.step;
    longest_save = seen.save;
}
