/* Folders with one thing wrong, for tests that `ovseg init` names it. */
#pragma once

#include "base/file.h"
#include "tests/own_folder.h"
#include "tests/test.h"
#include "train/commands/cmd.h"

/* ---- what is done to a good folder ---- */

static inline void good(void) {
    own_pictures();
    own_captions_jsonl();
}

static inline void good_masks(void) {
    good();
    own_masks_index(OWN_PICTURES);
}

static inline void good_colours(void) {
    good();
    own_masks_colour(OWN_PICTURES);
}

static inline void good_coco(void) {
    good();
    own_masks_coco(OWN_PICTURES);
}

struct broken {
    void (*make)(void);
    const char *file, *says;
};

/* It is named with file and remedy, and nothing is written. */
static inline void check_broken(const struct broken *b, size_t row) {
    b->make();
    struct own_ended e = INIT(NULL);
    char *out = own_path("out");
    if (e.status != 65 || !strstr(e.err, b->file) || !strstr(e.err, b->says))
        test_fail(__FILE__, __LINE__, "row %zu: status %d, expected 65, %s and \"%s\" in:\n%s", row,
                  e.status, b->file, b->says, e.err);
    CHECK(!dir_exists(out));
    own_ended_free(&e);
    own_remove("");
    free(out);
}
