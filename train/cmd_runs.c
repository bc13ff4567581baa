/* ovseg runs list [DIR]: the run folders in DIR, a line each. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings.h"
#include "train/cmd.h"
#include "train/run.h"

struct arguments {
    char *verb, *dir;
};

static const char doc[] =
    "Lists the runs in DIR (\"runs\" when it is not given): name, stage, state, seconds, folder; "
    "separated by tabs.\v"
    "Exit status: 0 done, 64 usage, 66 no such folder.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num > 1) argp_usage(state);
        *(state->arg_num ? &a->dir : &a->verb) = arg;
        break;
    case ARGP_KEY_END:
        if (!a->verb)
            argp_usage(state);
        else if (strcmp(a->verb, "list") != 0)
            argp_error(state, "%s: there is `runs list`", a->verb);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_run(const char *dir) {
    char *settings = path_join(dir, "settings.yaml"), *name = mem_strdup(path_base(dir));
    char *dash = strrchr(name, '-');
    if (dash) *dash = '\0'; /* the hash */
    struct settings_doc said = {0};
    const char *stage = settings_read(&said, settings) ? NULL : settings_text(&said, "stage");
    error_clear(); /* a run that died before it was described is listed all the same */
    double seconds = 0;
    bool done = run_is_done(dir, &seconds);
    if (done)
        printf("%s\t%s\tdone\t%.1f\t%s\n", name, stage ? stage : "?", seconds, dir);
    else
        printf("%s\t%s\tunfinished\t-\t%s\n", name, stage ? stage : "?", dir);
    settings_doc_free(&said);
    free(name);
    free(settings);
}

static int list(const char *dir) {
    struct strings names = {0};
    if (!dir_exists(dir))
        return error_set(ERR_MISSING, "%s: no such folder: runs go to a config's output_dir", dir);
    int status = dir_list(dir, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        if (run_folder(path)) print_run(path);
        free(path);
    }
    strings_free(&names);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    return status;
}

int cmd_runs(int argc, char **argv) {
    static const struct argp argp = {0, parse, "list [DIR]", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return list(a.dir ? a.dir : "runs") ? cmd_failed() : 0;
}
