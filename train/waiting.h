/* How threads of OpenMP wait for each other.
 *
 * One of GNU's library looks at a number 300,000 times before it sleeps: milliseconds in which
 * nobody else has the core, as long as many a product takes. Where other programs run, too, the
 * thread that is waited for is kept off its core by those that wait for it. It looks 100 times only
 * when there are more of its threads than cores, whether they work or not (the library's manual,
 * GOMP_SPINCOUNT). The environment could say it as well, but is read before main.
 */
#pragma once

#include <stdbool.h>

/* Before work on so many threads: where the machine has no cores left for all of them, threads that
 * wait sleep soon, from now on. Nothing is done for one thread, nor when the user has said how they
 * wait (GOMP_SPINCOUNT, OMP_WAIT_POLICY). */
void waiting_choose(int threads);

/* Whether so many threads and those that run now are more than `cores`: from the text of
 * /proc/loadavg, of which the reader is one. */
bool waiting_is_crowded(const char *loadavg, int threads, long cores);
/* They sleep soon, from now on. */
void waiting_short(void);
