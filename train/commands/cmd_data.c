/* ovseg data prepare|check|split|export SET: data sets made, looked at, divided and written out. */
#include "train/commands/cmd_data.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/set.h"
#include "data/set_index.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/signals.h"

/* ---- the options that all have ---- */

enum {
    KEY_ROOT = 512,
    KEY_IMAGES,
    KEY_MAPS,
    KEY_LIST,
    KEY_NAMES,
    KEY_CAPTIONS,
    KEY_PIXELS,
    KEY_PREPARED,
    KEY_STRICT,
    KEY_THREADS
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "Where a known data set is:", 1},
    {"root", KEY_ROOT, "DIR", 0,
     "The folder that holds it, or all of them; unpacked or as archives", 1},
    {"split", 's', "NAME", 0, "Which part: the first one of the set when it is not given", 1},
    {"images", KEY_IMAGES, "DIR", 0,
     "The pictures, in the place of what is below the root; a folder "
     "or an archive",
     1},
    {"maps", KEY_MAPS, "DIR", 0, "The label maps, likewise", 1},
    {"list", KEY_LIST, "FILE", 0, "Names of the pictures that count, one a line", 1},
    {"names", KEY_NAMES, "FILE", 0,
     "Names of the classes and their values in the maps, in the place "
     "of the shipped table",
     1},
    {"captions", KEY_CAPTIONS, "FILE", 0, "Captions: COCO's JSON, or JSON Lines (.jsonl)", 1},
    {"pixels", KEY_PIXELS, "reference|original", 0,
     "ade20k-847: as the reference keeps it (short "
     "side 512, JPEG again; the default), or as it is",
     1},
    {"prepared", KEY_PREPARED, 0, 0,
     "Take what the reference's scripts have made "
     "(annotations_detectron2, stuffthingmaps_detectron2)",
     1},
    {"strict", KEY_STRICT, 0, 0,
     "Archives that are not the published files, and other numbers of pictures than the published "
     "ones, are errors",
     1},
    {"threads", KEY_THREADS, "N", 0, "Threads; the result does not depend on them", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct data_arguments *a = state->input;
    switch (key) {
    case KEY_ROOT: a->root = arg; break;
    case 's': a->split = arg; break;
    case KEY_IMAGES: a->images = arg; break;
    case KEY_MAPS: a->maps = arg; break;
    case KEY_LIST: a->list = arg; break;
    case KEY_NAMES: a->names = arg; break;
    case KEY_CAPTIONS: a->captions = arg; break;
    case KEY_PIXELS:
        a->original = strcmp(arg, "original") == 0;
        if (!a->original && strcmp(arg, "reference") != 0)
            argp_error(state, "--pixels %s: is neither reference nor original", arg);
        break;
    case KEY_PREPARED: a->prepared = true; break;
    case KEY_STRICT: a->strict = true; break;
    case KEY_THREADS: a->threads = (int)argument_int(state, "--threads", arg, 0, 4096); break;
    case ARGP_KEY_ARG:
        if (a->set) argp_usage(state);
        a->set = arg;
        break;
    case ARGP_KEY_END:
        if (!a->set) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp data_argp = {options, parse, 0, 0, 0, 0, 0};

/* ---- what they do alike ---- */

/* A run, most likely, which has several sets: which of them is meant? */
static int folder_is_no_set(const char *dir) {
    struct strings names = {0};
    struct str sets = {0};
    size_t n = 0;
    int status = dir_list(dir, &names);
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        bool is = strstr(names.at[i], ".h5") && (set_is(path) || set_index_is(path));
        if (is) str_add(&sets, "%s%s", n++ ? ", " : "", path);
        free(path);
    }
    if (!status && n)
        status = error_set(ERR_USAGE, "%s: is a folder, and one of its sets is meant: %s%s", dir,
                           n == 1 ? "" : "name one of ", sets.at);
    else if (!status)
        status = error_set(ERR_MISSING,
                           "%s: is a folder without a set: runs of stage scenes and prepare have "
                           "some; of pictures `ovseg data prepare folder --root %s` makes one",
                           dir, dir);
    strings_free(&names);
    str_free(&sets);
    return status;
}

int data_open(struct dataset *d, const struct data_arguments *a, const char *work,
              struct strings *archives) {
    *d = (struct dataset){0};
    if (file_exists(a->set)) return set_or_index_open(d, a->set);
    bool known =
        !strchr(a->set, '/') && known_set_find(a->set); /* also where a folder is so called */
    if (!known && dir_exists(a->set)) {
        error_clear();
        return folder_is_no_set(a->set);
    }
    if (strchr(a->set, '/') || strstr(a->set, ".h5")) {
        error_clear();
        return error_set(ERR_MISSING, "%s: no such file", a->set);
    }
    if (!known) return error_status();
    struct known_source s = {.set = known_set_find(a->set),
                             .root = a->root,
                             .images = a->images,
                             .maps = a->maps,
                             .list = a->list,
                             .names = a->names,
                             .captions = a->captions,
                             .original = a->original,
                             .prepared = a->prepared,
                             .strict = a->strict,
                             .work = work,
                             .archives = archives,
                             .stop = data_stop};
    if (!(s.split = known_split_find(s.set, a->split))) return error_status();
    if (!a->root && !a->images)
        return error_set(ERR_USAGE, "%s: where is it? --root DIR, or --images DIR and --maps DIR",
                         a->set);
    return known_open(d, &s);
}

int data_stop(void) {
    return signals_pending() ? signals_error("the same command goes on from here") : 0;
}

void data_use_threads(const struct data_arguments *a) {
    if (a->threads) omp_set_num_threads((int)a->threads);
}

/* ---- the command ---- */

const struct command data_parts[] = {
    {"prepare", "a set file, or an index, of a known data set or of an own folder",
     cmd_data_prepare},
    {"check", "what cannot be read, how often each class occurs, odd names, a sheet to look at",
     cmd_data_check},
    {"split", "parts of a set, dealt out by a seed", cmd_data_split},
    {"export", "pictures, masks, captions and names as plain files", cmd_data_export},
    {NULL, NULL, NULL},
};

static void help(FILE *to) {
    fputs("Usage: ovseg data prepare|check|split|export SET [OPTION...]\n\n", to);
    for (const struct command *c = data_parts; c->name; c++)
        fprintf(to, "  %-8s %s\n", c->name, c->help);
    fputs("\nSET is a set file, an index, or the name of a known data set:\n\n", to);
    const struct known_set *s;
    for (size_t i = 0; (s = known_set_at(i)); i++) {
        fprintf(to, "  %-20s %s%s%s%s; splits:", s->name, s->about, s->alias ? " (" : "",
                s->alias ? s->alias : "", s->alias ? ")" : "");
        for (size_t k = 0; k < sizeof s->split / sizeof *s->split && s->split[k].name; k++)
            fprintf(to, " %s", s->split[k].name);
        fputs("\n", to);
    }
    fputs("\n`ovseg data prepare --help` explains an action; docs/data.md each data set.\n", to);
}

int cmd_data(int argc, char **argv) {
    signals_install();
    argp_err_exit_status = ERR_USAGE;
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-?") == 0) {
        help(stdout);
        return 0;
    }
    for (const struct command *c = data_parts; c->name; c++)
        if (strcmp(c->name, verb) == 0) {
            char *name = mem_format("ovseg data %s", verb);
            argv[1] = name;
            int status = c->run(argc - 1, argv + 1);
            free(name);
            return status;
        }
    if (*verb) fprintf(stderr, "ovseg data: no action \"%s\"\n\n", verb);
    help(stderr);
    return ERR_USAGE;
}
