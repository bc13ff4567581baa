/* No process outlives the test that started it, however the test ends. A test program marks its
 * environment; whatever is started from there, by whom and how often, carries the mark and is found
 * by it in /proc, also when its parent has ended. Children that are only forked are found as
 * children, or as children of those that are found.
 *
 * The harness ends what is left behind each case; when the program itself is killed, its guard does
 * (tests/guard.c). Of libc alone, and not the sanitizers: the guard is started by many tests.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define OFFSPRING_MARK "OVSEG_TEST_OF"

/* From now on what this process starts is its own. Its mark begins with that of the test that has
 * started it, if any: such a one ends it together with what it has started. */
void offspring_begin(void);

/* Ends all that lives on of it by SIGKILL and waits until it is gone; how many there were. A
 * process that has started nothing is done at once. */
size_t offspring_end(void);

size_t offspring_alive(void); /* how many there are */

/* offspring_end() of any mark. */
size_t offspring_end_of(const char *mark);

/* Starts `program` (tests/guard.c) once, which does the same when this process is gone. */
void offspring_guard(const char *program);
