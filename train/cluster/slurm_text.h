/* Texts that Slurm and shells read: words that are one word whatever is in them, and its numbers.
 */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

/* A word of shell that means `text`, nothing else: as it is where that is safe, else in single
 * quotes. ERR_USAGE for a line break or another control character, which a script cannot show. */
int shell_quote(struct str *to, const char *text);
/* The same for people, to be copied into bash or zsh, which take control characters as $'\012'.
 * Owned. */
char *shell_word(const char *text);

/* A value in a line of #SBATCH, which Slurm reads by rules of its own: inside quotes, too, a
 * backslash makes the next letter plain. ERR_USAGE as above. */
int sbatch_quote(struct str *to, const char *text);

/* What `sbatch --parsable` printed, "123\n" or "123;cluster\n", in full -> "123"; false when it is
 * anything else. */
bool sbatch_job_id(const char *printed, char id[16]);

/* An array, "1-8", "0-15:4", "1,3,7-9%2" -> its first index. False when it is none. */
bool sbatch_array(const char *text, long *first);

/* Indices of such an array, evenly from the first to the last of the list: `most` at most, into
 * out, *n of them. Returns how many there are. */
size_t sbatch_array_spread(const char *text, size_t most, long *out, size_t *n);

/* `text` with each `mark` as `with`; owned. */
char *slurm_replace(const char *text, const char *mark, const char *with);
