/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE /* dladdr */
#include "base/shipped.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

/* DIR/../share/ovseg, or further up: lib/x86_64-linux-gnu/libovseg.so is two folders down. */
static char *share_above(const char *object) {
    enum { UP = 3 };
    char *real = object ? realpath(object, NULL) : NULL, *found = NULL;
    char *dir = real ? path_dir(real) : NULL;
    for (int i = 0; dir && !found && i < UP; i++) {
        char *up = path_dir(dir), *share = path_join(up, "share/ovseg"),
             *configs = path_join(share, "configs");
        if (dir_exists(configs)) {
            found = share;
            share = NULL;
        }
        free(configs);
        free(share);
        free(dir);
        dir = up;
    }
    free(dir);
    free(real);
    return found;
}

/* PREFIX/share/ovseg; NULL: this program is not installed. A library is found from itself, whoever
 * loaded it; of a program dladdr knows what it was called alone. */
static char *share(void) {
    Dl_info info;
    char *found = share_above("/proc/self/exe");
    if (!found && dladdr((const void *)&share_above, &info)) found = share_above(info.dli_fname);
    return found;
}

/* A file in a user's folder; below the installed `shared`; or in the source tree. */
static char *find(const char *dir, const char *shared, const char *source, const char *file) {
    if (dir && *dir) return path_join(dir, file);
    char *root = share();
    char *path = root ? mem_format("%s/%s/%s", root, shared, file)
                      : mem_format("%s/%s/%s", OVSEG_SOURCE_DIR, source, file);
    free(root);
    return path;
}

char *shipped_config(const char *file) {
    return find(getenv("OVSEG_CONFIGS"), "configs", "configs", file);
}

char *shipped_labels(const char *file) {
    return find(getenv("OVSEG_LABELS"), "data/labels", "data/labels", file);
}

char *shipped_words(const char *file) { return find(NULL, "clip", ".deps/clip", file); }

char *shipped_path(const char *path) {
    return *path == '@' ? shipped_config(path + 1) : mem_strdup(path);
}

/* "@smoke" is a folder: "@smoke/clip.yaml, @smoke/eval.yaml, ...". */
static int tell_configs(const char *said, const char *dir) {
    enum { SHOWN = 12 };
    struct strings names = {0};
    struct str list = {0};
    size_t shown = 0;
    int status = dir_list(dir, &names);
    const char *between = said[1] && said[strlen(said) - 1] != '/' ? "/" : "";
    for (size_t i = 0; i < names.n; i++)
        if (path_is_yaml(names.at[i]) && shown++ < SHOWN)
            str_add(&list, "%s%s%s%s", list.n ? ", " : "", said, between, names.at[i]);
    if (!status)
        status =
            error_set(ERR_MISSING, "%s: is a folder of configs that come with the program%s%s%s",
                      said, list.n ? ": name one of them: " : "", list.n ? list.at : "",
                      shown > SHOWN ? ", ..." : "");
    strings_free(&names);
    str_free(&list);
    return status;
}

int shipped_check(const char *path) {
    if (*path != '@') return 0;
    if (!path_is_below(path + 1))
        return error_set(ERR_USAGE,
                         "%s: leads out of the configs that come with the program: what begins "
                         "with @ is one of those, other files are named by their path",
                         path);
    char *whole = shipped_path(path);
    int status = 0;
    if (dir_exists(whole))
        status = tell_configs(path, whole);
    else if (!file_exists(whole))
        status = error_set(ERR_MISSING, "%s: no config of that name comes with the program", path);
    free(whole);
    return status;
}
