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

/* A file that stands in the way: somebody's own, or changed since. */
static void check_file(const char *dir, const struct own_file *f, const struct bytes *manifest,
                       struct problems *p) {
    char *path = path_join(dir, f->name);
    uint64_t now, then;
    if (file_exists(path) && !hash_file(path, &now) && now != hash_bytes(f->text.at, f->text.n)) {
        if (!find_written(manifest, f->name, &then))
            problems_add(p, "%s: was there before, and not written by ovseg init", path);
        else if (then != now)
            problems_add(p, "%s: was changed since ovseg init wrote it", path);
    }
    error_clear();
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
static int check_folder(const struct own *o, const struct own_configs *c, struct bytes *manifest) {
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
    for (size_t i = 0; i < c->n && !status; i++)
        if (!o->keeps_lists || !is_list(c->at[i].name)) check_file(o->dir, &c->at[i], manifest, &p);
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

static int write_manifest(const struct own *o, const struct own_configs *c) {
    struct str text = {0};
    char hex[17], *path = path_join(o->dir, MANIFEST);
    str_add(&text, "%s", HEAD);
    for (size_t i = 0; i < c->n; i++) {
        hash_hex(hash_bytes(c->at[i].text.at, c->at[i].text.n), hex);
        str_add(&text, "%s %s\n", hex, c->at[i].name);
    }
    int status = file_write(path, text.at, text.n);
    str_free(&text);
    free(path);
    return status;
}

/* The manifest comes first: a call that is killed can be repeated. */
static int write_files(const struct own *o, const struct own_configs *c) {
    char *split = path_join(o->dir, "split");
    int status = dir_make(split);
    free(split);
    if (!status) status = write_manifest(o, c);
    for (size_t i = 0; i < c->n && !status; i++) {
        char *path = path_join(o->dir, c->at[i].name);
        status = file_write(path, c->at[i].text.at, c->at[i].text.n);
        free(path);
    }
    return status;
}

int own_write(struct own *o) {
    struct own_configs c = {0};
    own_configs_make(&c, o);
    struct bytes manifest = {0};
    int status = check_folder(o, &c, &manifest);
    if (!status) status = remove_rest(o, &c, &manifest); /* while the manifest names them */
    if (!status) status = write_files(o, &c);
    bytes_free(&manifest);
    own_configs_free(&c);
    return status;
}
