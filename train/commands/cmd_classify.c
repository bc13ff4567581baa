/* ovseg classify -m RUN|FILE --classes NAMES --masks MASKS IMAGE|DIR|-...: regions that others
 * made, named by CLIP. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "eval/given.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/given.h"
#include "train/pictures/picture_damaged.h"
#include "train/pictures/picture_reader.h"
#include "train/segmenter.h"
#include "train/signals.h"

struct arguments {
    struct model_options model;
    struct overrides overrides;
    const char *classes, *out;
    struct strings words, lists;
    enum picture_damaged damaged;
    int64_t top;
};

enum { KEY_CLASSES = 256, KEY_MASKS, KEY_SET, KEY_WEIGHTS, KEY_LIST, KEY_DAMAGED, KEY_TOP };
enum { TOP = 5 };

static const struct argp_option options[] = {
    {"model", 'm', "RUN|FILE", 0,
     "A CLIP: the run of a CLIP stage or of an evaluation, RUN@best, a config, or published "
     "weights",
     0},
    {"weights", KEY_WEIGHTS, "FILE", 0,
     "With a config of stage import, or of an evaluation of one: the weights", 0},
    {"classes", KEY_CLASSES, "NAMES", 0, "\"sky,tree,a red car\", or a file (docs/vocabulary.md)",
     0},
    {"masks", KEY_MASKS, "MASKS", 0,
     "A .json file (COCO's results or instances), or a folder with, for each picture NAME.jpg, "
     "NAME.json (SAM's), NAME.png (each value but 0 is a mask) or a folder NAME of .png files",
     0},
    {"list", KEY_LIST, "FILE", 0, "Pictures, a path a line, as ovseg segment has it", 0},
    {"damaged", KEY_DAMAGED, "fail|skip|stop", 0,
     "A picture that cannot be read, or has no masks, as ovseg segment has it", 0},
    {"top", KEY_TOP, "N", 0, "So many names of each region, best first (5)", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "A setting: eval.prompts=false, text.templates=[vild]", 0},
    {"output", 'o', "FILE.jsonl", 0, "There, not on stdout", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {0},
};

static const char doc[] =
    "Names given regions of pictures: what ovseg segment does with proposals, for masks that "
    "others "
    "made. One JSON object a region, a line each: picture, mask (its place among the picture's "
    "masks in a file, its value in a PNG), area, bbox [x, y, width, height], names and their "
    "probabilities.\v"
    "The probabilities are a softmax over the names that were given: another name takes its part "
    "of each. A region of fewer than eval.min_area pixels has no names.\n\n"
    "Exit status: 0 done, 64 usage, 65 a damaged picture, mask, run or class file, 66 a missing "
    "one "
    "(other pictures are done), 70 internal, 74 input or output, 130, 143 stopped by a signal, 78 "
    "bad setting.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case 'm': a->model.name = arg; break;
    case KEY_WEIGHTS: a->model.weights = arg; break;
    case KEY_CLASSES: a->classes = arg; break;
    case KEY_MASKS: a->model.proposals = arg; break;
    case KEY_LIST: strings_add(&a->lists, arg); break;
    case KEY_DAMAGED: a->damaged = picture_damaged_of(arg, state); break;
    case KEY_TOP: a->top = argument_int(state, "--top", arg, 1, VOCABULARY_MAX); break;
    case KEY_SET:
        if (overrides_add(&a->overrides, arg, NULL)) argp_error(state, "%s", error_message());
        break;
    case 'o': a->out = arg; break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG: strings_add(&a->words, arg); break;
    case ARGP_KEY_END:
        if (!a->model.name) argp_error(state, "which model? -m RUN");
        if (!a->classes) argp_error(state, "which names? --classes \"sky,tree\"");
        if (!a->model.proposals) argp_error(state, "which regions? --masks MASKS");
        if (!a->words.n && !a->lists.n) argp_error(state, "no pictures");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Everything at work. */
struct work {
    const struct arguments *a;
    struct segmenter *s;
    const struct vocabulary *v;
    struct picture_list list;
    struct file_out out; /* of -o */
    struct str line;
    int64_t regions, small; /* small: of them, without names */
};

struct guess {
    float prob;
    size_t name;
};

static int by_prob(const void *a, const void *b) {
    const struct guess *x = a, *y = b;
    if (x->prob != y->prob) return x->prob < y->prob ? 1 : -1;
    return x->name < y->name ? -1 : x->name > y->name;
}

static void put_guesses(struct json_out *j, const struct work *w, const float *prob) {
    size_t K = w->v->n, n = 0;
    struct guess *g = mem_alloc(K, sizeof *g);
    for (size_t k = 0; k < K; k++)
        if (!isnan(prob[k])) g[n++] = (struct guess){prob[k], k};
    qsort(g, n, sizeof *g, by_prob);
    if (n > (size_t)w->a->top) n = (size_t)w->a->top;
    json_key(j, "names");
    json_array(j);
    for (size_t i = 0; i < n; i++) json_string(j, w->v->at[g[i].name].name);
    json_end(j);
    json_key(j, "probabilities");
    json_array(j);
    for (size_t i = 0; i < n; i++) json_real(j, (double)g[i].prob);
    json_end(j);
    free(g);
}

static int put_region(struct work *w, const struct picture_file *p, const struct packed_region *r,
                      const float *prob) {
    const int64_t box[4] = {r->box.x0, r->box.y0, r->box.x1 - r->box.x0, r->box.y1 - r->box.y0};
    struct json_out j = {.to = &w->line};
    w->line.n = 0;
    json_object(&j);
    json_key_string(&j, "picture", p->name);
    json_key_int(&j, "mask", r->id);
    json_key_int(&j, "area", r->area);
    json_key(&j, "bbox");
    json_array(&j);
    for (int i = 0; i < 4; i++) json_int(&j, box[i]);
    json_end(&j);
    put_guesses(&j, w, prob);
    json_end(&j);
    str_put(&w->line, "\n", 1);
    w->regions++;
    if (w->a->out) return file_out_put(&w->out, w->line.at, w->line.n);
    if (fwrite(w->line.at, 1, w->line.n, stdout) < w->line.n)
        return error_set(ERR_IO, "stdout: cannot write");
    return 0;
}

/* *own: the error is the picture's. */
static int classify(struct work *w, const struct picture_file *p, const struct image *im,
                    bool *own) {
    struct segmenter *s = w->s;
    const struct config *c = &s->node->config;
    struct region_list masks;
    char *stem = path_stem(p->path);
    int status = mask_source_read(&s->masks, -1, stem, im->h, im->w, &masks);
    *own = status == ERR_DATA || status == ERR_MISSING;
    float *prob = status ? NULL : mem_try(masks.n + 1, w->v->n * sizeof *prob);
    if (!status && !prob) status = error_status();
    int scope = t_scope_open("", T_PRECISION(c->run.precision));
    if (!status)
        status = given_names(&s->namer.namer, &c->crop, c->eval.min_area, im, &masks, prob);
    t_scope_close(scope, NULL);
    for (size_t i = 0; !status && i < masks.n; i++) {
        w->small += masks.at[i].area < c->eval.min_area;
        status = put_region(w, p, &masks.at[i], prob + i * w->v->n);
    }
    free(prob);
    free(stem);
    region_list_free(&masks);
    return status;
}

static int take(struct work *w, struct picture_reader *reader, struct picture_failures *f,
                const struct picture_file *p) {
    struct picture_read from;
    if (picture_reader_next(reader, &from)) return picture_failed(f);
    bool own;
    int status = classify(w, p, &from.im, &own);
    picture_read_free(&from);
    return status && own ? picture_failed(f) : status;
}

static int classify_all(struct work *w) {
    struct picture_failures failures = {.how = w->a->damaged};
    struct picture_reader *reader = picture_reader_open(&w->list, NULL, NULL, 0);
    struct progress bar;
    size_t n = w->list.n;
    int status = reader ? 0 : error_status();
    if (!status && w->a->out) status = file_out_open(&w->out, w->a->out);
    progress_open(&bar, "classify", "pictures", 0, (int64_t)n, 30);
    for (size_t i = 0; !status && i < n; i++) {
        status = take(w, reader, &failures, &w->list.at[i]);
        progress_at(&bar, (int64_t)i + 1, NULL);
        if (!status && signals_pending() && i + 1 < n)
            status = signals_error("%zu of %zu pictures were named", i + 1, n);
    }
    progress_close(&bar);
    if (!status && w->a->out) status = file_out_commit(&w->out);
    if (w->a->out) file_out_close(&w->out);
    picture_reader_close(reader);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    if (!status && w->small)
        log_warn(
            "%lld of %lld regions have fewer pixels than eval.min_area, %lld, and so no names "
            "(--set eval.min_area=1 names all)",
            (long long)w->small, (long long)w->regions,
            (long long)w->s->node->config.eval.min_area);
    if (!status) log_info("%lld regions of %zu pictures", (long long)w->regions, n - failures.n);
    return status ? status : picture_failures_end(&failures, n);
}

/* As `ovseg segment --proposals` has it: a folder with nothing in it is an input that is missing.
 */
static int check_masks(const char *path) {
    if (given_is(path)) return 0;
    return error_set(file_exists(path) ? ERR_DATA : ERR_MISSING,
                     "%s: %s: wanted is a .json file, or a folder of .json or .png files", path,
                     dir_exists(path)    ? "a folder, but without masks"
                     : file_exists(path) ? "no masks"
                                         : "there is no such file or folder");
}

static int open_all(struct work *w, struct vocabulary *v) {
    const struct arguments *a = w->a;
    int status = vocabulary_open(v, a->classes);
    for (size_t i = 0; !status && i < a->words.n; i++)
        status = picture_list_add(&w->list, a->words.at[i], "");
    for (size_t i = 0; !status && i < a->lists.n; i++)
        status = picture_list_read(&w->list, a->lists.at[i]);
    if (!status && a->out) status = file_can_be(a->out);
    if (!status) status = check_masks(a->model.proposals);
    return status ? status : segmenter_open(w->s, &a->model, v);
}

int cmd_classify(int argc, char **argv) {
    static const struct argp argp = {options, parse, "IMAGE|DIR|-...", doc, 0, 0, 0};
    struct arguments a = {.top = TOP};
    struct segmenter s = {.masks.file.fd = -1};
    struct vocabulary v = {0};
    struct work w = {.a = &a, .s = &s, .v = &v};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    signals_install();
    a.model.command = "ovseg classify";
    a.model.overrides = a.overrides.at;
    a.model.n_overrides = a.overrides.n;
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    int status = open_all(&w, &v);
    if (!status) status = classify_all(&w);
    if (status) status = cmd_failed();
    segmenter_close(&s);
    t_scope_close(scope, NULL);
    picture_list_free(&w.list);
    vocabulary_close(&v);
    str_free(&w.line);
    overrides_free(&a.overrides);
    strings_free(&a.words);
    strings_free(&a.lists);
    return status;
}
