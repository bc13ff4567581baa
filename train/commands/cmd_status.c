/* ovseg status RUN: how far a run is, once or until it ends. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/utf8.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_runs.h"
#include "train/places.h"
#include "train/run/run_meant.h"
#include "train/run/run_status.h"

struct arguments {
    const char *run, *runs;
    bool follow;
    int64_t every; /* seconds; 0: 2 on a terminal, else 30 */
};

enum { KEY_RUNS = 256, KEY_EVERY };

static const struct argp_option options[] = {
    {"follow", 'f', 0, 0, "Until the run ends; then exit as it did", 0},
    {"every", KEY_EVERY, "SECONDS", 0, "With --follow: look so often (2 on a terminal, else 30)",
     0},
    {"runs", KEY_RUNS, "DIR", 0,
     "Where a NAME or a HASH is looked for, and a config's run (default: paths.runs, or runs)", 0},
    {0},
};

static const char doc[] =
    "Shows how far a run is: state, who works in it, step, rate, time left, last figures, last "
    "checkpoint, warnings. RUN is its folder, NAME-HASH, or a NAME or the first 4 digits of a HASH "
    "that only one run has, or its config. It reads the run's files alone, so it works on any host "
    "that sees them. "
    "With --follow the screen is redrawn; where stdout is no terminal a line is printed when "
    "something is new.\v"
    "Exit status: 0 done, 64 usage, 66 no such run, 74 output, 78 a bad config. With --follow also "
    "how the run ended: 75 when it was stopped or killed and its command goes on, else the code of "
    "its error.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case 'f': a->follow = true; break;
    case KEY_EVERY: a->every = argument_int(state, "--every", arg, 1, 86400); break;
    case KEY_RUNS: a->runs = arg; break;
    case ARGP_KEY_ARG:
        if (a->run) argp_usage(state);
        a->run = arg;
        break;
    case ARGP_KEY_END:
        if (!a->run) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Cuts lines to the screen: one that is wrapped would be two to the next redraw. How many. */
static int draw(const struct str *text) {
    struct winsize w;
    size_t width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1u : 79;
    int lines = 0;
    for (const char *line = text->at; *line; lines++) {
        size_t n = strcspn(line, "\n"), cut = n <= width ? n : utf8_whole(line, width);
        printf("%.*s\033[K\n", (int)cut, line);
        line += n + (line[n] == '\n');
    }
    fflush(stdout);
    return lines;
}

static int follow(const struct arguments *a, const char *dir, int *code) {
    bool terminal = isatty(STDOUT_FILENO);
    time_t nap = a->every ? (time_t)a->every : terminal ? 2 : 30;
    struct str last = {0};
    for (bool going = true; going;) {
        struct run_status s;
        struct str text = {0};
        run_status_read(&s, dir);
        going = s.look.state == RUN_RUNNING;
        *code = run_status_exit(&s);
        if (terminal) {
            static int drawn;
            if (drawn) printf("\033[%dA\033[J", drawn);
            run_status_screen(&s, &text);
            drawn = draw(&text);
        } else {
            run_status_line(&s, &text);
            if (!last.at || strcmp(last.at, text.at) != 0) fputs(text.at, stdout);
        }
        str_free(&last);
        last = text;
        run_status_free(&s);
        if (fflush(stdout)) going = false;
        if (going) nanosleep(&(struct timespec){.tv_sec = nap}, NULL);
    }
    str_free(&last);
    return ferror(stdout) ? error_set(ERR_IO, "stdout: cannot write") : 0;
}

static int show(const char *dir) {
    struct run_status s;
    struct str text = {0};
    run_status_read(&s, dir);
    run_status_screen(&s, &text);
    run_status_free(&s);
    return print_and_free(&text);
}

int cmd_status(int argc, char **argv) {
    static const struct argp argp = {options, parse, "RUN", doc, 0, 0, 0};
    struct arguments a = {.runs = places_runs()};
    int code = 0;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    char *dir = run_meant(a.run, a.runs);
    int status = !dir ? error_status() : a.follow ? follow(&a, dir, &code) : show(dir);
    free(dir);
    return status ? cmd_failed() : code;
}
