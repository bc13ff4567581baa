/* The settings that a run was made with, as its settings.yaml tells them. */
#pragma once

#include "base/mem.h"

struct said_setting {
    char *key, *value, *origin; /* "FILE:LINE:COLUMN", "command line", "default" */
};
struct said_settings {
    struct said_setting *at;
    size_t n, cap;
};

/* ERR_MISSING, ERR_DATA when there is none, or one that is not as we write it. */
int run_settings_read(struct said_settings *s, const char *dir);
void run_settings_free(struct said_settings *s);

/* "key=value" a line, sorted as settings_diff() wants it. */
void run_settings_lines(const struct said_settings *s, struct str *out);
