/* Messages to people, on stderr: time, level, text. Results go to stdout and are not logged. */
#pragma once

#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level lowest); /* default LOG_INFO */
void log_set_rank(int rank);               /* messages of rank 1, 2, ... say so */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The last line of a terminal, redrawn in place: a progress bar. A message printed meanwhile
 * clears it first. Nothing is drawn when stderr is no terminal (or TERM=dumb). */
int log_is_terminal(void);
void log_status(const char *line); /* NULL clears */

/* How many warnings there were, and the last one (cut to n bytes, NUL included; "": none). */
long log_warnings(char *last, size_t n);

int log_colour(void); /* colours are wanted: a terminal and no NO_COLOR */
