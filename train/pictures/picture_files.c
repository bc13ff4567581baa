#include "train/pictures/picture_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "eval/segment.h"
#include "train/pictures/picture_json.h"

char *picture_output(const struct picture_outputs *o, const struct picture_file *p,
                     enum picture_kind kind) {
    static const char *const suffixes[] = {
        [PICTURE_LABELS] = ".png",
        [PICTURE_OVERLAY] = "-overlay.png",
        [PICTURE_SCORES] = "-scores.safetensors",
        [PICTURE_IDS] = "-panoptic.png",
        [PICTURE_SEGMENTS] = "-panoptic.json",
        [PICTURE_JSON] = ".json",
    };
    char *name = mem_format("%s%s", p->stem, suffixes[kind]);
    char *path = path_join(o->dir, name);
    free(name);
    return path;
}

/* ---- what would be overwritten ---- */

/* Files by what the system knows them by. */
struct place {
    dev_t device;
    ino_t inode;
    const char *path;
};

static int by_place(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->device != y->device) return x->device < y->device ? -1 : 1;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static struct place *places_of(const struct picture_list *l, size_t *n) {
    struct place *at = mem_alloc(l->n + 1, sizeof *at);
    struct stat st;
    *n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (!stat(l->at[i].path, &st))
            at[(*n)++] = (struct place){st.st_dev, st.st_ino, l->at[i].path};
    qsort(at, *n, sizeof *at, by_place);
    return at;
}

static int check_over(const char *path, const struct place *at, size_t n) {
    struct stat st;
    if (stat(path, &st)) return 0;
    struct place here = {st.st_dev, st.st_ino, path};
    const struct place *found = bsearch(&here, at, n, sizeof here, by_place);
    return found ? error_set(ERR_USAGE, "%s would be overwritten: choose another -o", found->path)
                 : 0;
}

static int by_path(const void *a, const void *b) {
    const struct picture_target *x = a, *y = b;
    return strcmp(x->path, y->path);
}

void picture_targets_add(struct picture_targets *t, char *path, const char *picture) {
    t->at = mem_grow(t->at, &t->cap, t->n + 1, sizeof *t->at);
    t->at[t->n++] = (struct picture_target){path, picture};
}

int picture_targets_check(struct picture_targets *t, const struct picture_list *l) {
    size_t n;
    struct place *at = places_of(l, &n);
    int status = 0;
    for (size_t i = 0; !status && i < t->n; i++) status = check_over(t->at[i].path, at, n);
    if (t->n) qsort(t->at, t->n, sizeof *t->at, by_path);
    for (size_t i = 1; !status && i < t->n; i++)
        if (strcmp(t->at[i].path, t->at[i - 1].path) == 0)
            status = error_set(ERR_USAGE,
                               "%s and %s would both be written to %s: segment them one after the "
                               "other, each with an -o of its own",
                               t->at[i - 1].picture, t->at[i].picture, t->at[i].path);
    free(at);
    return status;
}

void picture_targets_free(struct picture_targets *t) {
    for (size_t i = 0; i < t->n; i++) free(t->at[i].path);
    free(t->at);
    *t = (struct picture_targets){0};
}

/* What bears the name of our numbers is ours, or stays. */
static int check_numbers(const struct picture_outputs *o, const struct picture_list *l) {
    int status = 0;
    for (size_t i = 0; !status && o->wanted[PICTURE_JSON] && i < l->n; i++) {
        char *path = picture_output(o, &l->at[i], PICTURE_JSON);
        if (file_exists(path) && !picture_json_is(path))
            status = error_set(ERR_USAGE,
                               "%s: is not of ovseg segment, and would be overwritten: choose "
                               "another -o, or remove it if nobody needs it",
                               path);
        free(path);
    }
    return status;
}

int picture_outputs_check(const struct picture_outputs *o, const struct picture_list *l) {
    struct picture_targets to = {0};
    picture_targets_add(&to, path_join(o->dir, PICTURE_RECORD), "the settings");
    for (size_t i = 0; i < l->n; i++)
        for (int k = 0; k < PICTURE_KINDS; k++)
            if (o->wanted[k])
                picture_targets_add(&to, picture_output(o, &l->at[i], (enum picture_kind)k),
                                    l->at[i].path);
    int status = picture_targets_check(&to, l);
    if (!status) status = check_numbers(o, l);
    picture_targets_free(&to);
    return status;
}

/* Bytes of the folders in front of a stem. */
static size_t stem_folder(const struct picture_list *l, size_t i) {
    return (size_t)(path_base(l->at[i].stem) - l->at[i].stem);
}

int picture_outputs_make(const struct picture_outputs *o, const struct picture_list *l) {
    int status = dir_make(o->dir);
    if (!status) dir_sweep(o->dir); /* of a job that was killed */
    for (size_t i = 0; !status && i < l->n; i++) {
        if (!strchr(l->at[i].stem, '/')) continue;
        char *path = picture_output(o, &l->at[i], PICTURE_LABELS), *dir = path_dir(path);
        bool again = i && strncmp(l->at[i].stem, l->at[i - 1].stem, stem_folder(l, i)) == 0 &&
                     stem_folder(l, i) == stem_folder(l, i - 1);
        if (!again) status = dir_make(dir);
        if (!again && !status) dir_sweep(dir);
        free(path);
        free(dir);
    }
    return status;
}

bool picture_outputs_there(const struct picture_outputs *o, const struct picture_file *p) {
    bool all = true;
    for (int k = 0; all && k < PICTURE_KINDS; k++) {
        if (!o->wanted[k]) continue;
        char *path = picture_output(o, p, (enum picture_kind)k);
        all = file_exists(path);
        free(path);
    }
    return all;
}

int picture_labels_encode(const struct labels *l, int64_t K, struct bytes *png) {
    return segment_unlabelled(K) > UINT8_MAX ? labels_encode_png16(l, png)
                                             : labels_encode_png(l, png);
}
