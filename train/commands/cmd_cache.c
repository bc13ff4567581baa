/* ovseg cache ls|gc [DIR]: what runs keep for other runs: features, masks, hashes. */
#include "train/commands/cmd_cache.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "train/cache_files.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_runs.h"
#include "train/places.h"

const struct command cache_parts[] = {
    {"ls", "what is kept, with size and age", cmd_cache_ls},
    {"gc", "remove what is old, unused or too much", cmd_cache_gc},
    {NULL, NULL, NULL},
};

int cmd_cache(int argc, char **argv) {
    return command_part("cache", cache_parts,
                        "`ovseg cache PART --help` explains a part. All of it is made again where "
                        "it is needed.",
                        argc, argv);
}

struct arguments {
    const char *dir;
    struct cache_rule rule;
    bool json, yes;
};

enum { KEY_OLDER = 256, KEY_UNUSED, KEY_KEEP, KEY_JSON };

static const char *cache_dir(void) { return *places_cache() ? places_cache() : places_runs(); }

static void put_json(const struct cache_files *c, const bool *go, struct str *out) {
    struct json_out j = {.to = out};
    json_array(&j);
    for (size_t i = 0; i < c->n; i++) {
        const struct cache_file *f = &c->at[i];
        if (go && !go[i]) continue;
        json_object(&j);
        json_key_string(&j, "path", f->path);
        json_key_string(&j, "kind", f->kind);
        json_key_int(&j, "bytes", f->bytes);
        json_key_int(&j, "written", (int64_t)f->written);
        json_key_int(&j, "used", (int64_t)f->used);
        json_end(&j);
    }
    json_end(&j);
    str_add(out, "\n");
}

static void put_line(const struct cache_file *f, struct str *out) {
    char size[16], written[16], used[16];
    bytes_text(f->bytes, size);
    age_text(difftime(time(NULL), f->written), written);
    age_text(difftime(time(NULL), f->used), used);
    str_add(out, "%s\t%s\t%s\twritten %s ago, used %s ago\n", f->path, f->kind, size, written,
            used);
}

/* How many, and how many bytes, of each kind. */
static void put_sums(const struct cache_files *c, const char *dir, struct str *out) {
    static const char *const kinds[] = {"text",   "pictures",     "masks", "features",
                                        "hashes", "half written", "other"};
    int64_t all = 0;
    char size[16];
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        int64_t files = 0, bytes = 0;
        for (size_t i = 0; i < c->n; i++) {
            if (strcmp(c->at[i].kind, kinds[k]) != 0) continue;
            files++;
            bytes += c->at[i].bytes;
        }
        all += bytes;
        bytes_text(bytes, size);
        if (files)
            str_add(out, "%s\t%lld file%s\t%s\n", kinds[k], (long long)files, files == 1 ? "" : "s",
                    size);
    }
    bytes_text(all, size);
    str_add(out, "%s in %s\n", size, dir);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_JSON: a->json = true; break;
    case KEY_OLDER: a->rule.older = argument_age(state, "--older-than", arg); break;
    case KEY_UNUSED: a->rule.unused = argument_age(state, "--unused-for", arg); break;
    case KEY_KEEP: a->rule.keep = argument_bytes(state, "--keep", arg); break;
    case 'y': a->yes = true; break;
    case ARGP_KEY_ARG:
        if (a->dir) argp_usage(state);
        a->dir = arg;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static struct arguments read_arguments(const struct argp *argp, int argc, char **argv) {
    struct arguments a = {.rule = {-1, -1, -1}};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(argp, argc, argv, 0, NULL, &a);
    if (!a.dir) a.dir = cache_dir();
    return a;
}

int cmd_cache_ls(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"json", KEY_JSON, 0, 0, "Print a JSON array, an object for each file", 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "[DIR]",
        "Lists what runs keep for other runs: features of texts (.text), pictures, masks and "
        "features of mining (.mined), hashes of input files (.hashes). DIR is paths.cache, or "
        "where the runs are, when it is not given.\v"
        "`used` is as the file system keeps it: to the day on most, never where noatime is set.\n\n"
        "Exit status: 0 done, 64 usage, 66 no such folder, 74 output.",
        0,
        0,
        0};
    struct arguments a = read_arguments(&argp, argc, argv);
    struct cache_files c;
    struct str out = {0};
    int status = cache_files_read(&c, a.dir);
    for (size_t i = 0; !status && !a.json && i < c.n; i++) put_line(&c.at[i], &out);
    if (!status && a.json) put_json(&c, NULL, &out);
    if (!status && !a.json) put_sums(&c, a.dir, &out);
    cache_files_free(&c);
    if (!status) return print_and_free(&out) ? cmd_failed() : 0;
    return cmd_failed();
}

static int gc(const struct arguments *a, struct str *out) {
    struct cache_files c;
    int status = cache_files_read(&c, a->dir);
    bool *go = mem_alloc(c.n + 1, sizeof *go);
    int64_t bytes = status ? 0 : cache_files_choose(&c, &a->rule, go);
    char size[16];
    for (size_t i = 0; !status && i < c.n; i++) {
        if (go[i] && a->yes) status = file_remove(c.at[i].path);
        if (go[i] && !a->json) put_line(&c.at[i], out);
    }
    const char *const folders[] = {".text", ".mined"};
    for (size_t i = 0; !status && a->yes && i < 2; i++) { /* what killed writers left, a day ago */
        char *path = path_join(a->dir, folders[i]);
        dir_sweep(path);
        free(path);
    }
    if (a->json) put_json(&c, go, out);
    bytes_text(bytes, size);
    if (!a->json) str_add(out, "%s %s\n", size, a->yes ? "freed" : "would go; --yes removes them");
    cache_files_free(&c);
    free(go);
    return status;
}

int cmd_cache_gc(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"older-than", KEY_OLDER, "AGE", 0, "Files that were not written for so long: 12h, 7d, 4w",
         0},
        {"unused-for", KEY_UNUSED, "AGE", 0, "Files that were neither written nor read for so long",
         0},
        {"keep", KEY_KEEP, "SIZE", 0,
         "Those unused for longest, until no more than this is left: 500M, 20G; 0: all", 0},
        {"yes", 'y', 0, 0, "Remove; without it is only said what would go", 0},
        {"json", KEY_JSON, 0, 0, "Print a JSON array, an object for each file that goes", 0},
        {0}};
    static const struct argp argp = {
        options,
        parse,
        "[DIR]",
        "Removes what runs keep for other runs, by age, use or size. DIR is paths.cache, or where "
        "the runs are, when it is not given. Never goes what was written in the last minute, is "
        "half written, or is not ours; whoever is at work reads whole files, and makes what is "
        "gone again.\v"
        "Exit status: 0 done, 64 usage, 66 no such folder, 74 cannot be removed.",
        0,
        0,
        0};
    struct arguments a = read_arguments(&argp, argc, argv);
    struct str out = {0};
    if (a.rule.older < 0 && a.rule.unused < 0 && a.rule.keep < 0) {
        error_set(ERR_USAGE, "say what may go: --older-than AGE, --unused-for AGE, --keep SIZE");
        return cmd_failed();
    }
    int status = gc(&a, &out);
    if (print_and_free(&out) || status) return cmd_failed();
    return 0;
}
