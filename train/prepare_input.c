#include "train/prepare_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/captions_file.h"
#include "data/vocabulary.h"

char *prepare_list(const struct node *n, int list) {
    static const char *const names[] = {
        [PREPARE_TRAIN] = "train.txt", [PREPARE_VAL] = "val.txt", [PREPARE_TEST] = "test.txt"};
    return path_join(node_path(n, "split"), names[list]);
}

/* Names of pictures, settled. A picture of an earlier list is ERR_DATA: what one is trained on
 * cannot judge. */
static int read_list(const struct node *n, int list, const struct strings *earlier,
                     struct strings *names) {
    struct strings lines = {0};
    char *path = prepare_list(n, list);
    int status = list == PREPARE_TRAIN || file_exists(path) ? own_list_read(path, &lines) : 0;
    *names = (struct strings){0};
    for (size_t i = 0; i < lines.n && !status; i++) {
        if (!*lines.at[i]) continue;
        char *name = image_name_bare(lines.at[i]);
        strings_add(names, name);
        if (strings_find(earlier, name) >= 0)
            status = error_set(ERR_DATA,
                               "%s: line %zu: %s is in another list, too: who trains cannot judge, "
                               "so take it out of one of them",
                               path, i + 1, lines.at[i]);
        free(name);
    }
    strings_settle(names);
    strings_free(&lines);
    free(path);
    return status;
}

int prepare_files(const struct node *n, struct own_files *f, struct strings *only) {
    int status = 0;
    *only = (struct strings){0};
    for (int k = PREPARE_TRAIN; k < PREPARE_LISTS && !status; k++) {
        struct strings names;
        status = read_list(n, k, only, &names);
        for (size_t i = 0; i < names.n; i++) strings_add(only, names.at[i]);
        strings_settle(only);
        strings_free(&names);
    }
    if (!status && !only->n)
        status = error_set(ERR_DATA, "%s: its lists name no pictures: a file name a line",
                           node_path(n, "split"));
    *f = (struct own_files){.images = node_path(n, "images"),
                            .captions = node_path(n, "captions"),
                            .masks = node_path(n, "masks"),
                            .names = node_path(n, "names"),
                            .only = only};
    return status;
}

/* ---- identity ---- */

/* Who is in which list; the order of lines and how they end say nothing. */
static int hash_lists(const struct node *n, uint64_t *out) {
    static const struct strings none = {0};
    struct hasher h;
    int status = 0;
    hasher_open(&h);
    for (int k = PREPARE_TRAIN; k < PREPARE_LISTS && !status; k++) {
        struct strings names;
        status = read_list(n, k, &none, &names);
        hasher_add(&h, &names.n, sizeof names.n);
        for (size_t i = 0; i < names.n; i++) hasher_add_string(&h, names.at[i]);
        strings_free(&names);
    }
    *out = hasher_close(&h);
    return status;
}

/* What a set takes of a vocabulary: a synonym more makes no data anew. */
static int hash_names(const struct own_files *f, uint64_t *out) {
    struct vocabulary v;
    int status = vocabulary_read(&v, f->names);
    if (status) return status;
    bool by_name = f->masks && !dir_exists(f->masks); /* COCO's categories, also by synonyms */
    struct hasher h;
    hasher_open(&h);
    for (size_t i = 0; i < v.n; i++) {
        const struct vocabulary_class *c = &v.at[i];
        const uint8_t colour[4] = {c->has_colour, c->colour[0], c->colour[1], c->colour[2]};
        hasher_add_string(&h, c->name);
        hasher_add(&h, &c->raw, sizeof c->raw);
        hasher_add(&h, colour, sizeof colour);
        hasher_add(&h, &c->unseen, sizeof c->unseen);
        for (size_t k = 0; by_name && k < c->synonyms.n; k++)
            hasher_add_string(&h, c->synonyms.at[k]);
        hasher_add_string(&h, "");
    }
    *out = hasher_close(&h);
    vocabulary_close(&v);
    return 0;
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

bool prepare_input_is_own(const struct node *n, const struct node_input *in) {
    if (n->config.run.stage != STAGE_PREPARE || !node_path(n, "split")) return false;
    return strcmp(in->name, "split") == 0 || strcmp(in->name, "names") == 0 ||
           strcmp(in->name, "captions") == 0 || (part_of(in) < PARTS && dir_exists(in->path));
}

/* The same bytes are other captions as a table with commas and as one with tabs. */
static int hash_captions(const char *path, struct content *c, uint64_t *out) {
    enum captions_form form;
    uint64_t whole;
    int status = captions_form_of(path, &form);
    if (!status) status = content_of(c, path, &whole);
    if (status) return status;
    bool commas = form == CAPTIONS_TABLE && captions_with_commas(path);
    const uint64_t said[] = {whole, (uint64_t)form, commas};
    *out = hash_bytes(said, sizeof said);
    return 0;
}

static int hash_part(const struct own_files *f, struct node_input *in, struct content *c) {
    struct strings files = {0};
    enum own_part part = (enum own_part)part_of(in);
    size_t beside = 0;
    int status = own_set_files(f, part, &files, &beside);
    if (!status) status = content_of_files(c, in->path, &files, &in->hash);
    if (part == OWN_IMAGES) in->unlisted = beside;
    strings_free(&files);
    return status;
}

int prepare_input_content(const struct node *n, struct node_input *in, struct content *c) {
    struct own_files f;
    struct strings only;
    int status = prepare_files(n, &f, &only);
    if (!status && strcmp(in->name, "split") == 0)
        status = hash_lists(n, &in->hash);
    else if (!status && strcmp(in->name, "names") == 0)
        status = hash_names(&f, &in->hash);
    else if (!status && !dir_exists(in->path))
        status = hash_captions(in->path, c, &in->hash);
    else if (!status)
        status = hash_part(&f, in, c);
    strings_free(&only);
    return status;
}
