#include "train/own/own_before.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/own_set.h"

static const char *const side_names[SIDES] = {"train", "val", "test"};

/* A picture that is not here, or damaged, is held out again when it comes back. */
static void leave_out(struct own *o, int side, const char *name, size_t *gone) {
    if (side != TRAIN) str_add(&o->left_out, "%s %s\n", side_names[side], name);
    ++*gone;
}

static void take_name(struct own *o, int side, const char *name, int *before, size_t *gone) {
    const struct own_picture *p = own_picture(o, name);
    if (p) before[p - o->at] = side;
    if (!p || p->out) leave_out(o, side, name, gone);
}

/* Those of split/NAME.txt. */
static int read_lines(const struct own *o, const char *name, struct strings *lines) {
    char *file = mem_format("split/%s.txt", name), *path = path_join(o->dir, file);
    *lines = (struct strings){0};
    bool there = file_exists(path) || dir_exists(path);
    int status = there && file_size(path) ? own_list_read(path, lines) : 0;
    if (!there && own_was_written(o, file))
        status = error_set(ERR_DATA,
                           "%s: is gone: put it back, or an empty file where its pictures are in "
                           "other lists now; without all of split/ it is drawn anew",
                           path);
    free(path);
    free(file);
    return status;
}

static int read_list(struct own *o, int side, int *before, size_t *gone) {
    struct strings lines;
    int status = read_lines(o, side_names[side], &lines);
    for (size_t i = 0; i < lines.n && !status; i++) {
        char *name = image_name_bare(lines.at[i]);
        if (*name) take_name(o, side, name, before, gone);
        free(name);
    }
    strings_free(&lines);
    return status;
}

/* What was held out and not there the last time. */
static int read_left_out(struct own *o, int *before) {
    struct strings lines;
    size_t gone = 0; /* the last call told of them */
    int status = read_lines(o, "left-out", &lines);
    for (size_t i = 0; i < lines.n && !status; i++)
        for (int k = VAL; k <= TEST; k++) {
            size_t n = strlen(side_names[k]);
            if (strncmp(lines.at[i], side_names[k], n) != 0 || lines.at[i][n] != ' ') continue;
            const char *name = lines.at[i] + n + 1;
            const struct own_picture *p = own_picture(o, name);
            if (!p || before[p - o->at] == NEW) take_name(o, k, name, before, &gone);
        }
    strings_free(&lines);
    return status;
}

int own_before(struct own *o, int *before, bool *some, size_t *gone) {
    char *split = path_join(o->dir, "split");
    struct strings files = {0};
    *some = own_is_written(o) && dir_exists(split);
    int status = *some ? dir_list(split, &files) : 0;
    *some &= files.n > 0;
    *gone = 0;
    for (int k = TRAIN; k < SIDES && *some && !status; k++) status = read_list(o, k, before, gone);
    if (*some && !status) status = read_left_out(o, before);
    strings_free(&files);
    free(split);
    return status;
}
