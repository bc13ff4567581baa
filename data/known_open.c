#include "data/known_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/known_archives.h"
#include "data/set_prepare.h"
#include "data/unpack.h"

/* What was found; paths are owned. */
struct finding {
    const struct known_source *s;
    char *images, *maps, *list, *names, *captions;
    bool prepared;
    struct strings checked; /* archives */
};

char *known_below(const char *root, const char *path, bool (*is)(const char *)) {
    while (root && path) {
        char *full = path_join(root, path);
        if (is(full)) return full;
        free(full);
        path = strchr(path, '/');
        path += path != NULL;
    }
    return NULL;
}

static char *first_below(const char *root, const char *const *paths, bool (*is)(const char *)) {
    char *found = NULL;
    for (int i = 0; i < KNOWN_PLACES && paths[i] && !found; i++)
        found = known_below(root, paths[i], is);
    return found;
}

/* ---- out of archives ---- */

static const char pictures[] = "images"; /* the folder that they are unpacked to */

struct wanted {
    const char *place;  /* folder, or file when `suffix` is NULL */
    const char *suffix; /* "": pictures of any kind */
    bool deep;
};

/* How many names at the end of two paths are the same. */
static int common_tail(const char *a, const char *b) {
    size_t i = strlen(a), k = strlen(b);
    int n = 0;
    while (i && k && a[i - 1] == b[k - 1]) {
        i--, k--;
        bool edge_a = i == 0 || a[i - 1] == '/', edge_b = k == 0 || b[k - 1] == '/';
        n += edge_a && edge_b && a[i] != '/';
    }
    return n;
}

/* Whether a folder of an archive is the one that is meant: it has its last name; deep: it lies in
 * such a folder. */
static bool is_place(const char *dir, const struct wanted *w) {
    if (common_tail(dir, w->place) > 0) return true;
    if (!w->deep) return !*dir;
    const char *last = path_base(w->place);
    size_t n = strlen(last);
    for (const char *part = dir; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, last, n) == 0 && (part[n] == '/' || !part[n])) return true;
    }
    return false;
}

static char *name_in_archive(void *self, const char *entry) {
    const struct wanted *w = self;
    const char *base = path_base(entry);
    size_t n = strlen(base), k = w->suffix ? strlen(w->suffix) : 0;
    if (!w->suffix) { /* a file: its folder counts, too, where both have one */
        bool alone = base == entry || !strchr(w->place, '/');
        return common_tail(entry, w->place) >= (alone ? 1 : 2) ? mem_strdup(base) : NULL;
    }
    bool fits = k ? n > k && strcmp(base + n - k, w->suffix) == 0 : image_name_is(base);
    if (!fits || base[0] == '.') return NULL;
    char *dir = mem_format("%.*s", (int)(base == entry ? 0 : base - entry - 1), entry);
    bool is = is_place(dir, w);
    free(dir);
    return is ? mem_strdup(base) : NULL;
}

/* False when it is there already. */
static bool add_once(struct strings *l, const char *text) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->at[i], text) == 0) return false;
    strings_add(l, text);
    return true;
}

/* Unpacks what is wanted into WORK/NAME, once; *out: the folder, or NULL when there is nothing.
 * What says that it is whole lies in it and sorts first: it is also the first to be removed. */
static int unpack(struct finding *f, const char *archive, const char *name, struct wanted *w,
                  char **out) {
    *out = NULL;
    if (f->s->archives) {
        add_once(f->s->archives, archive);
        *out = mem_strdup(archive);
        return 0;
    }
    if (!f->s->work)
        return error_set(ERR_USAGE, "%s: is an archive: unpack it, or make a set of it first",
                         archive);
    char *dir = path_join(f->s->work, name), *done = path_join(dir, ".done");
    int64_t n = 0;
    int status = 0;
    if (!file_exists(done)) {
        log_info("%s: looking for %s", archive, w->place);
        bool copied = strcmp(name, pictures) == 0 && !(f->s->set->shrunk && !f->s->original);
        struct unpack u = {archive, dir,        name_in_archive,
                           w,       f->s->stop, copied ? SET_PREPARE_COPIES : 0};
        if (add_once(&f->checked, archive)) status = known_archive_check(archive, f->s->strict);
        if (!status) status = unpack_files(&u, &n);
        if (!status && n) status = file_write(done, "", 0);
    }
    if (!status && file_exists(done)) {
        *out = dir;
        dir = NULL;
    }
    free(dir);
    free(done);
    return status;
}

/* Looks through the archives of the set that lie below the root. */
static int look_in_archives(struct finding *f, const char *name, struct wanted *w, char **out) {
    const struct known_split *split = f->s->split;
    int status = 0;
    *out = NULL;
    for (int i = 0; i < 2 * KNOWN_PLACES && split->archives[i] && !status; i++) {
        if (*out && !f->s->archives) break; /* a first look names all of them */
        char *beside =
            mem_format("%.*s/%s", (int)strcspn(w->place, "/"), w->place, split->archives[i]);
        char *path = known_below(f->s->root, beside, file_exists);
        if (path) {
            free(*out);
            status = unpack(f, path, name, w, out);
        }
        free(path);
        free(beside);
    }
    return status;
}

/* ---- the parts ---- */

/* A folder: as the user says, below the root, or out of an archive. *out NULL: not found. */
static int find_folder(struct finding *f, const char *said, const char *const *places,
                       const char *suffix, const char *name, char **out) {
    struct wanted w = {places[0] ? places[0] : "", suffix ? suffix : "", f->s->set->deep};
    *out = NULL;
    if (said && unpack_is_archive(said)) {
        int status = unpack(f, said, name, &w, out);
        if (!status && !*out)
            status = error_set(ERR_DATA, "%s: has no folder %s with files *%s", said,
                               path_base(w.place), w.suffix);
        return status;
    }
    *out = said ? mem_strdup(said) : first_below(f->s->root, places, dir_exists);
    return *out || !places[0] ? 0 : look_in_archives(f, name, &w, out);
}

static int find_file(struct finding *f, const char *said, const char *place, const char *name,
                     char **out) {
    struct wanted w = {place, NULL, false};
    char *dir = NULL;
    int status = 0;
    *out = NULL;
    if (said && unpack_is_archive(said) && place)
        status = unpack(f, said, name, &w, &dir);
    else if (said)
        *out = mem_strdup(said);
    else if (place && !(*out = known_below(f->s->root, place, file_exists)))
        status = look_in_archives(f, name, &w, &dir);
    if (dir) *out = path_join(dir, path_base(place));
    free(dir);
    return status;
}

static int lacks(const struct finding *f, const char *what, const char *place, const char *option) {
    const struct known_source *s = f->s;
    struct str archives = {0};
    for (int i = 0; i < 2 * KNOWN_PLACES && s->split->archives[i]; i++)
        str_add(&archives, "%s%s", i ? ", " : "; in archives there: ", s->split->archives[i]);
    int status = error_set(ERR_MISSING,
                           "%s: %s of %s, split %s, are missing: looked for %s%s; or name them: %s",
                           s->root ? s->root : "--root", what, s->set->name, s->split->name, place,
                           archives.at ? archives.at : "", option);
    str_free(&archives);
    return status;
}

/* Maps that the reference's scripts made, with the pictures that belong to them. */
static void find_prepared(struct finding *f) {
    const struct known_split *split = f->s->split;
    if (!split->prepared_maps || f->s->maps) return;
    char *maps = known_below(f->s->root, split->prepared_maps, dir_exists);
    char *images = f->s->images ? mem_strdup(f->s->images)
                                : known_below(f->s->root, split->prepared_images, dir_exists);
    if (maps && images) {
        free(f->maps);
        free(f->images);
        f->maps = maps;
        f->images = images;
        f->prepared = true;
        log_info("%s: taken as prepared by the reference's scripts", maps);
    } else {
        free(maps);
        free(images);
    }
}

static int find_known(struct finding *f) {
    const struct known_source *s = f->s;
    const struct known_split *split = s->split;
    int status = 0;
    f->prepared = s->prepared && s->maps;
    if (s->prepared) find_prepared(f);
    if (s->prepared && !f->prepared && !s->maps)
        return lacks(f, "prepared maps", split->prepared_maps ? split->prepared_maps : "none",
                     "--images DIR --maps DIR");
    if (!f->images)
        status =
            find_folder(f, s->images, split->images, s->set->image_suffix, pictures, &f->images);
    if (!status && s->set->labels && !f->maps)
        status = find_folder(f, s->maps, split->maps, s->set->map_suffix, "maps", &f->maps);
    if (!status && s->set->labels && !f->maps) find_prepared(f);
    if (status) return status;
    if (!f->images) return lacks(f, "pictures", split->images[0], "--images DIR");
    if (s->set->labels && !f->maps) return lacks(f, "label maps", split->maps[0], "--maps DIR");
    for (int i = 0; i < KNOWN_PLACES && !status && !f->list && !f->prepared; i++)
        if (i == 0 || split->list[i])
            status = find_file(f, s->list, split->list[i], "list", &f->list);
    if (!status) status = find_file(f, s->captions, split->captions, "captions", &f->captions);
    if (status) return status;
    if (split->list[0] && !f->list && !f->prepared)
        return lacks(f, "the names", split->list[0], "--list FILE");
    if (split->captions && !f->captions)
        return lacks(f, "captions", split->captions, "--captions FILE");
    if (s->set->labels)
        f->names = s->names ? mem_strdup(s->names) : known_labels_path(s->set->labels);
    return 0;
}

/* A folder of the user's own: images/ or the folder itself; masks/ and captions if they are there.
 */
static int find_own(struct finding *f) {
    static const char *const name_files[KNOWN_PLACES] = {"names.yaml", "names.txt"};
    static const char *const caption_files[KNOWN_PLACES] = {"captions.jsonl", "captions.json"};
    const struct known_source *s = f->s;
    int status = find_folder(f, s->images, s->split->images, NULL, pictures, &f->images);
    if (!status) status = find_folder(f, s->maps, s->split->maps, ".png", "maps", &f->maps);
    if (status) return status;
    if (!f->images && s->root) f->images = mem_strdup(s->root);
    if (!f->images) return lacks(f, "pictures", "images", "--images DIR");
    f->list = s->list ? mem_strdup(s->list) : NULL;
    f->names = s->names ? mem_strdup(s->names) : first_below(s->root, name_files, file_exists);
    f->captions =
        s->captions ? mem_strdup(s->captions) : first_below(s->root, caption_files, file_exists);
    if (f->maps && !f->names)
        return error_set(
            ERR_MISSING,
            "%s: label maps without names: write names.txt beside the folder, the name "
            "of value 0 in its first line; or name the file: --names FILE",
            f->maps);
    return 0;
}

/* ---- the whole ---- */

/* The classes that have no masks in training; the table may be the user's. */
static int mark_unseen(struct dataset *d, const char *names, const char *table) {
    while (names && *names) {
        size_t n = strcspn(names, ",");
        bool found = false;
        for (int64_t k = 0; k < d->n_classes; k++)
            if (strlen(d->class_name[k]) == n && strncmp(d->class_name[k], names, n) == 0) {
                d->class_seen[k] = false;
                found = true;
            }
        if (!found)
            return error_set(ERR_DATA,
                             "%s: has no class \"%.*s\", which is one of the split's without masks "
                             "in training: name it, or mark others with split: unseen",
                             table, (int)n, names);
        names += n + (names[n] == ',');
    }
    return 0;
}

static bool marks_unseen(const struct dataset *d) {
    bool some = false;
    for (int64_t k = 0; k < d->n_classes; k++) some |= !d->class_seen[k];
    return some;
}

int known_open(struct dataset *d, const struct known_source *s) {
    const struct known_set *set = s->set;
    struct finding f = {.s = s};
    *d = (struct dataset){0};
    bool own = !set->labels && !set->split[0].captions;
    int status = own ? find_own(&f) : find_known(&f);
    bool look_only = s->archives && s->archives->n;
    if (!status && !look_only) {
        enum map_kind kind = f.prepared ? set->prepared_kind : set->kind;
        struct file_set_options o = {
            .images = f.images,
            .maps = f.maps,
            .names = f.names,
            .list = f.list,
            .captions = f.captions,
            .image_suffix = set->image_suffix,
            .map_suffix = !f.prepared         ? set->map_suffix
                          : kind == MAPS_TIFF ? ".tif"
                                              : ".png",
            .middle = f.prepared ? NULL : s->split->middle,
            .kind = kind,
            .deep = set->deep && !f.prepared,
            .by_index = f.prepared,
            .zero_is_none = set->zero_is_none,
            .shrunk = set->shrunk && !f.prepared && !s->original,
        };
        status = file_set_open(d, &o);
    }
    if (!status && !look_only && !marks_unseen(d)) status = mark_unseen(d, set->unseen, f.names);
    if (status) dataset_close(d);
    free(f.images);
    free(f.maps);
    free(f.list);
    free(f.names);
    free(f.captions);
    strings_free(&f.checked);
    return status;
}
