/* The folder of a chain: data, vocabulary, lists, and a config for each stage. Files that a user
 * has changed since are not touched. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/problems.h"
#include "base/settings_doc.h"
#include "train/own/own.h"
#include "train/own/own_configs.h"

static const char MANIFEST[] = ".written-by-ovseg-init", HEAD[] = "ovseg init 1\n";
enum { MANIFEST_MAX = 1 << 20 }; /* bytes */

/* ---- what was written before ---- */

/* Lists that were edited are kept by what the new ones are made of. */
static bool is_list(const char *name) { return strncmp(name, "split/", 6) == 0; }

/* The hash that a line of the manifest gives for a name; false: none. */
static bool find_written(const struct bytes *manifest, const char *name, uint64_t *hash) {
    char *key = mem_format(" %s\n", name);
    const char *text = (const char *)manifest->at, *at = text ? strstr(text, key) : NULL;
    char hex[17] = {0};
    bool found = at && at - text >= 16;
    if (found) memcpy(hex, at - 16, 16);
    found = found && !hash_parse(hex, hash);
    error_clear();
    free(key);
    return found;
}

bool own_is_written(const struct own *o) {
    char *path = path_join(o->dir, MANIFEST);
    bool is = file_exists(path);
    free(path);
    return is;
}

bool own_was_written(const struct own *o, const char *name) {
    char *path = path_join(o->dir, MANIFEST);
    struct bytes manifest = {0};
    uint64_t hash;
    bool was = file_exists(path) && !file_read(path, MANIFEST_MAX, &manifest) &&
               find_written(&manifest, name, &hash);
    error_clear();
    bytes_free(&manifest);
    free(path);
    return was;
}

/* Whether any line of the manifest is this one: of a call that was ended there are two of a name.
 */
static bool has_line(const struct bytes *manifest, uint64_t hash, const char *name) {
    char hex[17];
    hash_hex(hash, hex);
    char *line = mem_format("\n%s %s\n", hex, name);
    bool has = manifest->at && strstr((const char *)manifest->at, line);
    free(line);
    return has;
}

enum standing { FREE, FOREIGN, CHANGED };

/* What lies where a file goes; *before: the hash of what the last call wrote there. */
static enum standing standing_of(const char *path, const struct own_file *f,
                                 const struct bytes *manifest, uint64_t *before) {
    uint64_t now;
    if (dir_exists(path)) return FOREIGN;
    if (!file_exists(path)) return FREE;
    if (hash_file(path, &now)) {
        error_clear();
        return FOREIGN;
    }
    if (now == hash_bytes(f->text.at, f->text.n)) return FREE;
    if (!find_written(manifest, f->name, before)) return FOREIGN;
    return has_line(manifest, now, f->name) ? FREE : CHANGED;
}

/* It stays; where this call would write something else than the last one did, that is put beside
 * it, and stays there until its user takes it away. */
static void keep(struct own *o, struct own_configs *c, size_t i, const char *path) {
    struct own_file *f = &c->at[i];
    char *new = mem_format("%s.new", path);
    bool news = hash_bytes(f->text.at, f->text.n) != f->before || file_exists(new);
    free(new);
    f->kept = true;
    if (!news) {
        own_note(o, "%s was changed, and stays as it is", path);
        return;
    }
    own_note(o,
             "%s was changed, and stays as it is; what it would be now is in %s.new: take over "
             "from it what is missing",
             path, path);
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    struct own_file beside = {.name = mem_format("%s.new", c->at[i].name), .beside = true};
    str_put(&beside.text, c->at[i].text.at, c->at[i].text.n);
    c->at[c->n++] = beside;
}

/* A file that stands in the way: somebody's own, or changed since. Only a call that draws all anew
 * has no use for what was changed. */
static void check_file(struct own *o, struct own_configs *c, size_t i, const struct bytes *manifest,
                       struct problems *p) {
    struct own_file *f = &c->at[i];
    char *path = path_join(o->dir, f->name);
    enum standing standing = standing_of(path, f, manifest, &f->before);
    if (standing == FOREIGN)
        problems_add(p, "%s: was there before, and not written by ovseg init", path);
    else if (standing == CHANGED && o->keeps_lists && !f->beside)
        keep(o, c, i, path);
    else if (standing == CHANGED)
        problems_add(p, "%s: was changed since ovseg init wrote it", path);
    free(path);
}

/* The chain of other pictures is not to be lost; of pictures that were moved there is none left. */
static int check_pictures(const struct own *o) {
    char *path = path_join(o->dir, "data.yaml"), *now = realpath(o->images, NULL), *before = NULL;
    struct settings_doc doc = {0};
    const char *said = file_exists(path) && !settings_read(&doc, path)
                           ? settings_text(&doc, "inputs.images")
                           : NULL;
    error_clear(); /* a data.yaml that cannot be read was changed, which is told as that */
    if (said) before = realpath(said, NULL);
    int status = 0;
    if (before && now && strcmp(before, now) != 0)
        status = error_set(ERR_IO,
                           "%s: is the chain of other pictures, those in %s: name another folder, "
                           "or remove this one",
                           o->dir, before);
    settings_doc_free(&doc);
    free(path);
    free(now);
    free(before);
    return status;
}

/* Nothing is written unless all can be. *manifest: of the call before, empty when there was none.
 */
static int check_folder(struct own *o, struct own_configs *c, struct bytes *manifest) {
    char *path = path_join(o->dir, MANIFEST);
    struct strings there = {0};
    struct problems p = {0};
    if (dir_exists(o->dir) && dir_list(o->dir, &there)) return error_status();
    bool ours = own_is_written(o);
    int status = ours ? file_read(path, MANIFEST_MAX, manifest) : 0;
    free(path);
    if (!status && !ours && there.n)
        status =
            error_set(ERR_IO, "%s: is not empty and not of ovseg init: name a new folder", o->dir);
    if (!status && ours) status = check_pictures(o);
    for (size_t i = 0; i < c->n && !status; i++) /* there are more with each that is kept */
        if (!o->keeps_lists || !is_list(c->at[i].name)) check_file(o, c, i, manifest, &p);
    strings_free(&there);
    bool some = p.n > 0;
    if (some && o->worn)
        problems_add(&p, "nothing of %s/split/val.txt can judge: move lines of pictures%s to it",
                     o->dir, o->n_masks ? " with masks" : "");
    if (some)
        problems_add(&p,
                     "nothing was written: move these files away to have them made anew, or name "
                     "another folder");
    return status ? status : problems_close(&p, ERR_IO);
}

/* ---- what is no longer part of the chain ---- */

static bool is_written(const struct own_configs *c, const char *name) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->at[i].name, name) == 0) return true;
    return false;
}

/* A file of the call before; one that a user has changed since is told of, and stays. */
static int remove_one(struct own *o, const char *name, uint64_t then) {
    char *path = path_join(o->dir, name);
    uint64_t now;
    int status = 0;
    if (path_is_below(name) && file_exists(path)) {
        status = hash_file(path, &now);
        if (!status && (now == then || (o->keeps_lists && is_list(name))))
            status = file_remove(path);
        else if (!status)
            own_note(o,
                     "%s was changed since, and is left as it is: the chain has no more use for it",
                     path);
    }
    free(path);
    return status;
}

static int remove_rest(struct own *o, const struct own_configs *c, const struct bytes *manifest) {
    const char *at = manifest->at ? strchr((const char *)manifest->at, '\n') : NULL;
    int status = 0;
    while (at && *++at && !status) {
        size_t n = strcspn(at, "\n");
        char *line = mem_format("%.*s", (int)n, at), *blank = strchr(line, ' ');
        uint64_t then;
        if (blank) {
            *blank = '\0';
            if (hash_parse(line, &then))
                error_clear();
            else if (!is_written(c, blank + 1))
                status = remove_one(o, blank + 1, then);
        }
        free(line);
        at = strchr(at, '\n');
    }
    return status;
}

/* ---- writing ---- */

/* With the lines of the manifest before, until what they name is written anew. */
static int write_manifest(const struct own *o, const struct own_configs *c,
                          const struct bytes *before) {
    struct str text = {0};
    char hex[17], *path = path_join(o->dir, MANIFEST);
    str_add(&text, "%s", HEAD);
    for (size_t i = 0; i < c->n; i++) {
        const struct own_file *f = &c->at[i];
        hash_hex(hash_bytes(f->text.at, f->text.n), hex); /* of what is kept: what was offered */
        str_add(&text, "%s %s\n", hex, f->name);
    }
    const char *lines = before && before->at ? strchr((const char *)before->at, '\n') : NULL;
    if (lines) str_add(&text, "%s", lines + 1);
    int status = file_write(path, text.at, text.n);
    str_free(&text);
    free(path);
    return status;
}

/* The manifest comes first, with what it named before: a call that is ended can be repeated, and
 * knows old files and new ones as its own. */
static int write_files(const struct own *o, const struct own_configs *c,
                       const struct bytes *before) {
    char *split = path_join(o->dir, "split");
    int status = dir_make(split);
    free(split);
    if (!status) status = write_manifest(o, c, before);
    for (size_t i = 0; i < c->n && !status; i++) {
        if (c->at[i].kept) continue;
        char *path = path_join(o->dir, c->at[i].name);
        status = file_write(path, c->at[i].text.at, c->at[i].text.n);
        free(path);
    }
    return status ? status : write_manifest(o, c, NULL);
}

int own_write(struct own *o) {
    struct own_configs c = {0};
    own_configs_make(&c, o);
    struct bytes manifest = {0};
    int status = check_folder(o, &c, &manifest);
    if (!status) status = remove_rest(o, &c, &manifest); /* while the manifest names them */
    if (!status) status = write_files(o, &c, &manifest);
    bytes_free(&manifest);
    own_configs_free(&c);
    return status;
}
