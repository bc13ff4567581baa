/* ovseg data check SET: what is in a data set, and what is wrong with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/class_names.h"
#include "data/set.h"
#include "data/set_check.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_data.h"

struct arguments {
    struct data_arguments data;
    const char *sheet;
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE.png", 0, "Eight pictures with their maps over them (SET-check.png)", 0},
    {0},
};

static const char doc[] =
    "Reads every picture and label map of a set file, an index or a known data set, and prints "
    "what "
    "cannot be read, what does not fit, how often each class occurs, and names that look joined or "
    "doubled; draws eight pictures with their maps.\v"
    "Exit status: 0 all is readable, 64 usage, 65 something is damaged, 66 something is missing, "
    "74 "
    "input or output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->data; break;
    case 'o': a->sheet = arg; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int draw(const struct arguments *a, const struct dataset *d) {
    struct image sheet;
    struct bytes png = {0};
    char *stem = path_stem(a->data.set);
    char *path = a->sheet ? mem_strdup(a->sheet) : mem_format("%s-check.png", stem);
    int status = set_check_sheet(d, &sheet);
    if (!status) status = image_encode_png(&sheet, &png);
    if (!status) status = file_write(path, png.at, png.n);
    if (!status) printf("\nsheet: %s\n", path);
    image_free(&sheet);
    bytes_free(&png);
    free(path);
    free(stem);
    return status;
}

static int run(const struct arguments *a) {
    struct dataset d;
    struct set_check c = {0};
    struct strings known = {0};
    struct str text = {0};
    int status = class_names_known(&known);
    if (!status && set_is(a->data.set)) status = set_verify(a->data.set);
    if (!status) status = data_open(&d, &a->data, NULL, NULL);
    if (!status) {
        status = set_check_run(&c, &d, &known, data_stop);
        int64_t bad = c.unreadable + c.misfits;
        if (!status) {
            set_check_print(&c, &d, &text);
            fputs(text.at, stdout);
        }
        if (!status && d.has_labels && bad < c.pictures) status = draw(a, &d);
        if (!status && bad)
            status = error_set(ERR_DATA, "%s: %lld of %lld pictures are damaged", a->data.set,
                               (long long)bad, (long long)c.pictures);
        dataset_close(&d);
    }
    str_free(&text);
    set_check_free(&c);
    strings_free(&known);
    return status;
}

int cmd_data_check(int argc, char **argv) {
    static const struct argp_child children[] = {{&data_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {options, parse, "SET", doc, children, 0, 0};
    struct arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    data_use_threads(&a.data);
    return run(&a) ? cmd_failed() : 0;
}
