/* Which files belong together: by name, never by position, though the reference does the latter
 * when there are as many of both (reference-spec 5). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/file_set_internal.h"

enum { LIST_BYTES_MAX = 64 << 20 };

/* In any case, as cameras and Windows write it. */
static bool ends_in(const char *name, const char *suffix) {
    size_t n = strlen(name), k = strlen(suffix);
    return n > k && strcasecmp(name + n - k, suffix) == 0;
}

/* Whether the second part of a name's parts between underscores is `middle`. */
static bool has_middle(const char *name, const char *middle) {
    const char *part = strchr(name, '_');
    size_t k = strlen(middle);
    return part && strncmp(part + 1, middle, k) == 0 && strchr("_.", part[1 + k]) && part[1 + k];
}

static bool is_wanted(const char *name, const struct file_filter *f) {
    bool other = f->middle && f->middle[0] == '!';
    if (name[0] == '.' || (f->middle && has_middle(name, f->middle + other) == other)) return false;
    return f->suffix ? ends_in(name, f->suffix) : image_name_is(name);
}

static bool is_folder(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    bool is = dir_exists(path); /* whatever it is called */
    free(path);
    return is;
}

static int by_stem(const void *a, const void *b) {
    return strcmp(((const struct found_file *)a)->stem, ((const struct found_file *)b)->stem);
}

static bool is_among(const char *stem, const struct file_filter *f) {
    if (!f->only) return true;
    char *name = f->texts ? image_name_bare(stem) : mem_strdup(stem);
    bool is = strings_find(f->only, name) >= 0;
    free(name);
    return is;
}

static char *stem_of(const char *name, const char *suffix) {
    return suffix ? mem_format("%.*s", (int)(strlen(name) - strlen(suffix)), name)
                  : path_stem(name);
}

int found_files_list(struct found_files *f, const char *dir, const struct file_filter *filter,
                     size_t *beside) {
    struct strings files = {0};
    size_t others = 0;
    *f = (struct found_files){0};
    int status = filter->deep ? dir_walk(dir, NULL, &files) : dir_list(dir, &files);
    for (size_t i = 0; !status && i < files.n; i++) {
        const char *name = path_base(files.at[i]);
        if (!is_wanted(name, filter) || (!filter->deep && is_folder(dir, name))) continue;
        char *stem = stem_of(name, filter->suffix);
        if (!is_among(stem, filter)) {
            others++;
            free(stem);
            continue;
        }
        f->at = mem_grow(f->at, &f->cap, f->n + 1, sizeof *f->at);
        f->at[f->n++] = (struct found_file){stem, mem_strdup(files.at[i])};
    }
    strings_free(&files);
    if (beside) *beside = others;
    if (f->n) qsort(f->at, f->n, sizeof *f->at, by_stem);
    for (size_t i = 1; !status && i < f->n; i++)
        if (strcmp(f->at[i - 1].stem, f->at[i].stem) == 0)
            status = error_set(ERR_DATA, "%s: %s and %s have one name; rename one of them", dir,
                               f->at[i - 1].path, f->at[i].path);
    if (!status && !f->n && !filter->only)
        status =
            error_set(ERR_DATA, "%s: has no files *%s%s%s", dir,
                      filter->suffix ? filter->suffix : ".jpg, .jpeg, .png or .webp",
                      filter->middle ? " of the split " : "", filter->middle ? filter->middle : "");
    return status;
}

void found_files_free(struct found_files *f) {
    for (size_t i = 0; i < f->n; i++) {
        free(f->at[i].stem);
        free(f->at[i].path);
    }
    free(f->at);
    *f = (struct found_files){0};
}

static struct found_file *find(const struct found_files *f, const char *stem) {
    struct found_file key = {.stem = mem_strdup(stem)};
    struct found_file *at = f->n ? bsearch(&key, f->at, f->n, sizeof key, by_stem) : NULL;
    free(key.stem);
    return at;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The first word of each line, sorted. */
static int read_list(const char *path, struct strings *names) {
    struct bytes file;
    int status = file_read(path, LIST_BYTES_MAX, &file);
    if (status) return status;
    const char *text = (const char *)file.at;
    if (memchr(text, 0, file.n)) status = error_set(ERR_DATA, "%s: is not a text", path);
    while (!status && *text) {
        size_t n = strcspn(text, " \t\r\n");
        if (n) {
            char *name = mem_format("%.*s", (int)n, text);
            strings_add(names, name);
            free(name);
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    bytes_free(&file);
    if (!status && !names->n)
        status = error_set(ERR_DATA, "%s: names no pictures: write a name a line", path);
    if (names->n) qsort(names->at, names->n, sizeof *names->at, by_text);
    for (size_t i = 1; !status && i < names->n; i++)
        if (strcmp(names->at[i - 1], names->at[i]) == 0)
            status = error_set(ERR_DATA, "%s: names %s twice", path, names->at[i]);
    return status;
}

static void add_pair(struct file_set *s, struct strings *names, const char *stem, char *image,
                     char *map) {
    s->at = mem_grow(s->at, &s->cap, s->n + 1, sizeof *s->at);
    s->at[s->n++] = (struct file_pair){image, map};
    strings_add(names, stem);
}

/* A name that a list has and no file bears gets the path it should have. */
static void pair_listed(struct file_set *s, const struct file_set_options *o,
                        const struct strings *listed, const struct found_files *images,
                        const struct found_files *maps, struct strings *names) {
    for (size_t i = 0; i < listed->n; i++) {
        const char *stem = listed->at[i], *suffix = o->image_suffix ? o->image_suffix : ".jpg";
        const struct found_file *image = find(images, stem), *map = find(maps, stem);
        char *map_path = map       ? mem_strdup(map->path)
                         : o->maps ? mem_format("%s%s", stem, o->map_suffix)
                                   : NULL;
        add_pair(s, names, stem, image ? mem_strdup(image->path) : mem_format("%s%s", stem, suffix),
                 map_path);
    }
}

static void warn_alone(size_t n, const char *first, const char *what) {
    if (n == 1)
        log_warn("left out: %s has no %s of its name", first, what);
    else if (n)
        log_warn("left out: %zu files, among them %s, have no %s of their name", n, first, what);
}

static void pair_all(struct file_set *s, const struct file_set_options *o,
                     const struct found_files *images, const struct found_files *maps,
                     struct strings *names) {
    size_t alone = 0;
    const char *first = NULL;
    for (size_t i = 0; i < images->n; i++) {
        const struct found_file *image = &images->at[i];
        const struct found_file *map = o->maps ? find(maps, image->stem) : NULL;
        if (o->maps && !map && !o->keep_alone) {
            if (!alone++) first = image->path;
            continue;
        }
        add_pair(s, names, image->stem, mem_strdup(image->path),
                 map ? mem_strdup(map->path) : NULL);
    }
    warn_alone(alone, first, "label map");
    alone = 0;
    for (size_t i = 0; i < maps->n; i++)
        if (!find(images, maps->at[i].stem) && !alone++) first = maps->at[i].path;
    warn_alone(alone, first, "picture");
}

int file_set_pair(struct file_set *s, const struct file_set_options *o, struct strings *names) {
    struct found_files images = {0}, maps = {0};
    struct strings listed = {0};
    struct file_filter filter = {o->image_suffix, o->middle, o->deep, false, o->only};
    int status = found_files_list(&images, o->images, &filter, NULL);
    filter.suffix = o->map_suffix;
    if (!status && o->maps) status = found_files_list(&maps, o->maps, &filter, NULL);
    if (!status && o->list) status = read_list(o->list, &listed);
    if (!status && o->list)
        pair_listed(s, o, &listed, &images, &maps, names);
    else if (!status)
        pair_all(s, o, &images, &maps, names);
    if (!status && !s->n && o->only)
        status = error_set(ERR_DATA, "%s: has none of the pictures that are listed", o->images);
    else if (!status && !s->n)
        status = error_set(ERR_DATA, "%s, %s: no picture has a label map of its name", o->images,
                           o->maps);
    found_files_free(&images);
    found_files_free(&maps);
    strings_free(&listed);
    return status;
}
