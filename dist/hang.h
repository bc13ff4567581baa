/* What is said when an exchange between ranks does not end: who is silent, and where this rank is.
 */
#pragma once

struct hang {
    const char *dir; /* where each rank that waits leaves a file; NULL: nowhere */
    int rank, size;
    const char *what; /* is waited for */
    long number;      /* of the exchange */
    double seconds;   /* since it began */
};

/* Writes DIR/hang/rank-R.txt, the stacks of all threads of this process in it; looks, a moment
 * later, whose file is not there; the first rank that waits says so on stderr. ERR_INTERNAL, with
 * that message. */
int hang_report(const struct hang *h);

/* Removes what an earlier life left. */
void hang_clear(const char *dir);
