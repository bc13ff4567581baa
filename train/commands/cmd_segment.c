/* ovseg segment -m RUN --classes FILE|"a,b,c" IMAGE|DIR|-... -o DIR: label maps and overlays of any
 * pictures with any names, and what is where. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/spans.h"
#include "train/commands/cmd.h"
#include "train/pictures/picture_work.h"
#include "train/signals.h"

struct arguments {
    struct model_options model;
    struct overrides overrides;
    const char *classes, *out, *dump, *background;
    struct strings words, lists; /* what names pictures */
    double least;
    enum picture_damaged damaged;
    bool verbose, resume, rle, scores, no_overlay, sliding; /* without a TILE */
};

enum {
    KEY_CLASSES = 256,
    KEY_SET,
    KEY_PROPOSALS,
    KEY_DUMP,
    KEY_CONFIG,
    KEY_WEIGHTS,
    KEY_LIST,
    KEY_RESUME,
    KEY_DAMAGED,
    KEY_RLE,
    KEY_SCORES,
    KEY_NO_OVERLAY,
    KEY_BACKGROUND,
    KEY_MIN_SCORE,
    KEY_SLIDING,
    KEY_ORIGINAL
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "With what:", 1},
    {"model", 'm', "RUN|PACKAGE", 0,
     "A model package (`ovseg export`); run of a CLIP stage or of an evaluation, RUN@best, or its "
     "config; a file of the reference's "
     "weights (.pth)",
     1},
    {"config", KEY_CONFIG, "CONFIG", 0, "The same as --model", 1},
    {"weights", KEY_WEIGHTS, "FILE", 0,
     "With a CONFIG of stage import, or of an evaluation of one: the weights, which may lie "
     "anywhere",
     1},
    {"classes", KEY_CLASSES, "NAMES", 0, "\"sky,tree,a red car\", or a file: see `--help` below",
     1},
    {"proposals", KEY_PROPOSALS, "RUN|MASKS", 0,
     "Another proposal network than the one behind RUN; or masks of others, which CLIP alone "
     "names: "
     "COCO's or SAM's JSON, or PNG files (`--help` below)",
     1},
    {"set", KEY_SET, "KEY=VALUE", 0,
     "A setting, or a key of the reference's: eval.lambda=0.6, MODEL.CLIP_ADAPTER.MASK_THR=0.4", 1},
    {"sliding", KEY_SLIDING, "TILE", OPTION_ARG_OPTIONAL,
     "The network sees the picture in overlapping squares of TILE pixels (224), for things that "
     "are "
     "small in it: eval.sliding",
     1},
    {"original", KEY_ORIGINAL, 0, 0,
     "CLIP sees crops of the picture itself, not of what it was reduced to: eval.original", 1},
    {0, 0, 0, 0, "Of what:", 2},
    {"list", KEY_LIST, "FILE", 0,
     "Pictures, a path a line; relative ones start at the folder of FILE", 2},
    {"damaged", KEY_DAMAGED, "fail|skip|stop", 0,
     "A picture that cannot be read is named, the others are segmented, and the end is an error "
     "(65 or 66, the default); or it is no error; or the first one ends the command",
     2},
    {"resume", KEY_RESUME, 0, 0,
     "Leave out what is done: pictures whose files are complete in DIR, and were made from this "
     "very picture with the same model, names and settings",
     2},
    {0, 0, 0, 0, "What becomes of it:", 3},
    {"output", 'o', "DIR", 0, "Where the results go; made when missing", 3},
    {"background", KEY_BACKGROUND, "NAMES", 0,
     "Names, as --classes has them, whose pixels are unlabelled: some of the classes, or others "
     "that compete with them",
     3},
    {"min-score", KEY_MIN_SCORE, "S", 0,
     "Pixels whose name has a lower score are unlabelled; `ovseg eval --fit-threshold` finds S", 3},
    {"rle", KEY_RLE, 0, 0, "Also run lengths of every name in NAME.json, as COCO has them", 3},
    {"scores", KEY_SCORES, 0, 0,
     "Also NAME-scores.safetensors: the score of every pixel's name, float32", 3},
    {"no-overlay", KEY_NO_OVERLAY, 0, 0, "No NAME-overlay.png", 3},
    {"dump", KEY_DUMP, "DIR|FILE", 0,
     "Also write all tensors between picture and labels: DIR/NAME.safetensors, or, of one picture, "
     "FILE.safetensors",
     3},
    {"verbose", 'v', 0, 0, "Also how long each part took: of opening, and of every picture", 4},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 4},
    {0},
};

static const char doc[] =
    "Segments pictures (JPEG, PNG, WebP) with any names: files, folders with all below them, or a "
    "list of paths on standard input (-). For each IMAGE it writes to DIR: NAME.png, "
    "the label map at the picture's size (pixel value: index of the name, from 0; 16 bits when "
    "there are more than 255), NAME-overlay.png, to look at, and NAME.json: share, mean score and "
    "box of every name. The shares go to stdout, too: of each picture, or, of a folder or a list, "
    "of all together. With eval.panoptic.enabled it also writes NAME-panoptic.png, the ids of "
    "segments, and NAME-panoptic.json, what they are.\v"
    "A file of classes is plain text, a name a line, or YAML (.yaml) with synonyms, prompts, "
    "colours and kinds (thing or stuff, for panoptic segments): docs/vocabulary.md.\n\n"
    "A pixel without a name is unlabelled: 255, or 65535 when there are more than 255 names. There "
    "are such pixels with --background, with --min-score, with eval.demo, and outside of masks of "
    "others.\n\n"
    "The proposal network sees a picture with its short side at eval.shortest pixels; left at 0, "
    "at the side that the network was trained at: of its crops, or of its training pictures, which "
    "weights of others do not tell. "
    "`ovseg settings eval` explains the other settings.\n\n"
    "--proposals MASKS takes masks of others: a .json file (COCO's results or instances), or a "
    "folder "
    "with, for each picture NAME.jpg, NAME.json (SAM's), NAME.png (each value but 0 is a mask) or "
    "a "
    "folder NAME of .png files, a mask each.\n\n"
    "eval.crf.enabled fits labels to the picture's edges; it takes 8 bytes of memory for each "
    "pixel and name (847 names at 640 x 864: 3.8 GB).\n\n"
    "A signal (INT, TERM, USR1) lets the picture at work be finished; the same command with "
    "--resume does the others. docs/segment.md explains the files.\n\n"
    "Exit status: 0 done, 64 usage (also: DIR holds results made otherwise, or another command "
    "makes them), 65 a damaged picture, "
    "run or class file, 66 a missing one (other pictures are done), 70 internal, 74 input or "
    "output, 75, 130, 143 stopped by a signal, 78 bad setting.";

static void add_override(struct arguments *a, const char *text, struct argp_state *state) {
    if (overrides_add(&a->overrides, text, NULL)) {
        argp_error(state, "%s", error_message());
        return;
    }
    const char *scope = a->overrides.at[a->overrides.n - 1].scope;
    if (scope) argp_error(state, "--set %s: there is one stage only: without \"%s:\"", text, scope);
}

/* Whether --dump names a file, not a folder. */
static bool dump_is_file(const struct arguments *a) {
    static const char suffix[] = ".safetensors";
    size_t n = a->dump ? strlen(a->dump) : 0;
    return n > strlen(suffix) && strcmp(a->dump + n - strlen(suffix), suffix) == 0;
}

/* A setting that an option stands for. */
static void add_setting(struct arguments *a, const char *key, const char *value,
                        struct argp_state *state) {
    char *text = mem_format("%s=%s", key, value);
    add_override(a, text, state);
    free(text);
}

static double score_of(const char *arg, struct argp_state *state) {
    char *end;
    double x = strtod(arg, &end);
    if (end == arg || *end || !isfinite(x) || x < 0)
        argp_error(state, "--min-score %s: is no number from 0 on", arg);
    return x;
}

static void check_arguments(const struct arguments *a, struct argp_state *state) {
    if (!a->model.name && a->model.weights)
        argp_error(state, "--weights %s goes with --config CONFIG; or name it by -m alone",
                   a->model.weights);
    if (!a->model.name) argp_error(state, "which model? -m RUN");
    if (!a->classes) argp_error(state, "which names? --classes \"sky,tree\"");
    if (!a->out) argp_error(state, "where to? -o DIR");
    if (!a->words.n && !a->lists.n) argp_error(state, "no pictures");
    for (size_t i = 0; a->sliding && i < a->words.n; i++) /* getopt takes TILE behind = alone */
        if (!a->words.at[i][strspn(a->words.at[i], "0123456789")] && !file_exists(a->words.at[i]))
            argp_error(state, "%s: is no picture; TILE is written behind =: --sliding=%s",
                       a->words.at[i], a->words.at[i]);
    if (a->dump && a->resume)
        argp_error(state,
                   "--dump: the tensors of pictures that are done are not kept: without "
                   "--resume");
}

/* What says how it is done; the others are parse()'s. */
static error_t parse_how(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_SLIDING:
        add_setting(a, "eval.sliding.enabled", "true", state);
        a->sliding |= !arg;
        if (arg) add_setting(a, "eval.sliding.tile", arg, state);
        break;
    case KEY_ORIGINAL: add_setting(a, "eval.original", "true", state); break;
    case KEY_DAMAGED: a->damaged = picture_damaged_of(arg, state); break;
    case KEY_RESUME: a->resume = true; break;
    case KEY_BACKGROUND: a->background = arg; break;
    case KEY_MIN_SCORE: a->least = score_of(arg, state); break;
    case KEY_RLE: a->rle = true; break;
    case KEY_SCORES: a->scores = true; break;
    case KEY_NO_OVERLAY: a->no_overlay = true; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case 'm':
    case KEY_CONFIG: a->model.name = arg; break;
    case KEY_WEIGHTS: a->model.weights = arg; break;
    case KEY_PROPOSALS: a->model.proposals = arg; break;
    case KEY_CLASSES: a->classes = arg; break;
    case KEY_SET: add_override(a, arg, state); break;
    case KEY_LIST: strings_add(&a->lists, arg); break;
    case KEY_DUMP: a->dump = arg; break;
    case 'o': a->out = arg; break;
    case 'v': a->verbose = true; break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG: strings_add(&a->words, arg); break;
    case ARGP_KEY_END: check_arguments(a, state); break;
    default: return parse_how(key, arg, state);
    }
    return 0;
}

/* ---- names ---- */

/* The names of --background: marked where they are among the classes, else put behind them. */
static int add_background(const struct arguments *a, struct vocabulary *v, bool **background) {
    struct vocabulary b = {0};
    if (!a->background) return 0;
    int status = vocabulary_open(&b, a->background);
    size_t named = v->n, marked = 0;
    bool *is = mem_alloc(v->n + b.n + 1, sizeof *is); /* the demonstration may add a name */
    for (size_t i = 0; !status && i < b.n; i++) {
        size_t k = vocabulary_find(v, b.at[i].name);
        if (k == v->n) vocabulary_take(v, &b, i);
        marked += k < named && !is[k];
        is[k] = true;
    }
    if (!status) status = vocabulary_check(v, "--background");
    if (!status && marked == named)
        status =
            error_set(ERR_USAGE, "--background %s: these are all names there are", a->background);
    vocabulary_close(&b);
    *background = is;
    return status;
}

/* ---- pictures ---- */

static int list_pictures(const struct arguments *a, struct picture_list *l) {
    int status = 0;
    size_t there = 0;
    for (size_t i = 0; !status && i < a->words.n; i++)
        status = picture_list_add(l, a->words.at[i], a->out);
    for (size_t i = 0; !status && i < a->lists.n; i++)
        status = picture_list_read(l, a->lists.at[i]);
    for (size_t i = 0; i < l->n; i++) there += file_exists(l->at[i].path);
    if (!status && l->n && !there)
        status = error_set(ERR_MISSING, "%s%s: no such picture", l->at[0].path,
                           l->n > 1 ? " and the others" : "");
    if (!status && dump_is_file(a) && l->n > 1)
        status =
            error_set(ERR_USAGE, "--dump %s: one file is of one picture: name a folder", a->dump);
    return status;
}

/* What can be said without the model, whose opening may take a minute. */
static int check_files(const struct arguments *a, struct picture_work *w) {
    w->outputs = (struct picture_outputs){.dir = a->out, .rle = a->rle};
    w->outputs.wanted[PICTURE_LABELS] = w->outputs.wanted[PICTURE_JSON] = true;
    w->outputs.wanted[PICTURE_OVERLAY] = !a->no_overlay;
    w->outputs.wanted[PICTURE_SCORES] = a->scores;
    int status = picture_outputs_check(&w->outputs, w->list);
    if (!status) status = picture_outputs_make(&w->outputs, w->list);
    if (!status && a->dump && !dump_is_file(a)) status = dir_make(a->dump);
    return status;
}

static int open_model(const struct arguments *a, struct picture_work *w, struct vocabulary *v) {
    struct segmenter *s = w->segmenter;
    int span = span_begin("load");
    int status = segmenter_open(s, &a->model, v);
    span_end(span);
    if (!status && a->verbose) picture_tell_spans(a->model.name);
    if (!status && a->dump && s->given)
        status =
            error_set(ERR_USAGE, "--dump: the tensors are a proposal network's; there is none");
    if (!status && a->dump && s->node->config.eval.synonyms == SYNONYMS_MAX)
        status = error_set(ERR_USAGE,
                           "--dump: text_features has one row a name: without eval.synonyms=max");
    if (!status && segmenter_panoptic(s)) {
        w->outputs.wanted[PICTURE_IDS] = w->outputs.wanted[PICTURE_SEGMENTS] = true;
        status = picture_outputs_check(&w->outputs, w->list);
    }
    if (!status && v->n == 1)
        log_warn("one name takes every pixel: a second one such as \"others\" gives it a rival");
    return status;
}

static int work(const struct arguments *a, struct picture_work *w) {
    struct picture_record record = {0};
    int status = picture_record_of(&record, w->segmenter, w->names, &w->rules, &w->outputs);
    if (!status) status = picture_record_begin(&record, a->out, w->names, &w->rules, a->resume);
    w->record = &record;
    if (!status && w->segmenter->given)
        printf("masks of %s, named by CLIP alone\n", a->model.proposals);
    if (!status) status = picture_work(w);
    picture_record_free(&record);
    w->record = NULL;
    return status;
}

static int segment(const struct arguments *a, struct segmenter *s, struct vocabulary *v) {
    struct picture_list list = {0};
    bool *background = NULL;
    struct picture_work w = {.segmenter = s,
                             .list = &list,
                             .names = v,
                             .damaged = a->damaged,
                             .dump = a->dump,
                             .dump_file = dump_is_file(a),
                             .resume = a->resume,
                             .verbose = a->verbose};
    if (a->verbose) spans_open();
    int status = vocabulary_open(v, a->classes);
    if (!status) status = add_background(a, v, &background);
    if (!status) status = list_pictures(a, &list);
    if (!status) status = check_files(a, &w);
    if (!status) status = open_model(a, &w, v);
    w.rules = (struct picture_rules){a->least, background};
    w.each = !list.many;
    if (!status) status = work(a, &w);
    picture_list_free(&list);
    free(background);
    return status;
}

int cmd_segment(int argc, char **argv) {
    static const struct argp argp = {options, parse, "IMAGE|DIR|-...", doc, 0, 0, 0};
    struct arguments a = {0};
    struct segmenter s = {.masks.file.fd = -1};
    struct vocabulary v = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    signals_install();
    a.model.command = "ovseg segment";
    a.model.overrides = a.overrides.at;
    a.model.n_overrides = a.overrides.n;
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    int status = segment(&a, &s, &v);
    if (status) status = cmd_failed();
    segmenter_close(&s);
    t_scope_close(scope, NULL);
    vocabulary_close(&v);
    overrides_free(&a.overrides);
    strings_free(&a.words);
    strings_free(&a.lists);
    return status;
}
