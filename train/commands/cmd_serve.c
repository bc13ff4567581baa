/* ovseg serve PACKAGE: a page in the browser that segments pictures, and its JSON end point. */
#include <argp.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "data/image.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/serve/serve_http.h"
#include "train/serve/serve_model.h"
#include "train/signals.h"

struct arguments {
    struct model_options model;
    struct overrides overrides;
    const char *classes, *address;
    struct strings hosts;
    int port;
    struct serve_limits limits;
};

enum {
    KEY_CLASSES = 256,
    KEY_SET,
    KEY_PORT,
    KEY_LISTEN,
    KEY_HOST,
    KEY_UPLOAD,
    KEY_PIXELS,
    KEY_WAITING,
    KEY_TIMEOUT
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "With what:", 1},
    {"classes", KEY_CLASSES, "NAMES", 0,
     "The names where none are typed, as `ovseg segment --classes` has them (those of the package)",
     1},
    {"set", KEY_SET, "KEY=VALUE", 0, "A setting: eval.lambda=0.6", 1},
    {0, 0, 0, 0, "Where:", 2},
    {"port", KEY_PORT, "N", 0, "The port (8000); 0: one that is free", 2},
    {"listen", KEY_LISTEN, "ADDRESS", 0,
     "Another address than 127.0.0.1: 0.0.0.0 is all of this machine's, and whoever reaches it may "
     "use the page",
     2},
    {"host", KEY_HOST, "NAME", 0,
     "A name that browsers may call this server by, besides localhost and addresses; may be "
     "repeated",
     2},
    {0, 0, 0, 0, "How much:", 3},
    {"max-upload", KEY_UPLOAD, "BYTES", 0, "The largest upload (32M)", 3},
    {"max-pixels", KEY_PIXELS, "N", 0, "The largest picture, by its header (16M)", 3},
    {"queue", KEY_WAITING, "N", 0, "Pictures that may wait while one is segmented (8)", 3},
    {"timeout", KEY_TIMEOUT, "TIME", 0,
     "What takes longer to upload, or to take its answer, is given up: 30s, 2m (30s)", 3},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 4},
    {0},
};

static const char doc[] =
    "Serves a page on this machine (http://127.0.0.1:8000/): drop a picture, type names, and look "
    "at the label map over it, at the scores under the pointer, and at what a threshold leaves. "
    "The first argument is a model package (`ovseg export`), or a run, as `ovseg segment -m` has "
    "it. The page's address goes to stdout once it can be opened.\v"
    "Pictures are segmented one at a time; those behind wait, and what finds the queue full is "
    "told when to come again. Behind the page is a JSON end point, for programs:\n\n"
    "  curl -F picture=@street.jpg -F names=\"sky,a red car\" http://127.0.0.1:8000/segment\n\n"
    "docs/serve.md explains it, and what is done against hostile requests.\n\n"
    "A signal (INT, TERM) ends it once the picture at work has its answer.\n\n"
    "Exit status: 64 usage, 65 a damaged package or class file, 66 a missing one, 69 no usable "
    "GPU, or a build without libmicrohttpd, 70 internal, 74 the port is in use, 78 bad setting, "
    "130, 143 ended by a signal.";

static void add_setting(struct arguments *a, const char *text, struct argp_state *state) {
    if (overrides_add(&a->overrides, text, NULL)) {
        argp_error(state, "%s", error_message());
        return;
    }
    const char *scope = a->overrides.at[a->overrides.n - 1].scope;
    if (scope) argp_error(state, "--set %s: there is one stage only: without \"%s:\"", text, scope);
}

static void add_host(struct arguments *a, const char *name) {
    char *lower = mem_strdup(name);
    for (char *at = lower; *at; at++) *at = (char)tolower((unsigned char)*at);
    strings_add(&a->hosts, lower);
    free(lower);
}

/* Of a picture, and of a form with one. */
static int64_t pixels_of(struct argp_state *state, const char *arg) {
    int64_t n = argument_bytes(state, "--max-pixels", arg);
    if (n < 1 || n > IMAGE_PIXELS_MAX)
        argp_error(state, "--max-pixels %s: from 1 to %d", arg, IMAGE_PIXELS_MAX);
    return n;
}

static int64_t upload_of(struct argp_state *state, const char *arg) {
    enum { LEAST = 1000, MOST = 1000000000 };
    int64_t n = argument_bytes(state, "--max-upload", arg);
    if (n < LEAST || n > MOST) argp_error(state, "--max-upload %s: from 1k to 1G", arg);
    return n;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    struct serve_limits *l = &a->limits;
    switch (key) {
    case KEY_CLASSES: a->classes = arg; break;
    case KEY_SET: add_setting(a, arg, state); break;
    case KEY_PORT: a->port = (int)argument_int(state, "--port", arg, 0, 65535); break;
    case KEY_LISTEN: a->address = arg; break;
    case KEY_HOST: add_host(a, arg); break;
    case KEY_UPLOAD: l->upload = upload_of(state, arg); break;
    case KEY_PIXELS: l->pixels = pixels_of(state, arg); break;
    case KEY_WAITING: l->waiting = (int)argument_int(state, "--queue", arg, 0, 64); break;
    case KEY_TIMEOUT: l->timeout = argument_age(state, "--timeout", arg); break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        if (a->model.name) argp_error(state, "%s: one model at a time", arg);
        a->model.name = arg;
        break;
    case ARGP_KEY_END:
        if (!a->model.name) argp_error(state, "which model? PACKAGE");
        if (l->timeout <= 0) argp_error(state, "--timeout: more than 0 s");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* This machine's own name is ours where others are let in. */
static void add_own_name(struct arguments *a) {
    char name[256];
    if (gethostname(name, sizeof name - 1)) return;
    name[sizeof name - 1] = '\0';
    add_host(a, name);
}

static void work(struct serve_model *m, struct job_queue *q, size_t *done) {
    static const double TICK = 0.25; /* s: how soon a signal is seen */
    while (!signals_pending()) {
        struct job *j = job_next(q, TICK);
        if (!j) continue;
        char *name = mem_strdup(j->file_name);
        size_t names = j->names.n;
        double began = clock_s();
        serve_model_answer(m, j);
        double seconds = clock_s() - began;
        *done += j->answer.status == SERVE_OK;
        if (names)
            log_info("%s, %zu names: %d, %.2f s", name, names, j->answer.status, seconds);
        else
            log_info("%s: %d, %.2f s", name, j->answer.status, seconds);
        free(name);
        job_done(q, j, seconds);
    }
}

static int open_page(struct serve_http *h, struct job_queue *q, const struct serve_model *m,
                     struct arguments *a) {
    const struct serve_http_options with = {.address = a->address,
                                            .port = a->port,
                                            .hosts = &a->hosts,
                                            .about = &m->about,
                                            .limits = a->limits};
    int status = serve_http_start(h, q, &with);
    if (status) return status;
    if (h->beyond)
        log_warn(
            "%s is reached from other machines: whoever can connect to it may segment "
            "pictures here, without a password and unencrypted",
            h->url);
    printf("%s\n", h->url);
    return fflush(stdout) ? error_set(ERR_IO, "stdout: cannot write") : 0;
}

static int serve(struct arguments *a) {
    struct serve_model model = {.segmenter.masks.file.fd = -1};
    struct job_queue queue = {.wake = -1};
    struct serve_http http = {.listens = -1};
    size_t done = 0;
    int scope = t_scope_open("", T_NO_GRAD | T_EVAL);
    int status = serve_model_open(&model, &a->model, a->classes, &a->limits);
    if (!status) status = job_queue_open(&queue, a->limits.waiting + 1);
    add_own_name(a);
    if (!status) status = open_page(&http, &queue, &model, a);
    if (!status) work(&model, &queue, &done);
    serve_http_stop(&http);
    job_queue_close(&queue);
    serve_model_close(&model);
    t_scope_close(scope, NULL);
    return status ? status : signals_error("%zu pictures were segmented", done);
}

int cmd_serve(int argc, char **argv) {
    static const struct argp argp = {options, parse, "PACKAGE|RUN", doc, 0, 0, 0};
    struct arguments a = {
        .address = "127.0.0.1",
        .port = 8000,
        .limits = {.upload = 32000000, .pixels = 16000000, .waiting = 8, .timeout = 30}};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    signals_install();
    a.model.command = "ovseg serve";
    a.model.overrides = a.overrides.at;
    a.model.n_overrides = a.overrides.n;
    int status = serve_http_known();
    if (!status) status = serve(&a);
    if (status) status = cmd_failed();
    overrides_free(&a.overrides);
    strings_free(&a.hosts);
    return status;
}
