/* Opens a data set whose form is known (data/known_sets.h), from what the user has of it. */
#pragma once

#include "data/known_sets.h"

struct known_source {
    const struct known_set *set;
    const struct known_split *split;
    const char *root; /* NULL: all that is needed is named below */
    /* Folders or archives, and files; NULL: looked for below the root. */
    const char *images, *maps, *list, *names, *captions;
    bool original; /* pixels as they are, where the reference shrinks and re-encodes */
    bool prepared; /* what the reference's scripts have made, though the originals may be there */
    bool strict;   /* an archive that is not the published file is an error, not a warning */
    const char *work;  /* folder for what comes out of archives; NULL: folders only */
    int (*stop)(void); /* an error when the work should end now; NULL: never */
    /* Not NULL: archives are not opened but added here; when there are some, `d` stays empty. */
    struct strings *archives;
};

/* ERR_MISSING says what is needed and where it was looked for. The errors of file_set_open. Classes
 * that have no masks in training by the set's table are not `seen`. */
int known_open(struct dataset *d, const struct known_source *s);

/* ROOT/a/b/c, ROOT/b/c or ROOT/c, the first that is there; owned, or NULL. */
char *known_below(const char *root, const char *path, bool (*is)(const char *));
