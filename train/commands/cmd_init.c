/* ovseg init DIR --images PATH ...: from a folder of pictures to a chain of configs. */
#include <argp.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "train/cluster/slurm_text.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/own/own.h"
#include "train/signals.h"

enum {
    KEY_IMAGES = 256,
    KEY_CAPTIONS,
    KEY_MASKS,
    KEY_NAMES,
    KEY_CLIP,
    KEY_PROPOSALS,
    KEY_DAMAGED,
    KEY_FIRST,
    KEY_SEED,
    KEY_THREADS,
    KEY_DRY_RUN
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What there is:", 1},
    {"images", KEY_IMAGES, "DIR", 0,
     "The pictures: JPEG, PNG, WebP, also in folders below. What is not named is looked for beside "
     "them and in them: captions.jsonl, .json, .tsv, .csv or texts; masks; names.txt, .yaml or "
     ".csv",
     1},
    {"captions", KEY_CAPTIONS, "PATH", 0,
     "JSON Lines, a table with tabs (.tsv) or commas (.csv; or semicolons), COCO's JSON, or a "
     "folder of NAME.txt",
     1},
    {"masks", KEY_MASKS, "PATH", 0,
     "A folder of NAME.png, of class numbers or painted, or COCO's instances as JSON", 1},
    {"names", KEY_NAMES, "FILE", 0,
     "The classes: a name a line, that of value 0 first; a table of names with values, or with "
     "red, "
     "green, blue; or a vocabulary",
     1},
    {"first", KEY_FIRST, "N", 0, "The value in masks that is the first name (0); below: unlabelled",
     1},
    {0, 0, 0, 0, "What to start from:", 2},
    {"clip", KEY_CLIP, "RUN|FILE", 0, "Weights of a CLIP, a run, or a config that makes one", 2},
    {"proposals", KEY_PROPOSALS, "RUN|FILE", 0,
     "The same of a network that proposes masks; that of a run or a config is trained further on "
     "your masks",
     2},
    {0, 0, 0, 0, "How:", 3},
    {"damaged", KEY_DAMAGED, "stop|skip", 0,
     "What to do when pictures, captions or masks are wrong: say all and write nothing (the "
     "default), or leave those out",
     3},
    {"seed", KEY_SEED, "N", 0,
     "Of who is held out (1). Lists of an earlier call, edited or not, are gone on from without it",
     3},
    {"dry-run", KEY_DRY_RUN, 0, 0, "Say what is there, write nothing", 3},
    {"threads", KEY_THREADS, "N", 0, "Threads; the result does not depend on them", 3},
    {0},
};

static const char doc[] =
    "Looks through a folder of your own pictures, with captions, masks, or both, and writes DIR: a "
    "config for each stage, lists of who trains and who is held out, and a vocabulary.\v"
    "Every picture, caption and mask is looked at first; all that is wrong is said at once, with "
    "the file and what to do, and nothing is written then. docs/own-data.md shows all layouts.\n\n"
    "Exit status: 0 done, 64 usage, 65 something is wrong with the files, 66 something is missing, "
    "74 input or output: also where DIR holds files that are in the way, 78 a config that is "
    "named cannot be used.";

struct arguments {
    const char *dir, *images, *captions, *masks, *names, *clip, *proposals;
    int64_t seed, first;
    int threads;
    bool skip, draws_anew, dry_run;
};

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_IMAGES: a->images = arg; break;
    case KEY_CAPTIONS: a->captions = arg; break;
    case KEY_MASKS: a->masks = arg; break;
    case KEY_NAMES: a->names = arg; break;
    case KEY_CLIP: a->clip = arg; break;
    case KEY_PROPOSALS: a->proposals = arg; break;
    case KEY_FIRST: a->first = argument_int(state, "--first", arg, 0, 1000); break;
    case KEY_SEED:
        a->seed = argument_int(state, "--seed", arg, 0, INT64_MAX);
        a->draws_anew = true;
        break;
    case KEY_THREADS: a->threads = (int)argument_int(state, "--threads", arg, 1, 4096); break;
    case KEY_DRY_RUN: a->dry_run = true; break;
    case KEY_DAMAGED:
        a->skip = strcmp(arg, "skip") == 0;
        if (!a->skip && strcmp(arg, "stop") != 0)
            argp_error(state, "--damaged %s: is neither stop nor skip", arg);
        break;
    case ARGP_KEY_ARG:
        if (a->dir) argp_usage(state);
        a->dir = arg;
        break;
    case ARGP_KEY_END:
        if (!a->dir)
            argp_usage(state);
        else if (!*a->dir)
            argp_error(state, "\"\": an empty name: where to?");
        if (!a->images) argp_error(state, "--images DIR: where are the pictures?");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Nothing is trained on what is wrong; what can be left out is, when asked for. */
static int judge(struct own *o) {
    const struct own_problems *p = &o->problems;
    bool whole = p->n > p->single, goes_on = o->skip && !whole;
    for (const char *at = p->text.at; at && *at;) {
        size_t n = strcspn(at, "\n");
        char *line = mem_format("%.*s", (int)n, at);
        if (goes_on)
            log_warn("left out: %s", line);
        else
            log_error("%s", line);
        free(line);
        at += n + (at[n] == '\n');
    }
    int64_t shown = 0;
    for (const char *c = p->text.at; c && *c; c++) shown += *c == '\n';
    if (p->n > shown) log_warn("and %lld more of these kinds", (long long)(p->n - shown));
    if (goes_on || !p->n) return 0;
    return error_set(ERR_DATA, "%s: %lld thing%s wrong, nothing was written: mend %s%s", o->images,
                     (long long)p->n, p->n == 1 ? " is" : "s are", p->n == 1 ? "it" : "them",
                     whole ? "" : ", or leave those files out with --damaged skip");
}

static int check_enough(const struct own *o) {
    enum { LEAST = 10 };
    int64_t n = own_usable(o);
    if (n >= LEAST) return 0;
    return error_set(ERR_DATA, "%s: has %lld picture%s that can be used; at least %d are needed",
                     o->images, (long long)n, n == 1 ? "" : "s", LEAST);
}

static int look(struct own *o, const struct arguments *a) {
    int status = own_start(o, a->clip, a->proposals);
    if (!status) status = own_find(o, a->images, a->captions, a->masks, a->names);
    if (!status) status = own_names(o);
    if (!status) status = own_files(o);
    if (!status) status = own_captions(o);
    if (!status) status = own_look(o);
    if (!status) status = own_lint(o);
    if (!status) status = judge(o);
    if (!status) status = check_enough(o);
    return status;
}

/* The next command, to be copied: a folder's name may have blanks. */
static void print_next(const char *dir) {
    char *chain = path_join(dir, "mpt.yaml"), *word = shell_word(chain);
    printf("\nwritten: %s\nnext: ovseg-train %s\n", dir, word);
    free(chain);
    free(word);
}

static int init(struct own *o, const struct arguments *a) {
    int status = look(o, a);
    if (status) return status;
    own_alike(o);
    status = own_split(o);
    if (!status && !a->dry_run) status = own_write(o);
    if (status) return status;
    own_print(o, stdout);
    if (!a->dry_run) print_next(o->dir);
    return 0;
}

int cmd_init(int argc, char **argv) {
    static const struct argp argp = {options, parse, "DIR", doc, 0, 0, 0};
    struct arguments a = {.seed = 1};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    signals_install();
    if (a.threads) omp_set_num_threads(a.threads);
    struct own o = {.seed = a.seed,
                    .first_value = a.first,
                    .skip = a.skip,
                    .draws_anew = a.draws_anew,
                    .dir = mem_strdup(a.dir)};
    int status = init(&o, &a);
    if (status) status = cmd_failed();
    own_close(&o);
    return status;
}
