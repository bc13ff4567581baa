/* ovseg sources [NAME]: where each weight file and data set of the shipped configs comes from; with
 * --check what of it is in a folder. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/settings.h"
#include "base/shipped.h"
#include "data/sources_check.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_runs.h"
#include "train/signals.h"

struct arguments {
    const char *name, *check;
    bool fast, json;
};

enum { KEY_CHECK = 256, KEY_FAST, KEY_JSON };

static const struct argp_option options[] = {
    {"check", KEY_CHECK, "DIR", 0,
     "Tick off what is below DIR: files by size and published hash, data sets also unpacked, by "
     "the number of pictures",
     0},
    {"no-hash", KEY_FAST, 0, 0, "With --check: sizes alone; nothing is read", 0},
    {"json", KEY_JSON, 0, 0, "With --check: print a JSON array", 0},
    {0},
};

static const char doc[] =
    "Says where the weights and data sets of the shipped configs come from: page, files, sizes, "
    "hashes, licence, forms that are read, and which configs want it. NAME is one of them, a file "
    "of theirs, or a path in a config. What is not published, or not known here, is \"unknown\". "
    "Nothing is downloaded.\v"
    "The same entry follows the message of any command that ends with 66 for such a file.\n\n"
    "Exit status: 0 done, 64 usage, 65 --check: a file is not the published one, 66 --check: of a "
    "source there is nothing, or no such folder, 74 output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_CHECK: a->check = arg; break;
    case KEY_FAST: a->fast = true; break;
    case KEY_JSON: a->json = true; break;
    case ARGP_KEY_ARG:
        if (a->name) argp_usage(state);
        a->name = arg;
        break;
    case ARGP_KEY_END:
        if (!a->check && (a->fast || a->json))
            argp_error(state, "--no-hash and --json go with --check");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- who wants it ---- */

static bool names_it(const struct settings_doc *config, const struct source *s) {
    for (size_t i = 0; i < config->n; i++) {
        const struct yaml_entry *y = &config->at[i].yaml;
        bool input = strncmp(y->key, "inputs.", 7) == 0 || strcmp(y->key, "init.weights") == 0;
        if (input && y->kind == YAML_SCALAR && source_of_path(y->at->text) == s) return true;
    }
    return false;
}

/* Files of `dir`, NAME below the shipped configs, that name it themselves. */
static void wanted_by(const struct source *s, const char *dir, const char *name, struct str *out) {
    struct strings names = {0};
    if (dir_list(dir, &names)) error_clear(); /* none are installed */
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]), *below = path_join(name, names.at[i]);
        struct settings_doc config;
        if (dir_exists(path)) {
            wanted_by(s, path, below, out);
        } else if (path_is_yaml(path)) {
            if (settings_read(&config, path))
                error_clear();
            else {
                if (names_it(&config, s)) str_add(out, "%s@%s", out->n ? ", " : "", below);
                settings_doc_free(&config);
            }
        }
        free(path);
        free(below);
    }
    strings_free(&names);
}

static void describe(const struct source *s, const char *configs, struct str *out) {
    struct str by = {0};
    source_describe(s, out);
    wanted_by(s, configs, "", &by);
    if (by.n) str_add(out, "  used by  %s\n", by.at);
    str_free(&by);
}

static int print(const struct source *only) {
    char *configs = shipped_config("");
    struct str out = {0};
    const struct source *s;
    for (size_t i = 0; (s = source_at(i)); i++) {
        if (only && s != only) continue;
        if (out.n) str_add(&out, "\n");
        describe(s, configs, &out);
    }
    free(configs);
    return print_and_free(&out);
}

/* ---- what is there ---- */

static int stop(void) { return signals_pending() ? signals_error("nothing was changed") : 0; }

static void put_json(const struct source_ticks *t, struct str *out) {
    struct json_out j = {.to = out};
    json_array(&j);
    for (size_t i = 0; i < t->n; i++) {
        const struct source_tick *k = &t->at[i];
        json_object(&j);
        json_key_string(&j, "source", k->of->name);
        json_key_string(&j, "file", k->file ? k->file->name : NULL);
        json_key_string(&j, "state", tick_state_names[k->state]);
        json_key_string(&j, "path", k->path);
        json_key_string(&j, "text", k->text);
        json_end(&j);
    }
    json_end(&j);
    str_add(out, "\n");
}

/* One that has only what is missing is not there at all. */
static bool has_something(const struct source_ticks *t, const struct source *s) {
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i].of == s && t->at[i].state != TICK_MISSING) return true;
    return false;
}

static void put_lines(const struct source_ticks *t, struct str *out) {
    static const char marks[] = "+++X-"; /* enum tick_state */
    const struct source *s;
    for (size_t i = 0; (s = source_at(i)); i++) {
        bool told = false;
        for (size_t k = 0; k < t->n; k++) {
            const struct source_tick *x = &t->at[k];
            if (x->of != s) continue;
            if (!told) str_add(out, "%s\n", s->name);
            told = true;
            const char *name = x->file ? x->file->name : path_base(x->path);
            str_add(out, "%c %-32s %s%s%s\n", marks[x->state], name,
                    x->state == TICK_MISSING ? "missing" : x->text, x->path ? ": " : "",
                    x->path ? x->path : "");
        }
    }
}

static int check(const struct arguments *a, const struct source *only) {
    struct source_ticks t;
    struct str out = {0};
    bool other = false, missing = false;
    signals_install();
    int status = sources_check(&t, a->check, only, !a->fast, stop);
    for (size_t i = 0; i < t.n; i++) {
        other |= t.at[i].state == TICK_OTHER;
        missing |= !has_something(&t, t.at[i].of);
    }
    if (!status) (a->json ? put_json : put_lines)(&t, &out);
    source_ticks_free(&t);
    if (status || print_and_free(&out)) return cmd_failed();
    return other ? ERR_DATA : missing ? ERR_MISSING : 0;
}

int cmd_sources(int argc, char **argv) {
    static const struct argp argp = {options, parse, "[NAME]", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const struct source *only = a.name ? source_find(a.name) : NULL;
    if (a.name && !only) return cmd_failed();
    if (a.check) return check(&a, only);
    return print(only) ? cmd_failed() : 0;
}
