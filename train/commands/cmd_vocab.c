/* ovseg vocab FILE: what is wrong or odd about a vocabulary.
 * ovseg vocab --try FILE -m RUN IMAGE|DIR...: what each wording of a class does to pictures. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "eval/class_text.h"
#include "train/commands/cmd.h"
#include "train/device.h"
#include "train/model.h"
#include "train/segment.h"
#include "train/signals.h"
#include "train/vocab/vocab_lint.h"
#include "train/vocab/vocab_try.h"

struct arguments {
    struct model_options model;
    struct overrides overrides;
    const char *file, *out;
    struct strings pictures;
    double alike;
    bool try, strict, print;
};

enum { KEY_CLIP = 256, KEY_TRY, KEY_ALIKE, KEY_STRICT, KEY_SET, KEY_PROPOSALS, KEY_PRINT };

static const struct argp_option options[] = {
    {"clip", KEY_CLIP, "RUN|FILE", 0,
     "A CLIP: also tell names that it hardly tells apart, and texts longer than it reads (77 "
     "tokens "
     "without)",
     1},
    {"alike", KEY_ALIKE, "C", 0, "With --clip: names of a cosine from C on (0.95)", 1},
    {"strict", KEY_STRICT, 0, 0, "What is odd is an error, too", 1},
    {"print", KEY_PRINT, 0, 0, "Print the vocabulary as YAML, with all that is known of it", 1},
    {"set", KEY_SET, "KEY=VALUE", 0, "A setting: text.templates=[vild]", 2},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 2},
    {"try", KEY_TRY, 0, 0,
     "Segment the pictures once for every wording (name or synonym) of the classes that have "
     "several, and print what each finds",
     3},
    {"model", 'm', "RUN|FILE", 0, "With --try: the model, as ovseg segment has it", 3},
    {"proposals", KEY_PROPOSALS, "RUN|MASKS", 0, "With --try: the same of the proposals", 3},
    {"output", 'o', "DIR", 0, "With --try: overlays go there", 3},
    {0},
};

static const char doc[] =
    "Looks through a vocabulary (docs/vocabulary.md): what cannot be read, texts that are too long "
    "for CLIP, words that run together (\"trafficlight\"), names that are the same but for case, "
    "blanks or plural, and, with --clip, names that CLIP hardly tells apart. Each with FILE:LINE, "
    "on stdout.\v"
    "Exit status: 0 no error (there may be warnings), 64 usage, 65 errors, or, with --strict, "
    "warnings, 66 something is missing, 70 internal, 74 input or output, 78 bad setting.";

static double alike_of(const char *arg, struct argp_state *state) {
    char *end;
    double x = strtod(arg, &end);
    if (end == arg || *end || !isfinite(x) || x < -1 || x > 1)
        argp_error(state, "--alike %s: is no cosine, -1 to 1", arg);
    return x;
}

static void check_arguments(const struct arguments *a, struct argp_state *state) {
    if (!a->file) argp_usage(state);
    if (a->try && !a->model.name) argp_error(state, "--try: which model? -m RUN");
    if (a->try && !a->pictures.n) argp_error(state, "--try: no pictures");
    if (!a->try && a->pictures.n)
        argp_error(state, "%s: pictures go with --try", a->pictures.at[0]);
    if (!a->try && (a->out || a->model.proposals))
        argp_error(state, "--output and --proposals go with --try");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case 'm':
    case KEY_CLIP: a->model.name = arg; break;
    case KEY_PROPOSALS: a->model.proposals = arg; break;
    case KEY_TRY: a->try = true; break;
    case KEY_ALIKE: a->alike = alike_of(arg, state); break;
    case KEY_STRICT: a->strict = true; break;
    case KEY_PRINT: a->print = true; break;
    case KEY_SET:
        if (overrides_add(&a->overrides, arg, NULL)) argp_error(state, "%s", error_message());
        break;
    case 'o': a->out = arg; break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        if (a->file)
            strings_add(&a->pictures, arg);
        else
            a->file = arg;
        break;
    case ARGP_KEY_END: check_arguments(a, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- with a CLIP ---- */

static int lint_features(const struct arguments *a, const struct namer_run *m, const struct node *n,
                         const struct vocabulary *v, struct vocab_lint *l) {
    struct vocabulary w;
    size_t *class_of;
    vocabulary_wordings(v, &w, &class_of);
    tensor *x = class_text(&m->clip.clip, &n->config.text, &w); /* [wordings, D] */
    int64_t D = x ? t_size(x, 1) : 0;
    float *at = mem_alloc(w.n * (size_t)D + 1, sizeof *at);
    int status = error_status();
    if (!status) status = t_copy_out(x, at, w.n * (size_t)D * sizeof *at);
    if (!status) vocab_lint_features(l, &w, class_of, at, D, a->alike);
    free(at);
    free(class_of);
    vocabulary_close(&w);
    return status;
}

/* Only texts that CLIP can read have features. */
static int lint_clip(const struct arguments *a, const struct vocabulary *v, struct vocab_lint *l) {
    struct graph g = {0};
    struct namer_run m = {0};
    struct vocabulary one;
    struct strings templates = {0};
    vocabulary_of(&one, (char *[]){v->at[0].name}, 1);
    struct node *n = model_namer(&g, &a->model);
    int status = n ? vocab_lint_names(l, v) : error_status();
    if (!status) status = device_open(n);
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    if (!status) status = namer_run_open(&m, n, "clip", &one);
    if (!status) status = class_text_templates(&n->config.text, &templates);
    if (!status) status = vocab_lint_lengths(l, v, &templates, m.clip.clip.opt.text.context);
    if (!status && !l->errors) status = lint_features(a, &m, n, v, l);
    t_scope_close(scope, NULL);
    namer_run_close(&m);
    strings_free(&templates);
    vocabulary_close(&one);
    graph_close(&g);
    return status;
}

static int print(const struct arguments *a, const struct vocabulary *v, struct vocab_lint *l) {
    size_t wordings = 0, warnings = l->n - l->errors;
    vocab_lint_sort(l);
    for (size_t i = 0; i < l->n; i++)
        printf("%s:%zu: %s: %s\n", a->file, l->at[i].line, l->at[i].error ? "error" : "warning",
               l->at[i].text);
    for (size_t i = 0; i < v->n; i++) wordings += v->at[i].synonyms.n;
    printf("%s: %zu classes, %zu synonyms: %zu error%s, %zu warning%s\n", a->file, v->n, wordings,
           l->errors, l->errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    if (fflush(stdout)) return error_set(ERR_IO, "stdout: cannot write");
    size_t bad = a->strict ? l->n : l->errors;
    return bad ? error_set(ERR_DATA, "%s: %zu thing%s to mend", a->file, bad, bad == 1 ? "" : "s")
               : 0;
}

static int lint(const struct arguments *a, const struct vocabulary *v) {
    struct vocab_lint l = {0};
    int status = a->model.name ? lint_clip(a, v, &l) : vocab_lint_plain(&l, v, VOCAB_CONTEXT);
    if (!status) status = print(a, v, &l);
    vocab_lint_free(&l);
    return status;
}

static int print_yaml(const struct vocabulary *v) {
    struct str text = {0};
    vocabulary_print(v, "", &text);
    fputs(text.at, stdout);
    str_free(&text);
    return fflush(stdout) ? error_set(ERR_IO, "stdout: cannot write") : 0;
}

static int try_all(const struct arguments *a, struct vocabulary *v) {
    struct picture_list pictures = {0};
    const struct vocab_try t = {
        .model = &a->model, .names = v, .out = a->out, .pictures = &pictures};
    int status = 0;
    for (size_t i = 0; !status && i < a->pictures.n; i++)
        status = picture_list_add(&pictures, a->pictures.at[i], a->out ? a->out : "");
    if (!status) status = vocab_try(&t);
    picture_list_free(&pictures);
    return status;
}

static int run(const struct arguments *a, struct vocabulary *v) {
    int status = vocabulary_read(v, a->file);
    if (status) return status;
    if (a->print) return print_yaml(v);
    return a->try ? try_all(a, v) : lint(a, v);
}

int cmd_vocab(int argc, char **argv) {
    static const struct argp argp = {options, parse, "FILE\n--try FILE -m RUN IMAGE|DIR...", doc, 0,
                                     0,       0};
    struct arguments a = {.alike = 0.95};
    struct vocabulary v = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    signals_install();
    a.model.command = "ovseg vocab";
    a.model.overrides = a.overrides.at;
    a.model.n_overrides = a.overrides.n;
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    int status = run(&a, &v);
    if (status) status = cmd_failed();
    t_scope_close(scope, NULL);
    vocabulary_close(&v);
    overrides_free(&a.overrides);
    strings_free(&a.pictures);
    return status;
}
