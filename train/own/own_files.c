/* The files below the user's folders: pictures, maps, and which belongs to which, by their names.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text_file.h"
#include "base/utf8.h"
#include "data/coco.h"
#include "train/own/own.h"

/* Files that are pictures to people and none that we read. */
static const char *foreign_kind(const char *name) {
    static const char *const endings[] = {".heic", ".heif", ".tif", ".tiff", ".bmp", ".gif",
                                          ".avif", ".jp2",  ".psd", ".dng",  ".cr2", ".nef",
                                          ".arw",  ".raw",  ".svg", ".jxl",  NULL};
    const char *dot = strrchr(name, '.');
    for (const char *const *e = endings; dot && *e; e++)
        if (strcasecmp(dot, *e) == 0) return *e + 1;
    return NULL;
}

/* The folders right below that hold pictures, settled. */
static struct strings folders_of_pictures(const struct strings *files) {
    struct strings folders = {0};
    for (size_t i = 0; i < files->n; i++) {
        const char *file = files->at[i], *slash = strchr(file, '/');
        if (!slash || !image_name_is(file)) continue;
        char *folder = mem_format("%.*s", (int)(slash - file), file);
        strings_add(&folders, folder);
        free(folder);
    }
    strings_settle(&folders);
    return folders;
}

/* All files below a folder; also folders that are called like a picture and hold none, which will
 * be told of as pictures that cannot be read. */
static int list_files(const char *dir, struct strings *files) {
    struct strings names = {0};
    int status = dir_walk(dir, NULL, files);
    if (!status) status = dir_list(dir, &names);
    struct strings hold = folders_of_pictures(files);
    for (size_t i = 0; !status && i < names.n; i++) {
        const char *name = names.at[i];
        if (name[0] == '.' || !image_name_is(name) || strings_find(&hold, name) >= 0) continue;
        char *path = path_join(dir, name);
        if (dir_exists(path)) strings_add(files, name);
        free(path);
    }
    strings_free(&names);
    strings_free(&hold);
    return status;
}

/* ---- pictures ---- */

static int by_name_and_file(const void *a, const void *b) {
    const struct own_picture *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->file, y->file);
}

static int by_name_in_any_case(const void *a, const void *b) {
    const struct own_picture *const *x = a, *const *y = b;
    return strcasecmp((*x)->name, (*y)->name);
}

static void check_twice(struct own *o) {
    struct own_picture **sorted = mem_alloc(o->n + 1, sizeof(struct own_picture *));
    for (size_t i = 0; i < o->n; i++) sorted[i] = &o->at[i];
    if (o->n) qsort(sorted, o->n, sizeof(struct own_picture *), by_name_in_any_case);
    for (size_t i = 1; i < o->n; i++) {
        struct own_picture *a = sorted[i - 1], *b = sorted[i];
        if (strcasecmp(a->name, b->name) != 0) continue;
        bool same = strcmp(a->name, b->name) == 0;
        own_problem(o, OWN_TWICE,
                    "%s/%s: has the name of %s%s, suffix%s folder do not count: rename one of "
                    "them; masks lie in a folder of their own",
                    o->images, b->file, a->file, same ? "" : " but for upper and lower case",
                    same ? " and" : ", case and");
        a->out = b->out = true;
    }
    free(sorted);
}

/* What cannot stand in a line of a list, which says who trains. */
static const char *wrong_in_name(const char *file) {
    for (const char *c = file; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return "has a control character in its name: rename it";
    return utf8_valid(file, strlen(file)) ? NULL
                                          : "has a name that is not UTF-8: rename it, if it is "
                                            "Latin-1 by: convmv -f latin1 -t utf8 --notest";
}

static void add_picture(struct own *o, const char *file) {
    const char *wrong = wrong_in_name(file);
    if (wrong) own_problem(o, OWN_PICTURE, "%s/%s: %s", o->images, file, wrong);
    o->at = mem_grow(o->at, &o->cap, o->n + 1, sizeof *o->at);
    o->at[o->n++] = (struct own_picture){.file = mem_strdup(file),
                                         .name = path_stem(file),
                                         .coco = -1,
                                         .orientation = 1,
                                         .out = wrong != NULL};
}

/* The reader of own files knows a picture by its name alone; of two, neither is taken. */
static int find_pictures(struct own *o) {
    struct strings files = {0};
    int status = list_files(o->images, &files);
    for (size_t i = 0; i < files.n && !status; i++) {
        const char *file = files.at[i], *foreign = foreign_kind(file);
        if (foreign)
            own_problem(o, OWN_FOREIGN, "%s/%s: %s is not read here: convert it to JPEG or PNG",
                        o->images, file, foreign);
        if (image_name_is(file)) add_picture(o, file);
    }
    strings_free(&files);
    if (o->n) qsort(o->at, o->n, sizeof *o->at, by_name_and_file);
    if (!status && !o->n)
        own_problem(o, OWN_LAYOUT, "%s: has no pictures (.jpg, .jpeg, .png, .webp)", o->images);
    check_twice(o);
    return status;
}

/* ---- maps ---- */

static void no_picture(struct own *o, const char *file, const char *name) {
    const char *why;
    const struct own_picture *other = own_near(o, name, &why);
    if (other)
        own_problem(o, OWN_NO_PICTURE, "%s/%s: the picture is called %s: %s: rename one",
                    o->masks_path, file, other->file, why);
    else
        own_problem(o, OWN_NO_PICTURE,
                    "%s/%s: there is no picture of this name in %s: a mask has its picture's name, "
                    "with .png: rename it, or take it away",
                    o->masks_path, file, o->images);
}

/* What a mask is called behind its picture's name, "_mask"; owned, NULL: it is not. */
static char *suffix_of(const struct own *o, const char *mask) {
    char *name = path_stem(mask), *suffix = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < o->n; i++) {
        size_t n = strlen(o->at[i].name);
        if (n > longest && strncmp(name, o->at[i].name, n) == 0) longest = n;
    }
    if (longest) suffix = mem_strdup(name + longest);
    free(name);
    return suffix;
}

static size_t count_suffixed(const struct own *o, const struct strings *maps, const char *suffix) {
    size_t count = 0, k = strlen(suffix);
    for (size_t i = 0; i < maps->n; i++) {
        char *name = path_stem(maps->at[i]);
        size_t n = strlen(name);
        if (n > k && strcmp(name + n - k, suffix) == 0) {
            name[n - k] = '\0';
            count += own_picture(o, name) != NULL;
        }
        free(name);
    }
    return count;
}

enum { TRIED = 16 }; /* masks whose suffix may be that of all */

/* The one that most of all are without; owned, NULL: there is none. *with: so many have it. */
static char *common_suffix(const struct own *o, const struct strings *maps, size_t *with) {
    char *best = NULL;
    *with = 0;
    for (size_t i = 0; i < maps->n && i < TRIED; i++) {
        char *suffix = suffix_of(o, maps->at[i]);
        size_t n = suffix ? count_suffixed(o, maps, suffix) : 0;
        if (n > *with && 2 * n > maps->n) {
            *with = n;
            free(best);
            best = mem_strdup(suffix);
        }
        free(suffix);
    }
    return best;
}

/* It may stand in a command as it is. */
static bool is_plain(const char *suffix) {
    return suffix[strspn(suffix,
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "_.-")] == '\0';
}

/* Each is told of by itself, but that is no way to see that they are all called otherwise. */
static void check_none_fits(struct own *o, const struct strings *maps) {
    if (!maps->n || !o->n) return;
    for (size_t i = 0; i < o->n; i++)
        if (o->at[i].map) return;
    size_t with;
    char *suffix = common_suffix(o, maps, &with), *remedy, *command;
    if (suffix) {
        command = is_plain(suffix) ? mem_format(
                                         ", in that folder by: for f in *%s.png; do mv \"$f\" "
                                         "\"${f%%%s.png}.png\"; done",
                                         suffix, suffix)
                                   : mem_strdup("");
        remedy = mem_format("%zu of %zu would be without \"%s\": take it out of their names%s",
                            with, maps->n, suffix, command);
        free(command);
    } else
        remedy = mem_strdup("a mask has its picture's name, with .png: rename them");
    own_problem(o, OWN_LAYOUT, "%s: none of the masks is of a picture in %s: %s", o->masks_path,
                o->images, remedy);
    free(suffix);
    free(remedy);
}

static int find_maps(struct own *o) {
    struct strings files = {0}, maps = {0};
    int status = list_files(o->masks_path, &files);
    for (size_t i = 0; i < files.n && !status; i++) {
        size_t n = strlen(files.at[i]);
        bool png = n > 4 && strcasecmp(files.at[i] + n - 4, ".png") == 0;
        if (!png && (image_name_is(files.at[i]) || foreign_kind(files.at[i])))
            own_problem(o, OWN_MASK,
                        "%s/%s: a mask is a PNG named NAME.png: export it again, other formats "
                        "change its values",
                        o->masks_path, files.at[i]);
        if (!png) continue;
        strings_add(&maps, files.at[i]);
        char *name = path_stem(files.at[i]);
        struct own_picture *p = own_picture(o, name);
        if (p && p->map)
            own_problem(o, OWN_TWICE, "%s/%s: has the name of %s: rename one of them",
                        o->masks_path, files.at[i], p->map);
        else if (p)
            p->map = mem_strdup(files.at[i]);
        else
            no_picture(o, files.at[i], name);
        free(name);
    }
    if (!status) check_none_fits(o, &maps);
    if (!status && !maps.n)
        own_problem(o, OWN_LAYOUT, "%s: has no masks (NAME.png for the picture NAME.jpg)",
                    o->masks_path);
    strings_free(&files);
    strings_free(&maps);
    return status;
}

/* ---- COCO's instances ---- */

/* Without names its categories are the classes. */
static void take_categories(struct own *o, const struct dataset *coco) {
    bool given = o->names.n > 0;
    for (int64_t k = 0; k < coco->n_classes; k++) {
        const char *name = coco->class_name[k];
        if (!given)
            vocabulary_add(&o->names, name);
        else if (vocabulary_find(&o->names, name) == o->names.n)
            own_note(o, "%s: category \"%s\" is none of the names: its masks count for nothing",
                     o->masks_path, name);
    }
    if (!given && vocabulary_check(&o->names, o->masks_path)) own_take_error(o, OWN_NAMES, "");
    for (size_t k = 0; k < o->names.n; k++) o->names.at[k].raw = -1;
}

/* Which picture of the file is which of the folder. */
static void pair_coco(struct own *o, const struct dataset *coco) {
    bool some = false;
    for (int64_t i = 0; i < coco->n_images; i++) {
        char *name = image_name_said(dataset_coco_file(coco, i));
        struct own_picture *p = own_picture(o, name);
        some |= p != NULL;
        if (p && p->coco >= 0) {
            char *text = dataset_coco_twice(coco, p->coco, i);
            own_problem(o, OWN_TWICE, "%s: %s", o->masks_path, text);
            free(text);
        } else if (p)
            p->coco = i;
        else
            own_problem(o, OWN_NO_PICTURE,
                        "%s: image %lld is %s, and there is no such picture in %s: put it there, "
                        "or take the entry out",
                        o->masks_path, (long long)coco->image_id[i], dataset_coco_file(coco, i),
                        o->images);
        free(name);
    }
    if (coco->n_images && o->n && !some)
        own_problem(o, OWN_LAYOUT,
                    "%s: none of its images is a picture in %s: name them as the files are named",
                    o->masks_path, o->images);
}

/* Boxes say where something is, not which pixels are it. */
static void check_boxes(struct own *o, const struct dataset *coco) {
    int64_t all, boxes = dataset_coco_boxes(coco, &all);
    if (boxes && boxes == all)
        own_problem(
            o, OWN_LAYOUT,
            "%s: all annotations are boxes without a mask: they need \"segmentation\", polygons "
            "or run lengths: export it again with masks%s",
            o->masks_path,
            o->captions_path ? "; or take it away, and captions alone are learned from" : "");
    else if (boxes)
        own_note(o, "%s: %lld of %lld annotations %s without a mask, and count%s for nothing",
                 o->masks_path, (long long)boxes, (long long)all,
                 boxes == 1 ? "is a box" : "are boxes", boxes == 1 ? "s" : "");
}

static int find_instances(struct own *o) {
    struct dataset coco;
    int status = text_file_check(o->masks_path);
    if (!status) status = dataset_open_coco(&coco, o->images, NULL, o->masks_path);
    if (status == ERR_DATA) {
        own_take_error(o, OWN_LAYOUT, "");
        return 0;
    }
    if (status) return status;
    take_categories(o, &coco);
    pair_coco(o, &coco);
    check_boxes(o, &coco);
    dataset_close(&coco);
    return 0;
}

int own_files(struct own *o) {
    int status = find_pictures(o);
    if (status || !o->masks_path) return status;
    bool folder = dir_exists(o->masks_path), colours = false;
    for (size_t k = 0; k < o->names.n; k++)
        colours |= o->names.at[k].has_colour && o->names.at[k].raw < 0;
    o->masks = !folder ? OWN_COCO : colours ? OWN_COLOUR_PNG : OWN_INDEX_PNG;
    return folder ? find_maps(o) : find_instances(o);
}
