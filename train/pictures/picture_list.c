#include "train/pictures/picture_list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text_file.h"
#include "data/image.h"

enum { LIST_MAX = 256 << 20 }; /* bytes */

static void add(struct picture_list *l, const char *path, const char *name) {
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] =
        (struct picture_file){mem_strdup(path), mem_strdup(name), path_without_suffix(name)};
}

static bool same_folder(const char *a, const char *b) {
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int add_folder(struct picture_list *l, const char *dir, const char *out) {
    struct strings files = {0};
    size_t before = l->n;
    if (same_folder(dir, out))
        return error_set(ERR_USAGE,
                         "%s: the results would lie among the pictures: choose another -o", dir);
    int status = dir_walk(dir, out, &files);
    for (size_t i = 0; !status && i < files.n; i++) {
        if (!image_name_is(files.at[i])) continue;
        char *path = path_join(dir, files.at[i]);
        add(l, path, files.at[i]);
        free(path);
    }
    size_t found = l->n - before;
    if (!status && !found)
        status = error_set(ERR_MISSING, "%s: has no pictures (.jpg, .jpeg, .png, .webp)", dir);
    if (!status && found < files.n)
        log_info("%s: %zu file%s passed over: not named .jpg, .jpeg, .png or .webp", dir,
                 files.n - found, files.n - found == 1 ? " is" : "s are");
    strings_free(&files);
    return status;
}

/* A path out of a list, with its folders when they lead downwards from where the list stands. */
static void add_line(struct picture_list *l, const char *folder, const char *line) {
    while (line[0] == '.' && line[1] == '/') line += 2;
    char *path = folder ? path_join(folder, line) : mem_strdup(line);
    add(l, path, path_is_below(line) ? line : path_base(line));
    free(path);
}

static void add_lines(struct picture_list *l, const char *folder, const struct bytes *b) {
    const char *text = (const char *)b->at;
    bool zeros = b->n && memchr(text, '\0', b->n);
    for (size_t i = 0; i < b->n;) {
        const char *end = memchr(text + i, zeros ? '\0' : '\n', b->n - i);
        size_t n = end ? (size_t)(end - text) - i : b->n - i;
        char *line = mem_format("%.*s", (int)n, text + i);
        i += n + 1;
        if (!zeros && n && line[n - 1] == '\r') line[n - 1] = '\0';
        if (*line && (zeros || *line != '#')) add_line(l, folder, line);
        free(line);
    }
}

static int check_some(const struct picture_list *l, size_t before, const char *list) {
    return l->n > before ? 0 : error_set(ERR_DATA, "%s: names no picture", list);
}

/* A pipe, as <(find ...) names one. */
static bool is_stream(const char *path) {
    struct stat st;
    return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* Of `find -print0`; UTF-16, which has NUL bytes too, has one of the first two or its mark. */
static bool has_zeros(const char *list) {
    enum { LOOK_AT = 1 << 16 };
    struct bytes head = {0};
    bool zeros = !file_read_head(list, LOOK_AT, &head) && head.n > 2 && head.at[0] && head.at[1] &&
                 head.at[0] < 0xfe && memchr(head.at, '\0', head.n);
    error_clear();
    bytes_free(&head);
    return zeros;
}

int picture_list_read(struct picture_list *l, const char *list) {
    struct bytes b = {0};
    char *folder = path_dir(list);
    size_t before = l->n;
    bool stream = is_stream(list), here = stream || strcmp(folder, ".") == 0;
    int status = stream            ? file_read_stream(list, LIST_MAX, &b)
                 : has_zeros(list) ? file_read(list, LIST_MAX, &b)
                                   : text_file_read(list, LIST_MAX, &b, NULL);
    if (!status) add_lines(l, here ? NULL : folder, &b);
    if (!status) status = check_some(l, before, list);
    l->many = true;
    bytes_free(&b);
    free(folder);
    return status;
}

static int add_stdin(struct picture_list *l) {
    struct bytes b = {0};
    size_t before = l->n;
    int status = file_read_stream("/dev/stdin", LIST_MAX, &b);
    if (!status) add_lines(l, NULL, &b);
    if (!status) status = check_some(l, before, "standard input");
    l->many = true;
    bytes_free(&b);
    return status;
}

int picture_list_add(struct picture_list *l, const char *word, const char *out) {
    if (strcmp(word, "-") == 0) return add_stdin(l);
    if (dir_exists(word)) {
        l->many = true;
        return add_folder(l, word, out);
    }
    add(l, word, path_base(word));
    return 0;
}

void picture_list_free(struct picture_list *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->at[i].path);
        free(l->at[i].name);
        free(l->at[i].stem);
    }
    free(l->at);
    *l = (struct picture_list){0};
}
