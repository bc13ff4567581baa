/* What is odd about the names of classes: a text encoder reads them as they are. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

/* The name behind a number with a point, a colon or a bracket, "grass" of "1: grass"; NULL: none.
 */
const char *class_name_behind(const char *name);

/* Adds a sentence for each mistake that it suspects: two words run together ("trafficlight"), names
 * that are the same but for case, blanks, plural or a shared synonym, names that are identifiers
 * ("traffic_light", "TrafficLight") or numbers, or begin with one. `known`: names in use elsewhere,
 * which tell what is one word and what are two. */
void class_names_check(char *const *names, size_t n, const struct strings *known,
                       struct strings *out);

/* The same, apart: `what` begins with the name in quotes; `other`: the second of two names, else n
 * of the list. */
struct odd_name {
    size_t class, other;
    bool guess; /* two known words side by side, which may as well be one: "background" */
    char *what;
};
struct odd_names {
    struct odd_name *at;
    size_t n, cap;
};
void class_names_find(char *const *names, size_t n, const struct strings *known,
                      struct odd_names *out);
void odd_names_free(struct odd_names *o);

/* The names of all shipped tables, appended: what `known` may be. ERR_MISSING, ERR_DATA. */
int class_names_known(struct strings *out);
