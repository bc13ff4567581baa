#include "train/cache_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

enum { YOUNG_S = 60 };

static const char *kind_of(const char *folder, const char *name) {
    static const char *const mined[] = {"pictures", "masks", "features"};
    size_t n = strlen(name);
    if (n < 4 || strcmp(name + n - 3, ".h5") != 0) return "other";
    if (strcmp(folder, ".text") == 0) return "text";
    for (size_t i = 0; i < sizeof mined / sizeof *mined; i++) {
        size_t k = strlen(mined[i]);
        if (strncmp(name, mined[i], k) == 0 && name[k] == '-') return mined[i];
    }
    return "other";
}

/* Takes path over. */
static void add(struct cache_files *c, char *path, const char *kind) {
    struct stat s;
    if (lstat(path, &s) || !S_ISREG(s.st_mode)) {
        free(path);
        return;
    }
    time_t used = s.st_atime > s.st_mtime ? s.st_atime : s.st_mtime;
    bool half = strstr(path_base(path), ".tmp") != NULL;
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->at[c->n++] =
        (struct cache_file){.path = path,
                            .kind = half ? "half written" : kind,
                            .bytes = s.st_size,
                            .written = s.st_mtime,
                            .used = used,
                            .young = half || difftime(time(NULL), s.st_mtime) < YOUNG_S};
}

static void add_folder(struct cache_files *c, const char *dir, const char *folder) {
    char *path = path_join(dir, folder);
    struct strings names = {0};
    if (dir_list(path, &names)) error_clear(); /* nothing of this kind is kept */
    for (size_t i = 0; i < names.n; i++)
        add(c, path_join(path, names.at[i]), kind_of(folder, names.at[i]));
    strings_free(&names);
    free(path);
}

static int by_use(const void *a, const void *b) {
    const struct cache_file *x = a, *y = b;
    if (x->used != y->used) return x->used < y->used ? -1 : 1;
    return strcmp(x->path, y->path);
}

int cache_files_read(struct cache_files *c, const char *dir) {
    *c = (struct cache_files){0};
    if (!dir_exists(dir))
        return error_set(ERR_MISSING,
                         "%s: no such folder: what runs keep is in paths.cache, or "
                         "where the runs are",
                         dir);
    add_folder(c, dir, ".text");
    add_folder(c, dir, ".mined");
    add(c, path_join(dir, ".hashes"), "hashes");
    if (c->n) qsort(c->at, c->n, sizeof *c->at, by_use);
    return 0;
}

void cache_files_free(struct cache_files *c) {
    for (size_t i = 0; i < c->n; i++) free(c->at[i].path);
    free(c->at);
    *c = (struct cache_files){0};
}

int64_t cache_files_choose(const struct cache_files *c, const struct cache_rule *r, bool *go) {
    time_t now = time(NULL);
    int64_t stays = 0, goes = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct cache_file *f = &c->at[i];
        bool may = !f->young && strcmp(f->kind, "other") != 0;
        go[i] = may && ((r->older >= 0 && difftime(now, f->written) >= r->older) ||
                        (r->unused >= 0 && difftime(now, f->used) >= r->unused));
        *(go[i] ? &goes : &stays) += f->bytes;
    }
    for (size_t i = 0; r->keep >= 0 && stays > r->keep && i < c->n; i++) {
        const struct cache_file *f = &c->at[i];
        if (go[i] || f->young || strcmp(f->kind, "other") == 0) continue;
        go[i] = true;
        stays -= f->bytes;
        goes += f->bytes;
    }
    return goes;
}
