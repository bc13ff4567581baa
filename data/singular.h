/* English plurals. */
#pragma once

#include "base/mem.h"

/* Appends the singular of a lower-case noun: "shelves" gives "shelf", "skis" "ski". Words that
 * have no other form ("scissors", "sheep", "bus") and singulars come back unchanged. */
void noun_singular(const char *word, struct str *out);
