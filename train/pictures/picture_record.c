#include "train/pictures/picture_record.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/settings_text.h"
#include "checkpoints/safetensors_header.h"
#include "train/device.h"
#include "train/pictures/picture_json.h"
#include "train/run/identity.h"

enum { VERSION = 1, FILE_MAX = 64 << 20 };
static const char format[] = "ovseg segment";

/* ---- the facts ---- */

/* A model is its weights, wherever they came from. */
static int hash_params(struct hasher *h, const struct params *p, struct bytes *scratch) {
    int status = 0;
    for (size_t i = 0; !status && i < p->n; i++) {
        tensor *t = p->at[i].t;
        size_t n = (size_t)t_numel(t) * st_dtype_size(t_dtype(t));
        hasher_add_string(h, p->at[i].name);
        if (!n) continue;
        status = bytes_reserve(scratch, n);
        if (!status) status = t_copy_out(t, scratch->at, n);
        if (!status) hasher_add(h, scratch->at, n);
    }
    return status;
}

static int hash_model(const struct segmenter *s, char hex[17]) {
    struct hasher h;
    struct bytes scratch = {0};
    int scope = t_scope_open("hash", T_NO_GRAD);
    hasher_open(&h);
    int status = hash_params(&h, &s->namer.clip.params, &scratch);
    if (!status) status = hash_params(&h, &s->proposals.params, &scratch);
    hash_hex(hasher_close(&h), hex);
    bytes_free(&scratch);
    t_scope_close(scope, NULL);
    return status;
}

static void add_names(struct str *to, const struct vocabulary *v,
                      const struct picture_rules *rules) {
    struct str text = {0};
    vocabulary_print(v, "", &text);
    str_add(to, "%s", text.at); /* a line each, the first is its heading */
    for (size_t k = 0; rules->background && k < v->n; k++)
        if (rules->background[k]) str_add(to, "background %s\n", v->at[k].name);
    str_free(&text);
}

/* The settings, but for those that say what an evaluation counts and shows. */
static void add_settings(struct str *to, const struct segmenter *s) {
    static const char *const others[] = {"eval.images=", "eval.overlays=", "measure."};
    struct str text = {0};
    settings_describe(config_used(STAGE_EVALUATE), &s->node->config, &text);
    for (const char *at = text.at; *at;) {
        size_t n = strcspn(at, "\n") + 1;
        bool other = false;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            other |= strncmp(at, others[i], strlen(others[i])) == 0;
        if (!other) str_put(to, at, n);
        at += n;
    }
    str_free(&text);
}

static void add_outputs(struct str *to, const struct picture_outputs *o) {
    static const char *const names[] = {"labels", "overlays", "scores", "panoptic", NULL, "JSON"};
    str_add(to, "writes");
    for (int k = 0; k < PICTURE_KINDS; k++)
        if (o->wanted[k] && names[k]) str_add(to, " %s", names[k]);
    str_add(to, "%s\n", o->rle ? " run lengths" : "");
}

void picture_record_named(struct picture_record *r, const char model[17], const struct segmenter *s,
                          const struct vocabulary *v, const struct picture_rules *rules,
                          const struct picture_outputs *o) {
    const struct panoptic_options *p = &s->node->config.eval.panoptic;
    *r = (struct picture_record){0};
    memcpy(r->model, model, sizeof r->model);
    str_add(&r->facts, "%s %d\nmodel %s\ndevice %s\n", format, VERSION, model,
            device_kind(s->node));
    if (s->given) str_add(&r->facts, "masks %s\n", s->masks.path);
    add_settings(&r->facts, s);
    if (o->wanted[PICTURE_IDS])
        str_add(&r->facts, "panoptic %.9g %.9g\n", p->object_threshold, p->overlap);
    str_add(&r->facts, "min-score %.17g\n", rules->least);
    add_names(&r->facts, v, rules);
    add_outputs(&r->facts, o);
    hash_hex(hash_string(r->facts.at), r->made_by);
}

int picture_record_of(struct picture_record *r, const struct segmenter *s,
                      const struct vocabulary *v, const struct picture_rules *rules,
                      const struct picture_outputs *o) {
    char hex[17];
    *r = (struct picture_record){0};
    int status = hash_model(s, hex);
    if (!status) picture_record_named(r, hex, s, v, rules, o);
    return status;
}

void picture_record_free(struct picture_record *r) {
    str_free(&r->facts);
    if (r->holds) close(r->held);
    *r = (struct picture_record){0};
}

/* ---- the file ---- */

static void put_names(struct json_out *j, const struct vocabulary *v,
                      const struct picture_rules *rules) {
    json_key(j, "names");
    json_array(j);
    for (size_t k = 0; k < v->n; k++) {
        if (!rules->background || !rules->background[k]) picture_json_name(j, v, k);
    }
    json_end(j);
    json_key(j, "background");
    json_array(j);
    for (size_t k = 0; rules->background && k < v->n; k++)
        if (rules->background[k]) json_string(j, v->at[k].name);
    json_end(j);
}

static void put_facts(struct json_out *j, const char *facts) {
    json_key(j, "facts");
    json_array(j);
    for (const char *at = facts; *at;) {
        size_t n = strcspn(at, "\n");
        char *line = mem_format("%.*s", (int)n, at);
        json_string(j, line);
        free(line);
        at += n + (at[n] == '\n');
    }
    json_end(j);
}

static int write_record(const struct picture_record *r, const char *dir, const struct vocabulary *v,
                        const struct picture_rules *rules) {
    struct str text = {0};
    struct json_out j = {.to = &text};
    char *path = path_join(dir, PICTURE_RECORD);
    json_object(&j);
    json_key_string(&j, "format", format);
    json_key_int(&j, "version", VERSION);
    json_key_string(&j, "made_by", r->made_by);
    json_key_int(&j, "unlabelled", segment_unlabelled((int64_t)v->n));
    json_key_real(&j, "min_score", rules->least);
    put_names(&j, v, rules);
    put_facts(&j, r->facts.at);
    json_end(&j);
    str_put(&text, "\n", 1);
    int status = file_write(path, text.at, text.n);
    str_free(&text);
    free(path);
    return status;
}

/* The facts of a record, owned; NULL: it is none. */
static char *read_facts(const char *path) {
    struct bytes b = {0};
    struct str text = {0};
    cJSON *root = file_read(path, FILE_MAX, &b) ? NULL : cJSON_Parse((const char *)b.at);
    error_clear();
    const cJSON *x, *name = cJSON_GetObjectItemCaseSensitive(root, "format");
    bool is = cJSON_IsString(name) && strcmp(name->valuestring, format) == 0;
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(root, "facts")) {
        if (is && cJSON_IsString(x)) str_add(&text, "%s\n", x->valuestring);
    }
    cJSON_Delete(root);
    bytes_free(&b);
    return text.at;
}

/* *same: there is a record, and it says the same. ERR_USAGE: it says something else, and `remedy`.
 * A damaged one is as none. */
static int compare(const struct picture_record *r, const char *dir, const char *remedy,
                   bool *same) {
    char *path = path_join(dir, PICTURE_RECORD), *was = read_facts(path);
    struct str differ = {0};
    int status = 0;
    *same = was && strcmp(was, r->facts.at) == 0;
    if (was && !*same) {
        identity_diff(was, r->facts.at, &differ);
        status = error_set(ERR_USAGE, "%s: %s\n%s", path, remedy,
                           differ.at ? differ.at : "    the same in another order");
    }
    str_free(&differ);
    free(was);
    free(path);
    return status;
}

static int lock_folder(int fd, int how) {
    int status;
    do status = flock(fd, how);
    while (status && errno == EINTR);
    return status;
}

/* Two commands may fill a folder side by side when they mean the same. The kernel's lock of the
 * folder says who is at work: whole while a record is written, shared while pictures are. Where a
 * file system has no such locks, nobody is told apart, and the record alone is compared. */
int picture_record_begin(struct picture_record *r, const char *dir, const struct vocabulary *v,
                         const struct picture_rules *rules, bool go_on) {
    static const char others[] =
        "another command is at work in this folder, and means something else; wait for its end, "
        "or choose another -o";
    static const char otherwise[] =
        "what lies there was made otherwise; without --resume all is made anew, or choose "
        "another -o";
    bool same = false;
    r->held = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->held < 0) return error_set(ERR_IO, "%s: cannot open: %s", dir, strerror(errno));
    r->holds = true;
    if (lock_folder(r->held, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        lock_folder(r->held, LOCK_SH); /* a record that is being written is whole behind this */
        return compare(r, dir, others, &same);
    }
    int status = go_on ? compare(r, dir, otherwise, &same) : 0;
    if (!status && !same) status = write_record(r, dir, v, rules);
    if (status) return status;
    lock_folder(r->held, LOCK_SH); /* another one may come between: whose record stands now? */
    return compare(r, dir, others, &same);
}
