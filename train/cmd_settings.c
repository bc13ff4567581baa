/* ovseg settings [KEY]: every setting, with its type, range, default and meaning. */
#include <argp.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings_text.h"
#include "configs/config.h"
#include "configs/reference.h"
#include "train/cmd.h"

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

int cmd_settings(int argc, char **argv) {
    static const struct argp argp = {0,
                                     parse,
                                     "[KEY]",
                                     "Prints settings: all, those below KEY, or those a glob "
                                     "matches.\vExit status: 0 done, 64 no such setting.",
                                     0,
                                     0,
                                     0};
    const char *pattern = NULL;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &pattern);
    if (settings_print_table(stdout, config_known(), pattern, in_the_reference)) return 0;
    char near[SETTING_MAX_KEY] = "";
    bool found = settings_suggest(config_known(), pattern, near);
    log_error("no setting matches %s%s%s%s", pattern, found ? " (did you mean " : "", near,
              found ? "?)" : "");
    return ERR_USAGE;
}
