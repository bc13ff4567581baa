/* Which file or folder of a user's is what: what the command line names, and, for what it does not,
 * what lies beside or in the folder of pictures under a usual name. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "train/own/own.h"

/* What is looked for under usual names. */
struct sought {
    const char *option; /* that names it */
    char **found;       /* NULL: not yet */
    bool said;          /* on the command line: nothing else counts */
};

/* `ovseg data export` writes the names twice, for eyes and for programs. */
static bool same_names(const char *a, const char *b) {
    struct vocabulary x = {0}, y = {0};
    bool same = !vocabulary_read(&x, a) && !vocabulary_read(&y, b) && x.n == y.n;
    for (size_t i = 0; same && i < x.n; i++) same = strcmp(x.at[i].name, y.at[i].name) == 0;
    error_clear();
    vocabulary_close(&x);
    vocabulary_close(&y);
    return same;
}

/* The first of them is taken, the others are told of: each could be the one that was meant. A link
 * that leads nowhere, or a pipe, is no sign that there is nothing. */
static void find(struct own *o, const struct sought *s, const char *dir, const char *const *names,
                 bool (*is)(const char *)) {
    struct stat st;
    for (; !s->said && *names; names++) {
        char *path = path_join(dir, *names);
        bool there = is(path), first = !*s->found;
        if (there && first)
            *s->found = mem_strdup(path);
        else if (there && !(s->found == &o->names_path && same_names(*s->found, path)))
            own_note(o, "%s is taken, %s is not: %s takes another", *s->found, path, s->option);
        else if (first && !lstat(path, &st))
            own_problem(o, OWN_LAYOUT, "%s: %s: mend it, or take it away", path,
                        stat(path, &st)    ? "a link that leads nowhere"
                        : is == dir_exists ? "is no folder"
                                           : "is no file");
        free(path);
    }
}

/* A text of the name of a picture beside it, "a.txt" or "a.jpg.txt" of a.jpg; `deep`: also in
 * folders below. */
static bool has_texts(const char *dir, bool deep) {
    struct strings names = {0}, pictures = {0};
    bool found = false;
    if (deep ? dir_walk(dir, NULL, &names) : dir_list(dir, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        if (!image_name_is(names.at[i])) continue;
        char *stem = path_without_suffix(names.at[i]);
        strings_add(&pictures, names.at[i]);
        strings_add(&pictures, stem);
        free(stem);
    }
    strings_settle(&pictures);
    for (size_t i = 0; i < names.n && !found; i++) {
        const char *dot = strrchr(names.at[i], '.');
        if (!dot || strcasecmp(dot, ".txt") != 0) continue;
        char *stem = path_without_suffix(names.at[i]);
        found = strings_find(&pictures, stem) >= 0;
        free(stem);
    }
    strings_free(&pictures);
    strings_free(&names);
    return found;
}

/* What was not named: in the folder of pictures and in the one above it; not further up. */
static void look_around(struct own *o, const char *root) {
    static const char *const captions[] = {"captions.jsonl",
                                           "captions.json",
                                           "captions.tsv",
                                           "captions.csv",
                                           "captions.txt",
                                           "metadata.jsonl",
                                           NULL};
    static const char *const caption_folders[] = {"captions", NULL};
    static const char *const masks[] = {"masks", NULL};
    static const char *const instances[] = {"instances.json", NULL};
    static const char *const names[] = {"names.yaml", "names.txt",  "classes.txt", "names.csv",
                                        "names.tsv",  "labels.txt", NULL};
    const char *const places[] = {o->images, root};
    const struct sought c = {"--captions PATH", &o->captions_path, o->captions_path},
                        m = {"--masks PATH", &o->masks_path, o->masks_path},
                        n = {"--names FILE", &o->names_path, o->names_path};
    for (int i = 0; i < 2; i++) {
        const char *dir = places[i];
        find(o, &c, dir, captions, file_exists);
        find(o, &m, dir, masks, dir_exists);
        find(o, &m, dir, instances, file_exists);
        find(o, &n, dir, names, file_exists);
        if (!o->captions_path && has_texts(dir, dir == o->images))
            o->captions_path = mem_strdup(dir);
        find(o, &c, dir, caption_folders, dir_exists);
    }
}

static int whole(const char *said, const char *option, char **out) {
    if (!said) return 0;
    *out = realpath(said, NULL);
    return *out ? 0
                : error_set(ERR_MISSING, "%s %s: there is no such file or folder", option,
                            *said ? said : "\"\"");
}

/* A folder of the whole: its images/, where it has one. */
static char *pictures_in(const char *said) {
    char *inside = path_join(said, "images");
    if (dir_exists(inside)) return inside;
    free(inside);
    return mem_strdup(said);
}

static bool lies_in(const char *path, const char *dir) {
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

/* Paths that a config cannot say. */
static void check_paths(struct own *o) {
    const char *const paths[] = {o->images, o->captions_path, o->masks_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!paths[i]) continue;
        if (!utf8_valid(paths[i], strlen(paths[i])))
            own_problem(o, OWN_LAYOUT, "%s: the path is not UTF-8, as configs are: rename a folder",
                        paths[i]);
        if (strstr(paths[i], "${"))
            own_problem(o, OWN_LAYOUT,
                        "%s: ${ in a path of a config names a variable: rename that folder",
                        paths[i]);
    }
}

static void check_places(struct own *o) {
    if (o->masks_path && lies_in(o->masks_path, o->images) && dir_exists(o->masks_path))
        own_problem(o, OWN_LAYOUT,
                    "%s: masks lie in the folder of pictures, where they would be taken for some: "
                    "move it beside %s",
                    o->masks_path, o->images);
    if (!o->captions_path && !o->masks_path)
        own_problem(o, OWN_LAYOUT,
                    "%s: there are neither captions nor masks: name them, --captions PATH, or "
                    "--masks PATH --names FILE",
                    o->images);
    if (o->masks_path && dir_exists(o->masks_path) && !o->names_path)
        own_problem(o, OWN_LAYOUT,
                    "%s: masks without names: write a file with a name a line, that of value 0 "
                    "first, or with name, red, green, blue for colours; then --names FILE",
                    o->masks_path);
}

/* What is written among the pictures would be taken for some of them, and change them each time. */
static int check_outside(const struct own *o) {
    char *parent = path_dir(o->dir), *whole = realpath(o->dir, NULL), *here = realpath(".", NULL);
    if (!whole) whole = realpath(parent, NULL);
    int status = 0;
    if (whole && lies_in(whole, o->images))
        status = error_set(ERR_USAGE, "%s: lies among the pictures: name a folder outside of %s",
                           o->dir, o->images);
    else if (here && lies_in(here, o->images))
        status = error_set(ERR_USAGE,
                           "%s: is where you are, and runs/ would be made among the pictures: go "
                           "to another folder first",
                           o->images);
    free(parent);
    free(whole);
    free(here);
    return status;
}

int own_find(struct own *o, const char *images, const char *captions, const char *masks,
             const char *names) {
    char *said = NULL;
    int status = whole(images, "--images", &said);
    if (!status && (!said || !dir_exists(said))) {
        status = error_set(ERR_MISSING, "--images %s: is not a folder; it should hold the pictures",
                           images);
    }
    if (!status) status = whole(captions, "--captions", &o->captions_path);
    if (!status) status = whole(masks, "--masks", &o->masks_path);
    if (!status) status = whole(names, "--names", &o->names_path);
    if (!status) {
        o->images = pictures_in(said);
        bool own_root = strcmp(o->images, said) != 0;
        char *root = own_root ? mem_strdup(said) : path_dir(said);
        look_around(o, root);
        free(root);
        status = check_outside(o);
        check_paths(o);
        check_places(o);
    }
    free(said);
    return status;
}
