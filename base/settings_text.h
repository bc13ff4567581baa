/* Settings as text: the resolved file of a run, what its hash is over, and the documentation. */
#pragma once

#include <stdio.h>

#include "base/settings.h"

/* Every row as YAML that reads back to the same, with the origin of each value as a comment. */
void settings_write(struct settings_table table, const void *values, const struct settings_doc *doc,
                    struct str *out);

/* "key=value\n" of the rows of class result, sorted by key: equal settings have equal texts. */
void settings_describe(struct settings_table table, const void *values, struct str *out);

/* What differs between two such texts. */
struct setting_change {
    char *key, *old, *new; /* old or new NULL: the key is in one only */
};
struct setting_changes {
    struct setting_change *at;
    size_t n, cap;
};
void settings_diff(const char *old, const char *new, struct setting_changes *out);
void setting_changes_free(struct setting_changes *c);

/* The rows whose key matches (NULL: all; "optim": all below it; otherwise a glob), as a manual
 * page has them. `remark` may add a line to a key: owned, or NULL. Returns how many were printed.
 */
size_t settings_print_table(FILE *to, struct settings_table table, const char *pattern,
                            char *(*remark)(const char *key));
