#include "data/sources_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/file_digest.h"
#include "data/known_open.h"

enum { DEPTH = 4, CROWD = 4096 }; /* a folder of more entries is one of pictures: not gone into */

const char *const tick_state_names[] = {"equal", "there", "unpacked", "other", "missing", NULL};

static struct source_tick *add(struct source_ticks *t, const struct source *of,
                               const struct source_file *file) {
    t->at = mem_grow(t->at, &t->cap, t->n + 1, sizeof *t->at);
    t->at[t->n] = (struct source_tick){.of = of, .file = file, .state = TICK_MISSING};
    return &t->at[t->n++];
}

static struct source_tick *tick_of(struct source_ticks *t, const struct source_file *f) {
    for (size_t i = 0; f && i < t->n; i++)
        if (t->at[i].file == f) return &t->at[i];
    return NULL;
}

/* The first of a name counts; folders in the order of their names. */
static int walk(struct source_ticks *t, const char *dir, int depth) {
    struct strings names;
    int status = dir_list(dir, &names);
    bool crowd = names.n > CROWD;
    for (size_t i = 0; !status && i < names.n; i++) {
        struct source_tick *tick = tick_of(t, source_file_find(names.at[i], NULL));
        bool wanted = tick && !tick->path;
        if (!wanted && (crowd || names.at[i][0] == '.')) continue;
        char *path = path_join(dir, names.at[i]);
        if (wanted && file_exists(path)) {
            tick->path = path;
            continue;
        }
        if (depth < DEPTH && !crowd && dir_exists(path) && walk(t, path, depth + 1))
            error_clear(); /* one that may not be looked into */
        free(path);
    }
    strings_free(&names);
    return status;
}

static void tell(struct source_tick *t, enum tick_state state, const char *text) {
    t->state = state;
    t->text = mem_strdup(text);
}

static int compare_hash(struct source_tick *t, int (*stop)(void)) {
    const struct source_file *f = t->file;
    const char *want = f->sha256 ? f->sha256 : f->md5 ? f->md5 : f->md5_begins;
    const char *kind = f->sha256 ? "sha256" : "MD5";
    char hex[DIGEST_HEX];
    log_info("%s: comparing with the published %s", t->path, kind);
    int status = file_digest(t->path, f->sha256 ? DIGEST_SHA256 : DIGEST_MD5, stop, hex);
    if (status) return status;
    bool same = strncmp(hex, want, strlen(want)) == 0;
    char *text = same ? mem_format("%s as published%s", kind,
                                   want == f->md5_begins ? ", as far as it is" : "")
                      : mem_format("%s %s, published is %s: get it again", kind, hex, want);
    tell(t, same ? TICK_EQUAL : TICK_OTHER, text);
    free(text);
    return 0;
}

static int compare(struct source_tick *t, bool hash, int (*stop)(void)) {
    const struct source_file *f = t->file;
    int64_t bytes = file_size(t->path);
    if (f->bytes && bytes != f->bytes) {
        char *text = mem_format("%lld bytes, published are %lld: get it again", (long long)bytes,
                                (long long)f->bytes);
        tell(t, TICK_OTHER, text);
        free(text);
        return 0;
    }
    if (hash && (f->sha256 || f->md5 || f->md5_begins)) return compare_hash(t, stop);
    tell(t, TICK_THERE, f->bytes ? "of the published size" : "its size is not published");
    return 0;
}

/* The pictures of a split: how many files, which label maps and lists do not need. */
static int64_t count_pictures(const char *dir, const char *suffix) {
    struct strings names;
    int64_t n = 0;
    size_t k = suffix ? strlen(suffix) : 0;
    if (dir_list(dir, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        size_t length = strlen(names.at[i]);
        n += length > k && strcmp(names.at[i] + length - k, suffix ? suffix : "") == 0;
    }
    strings_free(&names);
    return n;
}

/* A split that is a folder of its own: others share theirs with pictures of no split. */
static bool is_countable(const struct known_set *set, const struct known_split *split) {
    return split->pictures && !set->deep && !split->list[0];
}

static void look_at_split(struct source_ticks *t, const char *dir, const struct source *s,
                          const struct known_set *set, const struct known_split *split) {
    const char *place = set->labels ? split->maps[0] : split->images[0];
    char *path = known_below(dir, place, dir_exists);
    if (!path) return; /* its archives are told as missing */
    struct source_tick *tick = add(t, s, NULL);
    tick->path = path;
    if (!is_countable(set, split)) {
        tell(tick, TICK_UNPACKED, "a folder");
        return;
    }
    int64_t n = count_pictures(path, set->labels ? set->map_suffix : set->image_suffix);
    char *text =
        mem_format("%lld files, published are %lld", (long long)n, (long long)split->pictures);
    tell(tick, n == split->pictures ? TICK_UNPACKED : TICK_OTHER, text);
    free(text);
}

static void look_at_sets(struct source_ticks *t, const char *dir, const struct source *s) {
    for (int i = 0; i < SOURCE_SETS && s->set[i]; i++) {
        const struct known_set *set = known_set_find(s->set[i]);
        REQUIRE(set, "%s: no set %s", s->name, s->set[i]);
        if (i &&
            strcmp(known_set_find(s->set[0])->split[0].images[0], set->split[0].images[0]) == 0)
            continue; /* the same folders under another name */
        for (size_t k = 0; k < sizeof set->split / sizeof *set->split && set->split[k].name; k++)
            look_at_split(t, dir, s, set, &set->split[k]);
    }
}

int sources_check(struct source_ticks *t, const char *dir, const struct source *only, bool hash,
                  int (*stop)(void)) {
    const struct source *s;
    *t = (struct source_ticks){0};
    for (size_t i = 0; (s = source_at(i)); i++)
        for (int k = 0; (!only || s == only) && k < SOURCE_FILES && s->file[k].name; k++)
            add(t, s, &s->file[k]);
    size_t files = t->n;
    int status = walk(t, dir, 0);
    for (size_t i = 0; !status && i < files; i++)
        if (t->at[i].path) status = compare(&t->at[i], hash, stop);
    for (size_t i = 0; !status && (s = source_at(i)); i++)
        if (!only || s == only) look_at_sets(t, dir, s);
    return status;
}

void source_ticks_free(struct source_ticks *t) {
    for (size_t i = 0; i < t->n; i++) {
        free(t->at[i].path);
        free(t->at[i].text);
    }
    free(t->at);
    *t = (struct source_ticks){0};
}
