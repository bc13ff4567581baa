/* ovseg runs rm RUN...: removes runs that no other one uses. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_runs.h"
#include "train/places.h"
#include "train/run/run_remove.h"

struct arguments {
    struct strings run;
    const char *runs;
    bool yes, dry_run;
};

enum { KEY_RUNS = 256, KEY_DRY_RUN };

static const struct argp_option options[] = {
    {"yes", 'y', 0, 0, "Do not ask", 0},
    {"dry-run", KEY_DRY_RUN, 0, 0, "Say what would go, and how many bytes", 0},
    {"runs", KEY_RUNS, "DIR", 0,
     "Where a NAME or a HASH is looked for (default: paths.runs, or runs)", 0},
    {0},
};

static const char doc[] =
    "Removes runs. One that a process works in, or that another run beside it was made from, is "
    "refused, and then none is removed; several may go together.\v"
    "On a terminal it asks; elsewhere --yes is needed. A folder gets another name first and is "
    "removed then: there is the whole run or none.\n\n"
    "Exit status: 0 done, 64 usage, or another run uses it, 66 no such run, 69 a process works in "
    "it, 74 cannot be removed.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case 'y': a->yes = true; break;
    case KEY_DRY_RUN: a->dry_run = true; break;
    case KEY_RUNS: a->runs = arg; break;
    case ARGP_KEY_ARG: strings_add(&a->run, arg); break;
    case ARGP_KEY_END:
        if (!a->run.n) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* The folder that a name means, owned. A link is refused: who reads by it would find nothing. */
static char *folder_of(const struct arguments *a, const char *name) {
    char *dir = run_named(name, a->runs), *whole = dir ? realpath(dir, NULL) : NULL;
    struct stat st;
    if (dir && !whole) error_set(ERR_MISSING, "%s: %s", dir, strerror(errno));
    if (whole && lstat(dir, &st) == 0 && S_ISLNK(st.st_mode)) {
        error_set(ERR_USAGE, "%s: it is a link to %s: name that one", dir, whole);
        free(whole);
        whole = NULL;
    }
    free(dir);
    return whole;
}

/* Each once, and users before what they were made from: whatever happens in the middle, no run is
 * left without its inputs. */
static int look_at(const struct arguments *a, struct run_looks *going) {
    for (size_t i = 0; i < a->run.n; i++) {
        char *dir = folder_of(a, a->run.at[i]);
        if (!dir) return error_status();
        going->at = mem_grow(going->at, &going->cap, going->n + 1, sizeof *going->at);
        struct run_look *r = &going->at[going->n];
        run_look(r, dir);
        free(dir);
        bool twice = false;
        for (size_t k = 0; k < going->n; k++) twice |= run_same(&going->at[k], r);
        if (twice)
            run_look_free(r);
        else
            going->n++;
    }
    for (size_t i = 0; i < going->n; i++)
        for (size_t k = i + 1; k < going->n; k++) {
            if (!run_uses(&going->at[k], going->at[i].dir)) continue;
            struct run_look used = going->at[i];
            going->at[i] = going->at[k];
            going->at[k] = used;
            k = i; /* who uses that one? */
        }
    return 0;
}

/* All of them, before the first one goes. */
static int check(const struct run_looks *going) {
    const struct run_look **list = mem_alloc(going->n, sizeof(struct run_look *));
    int status = 0;
    for (size_t i = 0; i < going->n; i++) list[i] = &going->at[i];
    for (size_t i = 0; !status && i < going->n; i++) {
        const struct run_look *r = &going->at[i];
        char *parent = path_dir(r->dir);
        struct run_looks all = {0};
        if (r->state == RUN_RUNNING)
            status = error_set(
                ERR_DEVICE, "%s: process %ld on %s%s%s is at work in it: stop it first", r->dir,
                r->holder.pid, r->holder.host, *r->holder.job ? ", job " : "", r->holder.job);
        if (!status) status = run_look_all(&all, parent);
        if (!status) status = run_check_unused(r, &all, list, going->n);
        run_looks_free(&all);
        free(parent);
    }
    free(list);
    return status;
}

static int ask(void) {
    char answer[16] = "";
    if (!isatty(STDIN_FILENO))
        return error_set(ERR_USAGE,
                         "nothing was removed: stdin is no terminal to ask on; say --yes");
    fputs("remove? [y/N] ", stderr);
    if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
        return error_set(ERR_USAGE, "nothing was removed");
    return 0;
}

static int rm(const struct arguments *a, struct run_looks *going) {
    int64_t bytes = 0;
    char size[16];
    int status = look_at(a, going);
    if (!status) status = check(going);
    for (size_t i = 0; !status && i < going->n; i++) {
        bytes_text(going->at[i].bytes, size);
        bytes += going->at[i].bytes;
        printf("%s\t%s\t%s\n", going->at[i].dir, run_state_names[going->at[i].state], size);
    }
    if (!status) {
        bytes_text(bytes, size);
        printf("%zu runs, %s%s\n", going->n, size, a->dry_run ? " would go" : "");
        if (fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    }
    if (status || a->dry_run) return status;
    if (!a->yes) status = ask();
    for (size_t i = 0; !status && i < going->n; i++) status = run_remove(&going->at[i]);
    return status;
}

int cmd_runs_rm(int argc, char **argv) {
    static const struct argp argp = {options, parse, "RUN...", doc, 0, 0, 0};
    struct arguments a = {.runs = places_runs()};
    struct run_looks going = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = rm(&a, &going);
    run_looks_free(&going);
    strings_free(&a.run);
    return status ? cmd_failed() : 0;
}
