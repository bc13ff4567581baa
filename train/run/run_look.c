#include "train/run/run_look.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings.h"
#include "train/run/lock_file.h"
#include "train/run/run.h"
#include "train/run/run_metrics.h"

const char *const run_state_names[] = {"done", "running", "unfinished", "failed", NULL};

/* A holder on another host is believed to live while its run's files move. */
enum { SILENT_S = 300 };

struct cJSON *run_json(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    struct bytes text = {0};
    cJSON *json = NULL;
    if (!error_status() && file_exists(path)) {
        if (!file_read(path, 16 << 20, &text))
            json = cJSON_ParseWithLength((const char *)text.at, text.n);
        error_clear();
    }
    bytes_free(&text);
    free(path);
    return json;
}

int64_t tree_bytes(const char *path, time_t *newest) {
    struct stat st;
    if (lstat(path, &st)) return 0;
    if (newest && st.st_mtime > *newest) *newest = st.st_mtime;
    if (!S_ISDIR(st.st_mode)) return st.st_size;
    struct strings names = {0};
    int64_t sum = 0;
    if (dir_list(path, &names)) error_clear(); /* it went away, or is not ours to read */
    for (size_t i = 0; i < names.n; i++) {
        char *child = path_join(path, names.at[i]);
        sum += tree_bytes(child, newest);
        free(child);
    }
    strings_free(&names);
    return sum;
}

/* ---- who is at work in it ---- */

/* Of a process on another host is only seen whether files move: the lock does, every few seconds.
 */
static bool read_lock(struct run_look *r) {
    char *path = path_join(r->dir, "lock");
    struct lock_holder h;
    r->locked = lock_read(path, &h) == 0;
    enum lock_life life = r->locked ? lock_life(&h, path) : LOCK_UNKNOWN;
    free(path);
    if (!r->locked) return false;
    r->holder = (struct run_holder){
        .pid = h.pid, .here = life != LOCK_UNKNOWN, .since = (double)h.held_ms / 1000};
    snprintf(r->holder.host, sizeof r->holder.host, "%s", h.host);
    snprintf(r->holder.job, sizeof r->holder.job, "%s", h.job);
    bool moves = h.ours && time(NULL) - r->moved < SILENT_S;
    return life == LOCK_LIVES || (life == LOCK_UNKNOWN && moves);
}

static void read_failure(struct run_look *r) {
    cJSON *json = run_json(r->dir, "FAILED");
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "code");
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(json, "message");
    if (cJSON_IsNumber(code)) r->failed_code = code->valueint;
    if (cJSON_IsString(message)) r->failed = mem_strdup(message->valuestring);
    cJSON_Delete(json);
}

static void find_state(struct run_look *r) {
    r->seconds = NAN;
    bool lives = read_lock(r);
    if (run_is_done(r->dir, &r->seconds)) {
        r->state = RUN_DONE;
        return;
    }
    r->seconds = NAN;
    read_failure(r);
    r->state = lives ? RUN_RUNNING : r->failed_code ? RUN_FAILED : RUN_UNFINISHED;
}

/* ---- what it was made from ---- */

static void read_inputs(struct run_look *r) {
    cJSON *json = run_json(r->dir, "inputs.json");
    const cJSON *in;
    char *whole = realpath(r->dir, NULL), *parent = path_dir(whole ? whole : r->dir);
    cJSON_ArrayForEach(in, json) {
        const cJSON *run = cJSON_GetObjectItemCaseSensitive(in, "run");
        const cJSON *path = cJSON_GetObjectItemCaseSensitive(in, "path");
        const cJSON *text = cJSON_IsString(run) ? run : path;
        if (!cJSON_IsString(text) || !in->string) continue;
        r->input = mem_grow(r->input, &r->cap, r->n_inputs + 1, sizeof *r->input);
        r->input[r->n_inputs++] =
            (struct run_input){.name = mem_strdup(in->string),
                               .path = path_join(text == run ? parent : "", text->valuestring),
                               .run = text == run,
                               .best = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "best"))};
    }
    cJSON_Delete(json);
    free(parent);
    free(whole);
}

bool run_uses(const struct run_look *r, const char *dir) {
    char *wanted = realpath(dir, NULL);
    bool uses = false;
    for (size_t i = 0; wanted && !uses && i < r->n_inputs; i++) {
        char *path = r->input[i].run ? realpath(r->input[i].path, NULL) : NULL;
        uses = path && strcmp(path, wanted) == 0;
        free(path);
    }
    free(wanted);
    return uses;
}

static time_t time_of(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    struct stat st;
    time_t t = stat(path, &st) ? 0 : st.st_mtime;
    free(path);
    return t;
}

static char *stage_of(const char *dir) {
    char *path = path_join(dir, "settings.yaml");
    struct settings_doc said = {0};
    const char *stage =
        error_status() || settings_read(&said, path) ? NULL : settings_text(&said, "stage");
    char *name = mem_strdup(stage ? stage : "?");
    error_clear(); /* a run that died before it was described is listed all the same */
    settings_doc_free(&said);
    free(path);
    return name;
}

void run_look(struct run_look *r, const char *dir) {
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--;
    *r = (struct run_look){.dir = mem_format("%.*s", (int)n, dir), .value = NAN};
    r->name = mem_strdup(path_base(r->dir));
    r->config = mem_strdup(r->name);
    char *dash = strrchr(r->config, '-');
    if (dash) *dash = '\0';
    r->stage = stage_of(r->dir);
    r->began = time_of(r->dir, "identity.txt");
    r->bytes = tree_bytes(r->dir, &r->moved);
    find_state(r);
    read_inputs(r);
    run_main_metric(r);
}

void run_look_free(struct run_look *r) {
    for (size_t i = 0; i < r->n_inputs; i++) {
        free(r->input[i].name);
        free(r->input[i].path);
    }
    free(r->input);
    free(r->dir);
    free(r->name);
    free(r->config);
    free(r->stage);
    free(r->failed);
    *r = (struct run_look){0};
}

/* ---- all of a folder ---- */

int run_look_all(struct run_looks *all, const char *dir) {
    struct strings names = {0};
    *all = (struct run_looks){0};
    if (!dir_exists(dir))
        return error_set(ERR_MISSING, "%s: no such folder: runs go to a config's output_dir", dir);
    int status = dir_list(dir, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        if (names.at[i][0] != '.' && run_folder(path)) {
            all->at = mem_grow(all->at, &all->cap, all->n + 1, sizeof *all->at);
            run_look(&all->at[all->n++], path);
        }
        free(path);
    }
    strings_free(&names);
    return status;
}

void run_looks_free(struct run_looks *all) {
    for (size_t i = 0; i < all->n; i++) run_look_free(&all->at[i]);
    free(all->at);
    *all = (struct run_looks){0};
}

enum meant { NOT_MEANT, MEANT_IN_PART, MEANT };

/* Whether NAME-HASH is meant: as it is, by NAME, or in part: by the beginning of HASH, with NAME
 * before it or alone. */
static enum meant is_meant(const char *run, const char *text) {
    const char *dash = strrchr(run, '-');
    size_t n = strlen(text);
    if (strcmp(run, text) == 0) return MEANT;
    if (!dash || n == 0) return NOT_MEANT;
    size_t name = (size_t)(dash - run);
    if (n == name && strncmp(run, text, n) == 0) return MEANT;
    if (n > name + 1 && strncmp(run, text, n) == 0) return MEANT_IN_PART;
    return n >= 4 && strncmp(dash + 1, text, n) == 0 ? MEANT_IN_PART : NOT_MEANT;
}

/* Those of the folder that are meant; where some are as they are, what is in part is not. */
static void find_meant(const char *text, const char *runs, const struct strings *names,
                       struct strings *found) {
    enum meant best = MEANT_IN_PART;
    for (size_t i = 0; i < names->n; i++) {
        enum meant how = names->at[i][0] != '.' ? is_meant(names->at[i], text) : NOT_MEANT;
        char *path = path_join(runs, names->at[i]);
        if (how >= best && run_folder(path)) {
            if (how > best) strings_free(found);
            best = how;
            strings_add(found, names->at[i]);
        }
        free(path);
    }
}

char *run_named(const char *text, const char *runs) {
    if (run_folder(text)) return mem_strdup(text);
    struct strings names = {0}, found = {0};
    if (dir_exists(runs) && dir_list(runs, &names)) return NULL;
    find_meant(text, runs, &names, &found);
    char *dir = found.n == 1 ? path_join(runs, found.at[0]) : NULL;
    if (found.n > 1) {
        struct str all = {0};
        for (size_t i = 0; i < found.n; i++) str_add(&all, "%s%s", i ? ", " : "", found.at[i]);
        error_set(ERR_USAGE, "%s: which one? %s", text, all.at);
        str_free(&all);
    } else if (!dir) {
        error_set(ERR_MISSING, "%s: no such run, here or in %s; `ovseg runs list` shows them",
                  *text ? text : "\"\"", runs);
    }
    strings_free(&names);
    strings_free(&found);
    return dir;
}
