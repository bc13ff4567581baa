/* ovseg export RUN -o MODEL.ovseg: a model with all that it segments with, in one folder. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/package/package_write.h"

struct arguments {
    struct package_request request;
    struct overrides overrides;
};

enum { KEY_SET = 256, KEY_PROPOSALS, KEY_LICENCE, KEY_CONFIG, KEY_WEIGHTS };

static const struct argp_option options[] = {
    {"output", 'o', "MODEL.ovseg", 0, "The folder that is written; must not be there yet", 0},
    {"proposals", KEY_PROPOSALS, "RUN", 0, "Another proposal network than the one behind RUN", 0},
    {"weights", KEY_WEIGHTS, "FILE", 0,
     "With a CONFIG of stage import, or of an evaluation of one: the weights", 0},
    {"licence", KEY_LICENCE, "NAME=TEXT", 0,
     "Of a source, by its name in the card; or, where nothing is known, by a pattern: "
     "\"prepare.*=CC BY 4.0\"",
     0},
    {"license", KEY_LICENCE, 0, OPTION_ALIAS, 0, 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {0},
};

static const char doc[] =
    "Writes everything that segmenting needs into one folder: the CLIP with its mask prompts, the "
    "proposal network, the tokenizer, settings of inference (KEY=VALUE changes some), and a card "
    "that says what the model was made from. RUN is what `ovseg segment -m` takes: a run of a CLIP "
    "stage or of an evaluation, RUN@best, a config whose run is done, published weights (.pth), "
    "another package. `ovseg segment -m MODEL.ovseg` gives the labels that it gives with RUN, to "
    "the bit; nothing of RUN is needed then.\v"
    "Sources whose licence nothing tells are \"unknown\" in the card (CARD.md, card.json), and a "
    "warning names them; one that forbids commercial use is a warning, too.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged, 66 a missing input, 74 input or output, 78 bad "
    "setting.";

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    if (overrides_add(&a->overrides, text, next)) {
        argp_error(state, "%s", error_message());
        return;
    }
    const char *scope = a->overrides.at[a->overrides.n - 1].scope;
    if (scope) argp_error(state, "%s: there is one stage only: without \"%s:\"", text, scope);
}

static void add_licence(struct arguments *a, const char *text, struct argp_state *state) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1]) {
        argp_error(state, "--licence %s: wanted is NAME=TEXT", text);
        return;
    }
    char *name = mem_format("%.*s", (int)(equals - text), text);
    string_map_put(&a->request.licences, name, equals + 1);
    free(name);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    struct model_options *m = &a->request.model;
    switch (key) {
    case 'o': a->request.out = arg; break;
    case KEY_PROPOSALS: m->proposals = arg; break;
    case KEY_WEIGHTS: m->weights = arg; break;
    case KEY_LICENCE: add_licence(a, arg, state); break;
    case KEY_SET: add_override(a, arg, NULL, state); break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        if (!m->name)
            m->name = arg;
        else
            add_override(a, arg, state->argv[state->next], state);
        break;
    case ARGP_KEY_END:
        if (!m->name) argp_usage(state);
        if (!a->request.out) argp_error(state, "where to? -o MODEL.ovseg");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int export_model(const struct arguments *a) {
    struct package_made made = {0};
    int status = argument_is_new(a->request.out);
    if (!status) status = package_write(&a->request, &made);
    for (size_t i = 0; !status && i < made.warnings.n; i++) log_warn("%s", made.warnings.at[i]);
    if (!status) printf("%s  %.1f MB\n", a->request.out, (double)made.bytes / 1e6);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    package_made_free(&made);
    return status;
}

int cmd_export(int argc, char **argv) {
    static const struct argp argp = {options, parse, "RUN [KEY=VALUE...]", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    a.request.model.command = "ovseg export";
    a.request.model.overrides = a.overrides.at;
    a.request.model.n_overrides = a.overrides.n;
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    int status = export_model(&a);
    if (status) status = cmd_failed();
    t_scope_close(scope, NULL);
    string_map_free(&a.request.licences);
    overrides_free(&a.overrides);
    return status;
}
