/* ovseg mine export PAIRS DIR: mined pairs as others read them, masked crops as JPEG files. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/progress.h"
#include "data/pairs_export.h"
#include "nn/torch/tensor.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_mine.h"
#include "train/mine/pairs_place.h"
#include "train/signals.h"

struct arguments {
    const char *pairs, *out, *scenes, *template, *path_column, *title_column;
    enum pairs_form form;
    int64_t side, quality, threads;
};

enum {
    KEY_FORM = 256,
    KEY_SCENES,
    KEY_TEMPLATE,
    KEY_PATH_COLUMN,
    KEY_TITLE_COLUMN,
    KEY_SIDE,
    KEY_QUALITY,
    KEY_THREADS,
};

static const struct argp_option options[] = {
    {"form", KEY_FORM, "FORM", 0,
     "tsv (the default): DIR/pairs.tsv, a line a pair, path and text, and the crops in DIR/crops; "
     "or folders: a sub-folder of DIR for each noun, its crops in it, which `ovseg eval MODEL "
     "--images DIR` and torchvision's ImageFolder read",
     0},
    {"template", KEY_TEMPLATE, "TEXT", 0,
     "Of tsv: the text of a pair, {} for the noun (default \"a photo of a {}.\")", 0},
    {"path-column", KEY_PATH_COLUMN, "NAME", 0, "Of tsv: its name (default filepath)", 0},
    {"title-column", KEY_TITLE_COLUMN, "NAME", 0, "Of tsv: its name (default title)", 0},
    {"side", KEY_SIDE, "PIXELS", 0, "Of a crop (default 224)", 0},
    {"quality", KEY_QUALITY, "N", 0,
     "Of the JPEG files (default 75, Pillow's: masks can be recovered from no other)", 0},
    {"scenes", KEY_SCENES, "RUN|FILE", 0,
     "Where the pictures are, when the pairs have been moved away from their run", 0},
    {"threads", KEY_THREADS, "N", 0, "0, the default: as many as the machine has cores", 0},
    {0},
};

static const char doc[] =
    "Writes the pairs of PAIRS (a run of stage mine, its config, a folder of pairs) to the new "
    "folder DIR in the form of OVSeg's published data: every pair a square JPEG picture, the box "
    "around its mask, with CLIP's mean colour outside the mask, named IMAGE-ID_K.jpg.\v"
    "What was filled reads back as the colour (124, 116, 103), from which the reference and "
    "`ovseg-train CONFIG inputs.pairs=DIR/pairs.tsv` recover the mask, a little wider than it was. "
    "True masks are in the pairs themselves.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged, 66 missing, 74 input or output, 78 a template that "
    "is none.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_FORM:
        if (strcmp(arg, "tsv") != 0 && strcmp(arg, "folders") != 0)
            argp_error(state, "--form %s: there are tsv and folders", arg);
        a->form = strcmp(arg, "tsv") == 0 ? PAIRS_FORM_TABLE : PAIRS_FORM_FOLDERS;
        break;
    case KEY_TEMPLATE: a->template = arg; break;
    case KEY_PATH_COLUMN: a->path_column = arg; break;
    case KEY_TITLE_COLUMN: a->title_column = arg; break;
    case KEY_SIDE: a->side = argument_int(state, "--side", arg, 8, 4096); break;
    case KEY_QUALITY: a->quality = argument_int(state, "--quality", arg, 1, 100); break;
    case KEY_THREADS: a->threads = argument_int(state, "--threads", arg, 0, 1024); break;
    case KEY_SCENES: a->scenes = arg; break;
    case ARGP_KEY_ARG: argument_of_two(state, arg, &a->pairs, &a->out); break;
    case ARGP_KEY_END:
        if (!a->out) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void see(void *ctx, int64_t pairs) { progress_at(ctx, pairs, NULL); }

static int write_pairs(const struct arguments *a, const struct pairs *p,
                       const struct dataset *pictures) {
    struct progress progress;
    struct pairs_export x = {.pairs = p,
                             .pictures = pictures,
                             .form = a->form,
                             .side = a->side,
                             .quality = (int)a->quality,
                             .template = a->template,
                             .path_column = a->path_column,
                             .title_column = a->title_column,
                             .threads = a->threads ? (int)a->threads : t_threads(),
                             .stop = cmd_mine_stop,
                             .each = see,
                             .ctx = &progress};
    progress_open(&progress, "export", "pairs", 0, p->n, 30);
    signals_hold(true);
    int status = pairs_export_write(&x, a->out);
    signals_hold(false);
    progress_close(&progress);
    if (!status) printf("%lld pairs in %s\n", (long long)p->n, a->out);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    return status;
}

static int export(const struct arguments *a) {
    struct pairs_place at = {0};
    struct dataset pictures = {0};
    int status = argument_is_new(a->out);
    if (!status) status = pairs_place_open(&at, a->pairs);
    if (!status) status = pairs_place_pictures(&at, a->scenes, &pictures);
    if (!status) status = write_pairs(a, &at.pairs, &pictures);
    dataset_close(&pictures);
    pairs_place_close(&at);
    return status;
}

int cmd_mine_export(int argc, char **argv) {
    static const struct argp argp = {options, parse, "PAIRS DIR", doc, 0, 0, 0};
    struct arguments a = {.template = "a photo of a {}.",
                          .path_column = "filepath",
                          .title_column = "title",
                          .side = 224,
                          .quality = 75};
    signals_install();
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return export(&a) ? cmd_failed() : 0;
}
