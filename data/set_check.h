/* Looks at every picture and map of a data set: what cannot be read, what does not fit, how often
 * each class occurs, which names are odd; and a sheet of pictures with their maps. */
#pragma once

#include "data/dataset.h"

struct set_check {
    int64_t pictures, captions, without_map, empty;
    int64_t unreadable;    /* pictures or maps that cannot be read */
    int64_t misfits;       /* maps of another size than their picture */
    int64_t *pixels;       /* [n_classes] */
    int64_t *in;           /* [n_classes]: pictures in which it occurs */
    int64_t ignored, all;  /* pixels */
    struct strings damage; /* a sentence each, in the order of the pictures */
    struct strings names;  /* of the odd ones (data/class_names.h) */
};

/* `known`: names in use elsewhere. `stop`: an error when the work should end now, or NULL. Damage
 * of single pictures is counted, not an error. */
int set_check_run(struct set_check *c, const struct dataset *d, const struct strings *known,
                  int (*stop)(void));
void set_check_free(struct set_check *c);

/* The figures as a table for people, the classes by falling share. */
void set_check_print(const struct set_check *c, const struct dataset *d, struct str *out);

/* Eight readable pictures, evenly spread, their maps over them, two beside each other. ERR_DATA
 * when there is none with a map. */
int set_check_sheet(const struct dataset *d, struct image *out);
