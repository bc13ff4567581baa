/* Time. Wall time never enters results; durations come from a clock that does not jump. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

double clock_s(void); /* seconds since an arbitrary start, monotonic */
/* Seconds since it began that this thread was ready to run and had no core; NAN: the kernel does
 * not say. */
double clock_waited(void);
void clock_date(char out[20]);           /* local "2026-11-24 22:01:05" */
void clock_span(double s, char out[16]); /* "850 ms", "12.3 s", "4 min 05 s", "2 h 10 min" */

/* Spans as Slurm writes them: "90" (minutes), "MM:SS", "HH:MM:SS", "D-HH", "D-HH:MM", "D-HH:MM:SS".
 * False: it is none of these, nothing, or above 10,000 days. */
bool clock_parse_span(const char *text, double *seconds);
/* The same back: "00:45:00", "2-01:00:00"; of what is above 10,000 days, these. */
void clock_span_text(double s, char out[24]);
