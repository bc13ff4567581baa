/* Where the wall time of a command goes: parts by name, off until they are asked for.
 *
 *     spans_open();
 *     int span = span_begin("crops");
 *     ...                               // a span begun in here is taken off "crops"
 *     span_end(span);
 *     spans_text(&out);                 // "crops 0.31 s, CLIP 12.40 s, other 0.02 s"
 *
 * Of the thread that opened them; elsewhere, and while they are off, begin and end do nothing.
 */
#pragma once

#include "base/mem.h"

void spans_open(void);            /* from here on; also forgets what was measured */
int span_begin(const char *name); /* a literal */
void span_end(int span);          /* the innermost that is open, or one that did nothing */

/* The parts in the order in which they began first, and what is in none, "other". */
void spans_text(struct str *out);
double spans_seconds(const char *name); /* of a part so far; 0: never begun */
