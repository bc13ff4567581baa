#include "train/prepare_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

static const char *path_of(const struct node *n, const char *name) {
    const struct node_input *in = node_input(n, name);
    return in ? in->path : NULL;
}

char *prepare_list(const struct node *n, int list) {
    static const char *const names[] = {
        [PREPARE_TRAIN] = "train.txt", [PREPARE_VAL] = "val.txt", [PREPARE_TEST] = "test.txt"};
    return path_join(path_of(n, "split"), names[list]);
}

int prepare_files(const struct node *n, struct own_files *f, struct strings *only) {
    struct strings lines = {0};
    int status = 0;
    *only = (struct strings){0};
    for (int k = PREPARE_TRAIN; k < PREPARE_LISTS && !status; k++) {
        char *path = prepare_list(n, k);
        if (k == PREPARE_TRAIN || file_exists(path)) status = own_list_read(path, &lines);
        free(path);
    }
    for (size_t i = 0; i < lines.n; i++) {
        if (!*lines.at[i]) continue;
        char *name = own_list_name(lines.at[i]);
        strings_add(only, name);
        free(name);
    }
    strings_free(&lines);
    strings_settle(only);
    if (!status && !only->n)
        status = error_set(ERR_DATA, "%s: its lists name no pictures: a file name a line",
                           path_of(n, "split"));
    *f = (struct own_files){.images = path_of(n, "images"),
                            .captions = path_of(n, "captions"),
                            .masks = path_of(n, "masks"),
                            .names = path_of(n, "names"),
                            .only = only};
    return status;
}

static const char *const parts[] = {
    [OWN_IMAGES] = "images", [OWN_CAPTIONS] = "captions", [OWN_MASKS] = "masks"};
enum { PARTS = sizeof parts / sizeof *parts };

/* Which of them; PARTS: none. */
static size_t part_of(const struct node_input *in) {
    size_t k = 0;
    while (k < PARTS && strcmp(in->name, parts[k]) != 0) k++;
    return k;
}

bool prepare_input_is_listed(const struct node *n, const struct node_input *in) {
    return n->config.run.stage == STAGE_PREPARE && path_of(n, "split") && part_of(in) < PARTS &&
           dir_exists(in->path);
}

int prepare_input_content(const struct node *n, struct node_input *in, struct content *c) {
    struct own_files f;
    struct strings only, files = {0};
    enum own_part part = (enum own_part)part_of(in);
    size_t beside = 0;
    int status = prepare_files(n, &f, &only);
    if (!status) status = own_set_files(&f, part, &files, &beside);
    if (!status) status = content_of_files(c, in->path, &files, &in->hash);
    if (part == OWN_IMAGES) in->unlisted = beside;
    strings_free(&files);
    strings_free(&only);
    return status;
}
