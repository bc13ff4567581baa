#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "data/set_split.h"

/* By the first bytes: the three that a set may hold. */
static const char *suffix_of(const struct bytes *b) {
    if (b->n > 2 && b->at[0] == 0xff && b->at[1] == 0xd8) return "jpg";
    return b->n > 2 && b->at[0] == 'R' ? "webp" : "png";
}

static char *name_of(const struct dataset *d, int64_t i) {
    return d->image_name ? mem_strdup(d->image_name[i])
                         : mem_format("%012lld", (long long)d->image_id[i]);
}

static int write_in(const char *dir, const char *folder, const char *name, const char *suffix,
                    const struct bytes *b) {
    char *path = mem_format("%s/%s/%s.%s", dir, folder, name, suffix);
    int status = file_write(path, b->at, b->n);
    free(path);
    return status;
}

static void caption_line(const struct dataset *d, int64_t i, const char *name, const char *suffix,
                         struct str *out) {
    if (!d->caption_at || d->caption_at[i] == d->caption_at[i + 1]) return;
    struct json_out j = {.to = out};
    char *file = mem_format("%s.%s", name, suffix);
    json_object(&j);
    json_key_string(&j, "image", file);
    json_key(&j, "captions");
    json_array(&j);
    for (int64_t c = d->caption_at[i]; c < d->caption_at[i + 1]; c++)
        json_string(&j, d->caption[c]);
    json_end(&j);
    json_key(&j, "ids");
    json_array(&j);
    for (int64_t c = d->caption_at[i]; c < d->caption_at[i + 1]; c++)
        json_int(&j, d->caption_id[c]);
    json_end(&j);
    json_end(&j);
    str_add(out, "\n");
    free(file);
}

/* One picture; *masks counts down. */
static int write_one(const struct dataset *d, int64_t i, int64_t *masks, const char *dir,
                     struct str *captions) {
    struct bytes picture = {0}, png = {0};
    struct labels l = {0};
    char *name = name_of(d, i);
    int status = path_is_below(name) && !strchr(name, '/')
                     ? d->source->bytes(d, i, &picture)
                     : error_set(ERR_DATA, "picture %lld is named \"%s\"", (long long)i, name);
    const char *suffix = suffix_of(&picture);
    if (!status) status = write_in(dir, "images", name, suffix, &picture);
    if (!status && *masks > 0 && d->has_labels && d->source->labels(d, i, &l)) {
        status = error_status() == ERR_MISSING ? 0 : error_status();
        if (!status) error_clear();
    }
    if (!status && l.at) {
        status = labels_encode_png(&l, &png);
        if (!status) status = write_in(dir, "masks", name, "png", &png);
        --*masks;
    }
    if (!status) caption_line(d, i, name, suffix, captions);
    bytes_free(&picture);
    bytes_free(&png);
    labels_free(&l);
    free(name);
    return status;
}

static int make_folders(const char *dir, bool masks) {
    struct strings there = {0};
    char *images = path_join(dir, "images"), *maps = path_join(dir, "masks");
    int status = 0;
    if (dir_exists(dir) && !dir_list(dir, &there) && there.n)
        status = error_set(ERR_IO, "%s: is not empty: name a new folder", dir);
    strings_free(&there);
    if (!status) status = dir_make(images);
    if (!status && masks) status = dir_make(maps);
    free(images);
    free(maps);
    return status;
}

static int write_text(const char *dir, const char *name, const struct str *text) {
    char *path = path_join(dir, name);
    int status = text->n ? file_write(path, text->at, text->n) : 0;
    free(path);
    return status;
}

/* A name that is read back from a line of names.txt as it is. */
static bool is_line(const char *name) {
    size_t n = strlen(name);
    return n && name[0] != '#' && !strchr(name, '\n') && (unsigned char)name[0] > ' ' &&
           (unsigned char)name[n - 1] > ' ';
}

/* names.txt; and names.yaml, which is read before it, where a line does not say all: a class
 * without masks in training, a name that a line would not give back. */
static int write_names(const struct dataset *d, const char *dir) {
    struct str lines = {0}, yaml = {0};
    bool all = true;
    for (int64_t k = 0; k < d->n_classes; k++) {
        all &= d->class_seen[k] && is_line(d->class_name[k]);
        str_add(&lines, "%s\n", d->class_name[k]);
        str_add(&yaml, "- {name: ");
        json_quote(&yaml, d->class_name[k]);
        str_add(&yaml, "%s}\n", d->class_seen[k] ? "" : ", split: unseen");
    }
    int status = write_text(dir, "names.txt", &lines);
    if (!status && !all) status = write_text(dir, "names.yaml", &yaml);
    str_free(&lines);
    str_free(&yaml);
    return status;
}

static int write_texts(const struct dataset *d, const char *dir, const struct str *captions) {
    int status = write_text(dir, "captions.jsonl", captions);
    return status ? status : write_names(d, dir);
}

int set_export(const struct dataset *d, int64_t images, int64_t masks, const char *dir,
               int (*stop)(void), struct set_exported *out) {
    REQUIRE(d->source->bytes, "a data set of pixels only");
    struct str captions = {0};
    struct progress bar;
    int64_t n = images < d->n_images ? images : d->n_images, left = masks;
    int status = make_folders(dir, masks > 0 && d->has_labels);
    progress_open(&bar, "export", "pictures", 0, n, 30);
    for (int64_t i = 0; i < n && !status; i++) {
        status = write_one(d, i, &left, dir, &captions);
        progress_at(&bar, i + 1, NULL);
        if (!status && stop) status = stop();
    }
    progress_close(&bar);
    if (!status) status = write_texts(d, dir, &captions);
    if (out) *out = (struct set_exported){n, masks - left};
    str_free(&captions);
    return status;
}
