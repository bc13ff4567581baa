/* ovseg status RUN: how far a run is, or a chain of them, once or until it ends. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_runs.h"
#include "train/places.h"
#include "train/run/run_chain.h"
#include "train/run/run_meant.h"

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
    "that only one run has, or a config: then all stages of its chain are shown, those that are "
    "done "
    "in a line each. It reads the runs' files alone, so it works on any host that sees them. "
    "With --follow the screen is redrawn; where stdout is no terminal a line is printed when "
    "something is new. A chain is followed from stage to stage.\v"
    "Exit status: 0 done, 64 usage, 66 no such run, 74 output, 78 a bad config. With --follow also "
    "how it ended: 75 when it was stopped or killed, or nothing of a chain is at work for a "
    "minute, "
    "and its command goes on; else the code of its error.";

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

/* Cuts lines to the screen: one that is wrapped would be two to the next redraw. Of more lines than
 * it has, which no redraw could reach, the last ones. How many. */
static int draw(const struct str *text) {
    struct winsize w;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0;
    size_t width = known && w.ws_col > 1 ? w.ws_col - 1u : 79;
    int all = 0, lines = 0, room = known && w.ws_row > 1 ? w.ws_row - 1 : 23;
    for (const char *c = text->at; *c; c++) all += *c == '\n';
    for (const char *line = text->at; *line; lines++) {
        size_t n = strcspn(line, "\n"), cut = n <= width ? n : utf8_whole(line, width);
        if (lines >= all - room) printf("%.*s\033[K\n", (int)cut, line);
        line += n + (line[n] == '\n');
    }
    fflush(stdout);
    return all < room ? all : room;
}

static void redraw(const struct run_chain *c) {
    static int drawn;
    struct str text = {0};
    if (drawn) printf("\033[%dA\033[J", drawn);
    run_chain_screen(c, &text);
    drawn = draw(&text);
    str_free(&text);
}

/* Of each stage, when there is something new; last: what was said of each. */
static void print_news(const struct run_chain *c, struct str *last) {
    for (size_t i = 0; i < c->n; i++) {
        struct str line = {0};
        if (c->at[i].begun) run_status_line(&c->at[i].status, &line);
        if (line.n && (!last[i].n || strcmp(last[i].at, line.at) != 0)) fputs(line.at, stdout);
        str_free(&last[i]);
        last[i] = line;
    }
}

static int follow(const struct arguments *a, struct run_chain *c) {
    bool terminal = isatty(STDOUT_FILENO);
    time_t nap = a->every ? (time_t)a->every : terminal ? 2 : 30;
    struct str *last = mem_alloc(c->n + 1, sizeof *last);
    for (bool going = true; going;) {
        if (terminal)
            redraw(c);
        else
            print_news(c, last);
        going = !fflush(stdout) && run_chain_goes_on(c, time(NULL));
        if (!going) break;
        nanosleep(&(struct timespec){.tv_sec = nap}, NULL);
        run_chain_read(c);
    }
    for (size_t i = 0; i < c->n; i++) str_free(&last[i]);
    free(last);
    if (run_chain_exit(c) == ERR_AGAIN)
        log_info("nothing of it is at work: the same command goes on");
    return ferror(stdout) ? error_set(ERR_IO, "stdout: cannot write") : 0;
}

static int show(const struct run_chain *c) {
    struct str text = {0};
    run_chain_screen(c, &text);
    return print_and_free(&text);
}

/* Nothing of it goes on, and what is meant is not there: why not. An error where no stage is. */
static int check_begun(const struct arguments *a, const struct run_chain *c) {
    if (run_chain_begun(c) || run_chain_goes_on(c, time(NULL))) return 0;
    char *dir = run_meant(a->run, a->runs);
    free(dir);
    if (dir || !run_chain_any(c)) return error_status();
    log_info("%s", error_message());
    error_clear();
    return 0;
}

int cmd_status(int argc, char **argv) {
    static const struct argp argp = {options, parse, "RUN", doc, 0, 0, 0};
    struct arguments a = {.runs = places_runs()};
    struct run_chain c;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = run_chain_open(&c, a.run, a.runs);
    if (!status) {
        run_chain_read(&c);
        status = check_begun(&a, &c);
    }
    if (!status) status = a.follow ? follow(&a, &c) : show(&c);
    int code = a.follow && !status ? run_chain_exit(&c) : 0;
    run_chain_close(&c);
    return status ? cmd_failed() : code;
}
