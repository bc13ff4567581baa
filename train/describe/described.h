/* The commands as their own tables describe them: what manual pages and completion are made of. */
#pragma once

#include <argp.h>
#include <stdbool.h>

#include "base/mem.h"

/* An option with all of its names. */
struct described_option {
    struct strings longs; /* without dashes */
    char shorts[16];      /* letters */
    const char *argument; /* NULL: it takes none */
    bool optional;        /* the argument is */
    const char *doc;      /* "" */
    const char *header;   /* of the group that it begins; NULL */
};

struct described {
    char *name;              /* "train", "runs list" */
    const char *help;        /* a line */
    const struct argp *argp; /* NULL: it has parts alone */
    struct described_option *option;
    size_t n, cap;
};

struct description {
    struct described *at;
    size_t n, cap;
};

/* Of all commands and parts, in their order. 0, or ERR_INTERNAL: one does not parse arguments by
 * argp. */
int describe_all(struct description *d);
void description_free(struct description *d);

bool described_is_part(const struct described *c, const char *command);

bool described_takes_settings(const struct described *c); /* its arguments may be KEY=VALUE */

struct strings described_settings(void); /* all keys, sorted; owned */

/* A page for each command, and one for the program, below DIR/man1; all settings below DIR/man5.
 * `date`: of the version. */
int write_pages(const struct description *d, const char *dir, const char *date);
/* DIR/ovseg.bash, DIR/_ovseg. */
int write_bash(const struct description *d, const char *dir);
int write_zsh(const struct description *d, const char *dir);
