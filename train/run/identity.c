#include "train/run/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/settings_text.h"
#include "train/clip_validate.h"
#include "train/device.h"
#include "train/mine/pairs_input.h"
#include "train/prepare_input.h"
#include "train/run/run.h"

void identity_name(struct node *n) {
    char hex[17];
    hash_hex(hash_string(n->identity), hex);
    memcpy(n->id, hex, 12);
    n->id[12] = '\0';
}

int identity_of(struct node *n, struct content *content) {
    if (n->identity) return 0; /* a finished run that was named as an input */
    struct str s = {0};
    int status = 0;
    str_add(&s, "ovseg run %d\nstage %s revision %d\ndevice %s\n", IDENTITY_VERSION, n->stage->name,
            n->stage->revision, device_kind(n));
    for (size_t i = 0; !status && i < n->n_inputs; i++) {
        struct node_input *in = &n->input[i];
        if (in->node) {
            str_add(&s, "input %s run %s%s\n", in->name, in->node->id, in->best ? " best" : "");
            continue;
        }
        char hex[17];
        bool table = strcmp(in->name, "pairs") == 0 && pairs_input_is_table(n);
        status = table ? pairs_input_content(n, in->path, content, &in->hash)
                 : prepare_input_is_own(n, in) ? prepare_input_content(n, in, content)
                                               : content_of(content, in->path, &in->hash);
        hash_hex(in->hash, hex);
        str_add(&s, "input %s %s %s\n", in->name, dir_exists(in->path) ? "folder" : "file", hex);
    }
    if (!status && n->init) {
        uint64_t h;
        char hex[17];
        status = content_of(content, n->init, &h);
        hash_hex(h, hex);
        str_add(&s, "init.weights %s\n", hex);
    }
    if (status) {
        str_free(&s);
        return status;
    }
    const char *probe = clip_probe_identity(n);
    if (probe) str_add(&s, "%s", probe); /* not where there is none: older runs keep their names */
    settings_describe(config_used(n->config.run.stage), &n->config, &s);
    n->identity = s.at;
    identity_name(n);
    char *folder = mem_format("%s-%s", n->name, n->id);
    n->dir = path_join(n->config.run.output_dir, folder);
    free(folder);
    n->done = n->reused = run_is_done(n->dir, &n->seconds);
    return status;
}

/* Lines of `a` that are not in `b`. */
static size_t count_missing(const char *a, const char *b, const char *mark, struct str *out) {
    size_t n = 0;
    for (const char *line = a; *line;) {
        const char *end = strchr(line, '\n');
        int len = end ? (int)(end - line) : (int)strlen(line);
        char *whole = mem_format("\n%.*s\n", len, line), *in = mem_format("\n%s", b);
        if (!strstr(in, whole)) {
            n++;
            if (out) str_add(out, "    %s %.*s\n", mark, len, line);
        }
        free(whole);
        free(in);
        line = end ? end + 1 : line + len;
    }
    return n;
}

size_t identity_diff(const char *was, const char *now, struct str *out) {
    size_t n = count_missing(was, now, "was", out);
    return n + count_missing(now, was, "now", out);
}

/* The older run of the same name that differs in the fewest lines; *text: its identity. Both are
 * owned, NULL where there is none. */
static char *nearest(const struct node *n, bool done, char **text) {
    struct strings names = {0};
    char *best = NULL;
    size_t best_n = 0, prefix = strlen(n->name);
    double seconds;
    *text = NULL;
    if (dir_list(n->config.run.output_dir, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.at[i];
        if (strncmp(name, n->name, prefix) != 0 || strlen(name) != prefix + 13) continue;
        char *dir = path_join(n->config.run.output_dir, name),
             *file = path_join(dir, "identity.txt");
        struct bytes b;
        bool asked = strcmp(dir, n->dir) != 0 && (!done || run_is_done(dir, &seconds));
        if (asked && !file_read(file, 1 << 20, &b)) {
            const char *was = (char *)b.at;
            size_t d = count_missing(n->identity, was, "", NULL) +
                       count_missing(was, n->identity, "", NULL);
            if (!best || d < best_n) {
                free(best);
                free(*text);
                best = mem_strdup(dir);
                *text = mem_strdup(was);
                best_n = d;
            }
            bytes_free(&b);
        }
        error_clear();
        free(dir);
        free(file);
    }
    strings_free(&names);
    return best;
}

void identity_explain(const struct node *n, struct str *out) {
    char *was, *dir = nearest(n, false, &was);
    if (dir) {
        str_add(out, "  against %s:\n", path_base(dir));
        identity_diff(was, n->identity, out);
    } else {
        str_add(out, "  no older run of this name\n");
    }
    free(dir);
    free(was);
}

/* "inputs.images" of "input images folder 4599...", "optim.steps" of "optim.steps=100". */
static char *key_of(const char *line) {
    static const char input[] = "input ";
    bool is = strncmp(line, input, sizeof input - 1) == 0;
    if (is) line += sizeof input - 1;
    return mem_format("%s%.*s", is ? "inputs." : "", (int)strcspn(line, " =\n"), line);
}

char *identity_nearest(const struct node *n, struct str *keys) {
    enum { MOST = 4 };
    char *was, *dir = nearest(n, true, &was);
    struct str lines = {0};
    size_t found = 0;
    if (dir) count_missing(n->identity, was, "", &lines);
    for (char *at = lines.at, *end; at && *at; at = end + 1) {
        end = strchr(at, '\n');
        char *key = key_of(at + strspn(at, " "));
        if (found++ < MOST) str_add(keys, "%s%s", found > 1 ? ", " : "", key);
        free(key);
    }
    if (found > MOST) str_add(keys, " and %zu more", found - MOST);
    str_free(&lines);
    free(was);
    if (found) return dir;
    free(dir); /* it has more, nothing else: of another version */
    return NULL;
}

char *identity_other(const struct node *n) {
    struct str keys = {0};
    char *dir = identity_nearest(n, &keys);
    char *text =
        dir ? mem_format("; %s is done, and differs in %s: name it where it is meant", dir, keys.at)
            : mem_strdup("");
    free(dir);
    str_free(&keys);
    return text;
}
