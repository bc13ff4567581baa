#include "data/class_folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/image.h"

enum { DEPTH_MAX = 16 }; /* of folders in folders: a link may lead back up */

static void add_file(struct class_folder *f, const char *path, int64_t label) {
    f->at = mem_grow(f->at, &f->cap, f->n + 1, sizeof *f->at);
    f->at[f->n++] = (struct class_file){mem_strdup(path), label};
}

/* The pictures in a folder, and below. */
static int add_all(struct class_folder *f, const char *dir, int64_t label, int depth) {
    struct strings names = {0};
    if (depth == DEPTH_MAX)
        return error_set(ERR_DATA, "%s: folders in folders, %d deep", dir, DEPTH_MAX);
    int status = dir_list(dir, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        if (*names.at[i] == '.') continue;
        char *path = path_join(dir, names.at[i]);
        if (dir_exists(path))
            status = add_all(f, path, label, depth + 1);
        else if (image_name_is(path))
            add_file(f, path, label);
        else
            f->others++;
        free(path);
    }
    strings_free(&names);
    return status;
}

int class_folder_open(struct class_folder *f, const char *dir) {
    struct strings names = {0};
    *f = (struct class_folder){0};
    int status = dir_list(dir, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        if (*names.at[i] == '.') continue;
        char *path = path_join(dir, names.at[i]);
        size_t before = f->n;
        if (dir_exists(path)) {
            strings_add(&f->name, names.at[i]);
            status = add_all(f, path, (int64_t)f->name.n - 1, 0);
            if (!status && f->n == before)
                status = error_set(ERR_DATA,
                                   "%s: no pictures (.jpg, .jpeg, .png, .webp) of this "
                                   "class: remove the folder or fill it",
                                   path);
        } else {
            f->others++;
        }
        free(path);
    }
    if (!status && !f->name.n)
        status = error_set(ERR_DATA,
                           "%s: no sub-folders: one is wanted for each class, with its "
                           "pictures in it",
                           dir);
    strings_free(&names);
    return status;
}

void class_folder_close(struct class_folder *f) {
    for (size_t i = 0; i < f->n; i++) free(f->at[i].path);
    free(f->at);
    strings_free(&f->name);
    *f = (struct class_folder){0};
}
