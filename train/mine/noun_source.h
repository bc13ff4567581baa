/* What the settings of nouns name, read: shared by all threads that look for nouns. */
#pragma once

#include "data/nouns.h"
#include "data/options.h"

struct noun_source {
    struct nouns_options options; /* for nouns_open */
    struct perceptron tagger;
    struct noun_tags tags;
};

/* The paths in `o` are seen from here; its strings are kept by reference. ERR_CONFIG when a backend
 * lacks its file, or a file its backend; errors of tagger_read and noun_tags_read. */
int noun_source_open(struct noun_source *s, const struct noun_settings *o);
void noun_source_close(struct noun_source *s); /* also after a failed open */

/* What is wrong with the settings by themselves: the key, and the text in *what; NULL: nothing. */
const char *noun_settings_problem(const struct noun_settings *o, const char **what);
