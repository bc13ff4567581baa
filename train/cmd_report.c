/* ovseg report --compare A B: how two results were measured, and why they differ. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "train/cmd.h"
#include "train/protocol.h"

struct arguments {
    bool compare;
    const char *path[2];
};

enum { KEY_COMPARE = 256 };

static const struct argp_option options[] = {
    {"compare", KEY_COMPARE, 0, 0, "Say in words how the protocols of two results differ", 0},
    {0},
};

static const char doc[] =
    "Compares two results of evaluations, each a run or its result.json: every difference of set, "
    "names, templates, resize, threshold, ensemble, denominator, checkpoint rule and further "
    "options in words, then the figures side by side.\v"
    "Exit status: 0 done (whether they differ or not), 64 usage, 65 not a result, 66 no such run.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_COMPARE: a->compare = true; break;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1) argp_usage(state);
        a->path[state->arg_num] = arg;
        break;
    case ARGP_KEY_END:
        if (!a->compare)
            argp_error(state, "there is `report --compare A B`, of two runs of evaluations");
        else if (!a->path[0] || !a->path[1])
            argp_error(state, "--compare takes two results, A and B");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int compare(const char *const path[2]) {
    cJSON *a = NULL, *b = NULL;
    int status = protocol_read(path[0], &a);
    if (!status) status = protocol_read(path[1], &b);
    if (!status) {
        struct str text = {0};
        protocol_compare(a, b, &text);
        printf("A: %s\nB: %s\n\n%s", path[0], path[1], text.at);
        str_free(&text);
        if (fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    }
    cJSON_Delete(a);
    cJSON_Delete(b);
    return status;
}

int cmd_report(int argc, char **argv) {
    static const struct argp argp = {options, parse, "--compare A B", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return compare(a.path) ? cmd_failed() : 0;
}
