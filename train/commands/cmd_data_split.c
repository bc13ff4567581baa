/* ovseg data split SET -o DIR --parts train=0.8,val=rest, and ovseg data export SET DIR. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "data/set_split.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_data.h"

struct arguments {
    struct data_arguments data;
    const char *out, *parts;
    int64_t seed, images, masks;
};

enum { KEY_PARTS = 256, KEY_SEED, KEY_IMAGES_N, KEY_MASKS_N, KEY_ROOT };

/* ---- split ---- */

static const struct argp_option split_options[] = {
    {"output", 'o', "DIR", 0, "The folder of the parts: DIR/NAME.h5", 0},
    {"parts", KEY_PARTS, "NAME=AMOUNT,...", 0,
     "Counts (500), shares (0.8 or 80%) or \"rest\": train=0.8,val=0.1,test=rest", 0},
    {"seed", KEY_SEED, "N", 0, "Who goes where (1)", 0},
    {0},
};

static const char split_doc[] =
    "Deals the pictures of a set file, an index or a known data set out into parts. The same seed "
    "gives the same parts; the pictures of a part keep their order.\v"
    "Exit status: 0 done, 64 usage, 65 damaged data, 66 something is missing, 74 input or output.";

static error_t parse_split(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->data; break;
    case 'o': a->out = arg; break;
    case KEY_PARTS: a->parts = arg; break;
    case KEY_SEED: a->seed = argument_int(state, "--seed", arg, 0, INT64_MAX); break;
    case ARGP_KEY_END:
        if (!a->out || !a->parts) argp_error(state, "needs --parts and -o DIR");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int split(const struct arguments *a) {
    struct split_part part[SPLIT_PARTS_MAX];
    struct dataset d;
    int n = 0, status = data_open(&d, &a->data, NULL, NULL);
    if (status) return status;
    status = set_split_parse(a->parts, d.n_images, part, &n);
    if (!status) status = set_split(&d, part, n, (uint64_t)a->seed, a->out, data_stop);
    for (int i = 0; i < n && !status; i++)
        printf("%s/%s.h5: %lld pictures\n", a->out, part[i].name, (long long)part[i].n);
    dataset_close(&d);
    return status;
}

int cmd_data_split(int argc, char **argv) {
    static const struct argp_child children[] = {{&data_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {split_options, parse_split, "SET", split_doc, children, 0, 0};
    struct arguments a = {.seed = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    data_use_threads(&a.data);
    return split(&a) ? cmd_failed() : 0;
}

/* ---- export ---- */

static const struct argp_option export_options[] = {
    {"images", KEY_IMAGES_N, "N", 0, "The first N pictures (all)", 0},
    {"masks", KEY_MASKS_N, "M", 0, "The first M label maps (all)", 0},
    {"root", KEY_ROOT, "ROOT", 0, "Of a known data set: the folder that holds it", 0},
    {"split", 's', "NAME", 0, "Of a known data set: which part", 0},
    {0},
};

static const char export_doc[] =
    "Writes the contents of a set file, an index or a known data set as plain files: DIR/images, "
    "DIR/masks (index PNG), DIR/names.txt, DIR/captions.jsonl.\v"
    "`ovseg data prepare folder --root DIR` reads them.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged data, 66 something is missing, 74 input or output.";

static error_t parse_export(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_ROOT: a->data.root = arg; break;
    case 's': a->data.split = arg; break;
    case KEY_IMAGES_N: a->images = argument_int(state, "--images", arg, 0, INT64_MAX); break;
    case KEY_MASKS_N: a->masks = argument_int(state, "--masks", arg, 0, INT64_MAX); break;
    case ARGP_KEY_ARG:
        if (a->out) argp_usage(state);
        *(a->data.set ? &a->out : &a->data.set) = arg;
        break;
    case ARGP_KEY_END:
        if (!a->out) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int export(const struct arguments *a) {
    struct dataset d;
    struct set_exported out;
    int status = data_open(&d, &a->data, NULL, NULL);
    if (status) return status;
    status = set_export(&d, a->images, a->masks, a->out, data_stop, &out);
    if (!status)
        printf("%s: %lld pictures, %lld masks\n", a->out, (long long)out.images,
               (long long)out.masks);
    dataset_close(&d);
    return status;
}

int cmd_data_export(int argc, char **argv) {
    static const struct argp argp = {export_options, parse_export, "SET DIR", export_doc, 0, 0, 0};
    struct arguments a = {.images = INT64_MAX, .masks = INT64_MAX};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return export(&a) ? cmd_failed() : 0;
}
