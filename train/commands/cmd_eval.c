/* ovseg eval CONFIG|RUN|PACKAGE: an evaluation, as ovseg-train runs it, of one set or several.
 * ovseg eval MODEL --images DIR: how well a CLIP names the pictures in the sub-folders of DIR.
 * ovseg eval RUN --blend: what lies between the CLIP that a training began with and its own. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "eval/classify.h"
#include "train/clip_blend_run.h"
#include "train/commands/cmd.h"
#include "train/device.h"
#include "train/evaluation/eval_sets.h"
#include "train/model.h"
#include "train/segment.h"
#include "train/signals.h"

enum { BATCH = 32, READERS = 2 };

struct arguments {
    struct model_options model;
    struct overrides overrides;
    const char *images, *classes, *out, *predictions, *sets;
    const char *other;
    bool quiet, dry_run, explain, fit, blend;
};

enum {
    KEY_IMAGES = 256,
    KEY_CLASSES,
    KEY_PREDICTIONS,
    KEY_SET,
    KEY_SETS,
    KEY_WEIGHTS,
    KEY_DRY_RUN,
    KEY_EXPLAIN,
    KEY_FIT,
    KEY_BLEND
};

static const struct argp_option options[] = {
    {"images", KEY_IMAGES, "DIR", 0,
     "A folder with a sub-folder for each class, its pictures in it: name them, and count", 0},
    {"classes", KEY_CLASSES, "NAMES", 0,
     "With --images: the names of the classes, \"sky,tree\" or a file, when the sub-folders are "
     "not named after them: in the order of the sub-folders, sorted as text",
     0},
    {"weights", KEY_WEIGHTS, "FILE", 0,
     "With --images and a CONFIG of stage import, or of an evaluation of one: the weights", 0},
    {"output", 'o', "FILE.json", 0, "With --images: also write the figures, of every class", 0},
    {"predictions", KEY_PREDICTIONS, "FILE.jsonl", 0,
     "With --images: also write the nearest names of every picture, a JSON object a line", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 0},
    {"sets", KEY_SETS, "A,B,C", 0,
     "Without --images: evaluate on several sets, each with its own names, and print a table over "
     "them. A set is a NAME of the scenes input, or the config or run that made it: PATH[:NAME]",
     0},
    {"fit-threshold", KEY_FIT, "all", OPTION_ARG_OPTIONAL,
     "Also find the lowest score that is worth a name, for `ovseg segment --min-score`: by the "
     "pixels that have a class, or by `all`, where those without one are to stay unlabelled; the "
     "same as measure.min_score. On validation masks: eval.set=val",
     0},
    {"blend", KEY_BLEND, "OTHER", OPTION_ARG_OPTIONAL,
     "Of the CLIP of a training RUN, or of a config whose run is done: validation and retention "
     "probe of eleven models between OTHER (by default the CLIP that the chain began with) and it. "
     "validate.set, .probe and .images may be given. Also written into the run, where `ovseg "
     "report` finds it; `ovseg convert --blend` makes one of the models",
     0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {"dry-run", KEY_DRY_RUN, 0, 0, "Without --images, as ovseg-train has it; --explain, too", 0},
    {"explain", KEY_EXPLAIN, 0, OPTION_HIDDEN, 0, 0},
    {0},
};

static const char doc[] =
    "Evaluates the segmentation that CONFIG, of stage evaluate, describes, or a finished RUN of "
    "one, or that of a model package (with --sets), and prints all figures (measure.* has more of "
    "them); or, with --images, the "
    "zero-shot classification of pictures by the CLIP of MODEL: a run, RUN@best, a config, or "
    "published weights (OpenAI's, open_clip's, Hugging Face's, OVSeg's). With --blend, what lies "
    "between two CLIPs.\v"
    "With --images, pictures are resized and cut to the middle as CLIP's authors do. Where they "
    "are masked crops, filled with the colour (124, 116, 103), and the CLIP has mask prompts, "
    "these stand for the patches that were filled; eval.prompts=false does without. Top-1 and "
    "top-5 are over all pictures. The templates of the names are text.templates.\n\n"
    "Exit status: 0 done, 64 usage, 65 bad data (pictures that cannot be read: the others are "
    "counted), 66 missing input, 70 internal, 74 input or output, 78 bad setting.";

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    if (overrides_add(&a->overrides, text, next)) argp_error(state, "%s", error_message());
}

/* getopt takes the value of an option that may go without one behind = alone. Which of two is the
 * run and which the other cannot be told from their order: `--blend OTHER RUN`. */
static void check_value(const struct arguments *a, const char *arg, struct argp_state *state) {
    if (strchr(arg, '=')) return;
    if (a->blend && !a->other)
        argp_error(state,
                   "%s: what --blend begins with is written behind =: ovseg eval RUN --blend=OTHER",
                   arg);
    if (a->fit && strcmp(arg, "all") == 0)
        argp_error(state, "all: is written behind =: --fit-threshold=all");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_IMAGES: a->images = arg; break;
    case KEY_CLASSES: a->classes = arg; break;
    case KEY_WEIGHTS: a->model.weights = arg; break;
    case KEY_PREDICTIONS: a->predictions = arg; break;
    case KEY_SET: add_override(a, arg, NULL, state); break;
    case 'o': a->out = arg; break;
    case KEY_SETS: a->sets = arg; break;
    case 'q':
        a->quiet = true;
        log_set_level(LOG_WARN);
        break;
    case KEY_FIT:
        if (arg && strcmp(arg, "all") != 0)
            argp_error(state, "--fit-threshold=%s: by `all` pixels, or without =", arg);
        a->fit = true;
        add_override(a, arg ? "measure.min_score=all" : "measure.min_score=labelled", NULL, state);
        break;
    case KEY_BLEND:
        a->blend = true;
        a->other = arg;
        break;
    case KEY_DRY_RUN: a->dry_run = true; break;
    case KEY_EXPLAIN: a->explain = true; break;
    case ARGP_KEY_ARG:
        if (!a->model.name) {
            a->model.name = arg;
        } else {
            check_value(a, arg, state);
            add_override(a, arg, state->argv[state->next], state);
        }
        break;
    case ARGP_KEY_END:
        if (!a->model.name) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* How many sub-folders have a name of the vocabulary; at[i]: which, v->n: none. */
static size_t find_names(const struct class_folder *f, const struct vocabulary *v, size_t *at) {
    size_t found = 0;
    for (size_t i = 0; i < f->name.n; i++) {
        for (at[i] = 0; at[i] < v->n; at[i]++)
            if (strcmp(f->name.at[i], v->at[at[i]].name) == 0) break;
        found += at[i] < v->n;
    }
    return found;
}

/* The vocabulary in the order of the sub-folders: by name where they have the same names. */
static int order_names(const struct class_folder *f, struct vocabulary *v, const char *classes) {
    size_t n = f->name.n;
    if (v->n != n)
        return error_set(ERR_DATA, "%s: %zu name%s for %zu sub-folder%s", classes, v->n,
                         v->n == 1 ? "" : "s", n, n == 1 ? "" : "s");
    size_t *at = mem_alloc(n, sizeof *at), found = find_names(f, v, at);
    if (found == n) {
        struct vocabulary_class *sorted = mem_alloc(n, sizeof *sorted);
        for (size_t i = 0; i < n; i++) sorted[i] = v->at[at[i]];
        memcpy(v->at, sorted, n * sizeof *sorted);
        free(sorted);
    } else {
        size_t lost = 0;
        while (at[lost] < n) lost++;
        if (found) /* one name that is misspelt would turn the others around unseen */
            log_warn("%s: names %zu of the %zu sub-folders, but not %s", classes, found, n,
                     f->name.at[lost]);
        log_info("names by the order of the sub-folders: %s is \"%s\", ... %s is \"%s\"",
                 f->name.at[0], v->at[0].name, f->name.at[n - 1], v->at[n - 1].name);
    }
    free(at);
    return 0;
}

static int open_names(struct vocabulary *v, const struct class_folder *f, const char *classes) {
    if (!classes) {
        vocabulary_of(v, f->name.at, f->name.n);
        return 0;
    }
    int status = vocabulary_open(v, classes);
    return status ? status : order_names(f, v, classes);
}

/* What happens to every picture. */
struct watch {
    struct progress progress;
    const struct vocabulary *v;
    struct file_out lines;
    bool has_lines;
    struct str line;
    int64_t done;
    int status;
};

static void put_line(struct watch *w, const struct classified *one) {
    struct json_out j = {.to = &w->line};
    w->line.n = 0;
    json_object(&j);
    json_key_string(&j, "picture", one->file->path);
    json_key_string(&j, "class", w->v->at[one->file->label].name);
    if (one->why) json_key_string(&j, "error", one->why);
    json_key(&j, "names");
    json_array(&j);
    for (int64_t i = 0; i < one->n; i++) json_string(&j, w->v->at[one->name[i]].name);
    json_end(&j);
    json_key(&j, "cosines");
    json_array(&j);
    for (int64_t i = 0; i < one->n; i++) json_real(&j, (double)one->cosine[i]);
    json_end(&j);
    json_end(&j);
    str_add(&w->line, "\n");
    if (!w->status) w->status = file_out_put(&w->lines, w->line.at, w->line.n);
}

static void see(void *ctx, const struct classified *one) {
    struct watch *w = ctx;
    if (one->why) log_error("%s", one->why);
    if (w->has_lines) put_line(w, one);
    progress_at(&w->progress, ++w->done, NULL);
}

static int write_figures(const char *path, const struct classify_counts *c,
                         const struct vocabulary *v, const struct node *n) {
    struct str text = {0};
    struct json_out j = {.to = &text};
    struct accuracy a = classify_accuracy(c);
    json_object(&j);
    json_key_real(&j, "top1", a.top1);
    json_key_real(&j, "top5", a.top5);
    json_key_real(&j, "class_mean_top1", a.mean);
    json_key_bool(&j, "prompts", n->config.eval.prompts);
    json_key(&j, "templates");
    json_array(&j);
    for (size_t i = 0; i < n->config.text.templates.n; i++)
        json_string(&j, n->config.text.templates.at[i]);
    json_end(&j);
    json_key_int(&j, "unread", c->unread);
    json_key(&j, "classes");
    json_array(&j);
    for (int64_t k = 0; k < c->K; k++) {
        json_object(&j);
        json_key_string(&j, "name", v->at[k].name);
        json_key_int(&j, "pictures", c->total[k]);
        json_key_int(&j, "top1", c->top1[k]);
        json_key_int(&j, "top5", c->top5[k]);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    str_add(&text, "\n");
    int status = file_write(path, text.at, text.n);
    str_free(&text);
    return status;
}

static void print_figures(const struct class_folder *f, const struct classify_counts *c,
                          const char *dir) {
    struct accuracy a = classify_accuracy(c);
    printf("%s  %zu pictures, %lld classes\n", dir, f->n - (size_t)c->unread, (long long)c->K);
    if (isnan(a.top1)) return; /* of no picture at all */
    printf("  %6.2f %%  top-1\n  %6.2f %%  top-5\n  %6.2f %%  top-1, mean of the classes\n", a.top1,
           a.top5, a.mean);
}

static int run(const struct arguments *a, const struct class_folder *f, const struct vocabulary *v,
               const struct node *n, const struct namer *m) {
    struct watch w = {.v = v, .has_lines = a->predictions};
    struct classify_counts c = {0};
    struct classify_options o = {
        .S = clip_image_size(m->clip), .batch = BATCH, .threads = READERS, .each = see, .ctx = &w};
    int status = w.has_lines ? file_out_open(&w.lines, a->predictions) : 0;
    progress_open(&w.progress, "classify", "pictures", 0, (int64_t)f->n, 30);
    if (!status) status = classify(&c, f, namer_encoder(m), m->text, &o);
    progress_close(&w.progress);
    if (!status) status = w.status;
    if (!status && w.has_lines) status = file_out_commit(&w.lines);
    if (w.has_lines) file_out_close(&w.lines);
    str_free(&w.line);
    if (!status) print_figures(f, &c, a->images); /* first: hours may be in them */
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    if (!status && a->out) status = write_figures(a->out, &c, v, n);
    if (!status && c.unread)
        status = error_set(ERR_DATA, "%lld of %zu pictures could not be read", (long long)c.unread,
                           f->n);
    classify_free(&c);
    return status;
}

static int check_images(const struct arguments *a) {
    if (a->dry_run || a->explain || a->sets)
        return error_set(ERR_USAGE, "--dry-run, --explain and --sets do not go with --images");
    if (a->out && file_can_be(a->out)) return error_status();
    if (a->predictions && file_can_be(a->predictions)) return error_status();
    for (size_t i = 0; i < a->overrides.n; i++)
        if (a->overrides.at[i].scope)
            return error_set(ERR_USAGE, "%s:%s: there is one stage only: without \"%s:\"",
                             a->overrides.at[i].scope, a->overrides.at[i].key,
                             a->overrides.at[i].scope);
    return 0;
}

static int classify_by(const struct arguments *a, const struct class_folder *f,
                       struct vocabulary *v, struct node *n) {
    struct namer_run namer = {0};
    int status = device_open(n);
    if (status) return status;
    int scope = t_scope_open("", T_PRECISION(n->config.run.precision));
    status = namer_run_open(&namer, n, "clip", v);
    if (!status) status = run(a, f, v, n, &namer.namer);
    t_scope_close(scope, NULL);
    namer_run_close(&namer);
    return status;
}

/* The model, then the pictures. */
static int classify_images(const struct arguments *a) {
    struct class_folder f;
    struct vocabulary v = {0};
    struct graph g = {0};
    int status = check_images(a);
    if (status) return status;
    status = class_folder_open(&f, a->images);
    if (!status && f.others)
        log_info("%s: %zu files are passed over: no pictures, or in no sub-folder", a->images,
                 f.others);
    if (!status) status = open_names(&v, &f, a->classes);
    struct node *n = status ? NULL : model_namer(&g, &a->model);
    if (!status) status = n ? classify_by(a, &f, &v, n) : error_status();
    graph_close(&g);
    vocabulary_close(&v);
    class_folder_close(&f);
    return status;
}

/* Without --images it is ovseg-train's work, which reports its own errors. */
static int evaluate(const struct arguments *a) {
    if (a->classes || a->out || a->predictions || a->model.weights)
        return error_set(ERR_USAGE,
                         "--classes, --weights, --output and --predictions go with "
                         "--images DIR");
    struct eval_request r = {.model = a->model.name,
                             .sets = a->sets,
                             .overrides = &a->overrides,
                             .quiet = a->quiet,
                             .dry_run = a->dry_run,
                             .explain = a->explain};
    return eval_segmentation(&r);
}

static int blend(const struct arguments *a) {
    if (a->images || a->classes || a->out || a->predictions || a->model.weights || a->sets ||
        a->dry_run || a->explain)
        return error_set(ERR_USAGE, "--blend: only -q and validate.KEY=VALUE go with it");
    signals_install();
    return blend_curve_run(&a->model, a->other);
}

int cmd_eval(int argc, char **argv) {
    static const struct argp argp = {
        options, parse, "CONFIG|RUN|PACKAGE|MODEL [KEY=VALUE...]", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    a.model.command = "ovseg eval";
    a.model.overrides = a.overrides.at;
    a.model.n_overrides = a.overrides.n;
    int status = 0;
    if (a.blend) {
        int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
        status = blend(&a);
        t_scope_close(scope, NULL);
    } else if (a.images) {
        int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
        status = classify_images(&a);
        t_scope_close(scope, NULL);
    } else {
        status = evaluate(&a);
    }
    if (error_status()) status = cmd_failed();
    overrides_free(&a.overrides);
    return status;
}
