#include "train/prepare_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/own_set.h"

char *prepare_list(const char *split, int list) {
    static const char *const names[] = {
        [PREPARE_TRAIN] = "train.txt", [PREPARE_VAL] = "val.txt", [PREPARE_TEST] = "test.txt"};
    return path_join(split, names[list]);
}

bool prepare_input_is_listed(const struct node *n, const struct node_input *in) {
    static const char *const names[] = {"images", "captions", "masks"};
    const struct node_input *split = node_input(n, "split");
    if (n->config.run.stage != STAGE_PREPARE || !split || !split->path) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(in->name, names[i]) == 0) return dir_exists(in->path);
    return false;
}

int prepare_input_content(const struct node *n, struct node_input *in, struct content *c) {
    struct strings lines = {0}, stems = {0};
    int status = 0;
    for (int k = 0; k < PREPARE_LISTS && !status; k++) {
        char *path = prepare_list(node_input(n, "split")->path, k);
        if (k == PREPARE_TRAIN || file_exists(path)) status = own_list_read(path, &lines);
        free(path);
    }
    for (size_t i = 0; i < lines.n; i++) {
        char *stem = own_list_stem(lines.at[i]);
        strings_add(&stems, stem);
        free(stem);
    }
    strings_settle(&stems);
    size_t beside = 0;
    if (!status) status = content_of_named(c, in->path, &stems, &in->hash, &beside);
    if (strcmp(in->name, "images") == 0) in->unlisted = beside;
    strings_free(&lines);
    strings_free(&stems);
    return status;
}
