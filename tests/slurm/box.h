/* A real Slurm of two nodes for the running test (scripts/onebox), and questions to it. It is gone
 * when the test ends, however that happens. */
#pragma once

#include "base/json.h"
#include "tests/e2e/process.h"

/* Starts it. Without Slurm on this machine it is installed first, when `install` and as root
 * (scripts/setup --slurm); else the test is skipped. */
void box_start(bool install);

/* A site profile in the test's folder: logs go to "log-JOB", and these lines of YAML. Owned. */
char *box_site(const char *yaml);
char *box_log(long job); /* owned */

/* Any program of the PATH, for at most two minutes. */
#define BOX_RUN(...) box_run((const char *const[]){__VA_ARGS__, NULL})
struct ended box_run(const char *const *argv);

/* The ids that --go printed, as many as `n`, one a line; anything else fails the test. */
void box_ids(const struct ended *e, long *ids, size_t n);

/* ovseg submit configs/CONFIG --go threads=1 output_dir=DIR/out --site SITE ARGUMENT... ->
 * box_ids().
 */
void box_submit(const char *out, const char *config, const char *site, long *ids, size_t n,
                const char *const *arguments);
#define BOX_SUBMIT(out, config, site, ids, n, ...)                                                 \
    box_submit(out, config, site, ids, n, (const char *const[]){__VA_ARGS__, NULL})

/* A field of `scontrol show job`, "JobState", "Restarts": owned; "" when it has none. */
char *box_field(const char *job, const char *name);
/* Waits until a job is at its end: its state. Fails the test after `seconds`. Owned. */
char *box_end(long job, double seconds);
void box_ends(long job, double seconds, const char *state); /* it must be this one */

/* Waits until the run of that name below DIR/out has made so many steps. */
void box_steps(const char *out, const char *name, int64_t steps, double seconds);
