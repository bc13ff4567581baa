/* What is odd about the names of classes: a text encoder reads them as they are. */
#pragma once

#include "base/mem.h"

/* Adds a sentence for each mistake that it suspects: two words run together ("trafficlight"), names
 * that are the same but for case, blanks, plural or a shared synonym, names that are identifiers
 * ("traffic_light", "TrafficLight") or numbers. `known`: names in use elsewhere, which tell what is
 * one word and what are two. */
void class_names_check(char *const *names, size_t n, const struct strings *known,
                       struct strings *out);
