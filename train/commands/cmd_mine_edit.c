/* ovseg mine edit PAIRS OUT: mined pairs filtered and corrected, into a new folder. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/pairs_edit.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_mine.h"
#include "train/mine/pairs_place.h"
#include "train/signals.h"

enum { LIST_MAX = 64 << 20 }; /* bytes of a file of ids or nouns */

struct arguments {
    const char *pairs, *out, *rename;
    struct pairs_edit edit;
};

enum {
    KEY_DROP = 256,
    KEY_KEEP,
    KEY_SCORE,
    KEY_RENAME,
    KEY_DROP_NOUNS,
    KEY_KEEP_NOUNS,
    KEY_MIN_COUNT,
    KEY_MAX,
    KEY_BEST,
    KEY_SEED,
};

static const struct argp_option options[] = {
    {0, 0, 0, 0,
     "Steps, done in the order of their numbers, whatever the order of the options:", 1},
    {"drop", KEY_DROP, "IDS", 0,
     "(1) Drop pairs: \"3:17,4:2\", or a file with an id at the start of each line, as `ovseg mine "
     "inspect --list` prints them; may be repeated, as the other lists",
     1},
    {"keep", KEY_KEEP, "IDS", 0, "(1) Drop all pairs but these", 1},
    {"score", KEY_SCORE, "LO..HI", 0, "(2) Drop pairs whose similarity lies outside", 1},
    {"rename", KEY_RENAME, "FILE", 0,
     "(3) Rename nouns: YAML (.yaml), old: new, or lines of old, tab, new. Each once: of a to b "
     "and b to c, an a becomes b. Pairs of a caption that then have one noun and one proposal "
     "become one",
     1},
    {"drop-nouns", KEY_DROP_NOUNS, "NOUNS", 0,
     "(4) Drop the pairs of nouns, by their new names: \"a,b\" or a file, a noun a line", 1},
    {"keep-nouns", KEY_KEEP_NOUNS, "NOUNS", 0, "(4) Drop the pairs of all other nouns", 1},
    {"min-count", KEY_MIN_COUNT, "N", 0, "(5) Drop nouns with fewer pairs left (the paper's: 41)",
     1},
    {"max-per-noun", KEY_MAX, "N", 0,
     "(6) Keep at most so many pairs of a noun (the paper's: 1000, 100), drawn at random", 1},
    {0, 0, 0, 0, "How:", 2},
    {"best", KEY_BEST, 0, 0, "--max-per-noun keeps those of the highest similarity instead", 2},
    {"seed", KEY_SEED, "N", 0, "Of that draw (default 1); a noun's does not depend on others", 2},
    {0},
};

static const char doc[] =
    "Writes the pairs of PAIRS (a run of stage mine, its config, a folder of pairs) to the new "
    "folder OUT, without those that the options drop. Nothing is mined again: masks and scores are "
    "copied, ids stay. OUT's manifest lists the edit; the same edit gives the same bytes. OUT is "
    "an input as a run is: `ovseg-train CONFIG inputs.pairs=OUT`.\v"
    "Exit status: 0 done, 64 usage, 65 damaged, or no pair would be left, 66 missing, 74 input or "
    "output.";

/* ---- lists ---- */

/* Each element of "a,b", or each line of a file up to its first tab, to `add`. */
static int read_list(const char *list, int (*add)(void *to, const char *text), void *to) {
    struct bytes file = {0};
    bool in_file = file_exists(list);
    if (in_file && file_read(list, LIST_MAX, &file)) return error_status();
    const char *text = in_file ? (const char *)file.at : list;
    size_t n = in_file ? file.n : strlen(list);
    int status = 0;
    for (size_t at = 0; !status && at < n;) {
        const char *end = memchr(text + at, in_file ? '\n' : ',', n - at);
        size_t length = end ? (size_t)(end - text) - at : n - at, first = at, used = length;
        at += length + 1;
        const char *tab = memchr(text + first, '\t', length);
        if (in_file && tab) used = (size_t)(tab - text) - first;
        while (used && (unsigned char)text[first] <= ' ') first++, used--;
        while (used && (unsigned char)text[first + used - 1] <= ' ') used--;
        if (!used || (in_file && text[first] == '#')) continue;
        char *one = mem_format("%.*s", (int)used, text + first);
        status = add(to, one);
        free(one);
    }
    if (status && in_file) error_context("%s", list);
    bytes_free(&file);
    return status;
}

static int add_id(void *to, const char *text) {
    int64_t id;
    int status = pair_id_parse(text, &id);
    if (!status) pair_ids_add(to, id);
    return status;
}

static int add_noun(void *to, const char *text) {
    strings_add(to, text);
    return 0;
}

static void take_list(struct argp_state *state, const char *list,
                      int (*add)(void *to, const char *text), void *to) {
    if (!read_list(list, add, to)) return;
    fprintf(stderr, "%s: %s\n", state->name, error_message());
    exit(error_status());
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    struct pairs_edit *e = &a->edit;
    switch (key) {
    case KEY_DROP: take_list(state, arg, add_id, &e->drop_id); break;
    case KEY_KEEP:
        take_list(state, arg, add_id, &e->keep_id);
        e->keep_ids = true;
        break;
    case KEY_SCORE: argument_band(state, "--score", arg, &e->score_lo, &e->score_hi); break;
    case KEY_RENAME: a->rename = arg; break;
    case KEY_DROP_NOUNS: take_list(state, arg, add_noun, &e->drop_noun); break;
    case KEY_KEEP_NOUNS:
        take_list(state, arg, add_noun, &e->keep_noun);
        e->keep_nouns = true;
        break;
    case KEY_MIN_COUNT: e->min_count = argument_int(state, "--min-count", arg, 1, INT32_MAX); break;
    case KEY_MAX: e->max_per_noun = argument_int(state, "--max-per-noun", arg, 1, INT32_MAX); break;
    case KEY_BEST: e->best = true; break;
    case KEY_SEED: e->seed = argument_int(state, "--seed", arg, 0, INT64_MAX); break;
    case ARGP_KEY_ARG: argument_of_two(state, arg, &a->pairs, &a->out); break;
    case ARGP_KEY_END:
        if (!a->out) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int read_rename(const char *path, struct string_map *m) {
    struct bytes file = {0};
    int status = file_read(path, LIST_MAX, &file);
    if (!status) status = pairs_rename_parse(m, path, (const char *)file.at, file.n);
    bytes_free(&file);
    return status;
}

static void print_step(const char *what, int64_t n) {
    if (n) printf("%9lld  %s\n", (long long)n, what);
}

static int report(const struct arguments *a, const struct pairs *p, const struct pairs_edited *d) {
    printf("%9lld  pairs\n", (long long)p->n);
    print_step("dropped by id", d->by_id);
    print_step("dropped by score", d->by_score);
    print_step("renamed", d->renamed);
    print_step("dropped: the same pair after renaming", d->made_one);
    print_step("dropped by noun", d->by_noun);
    print_step("dropped by --min-count", d->by_min_count);
    print_step("dropped by --max-per-noun", d->by_max);
    printf("%9lld  left, in %s\n", (long long)d->left, a->out);
    if (d->unknown_ids)
        log_warn("%lld of the ids are of no pair of %s", (long long)d->unknown_ids, a->pairs);
    if (d->unknown_nouns)
        log_warn("%lld of the nouns are of no pair of %s", (long long)d->unknown_nouns, a->pairs);
    return fflush(stdout) ? error_set(ERR_IO, "stdout: cannot write") : 0;
}

static int edit(struct arguments *a) {
    struct pairs_place at = {0};
    struct pairs_edited done;
    int status = argument_is_new(a->out);
    if (!status && a->rename) status = read_rename(a->rename, &a->edit.rename);
    if (!status) status = pairs_place_open(&at, a->pairs);
    signals_hold(true);
    if (!status) status = pairs_edit_write(&at.pairs, &a->edit, a->out, &done);
    signals_hold(false);
    if (!status) status = report(a, &at.pairs, &done);
    pairs_place_close(&at);
    return status;
}

int cmd_mine_edit(int argc, char **argv) {
    static const struct argp argp = {options, parse, "PAIRS OUT", doc, 0, 0, 0};
    struct arguments a = {0};
    pairs_edit_init(&a.edit);
    a.edit.seed = 1;
    a.edit.stop = cmd_mine_stop;
    signals_install();
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = edit(&a) ? cmd_failed() : 0;
    pairs_edit_free(&a.edit);
    return status;
}
