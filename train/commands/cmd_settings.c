/* ovseg settings [KEY]: every setting, with its type, range, default and meaning. */
#include <argp.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings_text.h"
#include "configs/config.h"
#include "configs/reference.h"
#include "train/commands/cmd.h"

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

int cmd_settings(int argc, char **argv) {
    static const struct argp argp = {
        0,
        parse,
        "[KEY]",
        "Prints settings: all, those below KEY, or those a glob "
        "matches; KEY may be the reference's, MODEL.CLIP_ADAPTER.\vExit status: 0 done, 64 no such "
        "setting.",
        0,
        0,
        0};
    const char *pattern = NULL;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &pattern);
    if (settings_print_table(stdout, config_known(), pattern, in_the_reference)) return 0;
    if (pattern && print_theirs(pattern)) return 0;
    char near[SETTING_MAX_KEY] = "";
    bool found = settings_suggest(config_known(), pattern, near);
    log_error("no setting matches %s%s%s%s", pattern, found ? " (did you mean " : "", near,
              found ? "?)" : "");
    return ERR_USAGE;
}
