/* The reference's configuration keys ("MODEL.CLIP_ADAPTER.MASK_THR", reference-spec annex A) in
 * terms of our settings, so that its command lines can be used as they are:
 *
 *     --set MODEL.CLIP_ADAPTER.MASK_THR=0.4     is     eval.mask_threshold=0.4
 */
#pragma once

#include "base/settings.h"

/* Capital letters in front of the first dot. */
bool reference_is_key(const char *key);

/* The reference's keys are a set, our overrides a sequence: a key that gives others their meaning
 * goes first, one that switches others off last. The turn of any key, ours included. */
enum { REFERENCE_TURNS = 3 };
int reference_turn(const char *key);

/* Puts an override with a key of the reference's over what doc says, as our settings. Python's
 * spellings of values are understood: True, None, (1, 2). What depends on another key (a residual
 * backbone's depth) is taken from what doc says by then.
 *
 * ERR_CONFIG: no such key, a value that has no counterpart here (the message says why), or a key
 * that does nothing in the reference either. */
int reference_override(struct settings_doc *doc, const struct override *o);

/* The keys of the reference's that a setting stands for, as "MODEL.X, MODEL.Y"; owned, NULL when
 * there is none. */
char *reference_of(const char *setting);

/* What a key of theirs is here: its setting in *ours, or in *why the reason that it has none; both
 * NULL: it is not known. */
void reference_meaning(const char *key, const char **ours, const char **why);

/* How many keys of theirs have a setting of ours; for a test. */
size_t reference_count(void);
