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

void identity_explain(const struct node *n, struct str *out) {
    struct strings names = {0};
    struct bytes best = {0};
    char *best_name = NULL;
    size_t best_n = 0, prefix = strlen(n->name);
    if (dir_list(n->config.run.output_dir, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.at[i];
        if (strncmp(name, n->name, prefix) != 0 || strlen(name) != prefix + 13) continue;
        char *dir = path_join(n->config.run.output_dir, name),
             *file = path_join(dir, "identity.txt");
        struct bytes text;
        if (strcmp(dir, n->dir) != 0 && !file_read(file, 1 << 20, &text)) {
            size_t d = count_missing(n->identity, (char *)text.at, "", NULL) +
                       count_missing((char *)text.at, n->identity, "", NULL);
            if (!best_name || d < best_n) {
                bytes_free(&best);
                best = text;
                best_name = names.at[i];
                best_n = d;
            } else {
                bytes_free(&text);
            }
        }
        error_clear();
        free(dir);
        free(file);
    }
    if (best_name) {
        str_add(out, "  against %s:\n", best_name);
        identity_diff((char *)best.at, n->identity, out);
    } else {
        str_add(out, "  no older run of this name\n");
    }
    bytes_free(&best);
    strings_free(&names);
}
