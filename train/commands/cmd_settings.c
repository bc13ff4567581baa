/* ovseg settings [KEY]: every setting, with its type, range, default and meaning. */
#include <argp.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings_path.h"
#include "base/settings_text.h"
#include "configs/config.h"
#include "configs/reference.h"
#include "train/commands/cmd.h"
#include "train/places.h"

static error_t parse(int key, char *arg, struct argp_state *state) {
    const char **pattern = state->input;
    if (key != ARGP_KEY_ARG) return ARGP_ERR_UNKNOWN;
    if (*pattern) argp_usage(state);
    *pattern = arg;
    return 0;
}

static char *in_the_reference(const char *key) {
    char *theirs = reference_of(key), *text = theirs ? mem_format("reference: %s", theirs) : NULL;
    free(theirs);
    return text;
}

/* Whether one of "MODEL.X, MODEL.Y" is the pattern, below it, or matched by it. */
static bool one_matches(const char *theirs, const char *pattern) {
    size_t length = strlen(pattern);
    bool found = false;
    for (const char *at = theirs; *at && !found; at += strspn(at, ", ")) {
        size_t n = strcspn(at, ",");
        char *key = mem_format("%.*s", (int)n, at);
        bool below = strncmp(key, pattern, length) == 0 && (!key[length] || key[length] == '.');
        found = below || fnmatch(pattern, key, 0) == 0;
        free(key);
        at += n;
    }
    return found;
}

/* Settings by the reference's names for them; how many. */
static size_t print_theirs(const char *pattern) {
    struct settings_table known = config_known();
    struct strings keys = {0}; /* each once: a key may stand in the tables of several stages */
    size_t printed = 0;
    for (size_t k = 0; k < known.n; k++)
        for (size_t i = 0; i < known.at[k].n; i++) {
            char key[SETTING_MAX_KEY];
            setting_key(&known.at[k], &known.at[k].rows[i], key);
            char *theirs = reference_of(key);
            if (theirs && one_matches(theirs, pattern)) strings_add(&keys, key);
            free(theirs);
        }
    for (size_t i = 0; i < keys.n; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++) again |= strcmp(keys.at[i], keys.at[j]) == 0;
        if (!again) printed += settings_print_table(stdout, known, keys.at[i], in_the_reference);
    }
    strings_free(&keys);
    return printed;
}

/* What the places of this machine are now, and who says so. */
static int print_places(void) {
    const struct settings_doc *doc = places();
    for (size_t i = 0; doc && i < doc->n; i++) {
        const struct setting_entry *e = &doc->at[i];
        struct str origin = {0};
        char *path = NULL;
        if (e->yaml.kind == YAML_SCALAR) {
            int status = settings_resolve(doc, e->yaml.key, &path);
            setting_origin(e, &origin);
            printf("    here %s: %s # %s\n", e->yaml.key, status ? error_message() : path,
                   origin.at);
            error_clear();
        }
        str_free(&origin);
        free(path);
    }
    return doc ? 0 : error_status();
}

int cmd_settings(int argc, char **argv) {
    static const struct argp argp = {
        0,
        parse,
        "[KEY]",
        "Prints settings: all, those below KEY, or those a glob "
        "matches; KEY may be the reference's, MODEL.CLIP_ADAPTER. `ovseg settings paths` also says "
        "where the places of this machine are, and who says so.\vExit status: 0 done, 64 no such "
        "setting, 78 a file of places is wrong.",
        0,
        0,
        0};
    const char *pattern = NULL;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &pattern);
    if (settings_print_table(stdout, config_known(), pattern, in_the_reference)) {
        bool paths = pattern && fnmatch(pattern, "paths", 0) == 0;
        return paths && print_places() ? cmd_failed() : 0;
    }
    if (pattern && print_theirs(pattern)) return 0;
    char near[SETTING_MAX_KEY] = "";
    bool found = settings_suggest(config_known(), pattern, near);
    log_error("no setting matches %s%s%s%s", pattern, found ? " (did you mean " : "", near,
              found ? "?)" : "");
    return ERR_USAGE;
}
