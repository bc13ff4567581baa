/* Edits of pairs as they stand in a manifest. */
#pragma once

#include "data/pairs_edit.h"

/* The edits that `p` has behind it, and this one: a JSON array. What was not asked for is left out;
 * lists are whole, so that the edit can be made again. */
void pairs_edit_json(const struct pairs *p, const struct pairs_edit *e, struct str *out);
