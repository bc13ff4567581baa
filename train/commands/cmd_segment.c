/* ovseg segment -m RUN --classes FILE|"a,b,c" IMAGE... -o DIR: label maps and overlays of any
 * pictures with any names, and the share of every name. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/spans.h"
#include "checkpoints/safetensors.h"
#include "train/commands/cmd.h"
#include "train/panoptic_files.h"
#include "train/picture.h"
#include "train/segmenter.h"

enum { FILE_MAX = 256 << 20 }; /* bytes of a picture file */

struct arguments {
    struct model_options model;
    struct overrides overrides;
    const char *classes, *out, *dump;
    char **image;
    size_t n_images, images_cap;
    bool verbose;
};

enum { KEY_CLASSES = 256, KEY_SET, KEY_PROPOSALS, KEY_DUMP, KEY_CONFIG, KEY_WEIGHTS };

static const struct argp_option options[] = {
    {"model", 'm', "RUN|PACKAGE", 0,
     "A model package (`ovseg export`); run of a CLIP stage or of an evaluation, RUN@best, or its "
     "config; a file of the reference's weights (.pth)",
     0},
    {"config", KEY_CONFIG, "CONFIG", 0, "The same as --model", 0},
    {"weights", KEY_WEIGHTS, "FILE", 0,
     "With a CONFIG of stage import, or of an evaluation of one: the weights, which may lie "
     "anywhere",
     0},
    {"classes", KEY_CLASSES, "NAMES", 0, "\"sky,tree,a red car\", or a file: see `--help` below",
     0},
    {"output", 'o', "DIR", 0, "Where NAME.png and NAME-overlay.png go; made when missing", 0},
    {"proposals", KEY_PROPOSALS, "RUN|MASKS", 0,
     "Another proposal network than the one behind RUN; or masks of others, which CLIP alone "
     "names: "
     "COCO's or SAM's JSON, or PNG files (`--help` below)",
     0},
    {"set", KEY_SET, "KEY=VALUE", 0,
     "A setting, or a key of the reference's: eval.lambda=0.6, MODEL.CLIP_ADAPTER.MASK_THR=0.4", 0},
    {"dump", KEY_DUMP, "DIR|FILE", 0,
     "Also write all tensors between picture and labels: DIR/NAME.safetensors, or, of one picture, "
     "FILE.safetensors",
     0},
    {"verbose", 'v', 0, 0, "Also how long each part took: of opening, and of every picture", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {0},
};

static const char doc[] =
    "Segments pictures (JPEG, PNG, WebP) with any names. For each IMAGE it writes to DIR: "
    "NAME.png, "
    "the label map at the picture's size (pixel value: index of the name, from 0; 16 bits when "
    "there are more than 256), and NAME-overlay.png, to look at. The share of the pixels of every "
    "name goes to stdout. With eval.panoptic.enabled it also writes NAME-panoptic.png, the ids of "
    "segments, and NAME-panoptic.json, what they are.\v"
    "A file of classes is plain text, a name a line, or YAML (.yaml) with synonyms, prompts, "
    "colours and kinds (thing or stuff, for panoptic segments).\n\n"
    "The proposal network sees a picture with its short side at eval.shortest pixels; left at 0, "
    "at the side that the network was trained at: of its crops, or of its training pictures, which "
    "weights of others do not tell. "
    "`ovseg settings eval` explains the other settings.\n\n"
    "--proposals MASKS takes masks of others: a .json file (COCO's results or instances), or a "
    "folder "
    "with, for each picture NAME.jpg, NAME.json (SAM's), NAME.png (each value but 0 is a mask) or "
    "a "
    "folder NAME of .png files, a mask each. A pixel in none of them is unlabelled: 255, or 65535 "
    "when "
    "there are more than 255 names.\n\n"
    "eval.crf.enabled fits labels to the picture's edges; it takes 8 bytes of memory for each "
    "pixel and name (847 names at 640 x 864: 3.8 GB).\n\n"
    "Exit status: 0 done, 64 usage, 65 a damaged picture, run or class file, 66 a missing one "
    "(other pictures are done), 70 internal, 74 input or output, 78 bad setting.";

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

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case 'm':
    case KEY_CONFIG: a->model.name = arg; break;
    case KEY_WEIGHTS: a->model.weights = arg; break;
    case KEY_PROPOSALS: a->model.proposals = arg; break;
    case KEY_CLASSES: a->classes = arg; break;
    case KEY_SET: add_override(a, arg, state); break;
    case KEY_DUMP: a->dump = arg; break;
    case 'o': a->out = arg; break;
    case 'v': a->verbose = true; break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        a->image = mem_grow(a->image, &a->images_cap, a->n_images + 1, sizeof *a->image);
        a->image[a->n_images++] = arg;
        break;
    case ARGP_KEY_END:
        if (!a->model.name && a->model.weights)
            argp_error(state, "--weights %s goes with --config CONFIG; or name it by -m alone",
                       a->model.weights);
        if (!a->model.name) argp_error(state, "which model? -m RUN");
        if (!a->classes) argp_error(state, "which names? --classes \"sky,tree\"");
        if (!a->out) argp_error(state, "where to? -o DIR");
        if (!a->n_images) argp_error(state, "no pictures");
        if (dump_is_file(a) && a->n_images > 1)
            argp_error(state, "--dump %s: one file is of one picture: name a folder", a->dump);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* DIR/NAME and a suffix, owned. */
static char *out_path(const struct arguments *a, const char *image, const char *suffix) {
    char *stem = path_stem(image), *name = mem_format("%s%s", stem, suffix);
    char *path = path_join(a->out, name);
    free(stem);
    free(name);
    return path;
}

enum { OUT_LABELS, OUT_OVERLAY, ALWAYS, OUT_IDS = ALWAYS, OUT_SEGMENTS, WITH_PANOPTIC };
static const char *const suffixes[] = {".png", "-overlay.png", "-panoptic.png", "-panoptic.json"};

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool same_file(const char *a, const char *b) {
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Names the pictures that would be written to one path. */
static int two_of_one_name(const struct arguments *a, const char *path, int n_suffixes) {
    const char *found[2] = {"", ""};
    int n = 0;
    for (size_t i = 0; n < 2 && i < a->n_images; i++)
        for (int k = 0; n < 2 && k < n_suffixes; k++) {
            char *other = out_path(a, a->image[i], suffixes[k]);
            if (strcmp(other, path) == 0) found[n++] = a->image[i];
            free(other);
        }
    return error_set(ERR_USAGE,
                     "%s and %s would both be written to %s: segment them one after the other, "
                     "each with an -o of its own",
                     found[0], found[1], path);
}

/* Nothing that is written, of these suffixes, may replace a picture, or something else that is
 * written. */
static int check_outputs(const struct arguments *a, int n_suffixes) {
    struct strings paths = {0};
    int status = 0;
    for (size_t i = 0; i < a->n_images; i++)
        for (int k = 0; k < n_suffixes; k++) {
            char *path = out_path(a, a->image[i], suffixes[k]);
            for (size_t m = 0; !status && m < a->n_images && file_exists(path); m++)
                if (same_file(path, a->image[m]))
                    status = error_set(ERR_USAGE, "%s would be overwritten: choose another -o",
                                       a->image[m]);
            strings_add(&paths, path);
            free(path);
        }
    if (paths.n) qsort(paths.at, paths.n, sizeof *paths.at, by_text);
    for (size_t i = 1; !status && i < paths.n; i++)
        if (strcmp(paths.at[i], paths.at[i - 1]) == 0)
            status = two_of_one_name(a, paths.at[i], n_suffixes);
    strings_free(&paths);
    return status;
}

struct share {
    const char *name;
    int64_t pixels;
};

static int by_share(const void *a, const void *b) {
    const struct share *x = a, *y = b;
    if (x->pixels != y->pixels) return x->pixels < y->pixels ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void print_shares(const char *image, const struct labels *l, const struct vocabulary *v) {
    struct share *s = mem_alloc(v->n, sizeof *s);
    int64_t n = l->h * l->w;
    for (size_t k = 0; k < v->n; k++) s[k].name = v->at[k].name;
    int64_t unlabelled = 0;
    for (int64_t i = 0; i < n; i++) *(l->at[i] < v->n ? &s[l->at[i]].pixels : &unlabelled) += 1;
    qsort(s, v->n, sizeof *s, by_share);
    printf("%s  %lld x %lld\n", image, (long long)l->w, (long long)l->h);
    for (size_t k = 0; k < v->n; k++)
        printf("  %6.2f %%  %s\n", 100.0 * (double)s[k].pixels / (double)n, s[k].name);
    if (unlabelled) printf("  %6.2f %%  (unlabelled)\n", 100.0 * (double)unlabelled / (double)n);
    free(s);
}

static int write_overlay(const char *path, const struct image *im, const struct labels *l,
                         const struct vocabulary *v) {
    const char **names = mem_alloc(v->n, sizeof *names);
    uint8_t(*colours)[3] = mem_alloc(v->n, sizeof *colours);
    for (size_t k = 0; k < v->n; k++) {
        names[k] = v->at[k].name;
        if (v->at[k].has_colour)
            memcpy(colours[k], v->at[k].colour, 3);
        else
            overlay_colour((int64_t)k, colours[k]);
    }
    struct overlay_options o = {.opacity = 0.6,
                                .names = names,
                                .n_names = (int64_t)v->n,
                                .colours = (const uint8_t(*)[3])colours,
                                .ignore = segment_unlabelled((int64_t)v->n)};
    struct image sheet = {0};
    int status = picture_overlay(im, l, &o, &sheet);
    if (!status) status = picture_write(path, &sheet);
    image_free(&sheet);
    free(names);
    free(colours);
    return status;
}

/* The tensors by name, and the label map. */
static int write_dump(const struct arguments *a, const char *image, struct dump *d,
                      const struct labels *l) {
    char *stem = path_stem(image), *name = mem_format("%s.safetensors", stem);
    char *path = dump_is_file(a) ? mem_strdup(a->dump) : path_join(a->dump, name);
    int scope = t_scope_open("dump", T_NO_GRAD);
    dump_put_labels(d, "label", l);
    struct safetensors_out w;
    int status = safetensors_out_open(&w, path);
    for (int i = 0; i < d->n; i++)
        safetensors_out_name(&w, d->at[i].name, t_dtype(d->at[i].x), t_shape(d->at[i].x));
    for (int i = 0; !status && i < d->n; i++)
        status = safetensors_out_put_tensor(&w, t_contiguous(d->at[i].x));
    if (!status) status = safetensors_out_commit(&w);
    safetensors_out_close(&w);
    t_scope_close(scope, NULL);
    free(path);
    free(name);
    free(stem);
    return status;
}

static int write_segments(const struct segmenter *s, const struct arguments *a, const char *image,
                          const struct panoptic *p, const struct vocabulary *v) {
    char *ids = out_path(a, image, suffixes[OUT_IDS]);
    char *segments = out_path(a, image, suffixes[OUT_SEGMENTS]);
    int status = panoptic_write(ids, segments, p, v, s->thing);
    free(ids);
    free(segments);
    return status;
}

/* With --verbose: what the parts took since the last time. */
static void tell_spans(const struct arguments *a, const char *of) {
    if (!a->verbose) return;
    struct str text = {0};
    spans_text(&text);
    log_info("%s: %s", of, text.at);
    str_free(&text);
    spans_open();
}

/* One picture. *bad: the error is the picture's own, and others can go on. */
static int segment_file(struct segmenter *s, const struct arguments *a, const char *file,
                        const struct vocabulary *v, bool *bad) {
    struct bytes text = {0};
    struct image im = {0};
    struct labels l = {0};
    struct panoptic segments = {0}, *wanted = segmenter_panoptic(s) ? &segments : NULL;
    char *map = out_path(a, file, suffixes[OUT_LABELS]);
    char *overlay = out_path(a, file, suffixes[OUT_OVERLAY]);
    int span = span_begin("read");
    int status = file_read(file, FILE_MAX, &text);
    if (!status) status = image_decode_upright(text.at, text.n, file, &im);
    span_end(span);
    *bad = status != 0;
    struct dump dump = {0};
    if (!status) {
        status = segmenter_labels(s, file, &im, &l, wanted, a->dump ? &dump : NULL);
        *bad = s->given && (status == ERR_DATA || status == ERR_MISSING); /* its masks */
    }
    span = span_begin("write");
    if (!status) status = picture_write_labels(map, &l);
    if (!status) status = write_overlay(overlay, &im, &l, v);
    if (!status && wanted) status = write_segments(s, a, file, wanted, v);
    if (!status && a->dump) status = write_dump(a, file, &dump, &l); /* last: the largest */
    dump_free(&dump);
    span_end(span);
    if (!status) print_shares(file, &l, v);
    if (!status) tell_spans(a, file);
    bytes_free(&text);
    image_free(&im);
    labels_free(&l);
    panoptic_free(&segments);
    free(map);
    free(overlay);
    return status;
}

static int segment_files(struct segmenter *s, const struct arguments *a,
                         const struct vocabulary *v) {
    size_t failed = 0;
    int kind = ERR_MISSING; /* of the failures, unless one is of another */
    int status = 0;
    if (s->given) printf("masks of %s, named by CLIP alone\n", a->model.proposals);
    for (size_t i = 0; !status && i < a->n_images; i++) {
        bool bad;
        status = segment_file(s, a, a->image[i], v, &bad);
        if (!status || !bad) continue;
        if (status != ERR_MISSING) kind = ERR_DATA;
        log_error("%s", error_message());
        error_clear();
        status = 0;
        failed++;
    }
    if (!status && failed)
        status = error_set(kind, "%zu of %zu pictures could not be read", failed, a->n_images);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    return status;
}

/* What can be said without the model, whose opening may take a minute. */
static int check_files(const struct arguments *a) {
    size_t there = 0;
    for (size_t i = 0; i < a->n_images; i++) there += file_exists(a->image[i]);
    if (!there)
        return error_set(ERR_MISSING, "%s%s: no such picture", a->image[0],
                         a->n_images > 1 ? " and the others" : "");
    int status = check_outputs(a, ALWAYS);
    if (!status) status = dir_make(a->out);
    if (!status && a->dump && !dump_is_file(a)) status = dir_make(a->dump);
    return status;
}

static int segment(struct segmenter *s, const struct arguments *a, struct vocabulary *v) {
    if (a->verbose) spans_open();
    int status = vocabulary_open(v, a->classes);
    if (!status) status = check_files(a);
    int span = span_begin("load");
    if (!status) status = segmenter_open(s, &a->model, v);
    span_end(span);
    if (!status) tell_spans(a, a->model.name);
    if (!status && a->dump && s->given)
        status =
            error_set(ERR_USAGE, "--dump: the tensors are a proposal network's; there is none");
    if (!status && segmenter_panoptic(s)) status = check_outputs(a, WITH_PANOPTIC);
    if (!status && v->n == 1)
        log_warn("one name takes every pixel: a second one such as \"others\" gives it a rival");
    return status ? status : segment_files(s, a, v);
}

int cmd_segment(int argc, char **argv) {
    static const struct argp argp = {options, parse, "IMAGE...", doc, 0, 0, 0};
    struct arguments a = {0};
    struct segmenter s = {0};
    struct vocabulary v = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    a.model.command = "ovseg segment";
    a.model.overrides = a.overrides.at;
    a.model.n_overrides = a.overrides.n;
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    int status = segment(&s, &a, &v);
    if (status) status = cmd_failed();
    segmenter_close(&s);
    t_scope_close(scope, NULL);
    vocabulary_close(&v);
    overrides_free(&a.overrides);
    free(a.image);
    return status;
}
