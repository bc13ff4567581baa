/* What of the published files is below a folder, and whether it is what was published. */
#pragma once

#include "data/sources.h"

enum tick_state {
    TICK_EQUAL,    /* its published hash */
    TICK_THERE,    /* of its published size, or nothing to compare with is published */
    TICK_UNPACKED, /* the folder or file out of it is there, with the published number of pictures
                    */
    TICK_OTHER,    /* another size, hash or number of pictures */
    TICK_MISSING,
};
extern const char *const tick_state_names[]; /* ends with NULL */

struct source_tick {
    const struct source *of;
    const struct source_file *file; /* NULL: of a known set, unpacked */
    enum tick_state state;
    char *path, *text; /* owned; path: where it is, NULL: nowhere; text: what was compared */
};

struct source_ticks {
    struct source_tick *at;
    size_t n, cap;
};

/* `only` NULL: all. Files are looked for by name up to four folders down, known sets where
 * `ovseg data prepare` looks for them. `hash`: published hashes are compared, which reads the
 * files. ERR_MISSING: no such folder, or a file cannot be read; the error of `stop` (may be NULL).
 */
int sources_check(struct source_ticks *t, const char *dir, const struct source *only, bool hash,
                  int (*stop)(void));
void source_ticks_free(struct source_ticks *t);
