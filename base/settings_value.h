/* One value of a setting: from its text into a field, and back. Inside the settings engine. */
#pragma once

#include "base/settings.h"

/* What is wrong with a value, and where. */
struct setting_fault {
    char what[400];
    struct yaml_mark mark;
    size_t element; /* of a list; SIZE_MAX: the whole */
};

/* Parses and checks; stores when `field` is not NULL (what it owned is freed). False and a fault
 * when the value will not do. A map takes one value at a time: setting_check_text. */
bool setting_parse(const struct setting *s, const struct yaml_entry *e, void *field,
                   struct setting_fault *fault);

/* A scalar that is a text: the value of a name in a map. */
bool setting_check_text(const struct yaml_entry *e, struct setting_fault *fault);

/* Stores the row's fallback, which must be one (settings_check_table). */
bool setting_parse_fallback(const struct setting *s, void *field, struct setting_fault *fault);

void setting_release(const struct setting *s, void *field); /* frees and clears */

/* The value as YAML that parses to the same; equal values have equal texts. */
void setting_format(const struct setting *s, const void *field, struct str *out);
void setting_format_text(const char *text, struct str *out);

/* Edit distance with swaps, letter case aside; `limit` + 1 when it is larger than that. */
size_t edit_distance(const char *a, const char *b, size_t limit);
