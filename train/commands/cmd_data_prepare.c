/* ovseg data prepare SET --root DIR -o FILE.h5: a set file of what the user has, verified. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/set.h"
#include "data/set_index.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_data.h"

struct arguments {
    struct data_arguments data;
    const char *out;
    bool skip, keep_empty, training, index, dry_run;
};

enum { KEY_DAMAGED = 256, KEY_KEEP_EMPTY, KEY_TRAINING, KEY_INDEX, KEY_DRY_RUN };

static const struct argp_option options[] = {
    {"output", 'o', "FILE.h5", 0, "The set that is made (SET-SPLIT.h5); a folder: in it", 0},
    {"index", KEY_INDEX, 0, 0,
     "Make an index in its place: a small file that names the pictures and maps, which are read "
     "where they lie",
     0},
    {"damaged", KEY_DAMAGED, "stop|skip", 0,
     "What to do with a picture or map that cannot be read: end (the default), or leave it out", 0},
    {"keep-empty", KEY_KEEP_EMPTY, 0, 0, "Keep pictures without a labelled pixel", 0},
    {"training", KEY_TRAINING, 0, 0,
     "Pixels of classes that have no masks in training count for nothing", 0},
    {"dry-run", KEY_DRY_RUN, 0, 0, "Say what is there and what would be made", 0},
    {0},
};

static const char doc[] =
    "Makes a set file of a data set that you have, unpacked or as archives: pictures as they are "
    "stored, label maps with the reference's class numbers, captions. Every picture and map is "
    "read "
    "once and verified. A call that was killed goes on where it was, to the same bytes.\v"
    "`ovseg data --help` lists the data sets, docs/data.md describes them. FILE.h5.part holds what "
    "is done until it is whole.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged data, 66 something is missing, 69 a build without a "
    "library that is needed, 74 input or output, 75, 130, 143 stopped by a signal.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->data; break;
    case 'o': a->out = arg; break;
    case KEY_DAMAGED:
        a->skip = strcmp(arg, "skip") == 0;
        if (!a->skip && strcmp(arg, "stop") != 0)
            argp_error(state, "--damaged %s: is neither stop nor skip", arg);
        break;
    case KEY_KEEP_EMPTY: a->keep_empty = true; break;
    case KEY_TRAINING: a->training = true; break;
    case KEY_INDEX: a->index = true; break;
    case KEY_DRY_RUN: a->dry_run = true; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* What decides a set besides the files; `of`: the file's own name, "set-split.h5". */
static void config_hash(const struct arguments *a, const char *of, char out[17]) {
    struct hasher h;
    const bool flags[] = {a->data.original, a->keep_empty, a->training};
    hasher_open(&h);
    hasher_add_string(&h, of);
    hasher_add(&h, flags, sizeof flags);
    hash_hex(hasher_close(&h), out);
}

static void print_found(const struct dataset *d, const struct known_split *split, const char *out) {
    printf("pictures  %lld\n", (long long)d->n_images);
    if (split && split->pictures) printf("expected  %lld\n", (long long)split->pictures);
    printf("captions  %lld\nclasses   %lld\nmaps      %s\noutput    %s\n", (long long)d->n_captions,
           (long long)d->n_classes, d->has_labels ? "yes" : "no", out);
}

static int print_result(const struct set_prepare *p, const char *path) {
    struct dataset d;
    int status = set_or_index_open(&d, path);
    if (status) return status;
    printf(
        "%s: %lld pictures, %lld captions, %lld classes; %lld damaged, %lld without a labelled "
        "pixel left out; hash %016" PRIx64 "\n",
        path, (long long)p->n, (long long)d.n_captions, (long long)d.n_classes,
        (long long)p->damaged, (long long)p->empty, d.hash);
    dataset_close(&d);
    return 0;
}

static int make(const struct arguments *a, const struct dataset *d, const char *of,
                const char *path) {
    char hash[17];
    config_hash(a, of, hash);
    struct set_prepare p = {.path = path,
                            .config_hash = hash,
                            .training = a->training,
                            .drop_empty = !a->keep_empty,
                            .stop_on_damage = !a->skip,
                            .stop = data_stop};
    char *dir = path_dir(path);
    int status = dir_make(dir);
    if (!status) status = a->index ? set_index_write(&p, d) : set_prepare_run(&p, d);
    for (size_t i = 0; i < p.what.n && (!status || a->skip); i++)
        log_warn("left out: %s", p.what.at[i]);
    if (!status) status = print_result(&p, path);
    set_prepare_free(&p);
    free(dir);
    return status;
}

/* The published number of pictures. */
static int check_number(const struct arguments *a, const struct known_split *split,
                        const struct dataset *d) {
    if (!split || !split->pictures || d->n_images == split->pictures) return 0;
    if (a->data.strict)
        return error_set(ERR_DATA, "%s, split %s: %lld pictures; there are %lld in the whole set",
                         a->data.set, split->name, (long long)d->n_images,
                         (long long)split->pictures);
    log_warn("%s, split %s: %lld pictures; there are %lld in the whole set", a->data.set,
             split->name, (long long)d->n_images, (long long)split->pictures);
    return 0;
}

static int prepare_or_look(const struct arguments *a, const struct known_split *split,
                           const char *of, const char *path) {
    char *part = mem_format("%s.part", path), *work = path_join(part, "unpacked");
    struct strings archives = {0};
    struct dataset d;
    int status = data_open(&d, &a->data, a->index ? NULL : work, a->dry_run ? &archives : NULL);
    for (size_t i = 0; i < archives.n && !status; i++)
        printf("archive   %s, %lld MB\n", archives.at[i],
               (long long)(file_size(archives.at[i]) / 1000000));
    if (!status && !archives.n) {
        status = check_number(a, split, &d);
        if (!status && a->dry_run)
            print_found(&d, split, path);
        else if (!status)
            status = make(a, &d, of, path);
        dataset_close(&d);
    }
    strings_free(&archives);
    free(work);
    free(part);
    return status;
}

static int run(const struct arguments *a) {
    bool file = file_exists(a->data.set);
    const struct known_set *set = file ? NULL : known_set_find(a->data.set);
    const struct known_split *split = set ? known_split_find(set, a->data.split) : NULL;
    if (!split && !file) return error_status();
    char *name = split ? mem_format("%s-%s.h5", set->name, split->name) : mem_strdup("prepared.h5");
    char *path =
        a->out && !dir_exists(a->out) ? mem_strdup(a->out) : path_join(a->out ? a->out : "", name);
    int status = prepare_or_look(a, split, name, path);
    free(path);
    free(name);
    return status;
}

int cmd_data_prepare(int argc, char **argv) {
    static const struct argp_child children[] = {{&data_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {options, parse, "SET", doc, children, 0, 0};
    struct arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    data_use_threads(&a.data);
    return run(&a) ? cmd_failed() : 0;
}
